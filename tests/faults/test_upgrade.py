"""Fault 14: an upgrade, and the way back, with a backlog that nobody has judged: 0 lost.

The newer version is this one with another migration of each file. For upgrades from versions that
there were, their files are made with the migrations that they had.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from devices.reading import Reading
from gateway.app import Gateway
from gateway.backup.errors import BackupError
from gateway.backup.making import Order, make
from gateway.backup.restore import restore
from gateway.commands.commands import Commands
from gateway.database import APPLICATION, Database, NewerFileError
from gateway.evidence.store import EvidenceStore
from gateway.history import History
from gateway.journal import Journal
from gateway.settings import parse
from gateway.state import State
from rules.alert import Alert
from rules.duration import MINUTE
from tests.gateway.parts import NOW, said

SETTINGS = """
[gateway]
box = "here"
data = "{data}"

[clients]
unknown_devices = "unconfirmed"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "10 min"
"""
Alerts = dict[str, tuple[int, int | None]]
KINDS: tuple[type[Database], ...] = (Journal, History, EvidenceStore, State)
START = NOW - 1_000 * MINUTE


def _value(n: int) -> float:
    """Warm for the second half of each hour."""
    return 9.0 if n % 60 >= 30 else 5.0


def _values(first: int, count: int) -> list[Reading]:
    """Readings by the minute."""
    return [
        said(
            at=START + n * MINUTE,
            received=START + n * MINUTE,
            value=9.0 if n % 60 >= 30 else 5.0,
            sequence=n,
        )
        for n in range(first, first + count)
    ]


def _newer(monkeypatch: pytest.MonkeyPatch, *kinds: type[Database]) -> None:
    """Be a later version, which keeps more in its files than this one knows of."""
    more = "CREATE TABLE novelty (a); INSERT INTO novelty VALUES (1);"
    for kind in kinds or KINDS:
        monkeypatch.setattr(kind, "migrations", (*kind.migrations, more))


async def _gateway(data: Path) -> Gateway:
    made = await asyncio.to_thread(Gateway, parse(SETTINGS.format(data=data)), join=False)
    await made.compose()
    return made


async def _run(data: Path) -> Gateway:
    """Start, judge all that is there, and end; return the gateway, closed."""
    gateway = await _gateway(data)
    running = asyncio.create_task(gateway.run())
    gateway.stop()
    await running
    gateway.close()
    return gateway


def _backlog(data: Path, first: int, count: int) -> None:
    """Let readings be stored and acknowledged, with a power cut before anybody judged them."""
    journal = Journal(data / "journal.db")
    journal.append(_values(first, count))
    journal.commit()
    journal.close()


def _alerts(data: Path) -> Alerts:
    state = State(data / "state.db")
    found: list[Alert] = [one for one in state.alerts_since(0) if one.kind != "gateway"]
    state.close()
    return {one.id: (one.began, one.ended) for one in found}


def _stored(data: Path) -> list[int]:
    journal = Journal(data / "journal.db")
    found = sorted((one.at - START) // MINUTE for one in journal.read(0, 10**6).readings)
    journal.close()
    return found


def _backup(data: Path, to: Path, now: int) -> Path:
    to.mkdir(exist_ok=True)
    order = Order(data=str(data), folder=str(to), box="here", owner="", now=now)
    return Path(make(order, lambda _done, _all: None).file)


def _restore(path: Path, data: Path) -> None:
    restore(path, data, replace=True, now=NOW, who="mia", machine="")


@pytest.fixture
async def expected(tmp_path: Path) -> Alerts:
    """The alerts of all 400 readings, judged without any of this."""
    data = tmp_path / "reference"
    await _run(data)
    _backlog(data, 0, 400)
    await _run(data)
    found = _alerts(data)
    assert len(found) == 6
    return found


def _as_it_was(data: Path, age: int) -> None:
    """Make the files of a version so many migrations ago, with 400 readings nobody has judged."""
    data.mkdir()
    for name, kind in zip(("journal", "history", "evidence", "state"), KINDS, strict=True):
        migrations = kind.migrations[: max(1, len(kind.migrations) - age)]
        with closing(apsw.Connection(str(data / f"{name}.db"))) as connection:
            connection.execute(f"PRAGMA page_size={kind.page_size}")
            connection.execute(f"PRAGMA application_id={APPLICATION + kind.kind}")
            connection.execute("PRAGMA journal_mode=WAL")
            for one in migrations:
                connection.execute(one)
            connection.execute(f"PRAGMA user_version={len(migrations)}")
            if kind is not Journal:
                continue
            connection.execute("INSERT INTO device VALUES (1, '', 'd-1')")
            connection.execute("INSERT INTO layout VALUES (1, 'temperature')")
            connection.execute("INSERT INTO source VALUES (1, 'main')")
            rows = [
                (
                    *(number, 1, one.at, one.received, one.identity, one.flags, 1, 1),
                    one.layout.pack.pack(*one.values),
                )
                for number, one in enumerate(_values(0, 400), 1)
            ]
            connection.executemany("INSERT INTO reading VALUES (?,?,?,?,?,?,?,?,?)", rows)


@pytest.mark.parametrize("age", range(max(len(kind.migrations) for kind in KINDS)))
async def test_an_upgrade_from_any_version_loses_nothing_of_a_backlog(
    tmp_path: Path, expected: Alerts, age: int
) -> None:
    data = tmp_path / "data"
    _as_it_was(data, age)
    await _run(data)
    assert _alerts(data) == expected
    assert _stored(data) == list(range(400))
    schema = max(1, len(State.migrations) - age)
    kept = data / f"state.db.schema-{schema}"
    assert kept.exists() == (age > 0), "kept as it was before the upgrade"
    assert not kept.exists() or kept.stat().st_mode & 0o777 == 0o600


async def test_the_way_back_by_a_backup_and_the_newer_journal_loses_nothing(
    tmp_path: Path, expected: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backup, upgrade, 200 readings and a backlog of 100 more, and back."""
    data = tmp_path / "data"
    await _run(data)
    _backlog(data, 0, 100)
    before = _backup(data, tmp_path / "to", NOW)
    with monkeypatch.context() as newer:
        _newer(newer)
        _backlog(data, 100, 200)
        await _run(data)
        told = _alerts(data)
        _backlog(data, 300, 100)
    with pytest.raises(NewerFileError):
        await _gateway(data)
    _restore(before, data)
    assert _stored(data) == list(range(100))
    (aside,) = data.glob("before-restore-*")
    taken = await _taken(data, aside / "journal.db")
    assert (taken["readings"], taken["known"], taken["before"]) == (400, 100, 0)
    assert _stored(data) == list(range(400))
    # What people were told by the newer version has the same ids.
    assert _alerts(data) == expected
    assert told.keys() <= expected.keys()


