"""Makes one backup: copied, written, read back, and only then under its name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gateway import __version__
from gateway.backup.archive import Member, write
from gateway.backup.errors import BackupError
from gateway.backup.manifest import BELONGINGS, FORMAT, IDENTITY, Head, file_name
from gateway.backup.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PIECE = 2**20
LOOK = 32 * PIECE
"""Bytes that are written between two looks at the room that is left."""
LONGEST_REST = 1.0
"""Seconds."""
LARGEST = 16 * 2**20
"""Bytes of a file that settings name."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made. Paths are texts: it goes to another process."""

    data: str
    folder: str
    box: str
    owner: str
    now: int
    settings: str = ""
    belongings: tuple[str, ...] = ()
    """Files that go with it."""
    left_out: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Public keys that it is encrypted for."""
    minimum_free: int = 0
    """Bytes that must stay free in the folder."""
    share: float = 1.0
    """Part of the time that is worked; the rest is left to the gateway."""


class Made(msgspec.Struct, frozen=True):
    """A backup that was made and read back: its size in bytes, and its SHA-256."""

    file: str
    size: int
    digest: str
    made: int
    encrypted: bool
    left_out: tuple[str, ...]


def make(order: Order, progress: Callable[[int, int], None]) -> Made:
    """Make a backup, which is in its folder whole or not at all.

    Raises BackupError and OSError.
    """
    folder = Path(order.folder)
    path = folder / file_name(order.box, order.now)
    half = half_of(path)
    with closing(Snapshot(Path(order.data))) as snapshot:
        head = Head(
            format=FORMAT,
            box=order.box,
            owner=order.owner,
            made=order.now,
            software=__version__,
            settings=order.settings,
            files=snapshot.files,
            left_out=order.left_out,
        )
        members = _told(snapshot, order, progress)
        try:
            descriptor = os.open(half, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w+b") as file:  # noqa: PTH123 - it is open already
                target = _Target(file, folder, order.minimum_free)
                write(target, head, members, order.keys)
                file.flush()
                os.fsync(descriptor)
                _read_back(file, target)
            half.rename(path)
        finally:
            half.unlink(missing_ok=True)
    sync(folder)
    digest = target.digest.hexdigest()
    return Made(str(path), target.size, digest, order.now, bool(order.keys), order.left_out)


def half_of(path: Path) -> Path:
    """Return where a backup lies before it is whole."""
    return path.with_name(f".{path.name}.part")


def sync(folder: Path) -> None:
    """Make the names of files durable, where the file system can. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network drives cannot
            raise
    finally:
        os.close(descriptor)


def _told(
    snapshot: Snapshot, order: Order, progress: Callable[[int, int], None]
) -> Iterator[Member]:
    done, all_ = 0, snapshot.size
    for one in _rested(snapshot.members(), order.share):
        yield one
        done += len(one.content)
        progress(min(done, all_), all_)
    yield from _belongings(order)


def _rested(members: Iterable[Member], share: float) -> Iterator[Member]:
    """Rest after each, as long as `share` asks for: what was done with it counts as well."""
    begun = time.monotonic()
    for one in members:
        yield one
        worked = time.monotonic() - begun
        time.sleep(min(worked * (1 - share) / share, LONGEST_REST))
        begun = time.monotonic()


def _belongings(order: Order) -> Iterator[Member]:
    identity = Path(order.data) / IDENTITY
    if identity.exists():
        yield Member(IDENTITY, identity.read_bytes())
    for one in order.belongings:
        path = Path(one)
        if path.stat().st_size > LARGEST:
            raise BackupError(
                f"{path}, which the settings name, has more than {LARGEST // 2**20} MiB",
                "Put it elsewhere: such files are no part of a backup",
            )
        yield Member(f"{BELONGINGS}{path.absolute()}", path.read_bytes())


class _Target:
    """The file that is written: counted, summed, and stopped where room runs out."""

    def __init__(self, file: BinaryIO, folder: Path, minimum_free: int) -> None:
        self._file = file
        self._folder = folder
        self._minimum_free = minimum_free
        self._next_look = 0
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, content: bytes, /) -> int:
        if self.size >= self._next_look:
            self._next_look = self.size + LOOK
            free = shutil.disk_usage(self._folder).free
            if free < self._minimum_free:
                raise BackupError(
                    f"there is no room for it in {self._folder}: {free / 1e6:.0f} MB are free, and "
                    f"{self._minimum_free / 1e6:.0f} MB must stay",
                    "Free some, or lower [backup] keep and remove old ones",
                )
        self._file.write(content)
        self.digest.update(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Written to the disk at the end."""


def _read_back(file: BinaryIO, target: _Target) -> None:
    """Raise BackupError unless the disk gives back what was written to it."""
    # From the disk itself, not from memory.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    found, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(PIECE):
        found.update(piece)
        size += len(piece)
    if (size, found.digest()) != (target.size, target.digest.digest()):
        raise BackupError(
            "what was written cannot be read back as it was", "Use another disk for backups"
        )
