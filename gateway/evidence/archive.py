"""An export as one file: a ZIP that says of each of its parts, and of itself, what it should be.

`manifest.json` holds the SHA-256 of every part. The last 64 bytes of the file, which is the comment
of the ZIP, are the SHA-256 of all bytes before them, in hex: any byte that is otherwise is found,
and whoever notes this one number can tell years later that it is the same file.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway import __version__
from gateway.consignments.facts import LetGo
from gateway.evidence.parts import PICTURE, Contents
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from gateway.evidence.sources import Sources
    from rules.cargo.consignment import Consignment

    Progress = Callable[[int, int], None]

FORMAT = "holdwatch-evidence-1"
MANIFEST = "manifest.json"
DIGEST = 64
"""Bytes of a SHA-256 in hex."""
PIECE = 1 << 20
LARGEST_MANIFEST = 16 << 20
"""Bytes; ours has some thousand."""
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError),
    *(msgspec.DecodeError, RuntimeError, OSError, ValueError),
)
"""What a file that is no export of ours may raise, which is as it was when somebody wrote it."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every part: the oldest that a ZIP knows."""


class Digest(msgspec.Struct, frozen=True):
    """A part of the export."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the export is of, and what it must have in it. Times are ms since 1970, UTC."""

    format: str
    owner: str
    consignment: str
    stage: str
    profile: str
    rules: tuple[str, ...]
    """Versions of the rules of the sensors themselves."""
    sensors: tuple[str, ...]
    software: str
    made: int
    readings: int
    messages: int
    facts: int
    newest_fact: int
    """Number of the last fact that is in it."""
    parts: tuple[Digest, ...]


class Exported(NamedTuple):
    """What was written: the SHA-256 of the file, its bytes, and its manifest."""

    digest: str
    size: int
    manifest: Manifest


class Verified(NamedTuple):
    """What was found of a file. With no `problems` it is whole, and all of it is as it is here."""

    digest: str
    manifest: Manifest | None
    problems: tuple[str, ...]
    let_go: int | None = None
    """When this very file took the place of what was kept here (ms), None if it did not."""


# -- writing ---------------------------------------------------------------------------------


