"""What another journal holds is taken in: stored once, judged, and nothing of it forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.backup import keys
from gateway.backup.errors import BackupError
from gateway.backup.readings import Other
from gateway.pending import Waiting
from gateway.refusal import ControlError
from gateway.settings import parse
from rules.duration import HOUR
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.backup.boxes import backed_up, filled
from tests.gateway.evidence.voyage import D1, D2, START, begun, heard, taking
from tests.gateway.parts import NOW, ToldClock


async def _gateway(folder: Path) -> Gateway:
    made = await asyncio.to_thread(Gateway, parse(SETTINGS.format(folder=folder)), join=False)
    made.clock = ToldClock()
    await made.compose()
    return made


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Has heard both sensors 50 times, and something that nobody can read, and a codec waits."""
    gateway = await _gateway(tmp_path / "old")
    async with taking(gateway):
        await filled(gateway)
        waiting = Waiting(NOW, b"up", b"\1\2", 0, "acme", "import")
        gateway.journal.pending.keep([waiting])
        gateway.journal.commit()
        yield gateway
    gateway.close()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Has heard one of the sensors, 20 times of those 50 and 5 times after them."""
    gateway = await _gateway(tmp_path / "here")
    async with taking(gateway):
        await begun(gateway, D1)
        await heard(gateway, D1, *(START + n * HOUR for n in (*range(20), *range(60, 65))))
        yield gateway
    gateway.close()


def _all(gateway: Gateway) -> dict[DeviceKey, list[int]]:
    return {
        sensor: sorted(
            (one.at - START) // HOUR
            for one in gateway.journal.read_device(sensor, 0, gateway.journal.head)
        )
        for sensor in (D1, D2)
    }


def _kept(gateway: Gateway) -> tuple[int, int, int]:
    """How many messages wait, lie in the quarantine, and are evidence."""
    journal = gateway.journal
    return (
        journal.pending.count(),
        sum(journal.quarantine.counts().values()),
        len(journal.messages.page()),
    )


EXPECTED = {D1: [*range(50), *range(60, 65)], D2: list(range(50))}


@pytest.mark.parametrize("way", ["backup", "encrypted", "file"])
async def test_each_is_stored_once(old: Gateway, here: Gateway, tmp_path: Path, way: str) -> None:
    secret, public = keys.make()
    data = old.settings.gateway.data
    path, key = data / "journal.db", ""
    if way != "file":
        found = (public,) if way == "encrypted" else ()
        path = Path(backed_up(data, tmp_path / "to", keys=found).file)
        key = secret if found else ""
    asked = Asked(here)
    answer = await asked("take-readings", file=str(path), key=key)
    assert _all(here) == EXPECTED
    assert _kept(here) == (1, 1, 55)
    assert (answer["readings"], answer["known"]) == (100, 20)
    assert (answer["waiting"], answer["rejected"], answer["messages"]) == (1, 1, 30)
    assert here.ingest.waiting == 1
    again = await asked("take-readings", file=str(path), key=key)
    assert (_all(here), _kept(here)) == (EXPECTED, (1, 1, 55))
    assert (again["known"], again["waiting"], again["messages"]) == (100, 0, 0)
    (entry, _) = [one for one in await asked("audit") if one["what"] == "take-readings"]
    assert entry["object"] == path.name


async def test_evidence_that_has_been_brought_where_it_stays_comes_once(
    old: Gateway, here: Gateway
) -> None:
    path = str(old.settings.gateway.data / "journal.db")
    asked = Asked(here)
    await asked("take-readings", file=path, key="")
    await here.keeper.store()
    again = await asked("take-readings", file=path, key="")
    assert again["messages"] == 0
    assert len(list(here.evidence.messages(D1, 0, 1 << 62))) == 55


async def test_what_had_left_the_other_journal_before_is_told(old: Gateway, here: Gateway) -> None:
    old.journal.stage("DELETE FROM reading WHERE seq <= 40", [()])
    old.journal.commit()
    answer = await Asked(here)(
        "take-readings", file=str(old.settings.gateway.data / "journal.db"), key=""
    )
    assert answer["before"] == 40 - 25


def _copied(gateway: Gateway, path: Path) -> None:
    source = gateway.settings.gateway.data / "journal.db"
    with closing(apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        connection.execute("VACUUM INTO ?", (str(path),))


def _changed(path: Path, *statements: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        for one in statements:
            connection.execute(one)


async def test_a_later_version_s_journal_may_know_more(
    old: Gateway, here: Gateway, tmp_path: Path
) -> None:
    """Fault 14: what a newer version received is not lost where people go back."""
    made = tmp_path / "newer.db"
    _copied(old, made)
    _changed(
        made,
        "PRAGMA user_version=99",
        "ALTER TABLE reading ADD COLUMN mood TEXT NOT NULL DEFAULT 'good'",
        "CREATE TABLE novelty (a)",
        "INSERT INTO novelty VALUES (1)",
    )
    await Asked(here)("take-readings", file=str(made), key="")
    assert _all(here) == EXPECTED


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE reading DROP COLUMN received", "rows of reading are not as this version"),
        ("DROP TABLE pending", "rows of pending are not as this version"),
        ("DELETE FROM device", "rows of readings are not as this version"),
        ("UPDATE reading SET vals = x'00'", "rows of readings are not as this version"),
        ("UPDATE layout SET channels = 'a a'", "rows of the channels a a are not"),
    ],
)
async def test_one_that_is_arranged_otherwise_is_refused(
    old: Gateway, here: Gateway, tmp_path: Path, statement: str, told: str
) -> None:
    path = tmp_path / "other.db"
    _copied(old, path)
    _changed(path, statement)
    with pytest.raises(ControlError, match=told):
        await Asked(here)("take-readings", file=str(path), key="")


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0 and nothing else"])
async def test_another_file_is_refused(here: Gateway, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BackupError):
        Other(path)
    for file in (path, tmp_path / "none"):
        with pytest.raises(ControlError):
            await Asked(here)("take-readings", file=str(file), key="")
    assert _all(here)[D2] == []


@pytest.mark.parametrize("wal", [False, True])
async def test_a_journal_is_read_where_nothing_may_be_written(
    old: Gateway, tmp_path: Path, *, wal: bool
) -> None:
    """As on a card that is mounted read-only: what SQLite would write beside it cannot be."""
    card = tmp_path / "a card"
    card.mkdir()
    _copied(old, card / "journal.db")
    _changed(card / "journal.db", "PRAGMA journal_mode=WAL")
    (card / "journal.db-shm").symlink_to(tmp_path / "nowhere" / "else")
    if not wal:
        assert Other(card / "journal.db").readings == 100
        return
    (card / "journal.db-wal").write_bytes(b"x")
    with pytest.raises(BackupError, match=r"Copy journal\.db and journal\.db-wal to a folder"):
        Other(card / "journal.db")
