"""The file that a backup is: a tar, compressed, and encrypted where a key is given.

It is written and read as a stream, so neither takes memory or room for more than a part. What it
is stands first in it, and what it must hold last: a file that ends early is noticed.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Self

import msgspec

from gateway.backup.errors import BackupError
from gateway.backup.keys import MARK, decrypted, encrypt
from gateway.backup.manifest import FORMAT, HEAD, MANIFEST, Content, Head, Manifest
from gateway.backup.rows import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gateway.backup.keys import Target

LARGEST = 256 * 2**20
"""Bytes of one member: what is larger is none of ours."""
LARGEST_HEADER = 2**16
"""Bytes of what stands before a member beside its header, such as a long name."""
READ = 2**20
_BESIDE = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
_BLOCK = 512
_GZIP = b"\x1f\x8b"
_BROKEN = (
    *(tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile),
    *(msgspec.MsgspecError, UnicodeDecodeError),
)
WRONG = "it is not as it was written: cut short, or altered"


class Member(NamedTuple):
    """Something in a backup. Of our own files it is a part: `name` is state.db/000000."""

    name: str
    content: bytes
    rows: dict[str, int] = {}  # noqa: RUF012 - never changed
    """How many rows are in a part, by table, where whoever made it has counted."""

    @property
    def of(self) -> str:
        """The file of ours that it is a part of; else its own name."""
        whole, slash, number = self.name.rpartition("/")
        return whole if slash and number.isdecimal() and whole.endswith(".db") else self.name


class Tally:
    """Counts what goes by, for the manifest, or to be held against it."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[hashlib._Hash, list[int], dict[str, int]]] = {}

    def take(self, member: Member, counts: Mapping[str, int] | None = None) -> None:
        """Count a member; `counts` are the rows in it by table, if they are not in itself."""
        digest, size, rows = self._found.setdefault(member.of, (hashlib.sha256(), [0], {}))
        digest.update(member.content)
        size[0] += len(member.content)
        for table, count in (member.rows if counts is None else counts).items():
            rows[table] = rows.get(table, 0) + count

    def manifest(self) -> Manifest:
        """Return what must be there."""
        return Manifest(
            tuple(
                Content(name, size[0], digest.hexdigest(), rows)
                for name, (digest, size, rows) in self._found.items()
            )
        )


# -- writing ---------------------------------------------------------------------------------


