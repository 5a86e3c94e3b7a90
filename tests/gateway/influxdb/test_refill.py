"""What a server missed is sent from the history, as it was, and exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.reading import CLOCK_AHEAD, COUNTED, DeviceKey, Reading
from gateway.database import DiskError, FileError
from gateway.follow import RetryLater
from gateway.history import HistoryReader
from gateway.influxdb import refill as module
from gateway.influxdb.letters import reading_of
from gateway.influxdb.sink import Sink
from rules.duration import DAY
from tests.gateway.influxdb.parts import AWAY, GONE, House, Office, during, times
from tests.gateway.parts import CLIMATE, NOW, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.influxdb.refill import Refill
    from gateway.influxdb.server import Answer

NAME = "influxdb:office"
TODAY = NOW // DAY
NOON = TODAY * DAY + DAY // 2
"""Noon of today, ms."""

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(Sink, "limit", 10)


def days(count: int, each: int = 24, device: str = "d-1") -> list[Reading]:
    """Readings of some days up to today, oldest first."""
    return [
        said(device, at=(TODAY - back) * DAY + i * DAY // each, sequence=i)
        for back in reversed(range(count))
        for i in range(each)
    ]


def of_day(readings: Sequence[Reading], day: int) -> list[Reading]:
    return [one for one in readings if one.when // DAY == day]


async def missed(house: House, *noted: int) -> None:
    """Note that these days were missed, as far as the newest reading."""
    async with house.state.writing():
        house.state.note_missed(NAME, noted)
        house.state.move(NAME, house.head)


async def test_days_that_were_missed_are_sent_the_newest_first(
    house: House, office: Office
) -> None:
    readings = days(4)
    house.store(readings)
    house.archive()
    await missed(house, TODAY - 3, TODAY - 2, TODAY)
    refill = house.refill(house.sink(office))
    await during(lambda: not refill.missed, refill.run())
    wanted = [one for day in (TODAY, TODAY - 2, TODAY - 3) for one in of_day(readings, day)]
    assert office.sent() == [times([one])[0] for one in wanted]


async def test_a_day_that_was_begun_is_sent_again_after_a_crash(
    house: House, office: Office
) -> None:
    readings = days(2)
    house.store(readings)
    house.archive()
    await missed(house, TODAY - 1, TODAY)

    def fault(_lines: list[bytes]) -> Answer | None:
        return AWAY if len(office.requests) > 4 else None

    office.fault = fault
    refill = house.refill(house.sink(office))
    await during(lambda: len(office.requests) > 4, refill.run())
    assert refill.missed == [TODAY - 1], "today is there"
    house.restart()
    office.fault = lambda _lines: None
    refill = house.refill(house.sink(office))
    await during(lambda: not refill.missed, refill.run())
    assert office.times == times(readings)


async def test_a_day_stays_missed_until_the_disk_has_taken_that_it_is_there(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.store(days(1))
    house.archive()
    await missed(house, TODAY)
    commit, attempts = house.state.commit, []

    def failing() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise DiskError("the disk fails")
        commit()

    monkeypatch.setattr(house.state, "commit", failing)
    refill = house.refill(house.sink(office))
    await during(lambda: not refill.missed, refill.run())
    assert len(attempts) == 3
    assert office.times == times(days(1))


async def test_nothing_is_sent_to_a_server_that_is_away(house: House, office: Office) -> None:
    house.store(days(1))
    house.archive()
    await missed(house, TODAY)
    sink = house.sink(office)
    refill = house.refill(sink)
    sink.delivery.reason = "cannot connect"
    looks: list[int] = []

    async def look() -> None:
        looks.extend(refill.missed)
        sink.delivery.reason = ""

    await during(lambda: not refill.missed, refill.run(), look())
    assert looks == [TODAY]
    assert office.times == times(days(1))


# -- a range ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("archived", [0, 40, 96], ids=["journal alone", "both", "history alone"])
async def test_a_range_is_sent_exactly_wherever_it_lies(
    house: House, office: Office, archived: int
) -> None:
    readings = days(4)
    house.store(readings[:archived])
    house.archive()
    house.store(readings[archived:])
    await missed(house)
    start, end = readings[13].when, readings[77].when
    count = await house.refill(house.sink(office)).send(start, end)
    assert count == 64
    assert office.times == times(readings[13:77])
    assert len(office.sent()) == 64


async def test_what_the_follower_is_yet_to_send_is_left_to_it(house: House, office: Office) -> None:
    readings = days(2)
    house.store(readings[:24])
    house.archive()
    house.store(readings[24:])
    house.journal._tail.clear()
    sink = house.sink(office)
    sink.sent = 34
    await house.refill(sink).send(readings[0].when, readings[-1].when + 1)
    assert set(times(readings[:34])) <= set(office.times)
    assert len(office.times) < 48


async def test_of_all_devices_and_layouts_and_by_the_clock_they_are_judged_by(
    house: House, office: Office
) -> None:
    ahead = said("d-3", at=NOW + 9 * DAY, received=NOW)
    climate = Reading(said().device, NOW - 5, NOW, CLIMATE, (50.0, 4.0), COUNTED, 7, "main")
    readings = [*days(1), *days(1, device="d-2"), ahead, climate]
    assert ahead.flags & CLOCK_AHEAD
    house.store(readings)
    house.archive()
    told: list[tuple[int, int]] = []
    refill = house.refill(house.sink(office))
    count = await refill.send(
        TODAY * DAY, (TODAY + 1) * DAY, lambda done, of: told.append((done, of))
    )
    assert count == len(readings)
    assert office.times == times(readings)
    assert told == sorted(told)
    assert (len(told) > 4, told[-1], {of for _, of in told}) == (True, (400, 400), {400})


async def test_to_send_again_changes_nothing(house: House, office: Office) -> None:
    readings = days(2)
    house.store(readings)
    sink = house.sink(office)
    await house.copy(sink)
    before = dict(office.points)
    house.archive()
    await house.refill(sink).send(readings[0].when, readings[-1].when + 1)
    assert office.points == before
    assert len(office.sent()) == 2 * len(readings)


async def test_a_failure_in_the_middle_is_raised(house: House, office: Office) -> None:
    house.store(days(2))
    house.archive()
    office.fault = lambda _lines: AWAY if len(office.requests) == 3 else None
    with pytest.raises(RetryLater, match="cannot connect"):
        await house.refill(house.sink(office)).send(0, 2 * NOW)


async def test_what_is_refused_is_laid_aside_once_however_often_it_is_sent(
    house: House, office: Office
) -> None:
    readings = days(1)
    house.store(readings)
    house.archive()
    sink = house.sink(office)
    office.bad = set(times(readings[5:7]))
    for _ in range(3):
        await house.refill(sink).send(0, 2 * NOW)
    letters = house.state.letters(NAME, 0, 10)
    assert [reading_of(one.body) for one in letters] == readings[5:7]
    assert sink.refusals.count == 2
    assert office.times == times(readings[:5] + readings[7:])


# -- damage ----------------------------------------------------------------------------------------


def damage(house: House, device: str, day: int) -> None:
    """Break the blocks of a device's day."""
    changed = house.history.stage(
        "UPDATE block SET data = x'0102' WHERE day = ? AND "
        "stream IN (SELECT id FROM stream WHERE device = ?) AND part = 0",
        [(day, device)],
    )
    house.history.commit()
    assert changed


