"""What is said of devices: their interval, whose place they have, and since when they are gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from devices.reading import DeviceKey
from rules.duration import HOUR, MINUTE
from rules.engine import Engine
from rules.plan import REPLACED, Intervals, Stand
from rules.rule import current
from rules.subject import order
from tests.rules.series import INTERVAL, REEFER, START, at, readings, rule, temperature, told

NEW = DeviceKey("acme", "probe-9")
OTHER = DeviceKey("acme", "reefer-2")
LOST = rule(name="lost", kind="lost_contact", after="30 min", devices=["acme/reefer-*"])
HOT = rule(name="hot", above=8, duration="60 min", devices=["acme/reefer-*"])


class Facts:
    """What people say of devices, which may change."""

    def __init__(self) -> None:
        self.intervals: Intervals = ((0, INTERVAL),)
        self.places: dict[DeviceKey, tuple[Stand, ...]] = {}

    def stands_for(self, device: DeviceKey) -> Sequence[Stand]:
        return self.places.get(device, (Stand(device),))

    def engine(self) -> Engine:
        return Engine(
            current((HOT, LOST)),
            lambda _: self.intervals,
            stands_for=self.stands_for,
        )


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_a_device_is_judged_by_the_rules_of_whose_place_it_has(facts: Facts) -> None:
    judging = facts.engine()
    assert judging.fold([temperature(0, 9, device=NEW)]).transitions == []
    facts.places[NEW] = (Stand(NEW), Stand(REEFER, at(5)))
    assert judging.renew(NEW) == []
    folded = judging.fold([temperature(m, 9, device=NEW) for m in range(10, 80, 10)])
    assert told(folded.transitions) == ["hot firing 70"]
    assert [one.device for one in judging.tick(at(200), START)] == [NEW]


def test_a_place_given_back_ends_its_alarms(facts: Facts) -> None:
    facts.places[NEW] = (Stand(NEW), Stand(REEFER, at(0)))
    judging = facts.engine()
    judging.fold([temperature(m, 9, device=NEW) for m in range(0, 80, 10)])
    judging.tick(at(200), START)
    facts.places.clear()
    ended = judging.renew(NEW)
    assert [(one.rule, one.kind) for one in ended] == [
        ("hot", "indeterminate"),
        ("lost", "indeterminate"),
    ]
    assert judging.renew(NEW) == [], "once"
    assert judging.tick(at(500), START) == []


def test_a_new_interval_keeps_what_is_known(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold([temperature(m, 9) for m in range(0, 60, 10)])
    facts.intervals = ((0, INTERVAL), (at(50), 2 * INTERVAL))
    assert judging.renew(REEFER) == []
    # It speaks for 60 minutes now; by the old interval the half hour after 50 + 30 is unknown.
    folded = judging.fold([temperature(105, 9)])
    assert told(folded.transitions) == ["hot firing 60"]


def test_a_device_that_is_well_stays_as_it_was(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4x3"))
    before = judging.dump(REEFER)
    facts.intervals = ((0, 2 * INTERVAL),)
    judging.renew(REEFER)
    assert judging.dump(REEFER) == before
    assert judging.calm(REEFER)


def test_whoever_was_replaced_is_not_missed(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4"))
    facts.places[REEFER] = (Stand(REEFER, until=at(10)),)
    judging.renew(REEFER)
    assert judging.tick(at(500), START) == []
    # Not even when it is switched on once more, on a desk.
    judging.fold([temperature(600, 4)])
    assert judging.tick(at(900), START) == []


def test_its_absence_ends_where_it_was_told_already(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4"))
    (lost,) = judging.tick(at(40), START)
    facts.places[REEFER] = (Stand(REEFER, until=at(10)),)
    (ended,) = judging.renew(REEFER)
    assert (ended.id, ended.kind, ended.reason) == (lost.id, "indeterminate", REPLACED)
    assert ended.at >= lost.at


def test_its_alarms_end_when_it_was_replaced(facts: Facts) -> None:
    judging = facts.engine()
    series = [temperature(m, 9) for m in range(0, 130, 10)]
    judging.fold(series)
    facts.places[REEFER] = (Stand(REEFER, until=at(100)),)
    assert judging.renew(REEFER) == []
    (found,) = judging.rejudge(REEFER, None, sorted(series, key=order)).episodes
    assert told([found]) == ["0 fired 60 indeterminate 100"]
    assert found.reason == REPLACED
    assert judging.fold([temperature(m, 9) for m in range(130, 300, 10)]).transitions == []


def test_whoever_comes_back_is_judged_and_missed_again(facts: Facts) -> None:
    facts.places[REEFER] = (Stand(REEFER, until=at(10)),)
    judging = facts.engine()
    judging.fold([temperature(20, 4)])
    assert judging.tick(at(100), START) == []
    facts.places[REEFER] = (Stand(REEFER, until=at(10)), Stand(REEFER, at(90)))
    judging.renew(REEFER)
    folded = judging.fold([temperature(m, 9) for m in range(110, 180, 10)])
    assert told(folded.transitions) == ["hot firing 170"]
    assert len(judging.tick(at(300), START)) == 1


def test_nothing_is_judged_before_the_place_was_taken(facts: Facts) -> None:
    judging = facts.engine()
    shelf = [temperature(m, 21.0, device=NEW) for m in range(0, 200, 10)]
    judging.fold(shelf)
    facts.places[NEW] = (Stand(NEW), Stand(REEFER, at(185)))
    assert judging.renew(NEW) == []
    assert judging.rejudge(NEW, None, shelf).episodes == []
    # Also not after a restart.
    fresh = facts.engine()
    fresh.load(NEW, judging.dump(NEW))
    assert fresh.dump(NEW) == judging.dump(NEW)
    later = [temperature(m, 21.0, device=NEW) for m in range(200, 260, 10)]
    assert told(judging.fold(later).transitions) == ["hot firing 250"]
    again = judging.rejudge(NEW, None, [*shelf, *later])
    assert told(again.episodes) == ["190 fired 250 open"]


def test_whoever_takes_a_place_is_missed_from_then_on(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold([temperature(0, 21, device=NEW)])
    facts.places[NEW] = (Stand(NEW), Stand(REEFER, at(600)))
    judging.renew(NEW)
    assert judging.tick(at(629), START) == []
    (lost,) = judging.tick(at(630), START)
    assert (lost.begin, lost.fired_at) == (at(600), at(630))


def test_whoever_was_away_is_not_judged_for_that_time(facts: Facts) -> None:
    facts.places[REEFER] = (Stand(REEFER, until=at(60)), Stand(REEFER, at(200)))
    series = [temperature(m, 9 if 60 < m < 200 else 4) for m in range(0, 400, 10)]
    judging = facts.engine()
    assert judging.fold(series).transitions == []
    assert judging.rejudge(REEFER, None, series).episodes == []
    warm = [temperature(m, 9) for m in range(400, 480, 10)]
    assert told(judging.fold(warm).transitions) == ["hot firing 460"]


def test_a_place_that_goes_on_under_the_same_rule_is_no_new_one(facts: Facts) -> None:
    facts.places[NEW] = (Stand(NEW), Stand(REEFER, at(0), at(100)), Stand(OTHER, at(100)))
    judging = facts.engine()
    folded = judging.fold([temperature(m, 9, device=NEW) for m in range(0, 200, 10)])
    assert told(folded.transitions) == ["hot firing 60"]


@pytest.mark.parametrize(
    ("every", "interval", "before"),
    [
        (20, MINUTE, ["0 fired 60 resolved 80"]),
        (50, 4 * HOUR, ["0 fired 80 resolved 200"]),
        (70, 8 * HOUR, ["0 fired 100 resolved 280"]),
    ],
)
def test_an_interval_from_now_on_leaves_what_was_judged(
    facts: Facts, every: int, interval: int, before: list[str]
) -> None:
    series = [temperature(m * every, 9 if m < 4 else 4) for m in range(10)]
    judging = facts.engine()
    judging.fold(series)
    assert told(judging.rejudge(REEFER, None, series).episodes) == before
    facts.intervals = ((0, INTERVAL), (at(10 * every), interval))
    judging.renew(REEFER)
    assert told(judging.rejudge(REEFER, None, series).episodes) == before
    facts.intervals = ((0, interval),)
    judging.renew(REEFER)
    assert told(judging.rejudge(REEFER, None, series).episodes) != before, "it would matter"


def test_an_alarm_goes_on_over_a_change_of_interval(facts: Facts) -> None:
    facts.intervals = ((0, INTERVAL), (at(100), 5 * INTERVAL))
    series = [*(temperature(m, 9) for m in range(0, 101, 10)), temperature(230, 9)]
    judging = facts.engine()
    first = judging.fold(series).transitions
    assert told(first) == ["hot firing 60"]
    last = judging.fold([temperature(300, 4)]).transitions
    assert told(last) == ["hot resolved 300"]
    # What was said at 100 spoke until 250: at no time was anything unknown.
    assert (last[0].id, last[0].explanation.unknown) == (first[0].id, 0)


def test_a_device_never_seen_needs_no_renewal(facts: Facts) -> None:
    judging = facts.engine()
    assert judging.renew(NEW) == []
    assert not judging.knows(NEW)
