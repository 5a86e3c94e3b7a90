"""A box is made of a backup whole or not at all, and nothing that was there is ever lost."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import pytest

from gateway.app import Gateway
from gateway.backup import restore as module
from gateway.backup.archive import Member, reading, write
from gateway.backup.errors import BackupError
from gateway.backup.making import Made
from gateway.backup.manifest import MANIFEST, Head
from gateway.backup.restore import finish
from gateway.backup.rows import Builder
from gateway.backup.snapshot import FILES, reader
from gateway.database import DiskError
from gateway.machine import AlreadyRunningError, take
from gateway.people import audit
from gateway.service import identity
from gateway.settings import parse
from gateway.state import State
from tests.gateway.asked import SETTINGS, Asked, alarm, recorded
from tests.gateway.backup.boxes import backed_up, filled, restored, rows
from tests.gateway.evidence.voyage import D1, START, heard, taking
from tests.gateway.parts import NOW


@pytest.fixture
async def gateway(ask: Asked) -> AsyncIterator[Gateway]:
    async with taking(ask.gateway):
        await filled(ask.gateway)
        yield ask.gateway


@pytest.fixture
def made(gateway: Gateway, tmp_path: Path) -> Made:
    (tmp_path / "identity").write_bytes(msgspec.json.encode(identity.Identity("here", NOW, "old")))
    settings = tmp_path / "holdwatch.toml"
    settings.write_text("[gateway]\n")
    return backed_up(gateway.settings.gateway.data, tmp_path / "to", belongings=(str(settings),))


def _read(made: Made) -> tuple[Head, list[Member]]:
    with reading(Path(made.file)) as (head, members):
        return head, [one for one in members if one.name != MANIFEST]


def test_it_becomes_the_box_that_the_backup_is_of(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    told = restored(made.file, new)
    assert (told.box, told.readings, told.made, told.aside) == ("here", 100, NOW, None)
    assert {one.name for one in new.iterdir()} == {
        *FILES,
        *("identity", "lock", "settings-of-backup"),
    }
    for name in FILES:
        assert (new / name).stat().st_mode & 0o777 == 0o600
    copy = new / "settings-of-backup" / str(tmp_path).lstrip("/") / "holdwatch.toml"
    assert copy.read_text() == "[gateway]\n"
    assert told.files == (str(tmp_path / "holdwatch.toml"),)
    state = State(new / "state.db")
    (entry,) = [one for one in audit.page(state, None, 10) if one.what == "restore"]
    state.close()
    assert (entry.who.name, entry.object, entry.after["made"]) == ("mia", "here", NOW)


def test_it_notes_that_it_lives_on_this_machine_now(made: Made, tmp_path: Path) -> None:
    module.restore(Path(made.file), tmp_path / "new", now=NOW, who="mia", machine="this")
    found = identity.read(tmp_path / "new")
    assert found is not None
    assert (found.box, found.machine) == ("here", "this")


def test_a_folder_in_use_is_left_alone(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "journal.db-wal").write_bytes(b"of an old one")
    with pytest.raises(BackupError, match=r"data already \(journal.db-wal\)"):
        restored(made.file, new)
    assert {one.name for one in new.iterdir()} == {"journal.db-wal", "lock"}
    lock = take(new)
    with pytest.raises(AlreadyRunningError):
        restored(made.file, new, replace=True)
    os.close(lock)


def test_what_was_there_is_moved_aside_and_kept(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    restored(made.file, new)
    before = rows(new)
    (new / "state.db-wal").write_bytes(b"old")
    told = restored(made.file, new, replace=True)
    assert told.aside is not None
    aside = Path(told.aside)
    assert (aside / "state.db-wal").read_bytes() == b"old"
    (aside / "state.db-wal").unlink()
    assert rows(aside) == before
    assert not (new / "state.db-wal").exists()


Change = Callable[[Head, list[Member]], tuple[Head, list[Member]]]


def _wrong(made: Made, path: Path, change: Change) -> None:
    head, members = _read(made)
    head, members = change(head, members)
    with path.open("wb") as target:
        write(target, head, members, ())


def _newer(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    state, *others = head.files
    state = msgspec.structs.replace(state, schema=99)
    return msgspec.structs.replace(head, files=(state, *others)), members


def _less(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    return msgspec.structs.replace(head, files=head.files[1:]), members


def _twice(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    return head, [*members, *(one for one in members if one.of == "journal.db")]


def _large(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    state, *others = head.files
    state = msgspec.structs.replace(state, size=10**15)
    return msgspec.structs.replace(head, files=(state, *others)), members


def _climbing(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    return head, [*members, Member("files/../../../../etc/passwd", b"x")]


def _strange(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    return head, [*members, Member("bin/sh", b"x")]


def _other_file(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    rows = msgspec.msgpack.encode(("a", [[1]]))
    return head, [*members, Member("other.db/000000", len(rows).to_bytes(4, "big") + rows)]


def _of_no_type(value: object) -> Change:
    """A row in which something is that no column takes."""
    rows = msgspec.msgpack.encode(("cursor", [["a", value]]))
    part = Member("state.db/999999", len(rows).to_bytes(4, "big") + rows, {"cursor": 1})
    return lambda head, members: (head, [*members, part])


def _other_table(head: Head, members: list[Member]) -> tuple[Head, list[Member]]:
    state, *others = head.files
    table = msgspec.structs.replace(state.tables[0], name='x" (a); ATTACH "y')
    state = msgspec.structs.replace(state, tables=(table,))
    return msgspec.structs.replace(head, files=(state, *others)), members


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_newer, "state.db was written by a newer Holdwatch"),
        (_less, "no whole backup"),
        (_twice, "cannot be put together"),
        (_large, "there is no room"),
        (_climbing, "none of Holdwatch's"),
        (_strange, "none of Holdwatch's"),
        (_other_file, "none of Holdwatch's"),
        (_of_no_type(2**64 - 1), "cannot be put together"),
        (_of_no_type({"a": 1}), "cannot be put together"),
        (_other_table, "holds what no state.db of schema"),
    ],
)
def test_what_cannot_be_restored_changes_nothing(
    made: Made,
    tmp_path: Path,
    change: Change,
    told: str,
) -> None:
    path, new = tmp_path / "wrong.holdwatch", tmp_path / "new"
    _wrong(made, path, change)
    with pytest.raises(BackupError, match=told):
        restored(path, new)
    assert [one.name for one in new.iterdir()] == ["lock"]


@pytest.mark.parametrize("name", ["files", "files//", "files/a/../../b", "files/a\0b", "bin/sh"])
def test_no_file_of_it_gets_outside_its_folder(name: str) -> None:
    with pytest.raises(BackupError, match="none of Holdwatch's"):
        module._inside(name)


class _PowerCutError(Exception):
    """Nothing after this happens."""


@pytest.mark.parametrize("renames", range(1, 22))
def test_a_power_cut_at_any_moment_leaves_the_old_or_ends_in_the_new(
    made: Made, tmp_path: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    restored(made.file, new)
    state = State(new / "state.db")
    state.stage("INSERT INTO mute (until, body) VALUES (1, x'00')", [()])
    state.commit()
    state.close()
    old = rows(new)
    left = renames
    rename = Path.rename

    def cut(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise _PowerCutError
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut)
    # Nothing is tidied up either.
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_how: None)
    try:
        restored(made.file, new, replace=True)
    except _PowerCutError:
        happened = True
    else:
        happened = False
    monkeypatch.undo()
    finish(new)
    aside = next(new.glob("before-restore-*"), None)
    if aside is None:
        assert happened
        assert rows(new) == old
    else:
        assert rows(aside) == old
        assert rows(new) != old
        assert (new / "identity").exists()
        assert not (new / "restoring").exists()


async def test_a_start_ends_what_was_begun(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    restored(made.file, new)
    built = new / "restoring"
    built.mkdir()
    for name in FILES:
        (new / name).rename(built / name)
    (built / "whole").write_text("")
    gateway = Gateway(parse(SETTINGS.format(folder=new)), join=False)
    assert gateway.journal.head == 100
    gateway.close()


async def test_a_start_that_cannot_end_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "restoring").mkdir()
    (tmp_path / "restoring" / "whole").write_text("aside")
    (tmp_path / "aside").write_text("in the way")
    with pytest.raises(DiskError, match="File exists"):
        Gateway(parse(SETTINGS.format(folder=tmp_path)), join=False)


async def test_who_was_told_more_than_the_copy_knows_is_told_again(
    gateway: Gateway, tmp_path: Path
) -> None:
    """A subscriber's session is copied later than the events: its cursor may be ahead of them."""
    await recorded(gateway.state, alarm("a"))
    journal = gateway.journal
    journal.stage(
        "INSERT INTO session VALUES ('hall', 'phone', 1, 0, 7, x'90')",
        [()],
    )
    journal.stage("INSERT INTO held VALUES ('hall', 'phone', 3)", [()])
    journal.commit()
    made = backed_up(gateway.settings.gateway.data, tmp_path / "to")
    restored(made.file, tmp_path / "new")
    found = rows(tmp_path / "new")
    assert [row[4] for row in found["journal.db session"]] == [1]
    assert found["journal.db held"] == []