@pytest.mark.parametrize("each", [3, 200], ids=["records", "packed"])
async def test_a_damaged_day_of_a_device_is_told_and_costs_only_itself(
    house: House, office: Office, each: int
) -> None:
    readings = [*days(4, each), *days(4, each, "d-2")]
    house.store(readings)
    house.archive()
    await missed(house, TODAY - 3, TODAY - 2, TODAY - 1, TODAY)
    damage(house, "d-1", TODAY - 2)
    refill = house.refill(house.sink(office))
    await during(lambda: not refill.missed, refill.run())
    gone = [one for one in of_day(readings, TODAY - 2) if one.device.id == "d-1"]
    assert office.times == times(one for one in readings if one not in gone)
    assert "d-1" in refill.damaged


@pytest.mark.parametrize("each", [3, 200], ids=["records", "packed"])
async def test_of_a_long_range_a_damaged_day_costs_only_itself(
    house: House, office: Office, each: int
) -> None:
    readings = days(4, each)
    house.store(readings)
    house.archive()
    damage(house, "d-1", TODAY - 1)
    refill = house.refill(house.sink(office))
    count = await refill.send(readings[0].when, readings[-1].when + 1)
    gone = of_day(readings, TODAY - 1)
    assert count == len(readings) - len(gone)
    assert office.times == times(one for one in readings if one not in gone)
    assert "damaged" in refill.damaged


