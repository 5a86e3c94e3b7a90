"""How files are opened, migrated, refused, and what happens when a write fails."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import ClassVar

import apsw
import pytest

from gateway.database import DamagedFileError, Database, DiskError, FileError, NewerFileError
from gateway.history import History
from gateway.journal import Journal
from gateway.state import State


class Notes(Database):
    kind = 9
    migrations: ClassVar[tuple[str, ...]] = ("CREATE TABLE note (text TEXT)",)


class LaterNotes(Database):
    kind = 9
    migrations: ClassVar[tuple[str, ...]] = (
        *Notes.migrations,
        "ALTER TABLE note ADD COLUMN colour TEXT DEFAULT 'white'",
    )


def write(notes: Database, *texts: str) -> None:
    notes.stage("INSERT INTO note (text) VALUES (?)", [(text,) for text in texts])
    notes.commit()


def texts(notes: Database) -> list[str]:
    return [text for (text,) in notes.rows("SELECT text FROM note ORDER BY rowid")]


def whole(folder: Path) -> dict[str, bytes]:
    """Every file with something in it but the shared memory, which is no part of what is stored."""
    return {
        one.name: one.read_bytes()
        for one in folder.iterdir()
        if one.stat().st_size and not one.name.endswith("-shm")
    }


def test_what_was_committed_is_there_when_opened_again(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes.db")
    write(notes, "a", "b")
    notes.close()
    again = Notes(tmp_path / "notes.db")
    assert texts(again) == ["a", "b"]
    again.close()


def test_every_file_syncs_each_commit_and_is_nobody_elses_business(tmp_path: Path) -> None:
    for kind in (Journal, History, State, Notes):
        path = tmp_path / f"{kind.__name__}.db"
        opened = kind(path)
        assert opened._connection.pragma("synchronous") == 2, "2 is FULL"
        assert opened._connection.pragma("journal_mode") == "wal"
        assert path.stat().st_mode & 0o777 == 0o600
        opened.close()


def test_what_is_rolled_back_is_gone(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes.db")
    notes.stage("INSERT INTO note (text) VALUES (?)", [("a",)])
    notes.rollback()
    notes.commit()
    write(notes, "b")
    assert texts(notes) == ["b"]
    notes.close()


def test_an_older_file_is_migrated_and_keeps_what_it_holds(tmp_path: Path) -> None:
    old = Notes(tmp_path / "notes.db")
    write(old, "a")
    old.close()
    new = LaterNotes(tmp_path / "notes.db")
    assert new._reader.execute("SELECT * FROM note").fetchall() == [("a", "white")]
    new.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    class Broken(Database):
        kind = 9
        migrations: ClassVar[tuple[str, ...]] = (
            *Notes.migrations,
            "ALTER TABLE note ADD COLUMN colour TEXT; ALTER TABLE nothing ADD COLUMN x TEXT",
        )

    old = Notes(tmp_path / "notes.db")
    write(old, "a")
    old.close()
    with pytest.raises(apsw.SQLError):
        Broken(tmp_path / "notes.db")
    again = Notes(tmp_path / "notes.db")
    assert texts(again) == ["a"]
    again.close()


@pytest.mark.parametrize("kind", [Journal, History, State])
@pytest.mark.parametrize("crashed", [False, True], ids=["closed", "with its WAL"])
def test_a_file_of_a_newer_version_is_refused_and_stays_as_it_is(
    tmp_path: Path, kind: type[Database], *, crashed: bool
) -> None:
    path = tmp_path / "file.db"
    kind(path).close()
    newer = apsw.Connection(str(path))
    newer.execute("PRAGMA user_version=99; CREATE TABLE news (x); INSERT INTO news VALUES (1)")
    if crashed:
        newer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    newer.close()
    before = whole(tmp_path)
    assert ("file.db-wal" in before) == crashed
    with pytest.raises(NewerFileError, match=r"file\.db: was written by a newer Holdwatch"):
        kind(path)
    assert whole(tmp_path) == before


def damage_header(content: bytearray) -> None:
    content[:16] = b"not a database.."


def damage_schema(content: bytearray) -> None:
    content[100:400] = b"\xff" * 300


def damage_pages(content: bytearray) -> None:
    page = int.from_bytes(content[16:18], "big")
    content[page:] = b"\xa5" * (len(content) - page)


def cut_short(content: bytearray) -> None:
    del content[700:]


@pytest.mark.parametrize("kind", [Journal, History, State])
@pytest.mark.parametrize(
    "damage", [damage_header, damage_schema, damage_pages, cut_short], ids=lambda one: one.__name__
)
def test_a_damaged_file_is_refused_and_stays_as_it_is(
    tmp_path: Path, kind: type[Database], damage: object
) -> None:
    path = tmp_path / "file.db"
    kind(path).close()
    content = bytearray(path.read_bytes())
    assert callable(damage)
    damage(content)
    path.write_bytes(content)
    before = whole(tmp_path)
    with pytest.raises(DamagedFileError, match="left untouched"):
        kind(path)
    assert whole(tmp_path) == before


def test_a_file_of_another_kind_or_maker_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.db").close()
    with pytest.raises(DamagedFileError, match="not this one of Holdwatch's"):
        State(tmp_path / "journal.db")
    foreign = apsw.Connection(str(tmp_path / "foreign.db"))
    foreign.execute("CREATE TABLE x (y)")
    foreign.close()
    with pytest.raises(DamagedFileError, match="not this one of Holdwatch's"):
        Journal(tmp_path / "foreign.db")


def test_a_file_that_cannot_be_opened_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises((DiskError, FileError), match=r"journal\.db"):
        Journal(tmp_path / "journal.db")


def test_the_size_can_be_asked_while_another_thread_writes(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes.db")
    write(notes, "a")
    began = threading.Event()

    def long() -> None:
        began.set()
        notes._connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000000) "
            "SELECT count(*) FROM n"
        ).fetchall()

    thread = threading.Thread(target=long)
    thread.start()
    began.wait()
    sizes = {notes.size() for _ in range(20)}
    thread.join()
    assert sizes == {2 * 4096}
    notes.close()


async def test_a_commit_is_waited_for_even_when_its_task_is_cancelled(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes.db")
    notes.stage("INSERT INTO note (text) VALUES (?)", [("a",)])
    task = asyncio.create_task(notes.commit_aside())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert texts(notes) == ["a"]
    notes.close()