def write(target: Target, head: Head, members: Iterable[Member], keys: Sequence[str]) -> None:
    """Write a backup, encrypted if there are (public) `keys`."""
    packed = _packed(_tar(_whole(head, members), head.made // 1000))
    if keys:
        encrypt(_Pieces(packed), target, keys)
        return
    for piece in packed:
        target.write(piece)


def _whole(head: Head, members: Iterable[Member]) -> Iterator[Member]:
    yield Member(HEAD, msgspec.json.format(msgspec.json.encode(head)))
    tally = Tally()
    for one in members:
        tally.take(one)
        yield one
    yield Member(MANIFEST, msgspec.json.format(msgspec.json.encode(tally.manifest())))


def _tar(members: Iterable[Member], at: int) -> Iterator[bytes]:
    for name, content, _ in members:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(content), at, 0o600
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield content
        yield bytes(-len(content) % _BLOCK)
    yield bytes(2 * _BLOCK)


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # The least that it can do: more costs several times as long, and saves a tenth.
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        if found := packer.compress(piece):
            yield found
    yield packer.flush()


class _Pieces:
    """Pieces as a file to be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""
        self._place = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes; none at the end."""
        while self._place >= len(self._left):
            found = next(self._pieces, None)
            if found is None:
                return b""
            self._left, self._place = found, 0
        end = len(self._left) if size < 0 else self._place + size
        found = self._left[self._place : end]
        self._place += len(found)
        return found


# -- reading ---------------------------------------------------------------------------------


@contextmanager
def reading(path: Path, secret: str = "") -> Iterator[tuple[Head, Iterator[Member]]]:
    """Open a backup: what it is, and all that is in it, in order.

    `secret` is what a file of secret keys holds. What is read is whole and as it was written
    only once the block was left without an error. Raises BackupError and OSError.
    """
    with path.open("rb") as file:
        mark = file.read(len(MARK))
        file.seek(0)
        if mark == MARK and not secret:
            raise BackupError(
                f"{path.name} is encrypted", "Give the file of its secret key: --key FILE"
            )
        if mark == MARK:
            with decrypted(file, secret) as plain, _unpacked(plain) as found:
                yield found
        elif mark[:2] == _GZIP:
            with _unpacked(file) as found:
                yield found
        else:
            raise BackupError(f"{path.name} is no backup of Holdwatch", "Name another file")


@contextmanager
def _unpacked(file: BinaryIO) -> Iterator[tuple[Head, Iterator[Member]]]:
    try:
        with (
            gzip.GzipFile(fileobj=file, mode="rb") as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Info) as archive,
        ):
            members = _members(archive)
            first = next(members, None)
            if first is None or first.name != HEAD:
                raise BackupError("it is no backup of Holdwatch", "Name another file")
            yield _head(first.content), members
            for _ in members:
                pass
            # To its very end: only there its sum is compared.
            while unpacked.read(READ):
                pass
    except _BROKEN as error:
        raise BackupError(f"{WRONG} ({error})", "Use another backup") from error


class _Info(tarfile.TarInfo):
    """A header, refused where the library would read into memory whatever it says."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        made = super().frombuf(buf, encoding, errors)
        if made.type in _BESIDE and made.size > LARGEST_HEADER:
            raise BackupError("a header in it is none of Holdwatch's", "Name another file")
        return made


def _members(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        content = archive.extractfile(info) if info.isreg() and info.size <= LARGEST else None
        if content is None:
            raise BackupError(f"{info.name} in it is none of Holdwatch's", "Name another file")
        yield Member(info.name, content.read())


def _head(content: bytes) -> Head:
    head = msgspec.json.decode(content, type=Head)
    if head.format != FORMAT:
        raise BackupError(
            f"its format is {head.format}, which this version does not know",
            f"Use the version that made it, {head.software}, or a newer one",
        )
    return head


class Found(NamedTuple):
    """What was read of a backup."""

    head: Head
    manifest: Manifest


def check(said: Manifest | None, found: Manifest) -> Manifest:
    """Return what is in a backup, which has been read, if that is what must be there.

    Raises BackupError.
    """
    if said is None:
        raise BackupError(f"{WRONG} (its end is missing)", "Use another backup")
    if {one.name: one for one in said.contents} != {one.name: one for one in found.contents}:
        raise BackupError(f"{WRONG} (its sums differ)", "Use another backup")
    return said


def look_into(path: Path, secret: str = "") -> Found:
    """Read all of a backup, and hold it against what it says of itself.

    Raises BackupError and OSError.
    """
    with reading(path, secret) as (head, members):
        manifest = through(members, lambda _file, _table, _rows: None)
    return Found(head, manifest)


def through(
    members: Iterable[Member],
    take: Callable[[str, str, list[list[Any]]], None],
    keep: Callable[[Member], None] = lambda _member: None,
) -> Manifest:
    """Go through a backup: `take` gets file, table and rows of ours, `keep` every other file.

    Returns what is in it, as it says itself. Raises BackupError.
    """
    tally, said = Tally(), None
    for one in members:
        if one.name == MANIFEST:
            said = msgspec.json.decode(one.content, type=Manifest)
            continue
        counts: dict[str, int] = {}
        if one.of == one.name:
            keep(one)
        else:
            for table, rows in unpack(one.content):
                take(one.of, table, rows)
                counts[table] = counts.get(table, 0) + len(rows)
        tally.take(one, counts)
    return check(said, tally.manifest())
