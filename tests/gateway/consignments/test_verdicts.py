"""Verdicts made of real files: what sensors said, what was stated, alerted and done about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import pytest

from devices.reading import DeviceKey, Reading
from gateway.consignments.book import Book
from gateway.consignments.facts import (
    Assigned,
    Created,
    Decided,
    Delivered,
    Departed,
    Fact,
    Planned,
    Unassigned,
    Withdrawn,
)
from gateway.consignments.reports import REVIEW
from gateway.consignments.verdicts import Verdicts, speaking
from gateway.goods import Goods
from gateway.history import History, HistoryReader
from gateway.journal import Journal
from gateway.past import Past
from gateway.people.acts import Act, Acts
from gateway.people.audit import Who
from gateway.refusal import ControlError
from gateway.registry.cards import Calibration
from gateway.registry.registry import Registry
from gateway.state import State
from rules.alert import Alert, Event
from rules.cargo.consignment import Leg, Place, subject
from rules.cargo.verdict import Verdict
from rules.cargo.voices import NOT_ASSIGNED
from rules.duration import DAY, HOUR, MINUTE
from rules.plan import EVER, Intervals
from tests.gateway.parts import NOW, said

SENSOR, OTHER = DeviceKey("acme", "probe-1"), DeviceKey("acme", "probe-2")
BEGAN, END = NOW - 10 * HOUR, NOW
STEP = 5 * MINUTE
ANNA = Who("anna", "page")


def intervals(_sensor: DeviceKey) -> Intervals:
    return ((EVER, STEP),)


def heard(values: Sequence[float], sensor: DeviceKey = SENSOR, begin: int = BEGAN) -> list[Reading]:
    return [
        said(sensor.id, begin + place * STEP, value, owner=sensor.owner)
        for place, value in enumerate(values)
    ]


class Bench:
    """One consignment's files, as the gateway has them open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = State(folder / "state.db")
        self.journal = Journal(folder / "journal.db")
        self.history = History(folder / "history.db")
        self.book = Book(self.state, "acme")
        self.registry = Registry(self.state)
        self.goods = Goods(self.state, None)
        self.verdicts = Verdicts(
            self.state,
            Past(self.journal, self.history),
            self.registry.corrections,
            self.book,
            self.goods,
            intervals,
            lambda: self.journal.head,
        )

    async def begin(self, identity: str = "C-1", sensor: DeviceKey = SENSOR) -> None:
        await self.goods.adopt(BEGAN)
        vaccines = self.goods.profile("vaccines")
        assert vaccines is not None
        leg = Leg(
            number=1,
            custodian="Alpha",
            mode="road",
            origin=Place("Basel"),
            destination=Place("Rotterdam"),
        )
        await self.fact(Created(goods="vaccines", version=vaccines.version()), BEGAN, identity)
        await self.fact(Planned(legs=(leg,)), BEGAN, identity)
        await self.fact(Assigned(sensor=sensor), BEGAN, identity)
        await self.fact(Departed(leg=1), BEGAN, identity)

    async def fact(self, fact: Fact, at: int, identity: str = "C-1") -> int:
        async with self.book.changing() as change:
            return change.state(identity, fact, at=at, entered=NOW, who="anna", reason="so it was")

    def hear(self, readings: Sequence[Reading]) -> None:
        self.journal.append(readings)
        self.journal.commit()
        self.journal.publish()

    async def alert(self, rule: str = "too-warm", kind: str = "threshold") -> str:
        alert = Alert(
            id=f"{rule}-1",
            rule=rule,
            version="v",
            kind=kind,
            severity="critical",
            device=subject("acme", "C-1"),
            channel="temperature",
            state="firing",
            reason="",
            began=BEGAN + HOUR,
            fired=BEGAN + 2 * HOUR,
        )
        event = Event(key=f"k-{rule}", kind="firing", at=alert.fired, alert=alert)
        async with self.state.writing():
            self.state.record([event], NOW)
        return alert.id

    def verdict(self, until: int = END) -> Verdict:
        return self.verdicts.verdict("C-1", until)

    def close(self) -> None:
        for one in (self.state, self.journal, self.history):
            one.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


WELL = [5.0] * 120
WARM = [*[5.0] * 12, *[9.0] * 24, *[5.0] * 84]


async def test_what_the_sensors_said_is_judged_by_the_consignments_profile(bench: Bench) -> None:
    await bench.begin()
    bench.hear(heard(WELL))
    found = bench.verdict()
    assert (found.since, found.until, found.unknown) == (BEGAN, END, 0)
    assert found.profile == "vaccines"
    assert found.version.startswith("vaccines@")
    assert (found.statistics[0].readings, found.proposal) == (120, "release")


async def test_late_readings_count(bench: Bench) -> None:
    await bench.begin()
    whole = heard(WARM)
    bench.hear([*whole[:12], *whole[36:]])
    before = bench.verdict()
    bench.hear(whole[12:36])
    after = bench.verdict()
    assert (len(before.excursions), len(after.excursions)) == (0, 1)
    assert before.unknown > after.unknown == 0


async def test_readings_count_as_calibration_corrects_them(bench: Bench) -> None:
    await bench.begin()
    bench.hear(heard(WARM))
    assert len(bench.verdict().excursions) == 1
    async with bench.registry.changing() as change:
        change.state(SENSOR, Calibration(since=BEGAN, channel="temperature", offset=-1.5))
    found = bench.verdict()
    assert found.excursions == ()
    assert found.statistics[0].highest is not None
    assert found.statistics[0].highest.value == 7.5