async def test_around_a_damaged_block_the_rest_of_the_day_is_sent(
    house: House, office: Office
) -> None:
    midnight = TODAY * DAY
    readings = [said(at=midnight + i * 10_000, sequence=i) for i in range(8_192)]
    house.store(readings)
    house.archive()
    damage(house, "d-1", TODAY)  # of two blocks the first
    refill = house.refill(house.sink(office))
    count = await refill.send(midnight, midnight + DAY)
    assert 4_096 - 6 <= count <= 4_096
    assert set(office.times) <= set(times(readings[4_096:]))


async def broken_down(refill: Refill, office: Office) -> None:
    """Let the server be found gone, and then back again."""
    office.fault = lambda _lines: GONE
    with pytest.raises(RetryLater):
        await refill._delivery.deliver([b"x v=1 1"])
    office.fault = lambda _lines: None
    await refill._delivery.deliver([b"x v=1 1"])


@pytest.mark.parametrize("last", [30, 48, 1_000])
async def test_a_server_that_broke_down_gets_what_it_took_last_again(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    monkeypatch.setattr(module, "LAST", last)
    readings = days(2)
    house.store(readings)
    async with house.state.writing():
        house.state.move(NAME, house.head)
    refill = house.refill(house.sink(office))
    assert not await refill.once(), "while nothing is known of a failure nothing is due"
    await broken_down(refill, office)
    office.requests.clear()
    office.points.clear()
    assert await refill.once()
    assert office.sent() == times(readings[-last:])
    assert not await refill.once()


async def test_it_goes_on_after_a_crash_and_begins_again_where_the_server_breaks_down_again(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST", 30)
    readings = days(2)
    house.store(readings[:40])
    async with house.state.writing():
        house.state.move(NAME, house.head)
    refill = house.refill(house.sink(office))
    await broken_down(refill, office)
    office.fault = lambda _lines: AWAY
    with pytest.raises(RetryLater):
        await refill.once()
    house.store(readings[40:])
    async with house.state.writing():
        house.state.move(NAME, house.head)
    house.restart()
    refill = house.refill(house.sink(office))
    await broken_down(refill, office)
    office.requests.clear()
    assert await refill.once()
    assert office.sent() == times(readings[10:]), "from where it had to begin the first time"


async def test_a_server_that_is_only_slow_or_busy_gets_nothing_twice(
    house: House, office: Office
) -> None:
    house.store(days(1))
    async with house.state.writing():
        house.state.move(NAME, house.head)
    refill = house.refill(house.sink(office))
    office.fault = lambda _lines: AWAY
    with pytest.raises(RetryLater):
        await refill._delivery.deliver([b"x v=1 1"])
    office.fault = lambda _lines: None
    await refill._delivery.deliver([b"x v=1 1"])
    assert not await refill.once()


async def test_a_day_of_which_more_is_given_up_meanwhile_is_sent_once_more(
    house: House, office: Office
) -> None:
    readings = days(1)
    house.store(readings[:10])
    house.archive()
    await missed(house, TODAY)
    sink = house.sink(office)
    refill = house.refill(sink)

    def fault(_lines: list[bytes]) -> Answer | None:
        if not sink.given_up:  # what arrived since is given up too, while the first is on its way
            sink.given_up[TODAY] += 1
        return None

    office.fault = fault
    assert await refill.once()
    assert refill.missed == [TODAY]
    house.store(readings[10:])
    house.archive()
    assert await refill.once()
    assert refill.missed == []
    assert office.times == times(readings)


async def test_a_day_that_the_history_no_longer_has_is_told_of(
    house: House, office: Office
) -> None:
    house.store(days(2))
    house.archive()
    await missed(house, TODAY - 1)
    house.history.prune((TODAY + 1) * DAY, None)
    refill = house.refill(house.sink(office))
    assert await refill.once()
    assert refill.missed == []
    assert "the history has no longer all of" in refill.damaged


async def test_a_history_that_cannot_be_read_ends_nothing(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.store(days(1))
    house.archive()
    await missed(house, TODAY)
    refill = house.refill(house.sink(office))
    whole = HistoryReader.devices
    attempts: list[int] = []

    def devices(reader: HistoryReader) -> list[DeviceKey]:
        attempts.append(1)
        if len(attempts) < 3:
            raise FileError(house.folder / "history.db", "a page is damaged", "Restore it")
        return whole(reader)

    monkeypatch.setattr(HistoryReader, "devices", devices)
    await during(lambda: not refill.missed, refill.run())
    assert "a page is damaged" in refill.damaged
    assert len(office.points) == 24
