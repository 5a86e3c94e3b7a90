"""The copying of readings: all of them arrive, whatever fails, and what is given up is noted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.database import DiskError
from gateway.follow import RetryLater, follow
from gateway.influxdb import refusals
from gateway.influxdb import sink as module
from gateway.influxdb.letters import reading_of
from gateway.influxdb.lines import time_of
from gateway.influxdb.sink import Sink
from rules.duration import DAY
from tests.gateway.influxdb.parts import AWAY, WRITTEN, Gate, House, Office, during, times
from tests.gateway.parts import NOW, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import Reading
    from gateway.influxdb.server import Answer

NAME = "influxdb:office"

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(Sink, "limit", 10)


def some(count: int, *, first: int = 0, step: int = 1) -> list[Reading]:
    return [said(at=NOW + i * step, sequence=i) for i in range(first, first + count)]


def away_once(lines_before: int) -> Callable[[list[bytes]], Answer | None]:
    """Take so many lines, fail once, and then take everything."""
    left = [lines_before, 0]

    def fault(lines: list[bytes]) -> Answer | None:
        left[0] -= len(lines)
        if left[0] >= 0 or left[1]:
            return None
        left[1] = 1
        return AWAY

    return fault


async def test_all_that_is_in_the_journal_arrives(house: House, office: Office) -> None:
    house.store(some(105))
    house.journal._tail.clear()  # as after a start: from the file
    sink = house.sink(office)
    await house.copy(sink)
    assert office.times == times(some(105))
    assert sink.waiting == 0
    house.store(some(7, first=105))
    await house.copy(sink)
    assert office.times == times(some(112))
    assert len(office.sent()) == 112, "nothing twice, while nothing fails"


async def test_the_cursor_is_written_down_when_asked_and_rests_on_what_arrived(
    house: House, office: Office
) -> None:
    house.store(some(40))
    sink = house.sink(office)
    await house.copy(sink)
    assert house.state.cursor(NAME) == sink.saved == 0, "each writing wears the disk"
    await sink.save()
    assert house.state.cursor(NAME) == sink.saved == 40


async def test_after_a_crash_it_goes_on_from_what_was_written_down(
    house: House, office: Office
) -> None:
    house.store(some(40))
    sink = house.sink(office)
    await house.copy(sink)
    await sink.save()
    house.store(some(25, first=40))
    await house.copy(sink)
    house.restart()
    office.requests.clear()
    sink = house.sink(office)
    assert sink.waiting == 25
    await house.copy(sink)
    assert sorted(office.sent()) == times(some(25, first=40))
    assert office.times == times(some(65)), "what was sent twice is there once"


async def test_batches_fly_together_and_land_in_order(house: House, office: Office) -> None:
    house.store(some(1))
    house.store(some(99, first=1))
    house.journal._tail.clear()
    first, gate = time_of(some(1)[0]), Gate()

    def fault(lines: list[bytes]) -> Answer | None:
        if lines[0].endswith(str(first).encode()):
            gate.pass_through()
        return None

    office.fault = fault
    sink = house.sink(office)

    def others_are_there() -> bool:
        return gate.waiting == 1 and len(office.points) == (module.PARALLEL - 1) * 10

    async def look() -> None:
        await during(others_are_there)
        assert sink.sent == 0, "the first is not there yet"
        await sink.save()
        assert house.state.cursor(NAME) == 0
        gate.open()

    await during(lambda: sink.sent == 100, follow(house, sink), look())
    assert office.times == times(some(100))


@pytest.mark.parametrize("before", [0, 10, 20, 30, 70])
async def test_after_a_failure_everything_behind_what_is_there_comes_again(
    house: House, office: Office, before: int
) -> None:
    house.store(some(100))
    house.journal._tail.clear()
    office.fault = away_once(before)
    sink = house.sink(office)
    await house.copy(sink)
    assert office.times == times(some(100))
    assert 100 < len(office.sent()) <= 100 + module.PARALLEL * 10


async def test_to_a_server_that_is_away_goes_one_small_batch_at_a_time(
    house: House, office: Office
) -> None:
    house.store(some(100))
    house.journal._tail.clear()
    attempts = []

    def fault(lines: list[bytes]) -> Answer | None:
        attempts.append(len(lines))
        return AWAY if len(attempts) < 9 else None

    office.fault = fault
    await house.copy(house.sink(office))
    assert office.times == times(some(100))
    assert len(attempts) < 25


async def test_retry_after_is_waited_for(house: House, office: Office) -> None:
    house.store(some(10))
    office.fault = lambda _lines: AWAY._replace(reason="429 slow down", after=17.0)
    sink = house.sink(office)
    with pytest.raises(RetryLater, match="429 slow down") as raised:
        await sink.handle(*house.read(0, 10))
    assert raised.value.after == 17.0
    assert (sink.cursor, sink.sent) == (0, 0)


async def test_a_refused_reading_becomes_a_dead_letter_with_its_reason(
    house: House, office: Office
) -> None:
    readings = some(60)
    house.store(readings)
    office.bad = set(times(readings[33:34]))
    sink = house.sink(office)
    await house.copy(sink)
    assert office.times == times(readings[:33] + readings[34:])
    (letter,) = house.state.letters(NAME, 0, 10)
    assert reading_of(letter.body) == readings[33]
    assert letter.reason == "400 field type conflict"
    assert sink.refusals.count == 1
    assert house.state.cursor(NAME) >= 34, "in one transaction: else it would come again"


async def test_letters_and_their_cursor_reach_the_disk_together_or_not_at_all(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = some(30)
    house.store(readings)
    office.bad = set(times(readings[5:6]))
    commit, attempts = house.state.commit, []

    def failing() -> None:
        attempts.append(house.state.cursor(NAME))
        if len(attempts) == 1:
            raise DiskError("the disk fails")
        commit()

    monkeypatch.setattr(house.state, "commit", failing)
    await house.copy(house.sink(office))
    assert attempts[:2] == [0, 0]
    assert len(house.state.letters(NAME, 0, 10)) == 1
    assert office.times == times(readings[:5] + readings[6:])


async def test_a_cursor_that_letters_moved_is_not_moved_back(house: House, office: Office) -> None:
    """The disk is slow: while the cursor waits for it, a letter is laid aside further on."""
    house.store(some(30))
    sink = house.sink(office)
    sink.sent = 10
    async with house.state.writing():
        saving = asyncio.create_task(sink.save())
        await asyncio.sleep(0)
        burying = asyncio.create_task(sink.lay_aside([(b"{}", "no")], 20))
        await asyncio.sleep(0)
    await asyncio.gather(saving, burying)
    assert house.state.cursor(NAME) == sink.saved == 20
    sink.sent = 25
    async with house.state.writing():
        burying = asyncio.create_task(sink.lay_aside([(b"{}", "no")], 20))
        await asyncio.sleep(0)
        saving = asyncio.create_task(sink.save())
        await asyncio.sleep(0)
    await asyncio.gather(saving, burying)
    assert house.state.cursor(NAME) == sink.saved == 25


async def test_a_server_that_refuses_too_much_stops_the_copying_and_loses_nothing(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST", 4)
    readings = some(50)
    house.store(readings)
    house.journal._tail.clear()
    office.bad = set(times(readings[11:14] + readings[21:23]))
    sink = house.sink(office)
    with pytest.raises(RetryLater, match="copying has stopped"):  # noqa: PT012 - it takes a few
        while True:
            await sink.handle(*house.read(sink.cursor, 10))
    assert (sink.sent, sink.refusals.count) == (20, 3)
    assert len(house.state.letters(NAME, 0, 10)) == 3
    office.requests.clear()
    with pytest.raises(RetryLater, match="copying has stopped"):
        await sink.handle(*house.read(sink.cursor, 10))
    assert office.requests == [], "a server that refuses everything is not asked in vain"
    # Somebody mends the server, and has them sent again.
    office.bad.clear()
    async with house.state.writing():
        house.state.drop_letters([one.number for one in house.state.letters(NAME, 0, 10)])
    sink.refusals.recount()
    assert sink.refusals.count == 0
    await house.copy(sink)
    assert office.times == times(readings[:11] + readings[14:])


async def test_what_is_laid_aside_already_is_not_laid_aside_again(
    house: House, office: Office
) -> None:
    house.store(some(20))
    sink = house.sink(office)
    await sink.lay_aside([(b'{"a":1}', "no"), (b'{"a":2}', "no")])
    await sink.lay_aside([(b'{"a":2}', "no, again"), (b'{"a":3}', "no")])
    bodies = [one.body for one in house.state.letters(NAME, 0, 10)]
    assert bodies == [b'{"a":1}', b'{"a":2}', b'{"a":3}']
    assert sink.refusals.count == 3
    await sink.lay_aside([(b'{"a":3}', "no")], 15)
    assert (sink.refusals.count, house.state.cursor(NAME)) == (3, 15)


# -- the cap -------------------------------------------------------------------------------------


def over_days(house: House, count: int = 100, days: int = 10) -> None:
    """Store readings, the same number each day, up to today."""
    step = DAY * days // count
    house.store([said(at=NOW - (count - 1 - i) * step, sequence=i) for i in range(count)])


@pytest.mark.parametrize(
    ("backlog", "archived", "given_up"),
    [
        pytest.param(1000, 100, 0, id="far below the cap"),
        pytest.param(100, 100, 0, id="at the cap"),
        pytest.param(50, 100, 55, id="beyond the cap, down to nine tenths"),
        pytest.param(0, 100, 100, id="nothing may wait"),
        pytest.param(50, 30, 30, id="only what is in the history"),
        pytest.param(50, 0, 0, id="the history is empty"),
    ],
)
async def test_beyond_the_cap_the_oldest_is_given_up_and_its_days_are_noted(
    house: House,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    *,
    backlog: int,
    archived: int,
    given_up: int,
) -> None:
    monkeypatch.setattr(house.journal, "rows_of", lambda size: size)  # a byte each
    monkeypatch.setattr(module, "PAGE", 7)
    monkeypatch.setattr(type(house.history), "cursor", property(lambda _: archived))
    over_days(house)
    sink = house.sink(office, backlog=backlog)
    await sink.keep_within()
    readings = list(house.read(0, 100).readings)
    assert (sink.sent, sink.saved, sink.cursor) == (given_up, given_up, given_up)
    assert house.state.cursor(NAME) == given_up
    assert house.state.missed(NAME) == sorted({one.at // DAY for one in readings[:given_up]})
    await house.copy(sink)
    assert office.times == times(readings[given_up:])


async def test_a_cap_is_held_while_batches_are_on_their_way(house: House, office: Office) -> None:
    over_days(house)
    house.archive()
    house.journal._tail.clear()
    gate = Gate()

    def fault(_lines: list[bytes]) -> Answer | None:
        gate.pass_through()
        return AWAY if gate.waiting == 1 else None

    office.fault = fault
    sink = house.sink(office, backlog=0)

    async def cap() -> None:
        await during(lambda: gate.waiting >= 1)
        await sink.keep_within()
        assert (sink.sent, sink.cursor) == (100, module.PARALLEL * 10)
        house.store(some(10, first=1000))
        gate.open()

    await during(lambda: sink.sent == 110, follow(house, sink), cap())
    assert set(times(some(10, first=1000))) <= set(office.times)
    assert len(house.state.missed(NAME)) >= 10


# -- several -------------------------------------------------------------------------------------


async def test_a_server_that_hangs_delays_no_other(house: House, office: Office) -> None:
    house.store(some(50))
    hanging, gate = Office(), Gate()

    def hang(_lines: Sequence[bytes]) -> Answer:
        gate.pass_through()
        return WRITTEN

    hanging.fault = hang
    well, dead = house.sink(office), house.sink(hanging, "branch")
    await during(
        lambda: well.sent == 50 and gate.waiting > 0, follow(house, dead), follow(house, well)
    )
    assert office.times == times(some(50))
    assert (well.sent, dead.sent) == (50, 0)
    gate.open()


async def test_what_was_lost_with_the_journal_comes_from_the_history(
    house: House, office: Office
) -> None:
    over_days(house)
    house.archive()
    sink = house.sink(office)
    sink.sent = 40
    sink._day = NOW // DAY - 6
    await sink.save()
    # The journal is gone, and a new one begins behind what is in the history.
    house.close()
    for file in house.folder.glob("journal.db*"):
        file.unlink()
    house.open()
    house.journal.begin_after(house.history.cursor)
    sink = house.sink(office)
    await sink.note_lost(NOW // DAY)
    assert house.state.missed(NAME) == [NOW // DAY - back for back in reversed(range(7))]


async def test_while_the_journal_is_whole_nothing_is_lost(house: House, office: Office) -> None:
    over_days(house)
    for sent in (0, 40, 100):
        sink = house.sink(office)
        sink.sent = sent
        await sink.save()
        await sink.note_lost(NOW // DAY)
        assert house.state.missed(NAME) == []