async def test_alerts_of_the_consignment_and_what_people_said_of_them_are_told(
    bench: Bench,
) -> None:
    await bench.begin()
    bench.hear(heard(WARM))
    alert = await bench.alert()
    await Acts(bench.state).do(Act(alert, "noted", "anna", NOW - HOUR, "Door was open"), ANNA)
    (one,) = bench.verdict().excursions
    assert one.alerts == (alert,)
    assert one.explanation.endswith(
        "Alerted by too-warm (critical). Said of it: Door was open (anna)."
    )
    assert bench.verdict().proposal == "hold"
    # As of a time before it was said, it was not.
    assert "Said of it" not in bench.verdict(NOW - 2 * HOUR).excursions[0].explanation


async def test_that_it_must_be_looked_at_again_is_no_reason_to_hold_it(bench: Bench) -> None:
    await bench.begin()
    bench.hear(heard(WELL))
    await bench.alert("review", REVIEW)
    assert bench.verdict().proposal == "release"


async def test_what_a_sensor_says_after_it_was_moved_counts_where_it_is(bench: Bench) -> None:
    await bench.begin()
    await bench.begin("C-2", OTHER)
    bench.hear([*heard([*[5.0] * 60, *[20.0] * 60]), *heard(WELL, OTHER)])
    moved = BEGAN + 60 * STEP
    await bench.fact(Unassigned(sensor=SENSOR), moved)
    await bench.fact(Assigned(sensor=OTHER), moved)
    await bench.fact(Unassigned(sensor=OTHER), moved, "C-2")
    await bench.fact(Assigned(sensor=SENSOR), moved, "C-2")
    found = bench.verdict()
    assert found.excursions == ()
    left_out = [(one.sensor, one.since, one.readings, one.reason) for one in found.excluded]
    assert left_out == [(SENSOR, moved, 60, "assigned to C-2")]
    (one,) = bench.verdicts.verdict("C-2", END).excursions
    assert (one.begin, one.worst_sensor) == (moved, SENSOR)


async def test_what_an_assignment_brought_that_was_withdrawn_is_told_as_left_out(
    bench: Bench,
) -> None:
    await bench.begin()
    bench.hear([*heard(WELL), *heard([20.0] * 60, OTHER)])
    number = await bench.fact(Assigned(sensor=OTHER), BEGAN)
    assert len(bench.verdict().excursions) == 1
    await bench.fact(Withdrawn(fact=number), NOW)
    found = bench.verdict()
    assert found.excursions == ()
    assert [(one.sensor, one.readings, one.reason) for one in found.excluded] == [
        (OTHER, 60, NOT_ASSIGNED)
    ]


async def test_what_comes_later_does_not_change_how_it_stood_then(bench: Bench) -> None:
    await bench.begin()
    bench.hear(heard(WARM))
    then = BEGAN + 5 * HOUR
    alert = await bench.alert()
    before = bench.verdict(then)
    await bench.fact(Delivered(), then + HOUR)
    await bench.fact(Unassigned(sensor=SENSOR), then + HOUR)
    await bench.fact(Decided(meaning="released", report=1, digest=""), then + 2 * HOUR)
    await Acts(bench.state).do(Act(alert, "noted", "anna", NOW, "All is well"), ANNA)
    assert bench.verdict(then) == before
    assert bench.verdict().until == then + HOUR


async def test_the_page_and_whoever_waits_get_the_same_verdict(bench: Bench) -> None:
    await bench.begin()
    bench.hear([*heard(WARM), *heard([6.0] * 120, begin=BEGAN - 45 * DAY)])
    await bench.fact(Assigned(sensor=SENSOR, until=BEGAN - 44 * DAY), BEGAN - 45 * DAY)
    found = bench.verdict()
    assert found.since == BEGAN - 45 * DAY
    assert await bench.verdicts.judged_aside("C-1", END) == found
    state = State(bench.folder / "state.db", looking=True)
    journal = Journal(bench.folder / "journal.db", looking=True)
    path = bench.folder / "history.db"
    packed = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    beside = Verdicts(
        state,
        Past(journal, HistoryReader(path, packed)),
        Registry(state).corrections,
        Book(state, "acme"),
        Goods(state, None),
        intervals,
        lambda: journal.head,
    )
    assert beside.verdict("C-1", END) == found
    for one in (state, journal, packed):
        one.close()


async def test_what_its_sensors_said_is_there_to_be_drawn(bench: Bench) -> None:
    await bench.begin()
    bench.hear(heard(WELL))
    found = bench.verdicts.case("C-1", END).readings
    assert [one.values[0] for one in found[SENSOR]] == WELL


async def test_what_cannot_be_judged_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(ControlError, match="there is no consignment C-9") as told:
        bench.verdicts.verdict("C-9", END)
    assert told.value.cure == "See: holdwatch consignment list"
    await bench.fact(Created(goods="mammoths", version="mammoths@0123456789ab"), BEGAN)
    with pytest.raises(ControlError, match="the profile mammoths@0123456789ab is not known here"):
        bench.verdict()


def test_a_reading_speaks_for_two_and_a_half_intervals_of_its_time() -> None:
    stated = ((EVER, 10 * MINUTE), (NOW, 4 * MINUTE))
    speaks = speaking([SENSOR], lambda _sensor: stated)
    assert (speaks(SENSOR, NOW - 1), speaks(SENSOR, NOW)) == (25 * MINUTE, 10 * MINUTE)