def export(
    sources: Sources, consignment: Consignment, path: Path, made: int, progress: Progress
) -> Exported:
    """Write a consignment's evidence to `path`, which is there whole, or not at all.

    Raises ControlError where there is such a file, and OSError, FileError, DiskError.
    """
    if path.exists():
        raise ControlError(f"{path} is there already, and is left as it is", "Name another file")
    half = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(half, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            manifest = _write(file, sources, consignment, made, progress)
            digest, size = _seal(file)
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    _sync(path.parent)
    return Exported(digest, size, manifest)


def _write(
    file: BinaryIO, sources: Sources, consignment: Consignment, made: int, progress: Progress
) -> Manifest:
    contents = Contents(sources, consignment, progress)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        digests = [_add(archive, part.name, part.pieces) for part in contents.parts()]
        manifest = manifest_of(contents, consignment, made, digests)
        _add(archive, MANIFEST, iter([msgspec.json.format(msgspec.json.encode(manifest))]))
        archive.comment = b"0" * DIGEST
    return manifest


def _add(archive: zipfile.ZipFile, name: str, pieces: Iterator[bytes]) -> Digest:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    with archive.open(info, "w", force_zip64=True) as part:
        return _digest(name, pieces, part.write)


def _digest(
    name: str, pieces: Iterator[bytes], take: Callable[[bytes], object] = lambda _piece: None
) -> Digest:
    found, size = hashlib.sha256(), 0
    for piece in pieces:
        found.update(piece)
        size += len(piece)
        take(piece)
    return Digest(name, size, found.hexdigest())


def manifest_of(
    contents: Contents, consignment: Consignment, made: int, digests: list[Digest]
) -> Manifest:
    """Return the manifest, once all parts were taken."""
    return Manifest(
        format=FORMAT,
        owner=consignment.owner,
        consignment=consignment.id,
        stage=consignment.stage,
        profile=consignment.version,
        rules=tuple(f"{one['name']}@{one['version']}" for one in contents.rules()),
        sensors=tuple(str(one) for one in contents.sensors),
        software=__version__,
        made=made,
        readings=contents.readings,
        messages=contents.messages,
        facts=len(contents.facts),
        newest_fact=max((one["number"] for one in contents.facts), default=0),
        parts=tuple(digests),
    )


def _seal(file: BinaryIO) -> tuple[str, int]:
    """Put the digest of all that comes before it at the end; return it, and the file's size."""
    size = file.seek(0, os.SEEK_END)
    digest = _digest_of(file, size - DIGEST)
    file.seek(size - DIGEST)
    file.write(digest.encode())
    return digest, size


def _digest_of(file: BinaryIO, size: int) -> str:
    found = hashlib.sha256()
    file.seek(0)
    while size > 0 and (piece := file.read(min(PIECE, size))):
        found.update(piece)
        size -= len(piece)
    return found.hexdigest()


def _sync(folder: Path) -> None:
    """Make the file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- verifying -------------------------------------------------------------------------------


def look_into(path: Path) -> Verified:
    """Read a file again and check it against what it says of itself. Raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = _digest_of(file, size - DIGEST)
        file.seek(max(0, size - DIGEST))
        if file.read() != digest.encode():
            problem = "it is not as it was written: its last 64 characters are not its digest"
            return Verified(digest, None, (problem,))
        try:
            with zipfile.ZipFile(file) as archive:
                manifest, problems = _inside(archive)
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # It is the disk that cannot be read.
            return Verified(digest, None, (f"it is no export of Holdwatch: {error}",))
    return Verified(digest, manifest, problems)


def _inside(archive: zipfile.ZipFile) -> tuple[Manifest, tuple[str, ...]]:
    size = archive.getinfo(MANIFEST).file_size
    if size > LARGEST_MANIFEST:
        raise ValueError(f"its manifest has {size:,} bytes")
    manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    if manifest.format != FORMAT:
        return manifest, (f"its format is {manifest.format}, which this version does not know",)
    problems = []
    said = {one.name: one for one in manifest.parts}
    there = [one for one in archive.namelist() if one != MANIFEST]
    if sorted(said) != sorted(there):
        problems.append("its parts are not those that its manifest names")
    for name in sorted(said.keys() & set(there)):
        with archive.open(name) as part:
            if _digest(name, iter(lambda: part.read(PIECE), b"")) != said[name]:
                problems.append(f"{name} is not as its manifest says")
    return manifest, tuple(problems)


def compare(sources: Sources, found: Verified, progress: Progress) -> Verified:
    """Make each part again from what this gateway holds, and say what is otherwise.

    Of a file that was verified before and let go by, not all needs to be here any more.
    """
    manifest = found.manifest
    if manifest is None or found.problems:
        return found
    consignment = sources.book.consignment(manifest.consignment)
    if consignment is None or consignment.owner != manifest.owner:
        problem = f"this gateway knows no consignment {manifest.consignment}: nothing to compare"
        return found._replace(problems=(problem,))
    for one in sources.book.facts(consignment.id):
        if isinstance(one.fact, LetGo) and one.fact.digest == found.digest:
            return found._replace(let_go=one.entered)
    contents = Contents(sources, consignment, progress)
    # Another version of the software draws the same report otherwise.
    pictured = manifest.software == __version__
    here = {part.name: _digest(*part) for part in contents.parts(pictured=pictured)}
    said = {
        one.name: one
        for one in manifest.parts
        if pictured or f"{one.name.removesuffix(PICTURE)}.json" not in here
    }
    problems = [
        f"{name} is otherwise here"
        for name in sorted(here.keys() | said.keys())
        if here.get(name) != said.get(name)
    ]
    mine = manifest_of(contents, consignment, manifest.made, list(manifest.parts))
    problems += [
        f"its manifest says {field.replace('_', ' ')} {getattr(manifest, field)}, and here it is "
        f"{getattr(mine, field)}"
        for field in ("stage", "profile", "rules", "sensors", "newest_fact")
        if getattr(manifest, field) != getattr(mine, field)
    ]
    for what, now, then in (
        ("readings", contents.readings, manifest.readings),
        ("messages", contents.messages, manifest.messages),
        ("facts", len(contents.facts), manifest.facts),
    ):
        if now != then:
            problems.append(f"here are {now:,} {what}, and in the file {then:,}")
    return found._replace(problems=tuple(problems))


def as_json(found: Exported | Verified) -> dict[str, Any]:
    """Return it as plain data."""
    plain: dict[str, Any] = msgspec.to_builtins(found._asdict())
    return plain
