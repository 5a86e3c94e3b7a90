"""What is said of devices: their interval, whose place they have, and since when they are gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from devices.reading import DeviceKey
from rules.engine import Engine
from rules.plan import REPLACED
from rules.rule import current
from rules.subject import order
from tests.rules.series import INTERVAL, REEFER, START, at, readings, rule, temperature, told

NEW = DeviceKey("acme", "probe-9")
LOST = rule(name="lost", kind="lost_contact", after="30 min", devices=["acme/reefer-*"])
HOT = rule(name="hot", above=8, duration="60 min", devices=["acme/reefer-*"])


class Facts:
    """What people say of devices, which may change."""

    def __init__(self) -> None:
        self.interval = INTERVAL
        self.places: dict[DeviceKey, tuple[DeviceKey, ...]] = {}
        self.gone: dict[DeviceKey, int] = {}

    def stands_for(self, device: DeviceKey) -> Sequence[DeviceKey]:
        return self.places.get(device, (device,))

    def engine(self) -> Engine:
        return Engine(
            current((HOT, LOST)),
            lambda _: self.interval,
            stands_for=self.stands_for,
            gone=self.gone.get,
        )


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_a_device_is_judged_by_the_rules_of_whose_place_it_has(facts: Facts) -> None:
    judging = facts.engine()
    assert judging.fold([temperature(0, 9, device=NEW)]).transitions == []
    facts.places[NEW] = (NEW, REEFER)
    assert judging.renew(NEW) == []
    folded = judging.fold([temperature(m, 9, device=NEW) for m in range(10, 80, 10)])
    assert told(folded.transitions) == ["hot firing 70"]
    assert [one.device for one in judging.tick(at(200), START)] == [NEW]


def test_a_place_given_back_ends_its_alarms(facts: Facts) -> None:
    facts.places[NEW] = (NEW, REEFER)
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
    facts.interval = 2 * INTERVAL
    assert judging.renew(REEFER) == []
    # It speaks for 60 minutes now; by the old interval the half hour after 50 + 30 is unknown.
    folded = judging.fold([temperature(105, 9)])
    assert told(folded.transitions) == ["hot firing 60"]


def test_a_device_that_is_well_stays_as_it_was(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4x3"))
    before = judging.dump(REEFER)
    facts.interval = 2 * INTERVAL
    judging.renew(REEFER)
    assert judging.dump(REEFER) == before
    assert judging.calm(REEFER)


def test_whoever_was_replaced_is_not_missed(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4"))
    facts.gone[REEFER] = at(10)
    judging.renew(REEFER)
    assert judging.tick(at(500), START) == []
    # Not even when it is switched on once more, on a desk.
    judging.fold([temperature(600, 4)])
    assert judging.tick(at(900), START) == []


def test_its_absence_ends_where_it_was_told_already(facts: Facts) -> None:
    judging = facts.engine()
    judging.fold(readings("4"))
    (lost,) = judging.tick(at(40), START)
    facts.gone[REEFER] = at(10)
    (ended,) = judging.renew(REEFER)
    assert (ended.id, ended.kind, ended.reason) == (lost.id, "indeterminate", REPLACED)
    assert ended.at >= lost.at


def test_its_alarms_end_when_it_was_replaced(facts: Facts) -> None:
    judging = facts.engine()
    series = [temperature(m, 9) for m in range(0, 130, 10)]
    judging.fold(series)
    facts.gone[REEFER] = at(100)
    assert judging.renew(REEFER) == []
    (found,) = judging.rejudge(REEFER, None, sorted(series, key=order)).episodes
    assert told([found]) == ["0 fired 60 indeterminate 100"]
    assert found.reason == REPLACED
    assert judging.fold([temperature(m, 9) for m in range(130, 300, 10)]).transitions == []


def test_whoever_comes_back_is_judged_and_missed_again(facts: Facts) -> None:
    facts.gone[REEFER] = at(10)
    judging = facts.engine()
    judging.fold([temperature(20, 4)])
    assert judging.tick(at(100), START) == []
    facts.gone.clear()
    judging.renew(REEFER)
    folded = judging.fold([temperature(m, 9) for m in range(110, 180, 10)])
    assert told(folded.transitions) == ["hot firing 170"]
    assert len(judging.tick(at(300), START)) == 1


def test_a_device_never_seen_needs_no_renewal(facts: Facts) -> None:
    judging = facts.engine()
    assert judging.renew(NEW) == []
    assert not judging.knows(NEW)
