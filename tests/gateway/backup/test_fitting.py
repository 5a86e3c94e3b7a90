"""The copies of four files that are written meanwhile are those of one gateway that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devices.reading import Reading
from gateway.app import Gateway
from gateway.backup.archive import write
from gateway.backup.manifest import FORMAT, Head
from gateway.backup.snapshot import FILES, Snapshot
from gateway.evidence.store import EvidenceStore
from gateway.history import History
from gateway.journal import Journal
from rules.duration import HOUR
from tests.gateway.asked import Asked
from tests.gateway.backup.boxes import backed_up, filled, restored, rows, until
from tests.gateway.evidence.voyage import D1, D2, START, archived, heard, taking
from tests.gateway.parts import NOW

FOREVER = 1 << 62
CHANGED = ("state.db audit", "state.db sqlite_sequence", "journal.db arrival", "journal.db held")
"""What restoring changes on purpose."""


@pytest.fixture
async def gateway(ask: Asked) -> AsyncIterator[Gateway]:
    async with taking(ask.gateway):
        await filled(ask.gateway)
        yield ask.gateway


async def test_all_that_is_in_the_files_comes_back(gateway: Gateway, tmp_path: Path) -> None:
    await archived(gateway)
    await heard(gateway, D1, *(START + (60 + n) * HOUR for n in range(9)))
    data = gateway.settings.gateway.data
    made = backed_up(data, tmp_path / "to")
    restored(made.file, tmp_path / "new")
    assert rows(tmp_path / "new", but=CHANGED) == rows(data, but=CHANGED)


def _readings(folder: Path) -> set[tuple[str, int]]:
    """All readings of a data folder, in the journal or brought into the history from it."""
    journal, history = Journal(folder / "journal.db"), History(folder / "history.db")
    found: list[Reading] = list(journal.read(0, 10**6).readings)
    for sensor in (D1, D2):
        found += history.read(sensor, 0, FOREVER)
    # What the next archivist would add, it reads behind the cursor: nothing may lie between.
    assert not journal.read(0, 1).readings or journal.first <= history.cursor + 1
    assert history.cursor <= journal.head
    journal.close()
    history.close()
    return {(one.device.id, one.at) for one in found}


def _messages(folder: Path) -> list[tuple[int, bytes]]:
    """Messages of D1 that are evidence, with those that the keeper would still bring there."""
    journal, evidence = Journal(folder / "journal.db"), EvidenceStore(folder / "evidence.db")
    cursor = evidence.cursor
    evidence.begin_after(journal.messages.newest())
    assert evidence.cursor == cursor, "the evidence's copy knows of messages that the journal lacks"
    found = [
        *evidence.messages(D1, 0, FOREVER),
        *journal.messages.page(evidence.cursor),
    ]
    journal.close()
    evidence.close()
    return sorted((one.received, one.payload) for one in found)


async def _everything_moves(gateway: Gateway, hour: int) -> None:
    """Let all be brought where it stays, and what can go leave the journal; and more arrive."""
    await archived(gateway)
    await gateway.keeper.store()
    gateway.journal.prune(gateway.journal.head, FOREVER, 0)
    gateway.journal.commit()
    await heard(gateway, D1, START + (100 + hour) * HOUR)


async def _copied(gateway: Gateway, to: Path) -> None:
    """Back up, with everything moving between the copies of any two files, and restore."""
    snapshot = Snapshot(gateway.settings.gateway.data)
    head = Head(
        format=FORMAT, box="b", owner="", made=NOW, software="1", settings="", files=snapshot.files
    )
    members, taken = snapshot.members(), []
    for hour, file in enumerate(FILES):
        await _everything_moves(gateway, hour)
        taken += until(members, file)
        # Of small files this is all: the next part begins the next file.
    taken += list(members)
    snapshot.close()
    path = to.with_suffix(".holdwatch")
    with path.open("wb") as target:
        write(target, head, taken, ())
    await asyncio.to_thread(restored, path, to)


async def test_no_copy_knows_of_what_another_one_lacks(gateway: Gateway, tmp_path: Path) -> None:
    gateway.journal.stays = True
    await _copied(gateway, tmp_path / "new")
    expected = {("d-2", START + n * HOUR) for n in range(50)}
    expected |= {("d-1", START + n * HOUR) for n in (*range(50), 100, 101, 102, 103)}
    assert _readings(tmp_path / "new") == expected
    messages = _messages(tmp_path / "new")
    assert len(messages) == len(set(messages)) == 54, "each message once"


async def test_where_the_journal_lets_go_meanwhile_something_is_in_no_copy(
    gateway: Gateway, tmp_path: Path
) -> None:
    """Shows that the test above would notice."""
    await _copied(gateway, tmp_path / "new")
    with pytest.raises(AssertionError):
        _readings(tmp_path / "new")


async def test_a_journal_that_grows_while_it_is_copied_is_whole_up_to_one_moment(
    gateway: Gateway, tmp_path: Path
) -> None:
    for first in range(0, 9_000, 1_000):
        await heard(gateway, D2, *(START + (first + n) * 1000 + 7 for n in range(1_000)))
    snapshot = Snapshot(gateway.settings.gateway.data)
    head = Head(
        format=FORMAT, box="b", owner="", made=NOW, software="1", settings="", files=snapshot.files
    )
    taken, before = [], gateway.journal.head
    for number, one in enumerate(snapshot.members()):
        taken.append(one)
        await heard(gateway, D1, START + (200 + number) * HOUR)
    snapshot.close()
    path = tmp_path / "a.holdwatch"
    with path.open("wb") as target:
        write(target, head, taken, ())
    await asyncio.to_thread(restored, path, tmp_path / "new")
    journal = Journal(tmp_path / "new" / "journal.db")
    assert before < journal.head < gateway.journal.head
    theirs, ours = journal.read(0, 10**6).readings, gateway.journal.read(0, 10**6).readings
    assert list(theirs) == list(ours)[: len(theirs)]
    journal.close()
