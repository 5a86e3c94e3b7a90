"""A backup comes back as it was, or not at all: cut short, altered, or for another key."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path

import msgspec
import pytest

from gateway.backup import keys
from gateway.backup.archive import Member, look_into, reading, write
from gateway.backup.errors import BackupError
from gateway.backup.manifest import FORMAT, HEAD, Head, file_name, made_at
from gateway.backup.rows import describe, parts, unpack
from gateway.backup.snapshot import reader
from gateway.journal import Journal
from tests.gateway.parts import NOW, said

SECRET, PUBLIC = keys.make()
OTHER, _ = keys.make()
HEADING = Head(format=FORMAT, box="pi", owner="", made=NOW, software="1", settings="", files=())


def _members(folder: Path) -> list[Member]:
    journal = Journal(folder / "journal.db")
    journal.append([said(at=NOW + n, sequence=n) for n in range(9_000)])
    journal.commit()
    journal.close()
    connection = reader(folder / "journal.db")
    found = list(parts(connection, describe("journal.db", connection)))
    connection.close()
    members = [Member(f"journal.db/{number:06}", *one) for number, one in enumerate(found)]
    return [*members, Member("files/etc/holdwatch.toml", b"[gateway]\n")]


@pytest.fixture
def members(tmp_path: Path) -> list[Member]:
    return _members(tmp_path)


def _written(members: list[Member], *public: str) -> bytes:
    target = io.BytesIO()
    write(target, HEADING, members, public)
    return target.getvalue()


@pytest.mark.parametrize("public", [(), (PUBLIC,)], ids=["open", "encrypted"])
def test_what_is_written_comes_back(
    tmp_path: Path, members: list[Member], public: tuple[str, ...]
) -> None:
    path = tmp_path / "a.holdwatch"
    path.write_bytes(_written(members, *public))
    with reading(path, SECRET) as (head, found):
        assert head == HEADING
        assert [(one.name, one.content) for one in found][:-1] == [one[:2] for one in members]
    (journal, settings) = look_into(path, SECRET).manifest.contents
    assert journal.rows["reading"] == 9_000
    assert settings.size == 10


def test_for_whoever_has_another_key_there_is_nothing_in_it(
    tmp_path: Path, members: list[Member]
) -> None:
    content = _written(members, PUBLIC)
    assert b"gateway" not in content
    path = tmp_path / "a.holdwatch"
    path.write_bytes(content)
    with pytest.raises(BackupError, match="not for this key"):
        look_into(path, OTHER)
    with pytest.raises(BackupError, match="is encrypted"):
        look_into(path)
    with pytest.raises(BackupError, match="secret key cannot be read"):
        look_into(path, PUBLIC)


@pytest.mark.parametrize("public", [(), (PUBLIC,)], ids=["open", "encrypted"])
def test_cut_short_or_altered_it_is_refused(
    tmp_path: Path, members: list[Member], public: tuple[str, ...]
) -> None:
    content = _written(members, *public)
    path = tmp_path / "a.holdwatch"
    chance = random.Random(7)  # noqa: S311 - the same places each time
    places = [chance.randrange(200, len(content)) for _ in range(25)]
    # The operating system's name and the time in gzip's head say nothing of what is in it.
    wrong = [content[:place] for place in (*places, len(content) - 1)]
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1 << chance.randrange(8)
        wrong.append(bytes(altered))
    for one in wrong:
        path.write_bytes(one)
        with pytest.raises(BackupError, match=r"not as it was written|rows in it cannot be read"):
            look_into(path, SECRET)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no backup of Holdwatch"),
        (b"hello", "is no backup of Holdwatch"),
        (gzip.compress(b"hello", mtime=0), "not as it was written"),
    ],
)
def test_another_file_is_no_backup(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.holdwatch"
    path.write_bytes(content)
    with pytest.raises(BackupError, match=told):
        look_into(path)


def _tar(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("other", b"")], "no backup of Holdwatch"),
        ([(HEAD, b"{")], "not as it was written"),
        ([(HEAD, msgspec.json.encode(HEADING))], "its end is missing"),
        (
            [(HEAD, msgspec.json.encode(msgspec.structs.replace(HEADING, format=2)))],
            "its format is 2, which this version does not know. Use the version that made it, 1",
        ),
    ],
)
def test_a_tar_of_something_else_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes]], told: str
) -> None:
    path = tmp_path / "a.holdwatch"
    path.write_bytes(_tar(*members))
    with pytest.raises(BackupError, match=told):
        look_into(path)


def test_it_can_be_unpacked_without_us(members: list[Member]) -> None:
    with tarfile.open(fileobj=io.BytesIO(_written(members)), mode="r:gz") as archive:
        names = archive.getnames()
        assert names[0] == "backup.json"
        assert names[-2:] == ["files/etc/holdwatch.toml", "manifest.json"]


@pytest.mark.parametrize("wrong", [b"\0", b"\0\0\0\x09", b"\0\0\0\1\xc1", b"\0\0\0\2\x92\1\2"])
def test_rows_that_are_none_are_refused(wrong: bytes) -> None:
    with pytest.raises(BackupError, match="rows in it cannot be read"):
        list(unpack(wrong))


def test_a_name_says_whose_it_is_and_when_it_was_made() -> None:
    made = NOW // 1000 * 1000
    name = file_name("pi-1", made)
    assert made_at(name, "pi-1") == made
    for box, other in (
        ("pi", name),
        ("pi-1", f".{name}.part"),
        ("pi-1", "pi-1-20261399T000000Z.holdwatch"),
        ("pi-1", "notes.txt"),
    ):
        assert made_at(other, box) is None


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_only_files_are_taken_from_it(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo(HEAD)
    info.type, info.linkname = kind, "/etc/passwd"
    path = tmp_path / "a.holdwatch"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(1024)))
    with pytest.raises(BackupError, match=r"none of Holdwatch's"):
        look_into(path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 2**31
    path = tmp_path / "a.holdwatch"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(2**16)))
    with pytest.raises(BackupError, match="a header in it"):
        look_into(path)


def test_rows_in_rows_without_end_are_refused() -> None:
    deep = b"\x92\xa1a" + b"\x91" * 100_000
    with pytest.raises(BackupError, match="rows in it cannot be read"):
        list(unpack(len(deep).to_bytes(4, "big") + deep))
