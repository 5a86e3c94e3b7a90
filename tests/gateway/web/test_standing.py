"""What stands now, as the feed, the files and people tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from devices.reading import DeviceKey, layout, reading
from gateway.archivist import Archivist
from gateway.web.files import Archive
from gateway.web.now.open_alerts import Counts
from tests.gateway.web.told import MINUTE, NOW, Told, alert, seen, status

if TYPE_CHECKING:
    from devices.reading import Reading
    from gateway.web.now.rows import Row

FRIDGE = DeviceKey("", "fridge-1")


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    made = Told(tmp_path)
    yield made
    made.close()


def fridge(told: Told) -> Row:
    row = told.standing.row(FRIDGE)
    assert row is not None
    return row


def measured(device: str, at: int, value: float) -> Reading:
    return reading(
        device=DeviceKey("", device),
        at=at,
        received=at + 10,
        layout=layout(("temperature",)),
        values=(value,),
        sequence=None,
    )


async def store(told: Told, *readings: Reading) -> None:
    told.journal.append(readings)
    await told.journal.commit_aside()
    told.journal.publish()


async def test_rows_are_worst_first_and_counted(told: Told) -> None:
    told.take(
        seen("fridge-1", temperature=4.0),
        seen("fridge-2", temperature=11.0, rules=(status(),)),
        seen("fridge-3", temperature=9.0, rules=(status(state="pending"),)),
    )
    assert [row.key for row in told.standing.rows()] == ["fridge-2", "fridge-3", "fridge-1"]
    assert told.standing.states() == {"critical": 1, "pending": 1, "ok": 1}
    told.take(seen("fridge-2", temperature=4.0))
    assert [row.key for row in told.standing.rows()] == ["fridge-3", "fridge-1", "fridge-2"]
    assert told.standing.states() == {"pending": 1, "ok": 2}


async def test_it_is_complete_once_all_that_there_was_is_told(told: Told) -> None:
    told.take(seen("fridge-1", temperature=4.0), more=True)
    assert not told.standing.complete
    told.take()
    assert told.standing.complete
    told.take(seen("fridge-2", temperature=4.0), more=True)
    assert told.standing.complete


async def test_alerts_and_acts_are_taken_in_as_they_are_recorded(told: Told) -> None:
    told.take(seen(temperature=11.5, rules=(status(),)))
    assert fridge(told).alert is None
    await told.record(alert())
    told.take()
    assert (fridge(told).alert, fridge(told).holder) == ("a1", "")
    assert told.standing.counts() == Counts(1, 1, 1, 1)
    await told.act(1, "acknowledged")
    told.take()
    assert (fridge(told).holder, fridge(told).acknowledged) == ("olga", True)
    assert told.standing.counts() == Counts(1, 1, 0, 0)
    over = msgspec.structs.replace(alert(), state="resolved", ended=NOW)
    await told.record(over)
    told.take(seen(temperature=5.0))
    assert (fridge(told).state, fridge(told).alert, fridge(told).holder) == ("ok", None, "")
    assert told.standing.counts() == Counts()


async def test_a_mute_ends_by_itself(told: Told) -> None:
    await told.record(alert())
    await told.act(1, "muted", until=NOW + MINUTE)
    told.take(seen(temperature=11.5, rules=(status(),)))
    assert fridge(told).muted_until == NOW + MINUTE
    assert told.standing.counts().sounding == 0
    told.take(now=NOW + MINUTE)
    assert fridge(told).muted_until is None
    assert told.standing.counts().sounding == 1


async def test_an_act_about_an_alert_that_comes_with_it_counts(told: Told) -> None:
    await told.record(alert())
    await told.act(1, "acknowledged")
    told.take(seen(temperature=11.5, rules=(status(),)))
    assert fridge(told).holder == "olga"


async def test_what_is_found_in_the_past_makes_no_sound(told: Told) -> None:
    await told.record(alert(retrospective=True))
    told.take()
    assert told.standing.counts() == Counts(open=1, critical=1, unacknowledged=1, sounding=0)


async def test_the_gateways_own_alerts_are_on_the_board_and_are_no_devices(told: Told) -> None:
    own = alert("a9", "dock", "gateway", kind="gateway", channel="disk", reason="full")
    await told.record(own)
    told.take(seen("dock", temperature=4.0))
    assert [(line.row.own, line.row.state) for line in told.standing.board()] == [
        (True, "critical"),
        (False, "ok"),
    ]
    assert [row.key for row in told.standing.rows()] == ["dock"]
    (number,) = (line.number for line in told.standing.board() if line.row.own)
    await told.record(msgspec.structs.replace(own, state="resolved", ended=NOW))
    told.take()
    assert [line.row.own for line in told.standing.board()] == [False]
    assert [one for _, one in told.standing.gone] == [number]
    assert told.standing.states() == {"ok": 1}


async def test_only_what_changed_is_made_again(told: Told) -> None:
    told.take(seen("fridge-1", temperature=4.0), seen("fridge-2", temperature=4.0))
    before = {line.row.key: line.row for line in told.standing.board()}
    told.standing.fresh()
    told.take(seen("fridge-2", temperature=4.5, when=NOW + 1))
    ((line, was),) = told.standing.fresh()
    assert (line.row.key, was) == ("fridge-2", before["fridge-2"])
    assert line.reframed < line.changed  # a patch tells it
    assert told.standing.row(FRIDGE) is before["fridge-1"]
    assert told.standing.fresh() == []


@pytest.mark.parametrize("stored", ["in the journal", "in the history", "half in each"])
async def test_what_was_before_the_gateways_start_is_looked_up(
    told: Told, tmp_path: Path, stored: str
) -> None:
    readings = [measured("fridge-1", NOW + step * 10 * MINUTE, 4.0 + step) for step in range(6)]
    readings += [measured("fridge-2", NOW, 3.0)]
    split = {"in the journal": 0, "in the history": 7, "half in each": 3}[stored]
    await store(told, *readings[:split])
    if split:
        archivist = Archivist(told.history, told.clock, keep=1 << 50, keep_size=None)
        await archivist.handle(readings[:split], told.journal.head)
        await archivist.store()
    await store(told, *readings[split:])
    told.take(seen("fridge-1", when=None), seen("fridge-2", when=None))
    archive = Archive(tmp_path)
    try:
        await asyncio.wait_for(told.standing.fill(archive), 20)
    finally:
        archive.close()
    row = fridge(told)
    assert (row.value, row.at) == (9.0, NOW + 50 * MINUTE)
    assert row.trend is not None
    assert row.trend.word == "rising"
    # Told again without a reading, because of a rule: what was looked up stands.
    told.take(
        seen("fridge-1", when=None, rules=(status("silent", kind="lost_contact", channel=""),))
    )
    assert (fridge(told).value, fridge(told).state) == (9.0, "critical")


async def test_what_is_heard_now_is_not_replaced_by_what_was_before(
    told: Told, tmp_path: Path
) -> None:
    await store(told, measured("fridge-1", NOW - MINUTE, 1.0))
    told.take(seen("fridge-1", temperature=4.0))
    archive = Archive(tmp_path)
    try:
        await asyncio.wait_for(told.standing.fill(archive), 20)
    finally:
        archive.close()
    assert fridge(told).value == 4.0
