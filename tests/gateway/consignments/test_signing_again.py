"""Signatures one after the other, at odd times, and what comes while somebody signs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from devices.reading import IMPORTED
from gateway.consignments.changes import Changes
from gateway.consignments.facts import Delivered, Review, Withdrawn
from gateway.consignments.report import Version
from gateway.consignments.since import changes
from gateway.consignments.stating import Act
from gateway.refusal import ControlError
from rules.duration import HOUR, MINUTE
from tests.gateway.consignments.desk import BEGAN, ID, ROOT, SENSOR, Desk, open_desk, reading
from tests.gateway.parts import NOW


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = await open_desk(tmp_path)
    yield made
    made.state.close()


async def test_what_is_decided_is_decided_again_only_after_a_review(desk: Desk) -> None:
    await desk.sign()
    desk.clock.passes(MINUTE)
    with pytest.raises(ControlError, match="vac-1 is released already"):
        await desk.sign("rejected", reason="second thoughts")
    changes = Changes(desk.book, str)
    act = Act(desk.clock.now(), desk.clock.now(), ROOT, "second thoughts")
    await changes.state(ID, [Review(why="second thoughts")], act, "review")
    assert (await desk.sign("rejected", reason="dropped")).number == 2


async def test_on_a_clock_that_was_set_back_a_later_signature_still_counts(desk: Desk) -> None:
    await desk.sign()
    desk.clock.passes(2 * HOUR)
    desk.late()
    await desk.review.look(ID)
    desk.clock.passes(-HOUR)
    await desk.sign("rejected", reason="too warm")
    consignment = desk.book.consignment(ID)
    assert consignment is not None
    assert consignment.stage == "rejected"
    assert not await desk.review.look(ID)


async def test_what_was_held_on_its_way_is_released_once_it_is_delivered(desk: Desk) -> None:
    (delivered,) = [one for one in desk.book.facts(ID) if isinstance(one.fact, Delivered)]
    await desk.state_fact(Withdrawn(fact=delivered.number), NOW)
    await desk.sign("held", reason="it stands in the sun")
    desk.clock.passes(MINUTE)
    with pytest.raises(ControlError, match="not delivered, but under review"):
        await desk.sign("released", reason="fine")
    await desk.state_fact(Delivered(), desk.clock.now())
    assert (await desk.sign("released", reason="fine")).number == 2


@pytest.mark.parametrize(
    ("made", "head", "told"),
    [
        (NOW - 2 * HOUR, None, "too long ago"),
        (NOW + 1, None, "too long ago"),
        (NOW - 30 * MINUTE, None, "ends before it was delivered"),
        (NOW, 10**15, "nothing was stored yet"),
        (NOW, -1, "nothing was stored yet"),
    ],
)
async def test_nobody_chooses_as_far_as_what_time_a_report_goes(
    desk: Desk, made: int, head: int | None, told: str
) -> None:
    (delivered,) = [one for one in desk.book.facts(ID) if isinstance(one.fact, Delivered)]
    await desk.state_fact(Withdrawn(fact=delivered.number), NOW)
    await desk.state_fact(Delivered(), NOW - MINUTE)
    with pytest.raises(ControlError, match=told):
        await desk.sign("released", desk.reports.draft(ID, made, head), reason="so be it")
    assert desk.reports.signed(ID) == []


async def test_what_comes_late_while_somebody_signs_sets_it_under_review_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = desk.signing._keep
    running = asyncio.create_task(desk.review.run())

    async def slow(*words: object) -> Version:
        desk.late()
        consignment = desk.book.consignment(ID)
        assert consignment is not None
        desk.review.heed(consignment.subject)
        while desk.review._waiting:  # noqa: ASYNC110 - until it was looked at, in vain
            await asyncio.sleep(0.01)
        return await keep(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.signing, "_keep", slow)
    await desk.sign()
    async with asyncio.timeout(20):
        while not desk.review.open_alerts:  # noqa: ASYNC110 - the disk gives no sign
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_second_report_says_what_came_since_the_first_and_what_it_did(desk: Desk) -> None:
    assert desk.look().report.since is None
    first = await desk.sign()
    desk.clock.passes(HOUR)
    at = BEGAN + 5 * HOUR + MINUTE
    found = [
        msgspec.structs.replace(
            reading(at + n * MINUTE, -3.0), received=desk.clock.now(), flags=IMPORTED
        )
        for n in range(3)
    ]
    desk.readings.said[SENSOR] += found
    await desk.state_fact(Withdrawn(fact=4), NOW, reason="another leg")
    new = desk.look().report.since
    assert new is not None
    assert (new.version, new.made, new.verdict) == (1, first.report.made, first.report.verdict)
    (came,) = new.came
    assert (came.sensor, came.readings, came.imported) == (SENSOR, 3, 3)
    assert (came.first, came.last, came.received) == (at, at + 2 * MINUTE, desk.clock.now())
    assert new.sensors[0].readings == 54
    stated = {one.number: one.kind for one in desk.look().report.facts}
    assert [stated[one] for one in new.facts] == ["departed", "withdrawn"]
    assert new.verdict is not None
    told = {one.what: one[1:] for one in changes(new.verdict, desk.look().report.verdict)}
    assert told["Temperature, lowest"] == ("5\u00a0°C", "\u22123\u00a0°C")
    assert told["Excursions"][0] == "none"
    assert "Temperature, highest" not in told


async def test_where_nothing_is_new_since_a_report_it_says_so(desk: Desk) -> None:
    first = await desk.sign("held", reason="wait")
    desk.clock.passes(MINUTE)
    new = desk.look().report
    assert new.since is not None
    assert (new.since.came, new.since.facts) == ((), ())
    assert changes(first.report.verdict, new.verdict) == []


async def test_a_decision_that_was_altered_on_the_disk_is_refused(desk: Desk) -> None:
    await desk.sign()
    async with desk.state.writing():
        desk.state.stage(
            "UPDATE report SET decision = "
            "CAST(replace(CAST(decision AS TEXT), 'released', 'rejected') AS BLOB)",
            [()],
        )
    with pytest.raises(ControlError, match="is not what was signed"):
        desk.reports.version(ID, 1)


async def test_a_report_that_cannot_be_read_is_told_and_the_reviews_go_on(desk: Desk) -> None:
    await desk.sign()
    async with desk.state.writing():
        digest = hashlib.sha256(b"{}").hexdigest()
        desk.state.stage("UPDATE report SET body = ?, digest = ?", [(b"{}", digest)])
    with pytest.raises(ControlError, match="cannot be read by this version"):
        desk.reports.version(ID, 1)
    with pytest.raises(ControlError, match="cannot be read by this version"):
        await desk.review.look(ID)
    new = desk.look().report.since
    assert new is not None
    assert (new.version, new.verdict) == (1, None)


async def test_a_draft_of_a_long_voyage_lets_others_have_their_turn_while_it_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.consignments.verdicts.PART", HOUR)
    before = desk.look()
    turn = 0
    turns: list[int] = []
    read = desk.readings.readings

    def counted(*words: object) -> object:
        turns.append(turn)
        return read(*words)  # type: ignore[arg-type]

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(desk.readings, "readings", counted)
    running = asyncio.create_task(others())
    draft = await desk.reports.draft_aside(ID, before.report.made, before.report.head)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert draft == before
    assert len(turns) > 5
    assert len(set(turns)) == len(turns)