async def test_what_devices_send_again_is_stored_once(gateway: Gateway, tmp_path: Path) -> None:
    made = backed_up(gateway.settings.gateway.data, tmp_path / "to")
    restored(made.file, tmp_path / "new")
    other = Gateway(parse(SETTINGS.format(folder=tmp_path / "new")), join=False)
    await other.compose()
    async with taking(other):
        await heard(other, D1, *(START + n * 3_600_000 for n in range(40, 60)))
    assert len(other.journal.read(0, 1_000).readings) == 110
    assert other.journal.duplicates == 10
    other.close()


def test_each_file_is_made_as_the_program_makes_it(
    gateway: Gateway, made: Made, tmp_path: Path
) -> None:
    """A history that could give no room back would leave the ladder without its third step."""
    restored(made.file, tmp_path / "new")
    for name in FILES:
        found = []
        for folder in (gateway.settings.gateway.data, tmp_path / "new"):
            with closing(reader(folder / name)) as file:
                found.append([file.pragma(one) for one in ("auto_vacuum", "page_size", "encoding")])
        assert found[0] == found[1], name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_moves_aside_still_belongs_to_the_gateway(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    restored(made.file, new)
    os.chown(new, 4711, 4711)
    told = restored(made.file, new, replace=True)
    assert told.aside is not None
    assert Path(told.aside).stat().st_uid == 4711


def test_what_was_moved_aside_in_the_same_second_stays(made: Made, tmp_path: Path) -> None:
    new = tmp_path / "new"
    restored(made.file, new)
    aside = {restored(made.file, new, replace=True).aside for _ in range(3)}
    assert len(aside) == 3
    assert all(one is not None and (Path(one) / "state.db").exists() for one in aside)


def test_on_a_disk_that_gets_full_nothing_is_left_behind(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(Builder, "finish", full)
    with pytest.raises(BackupError, match=r"cannot be made in .*disk is full"):
        restored(made.file, tmp_path / "new")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]
