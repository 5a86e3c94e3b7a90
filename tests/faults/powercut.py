"""A disk that can lose its power: an SQLite VFS that knows what was synced and what was not.

While the power is on, files are ordinary files. At the cut, every file is rewritten in another
folder as a disk may show it afterwards: what was synced, and of each file's later writes none,
the first few, or any of them, the last one perhaps torn at a sector of 512 bytes. A file that
was deleted without a sync of its folder may be there again. A sync can fail: then what was to be
synced never comes to the disk, although it can still be read until the cut.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import apsw

SECTOR = 512


class Write(NamedTuple):
    """An unsynced change of a file: bytes at an offset, or, with None, the file's new length."""

    offset: int
    data: bytes | None


class Content:
    """One file: what is surely on the disk, and what is only on its way there."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = bytearray(durable)
        self.pending: list[Write] = []

    def sync(self) -> None:
        for write in self.pending:
            apply(self.durable, write)
        self.pending.clear()

    def after_a_cut(self, random: Random) -> bytes:
        survived = bytearray(self.durable)
        kept = choose(self.pending, random)
        for write in kept:
            apply(survived, write)
        return bytes(survived)


def apply(content: bytearray, write: Write) -> None:
    if write.data is None:
        if write.offset <= len(content):
            del content[write.offset :]
        else:
            content.extend(bytes(write.offset - len(content)))
        return
    end = write.offset + len(write.data)
    if end > len(content):
        content.extend(bytes(end - len(content)))
    content[write.offset : end] = write.data


def choose(pending: list[Write], random: Random) -> list[Write]:
    """None of the unsynced writes, a prefix, or any of them; one of these perhaps torn."""
    way = random.choice(("none", "prefix", "subset"))
    if way == "none" or not pending:
        return []
    if way == "prefix":
        kept = pending[: random.randrange(len(pending) + 1)]
    else:
        kept = [write for write in pending if random.random() < 0.5]
    if kept and random.random() < 0.5:
        torn = random.randrange(len(kept)) if way == "subset" else len(kept) - 1
        kept[torn : torn + 1] = tear(kept[torn], random)
    return kept


def tear(write: Write, random: Random) -> list[Write]:
    """The sectors of a write that made it."""
    if write.data is None:
        return [write]
    first = SECTOR - write.offset % SECTOR
    cuts = [0, *range(first, len(write.data), SECTOR), len(write.data)]
    return [
        Write(write.offset + begin, write.data[begin:end])
        for begin, end in pairwise(cuts)
        if random.random() < 0.5
    ]


class PowerCutDisk(apsw.VFS):
    """Give its `name` to a database as `vfs`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: dict[str, Content] = {}
        self.deleted: dict[str, Content] = {}
        self.fails: Callable[[], bool] = lambda: False
        """Asked at each sync whether it fails."""
        super().__init__(name, "", iVersion=3)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: ANN401, N802 - apsw's
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 - apsw's
        content = self.files.pop(filename, None)
        if content is not None and not syncdir:
            self.deleted[filename] = content
        super().xDelete(filename, syncdir)

    def sync_directory(self, folder: Path) -> None:
        """What is deleted there stays deleted."""
        for name in [one for one in self.deleted if Path(one).parent == folder]:
            del self.deleted[name]

    def cut(self, folder: Path, random: Random) -> None:
        """Write into `folder` what the disk may show after the power came back."""
        returning = {
            name: content
            for name, content in self.deleted.items()
            if name not in self.files and random.random() < 0.5
        }
        for name, content in (returning | self.files).items():
            (folder / Path(name).name).write_bytes(content.after_a_cut(random))


class _File(apsw.VFSFile):
    def __init__(self, disk: PowerCutDisk, name: Any, flags: list[int]) -> None:  # noqa: ANN401 - apsw's
        super().__init__("", name, flags)
        path = name if isinstance(name, str) else name.filename()
        self._disk = disk
        if path not in disk.files:
            disk.files[path] = Content(Path(path).read_bytes() if Path(path).exists() else b"")
        self._content = disk.files[path]

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's
        self._content.pending.append(Write(offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's
        self._content.pending.append(Write(newsize, None))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's
        # The real sync is left out: this disk's power is ours.
        del flags
        if self._disk.fails():
            # What the kernel could not write it forgets, and the next sync tells of success.
            self._content.pending.clear()
            raise apsw.IOError("the sync failed")
        self._content.sync()