async def test_the_way_back_by_two_backups_loses_nothing(
    tmp_path: Path, expected: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readings come from a backup that the newer version has made."""
    data = tmp_path / "data"
    await _run(data)
    before = _backup(data, tmp_path / "to", NOW)
    with monkeypatch.context() as newer:
        _newer(newer)
        await _run(data)
        _backlog(data, 0, 400)
        after = _backup(data, tmp_path / "to", NOW + 1_000)
    with pytest.raises(BackupError, match="written by a newer Holdwatch"):
        _restore(after, data)
    _restore(before, data)
    assert (await _taken(data, after))["readings"] == 400
    assert _stored(data) == list(range(400))
    assert _alerts(data) == expected


async def _taken(data: Path, file: Path) -> dict[str, Any]:
    gateway = await _gateway(data)
    running = asyncio.create_task(gateway.run())
    request = {"do": "take-readings", "file": str(file), "key": ""}
    taken: dict[str, Any] = await Commands(gateway).answer(request, lambda _done, _all: None)
    gateway.stop()
    await running
    gateway.close()
    return taken


async def test_the_way_back_where_only_the_state_has_changed(
    tmp_path: Path, expected: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state that was kept takes its place again, and goes on from there."""
    data, schema = tmp_path / "data", len(State.migrations)
    await _run(data)
    _backlog(data, 0, 200)
    await _run(data)
    with monkeypatch.context() as newer:
        _newer(newer, State)
        _backlog(data, 200, 200)
        await _run(data)
        assert _alerts(data) == expected
    for path in [*data.glob("state.db"), *data.glob("state.db-*")]:
        path.rename(tmp_path / path.name)
    (data / f"state.db.schema-{schema}").rename(data / "state.db")
    assert len(_alerts(data)) == 3
    await _run(data)
    assert _alerts(data) == expected
    assert _stored(data) == list(range(400))


async def test_without_room_an_upgrade_keeps_no_copy_and_loses_nothing(
    tmp_path: Path, expected: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    _as_it_was(data, 1)
    monkeypatch.setattr("gateway.backup.before.ROOM", 1 << 60)
    await _run(data)
    assert _alerts(data) == expected
    assert not list(data.glob("state.db.schema-*"))


async def test_a_backup_of_an_older_version_is_restored_by_a_newer_one(
    tmp_path: Path, expected: Alerts
) -> None:
    data = tmp_path / "data"
    _as_it_was(data, 2)
    before = _backup(data, tmp_path / "to", NOW)
    _restore(before, tmp_path / "new")
    await _run(tmp_path / "new")
    assert _alerts(tmp_path / "new") == expected
    assert _stored(tmp_path / "new") == list(range(400))
