"""A value that jumps as nothing real does waits for the next, which says whether it was real."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from devices.reading import Reading
from rules.engine import Engine
from rules.jumps import JUMPS, settled
from rules.kinds.threshold import Threshold
from rules.rule import RuleVersion
from rules.subject import order
from rules.summary import NOBODY_KNOWS, by_day, by_hour
from tests.rules.series import (
    INTERVAL,
    REEFER,
    at,
    engine,
    readings,
    rule,
    several,
    temperature,
    told,
)

AT_ONCE: dict[str, Any] = {"name": "hot", "above": 8.0}
LONG: dict[str, Any] = {"name": "hot", "above": 8.0, "duration": "15 min"}


def judged(settings: dict[str, Any], series: str) -> list[str]:
    return told(engine([rule(**settings)]).judge(readings(series)))


@pytest.mark.parametrize(
    ("settings", "series", "alarms"),
    [
        # One sample every five minutes: 35 °C and less may be real.
        (AT_ONCE, "4 4 90 4 4", []),
        (AT_ONCE, "4 4 39 4 4", ["10 fired 10 resolved 15"]),
        (AT_ONCE, "4 4 90 88 4", ["10 fired 10 open"]),
        (AT_ONCE, "4 4 90 88 4 4", ["10 fired 10 resolved 20"]),
        (AT_ONCE, "4 90 ? 4", []),
        (AT_ONCE, "4 90 -90 4", []),
        (AT_ONCE, "4 90 -90 90 89", ["15 fired 15 open"]),
        # The last one is not known yet.
        (AT_ONCE, "4 4 90", []),
        # What comes first has nothing before it to be held against.
        (AT_ONCE, "90 90", ["0 fired 0 open"]),
        # After 30 minutes 110 °C may be real.
        (AT_ONCE, "4 -x5 90 4 4", ["30 fired 30 resolved 35"]),
        # A spike is a moment without knowledge: a timer stands still, or starts again.
        (LONG | {"hold": "5 min"}, "9 9 90 9 9 4", ["0 fired 20 resolved 25"]),
        (LONG | {"gap": "reset"}, "9 9 90 9 9 9 9 4", ["15 fired 30 resolved 35"]),
        # It neither ends an alarm nor is its worst.
        (AT_ONCE, "20 20 -90 20 4", ["0 fired 0 resolved 20"]),
        (AT_ONCE, "20 20 -90 -89 4", ["0 fired 0 resolved 10"]),
        (AT_ONCE | {"spikes": "judge"}, "4 4 90 4 4", ["10 fired 10 resolved 15"]),
        (AT_ONCE | {"spikes": "judge"}, "20 -90 20 4", [
            "0 fired 0 resolved 5",
            "10 fired 10 resolved 15",
        ]),
    ],
)  # fmt: skip
def test_spikes_and_what_is_real(settings: dict[str, Any], series: str, alarms: list[str]) -> None:
    assert judged(settings, series) == alarms


def test_the_worst_of_an_alarm_is_no_spike() -> None:
    (alarm,) = engine([rule(**AT_ONCE)]).judge(readings("9 12 90 11 4"))
    assert alarm.explanation.worst == 12.0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([4, 90, 4], [4, None, 4]),
        ([4, 90, 89, 4, 4], [4, 90, 89, 4, 4]),
        ([4, 90, None, 4], [4, None, None, 4]),
        ([4, 90, -90, -89], [4, None, -90, -89]),
        ([4, 90], [4, None]),
        ([90, 4, 90], [90, None, 90]),
        ([], []),
    ],
)
def test_a_report_counts_no_spike(given: list[float | None], expected: list[float | None]) -> None:
    series = [(at(5 * n), value) for n, value in enumerate(given)]
    found = settled(series, JUMPS["temperature"])
    assert [value for _, value in found] == expected
    assert [when for when, _ in found] == [when for when, _ in series]


def test_its_minutes_agree_with_the_alarms() -> None:
    limit = rule(**AT_ONCE, hold="5 min")
    assert isinstance(limit, Threshold)
    series = [(one.when, one.value("temperature")) for one in readings("4 4 90 4 4 90 89 4 4")]
    (day,) = by_day(series, limit, dt.UTC, INTERVAL, start=at(0), end=at(45))
    assert (day.above, day.unknown, day.ok) == (10, 5, 30)
    strips = by_hour(series, [limit], dt.UTC, INTERVAL, start=at(0), end=at(25))
    assert strips[day.date][0] == NOBODY_KNOWS
    at_once = rule(**AT_ONCE, hold="5 min", spikes="judge")
    assert isinstance(at_once, Threshold)
    (day,) = by_day(series, at_once, dt.UTC, INTERVAL, start=at(0), end=at(45))
    assert day.above == 15


def test_live_it_is_told_with_the_reading_that_confirms_it() -> None:
    judging = engine([rule(**AT_ONCE)])
    assert judging.fold(readings("4 4 90")).transitions == []
    (fired,) = judging.fold([temperature(15, 91)]).transitions
    assert (fired.begin, fired.at, fired.explanation.first) == (at(10), at(10), 90.0)


def test_what_waits_survives_a_restart() -> None:
    judging, again = engine([rule(**AT_ONCE)]), engine([rule(**AT_ONCE)])
    judging.fold(readings("4 4 90"))
    again.load(REEFER, judging.dump(REEFER))
    assert told(again.fold([temperature(15, 91)]).transitions) == ["hot firing 10"]


def test_state_from_before_jumps_were_known_can_be_read() -> None:
    judging = engine([rule(**AT_ONCE)])
    judging.fold(readings("4"))
    stored = bytearray(judging.dump(REEFER))
    assert stored[1] == 3, "the format comes first"
    stored[1] = 1
    again = engine([rule(**AT_ONCE)])
    assert again.load(REEFER, bytes(stored)) == []
    assert again.dump(REEFER) == judging.dump(REEFER)


def test_a_late_reading_may_show_that_a_jump_was_real() -> None:
    judging = engine([rule(**AT_ONCE)])
    series = readings("4 4 90 4 4")
    judging.fold(series)
    between = temperature(11, 89)
    assert judging.fold([between]).late == {REEFER: at(11)}
    whole = sorted([*series, between], key=order)
    assert told(judging.rejudge(REEFER, None, whole).episodes) == ["10 fired 10 resolved 15"]


@pytest.mark.parametrize("later", [[], [temperature(20, 90)], [temperature(40, 4)]])
def test_one_that_ends_while_a_value_waits_takes_it_as_unknown(later: list[Reading]) -> None:
    old, new = rule(name="hot", above=8), rule(name="hot", above=6)
    versions = [
        RuleVersion(old, old.version(), 0, at(15)),
        RuleVersion(new, new.version(), at(15)),
    ]
    judging = engine(versions)
    folded = judging.fold([*readings("4 4 90"), *later])
    assert [one.version for one in folded.transitions if one.begin < at(15)] == []
    assert judging.retire() == []


def test_a_rule_that_was_not_there_when_a_value_began_to_wait_knows_nothing_of_it() -> None:
    judging = engine([rule(**AT_ONCE)])
    judging.fold(readings("4 4 90"))
    again = engine([rule(**AT_ONCE), rule(name="warm", above=6)])
    again.load(REEFER, judging.dump(REEFER))
    folded = again.fold([temperature(15, 91)])
    assert {(one.rule, one.begin) for one in folded.transitions} == {
        ("hot", at(10)),
        ("warm", at(15)),
    }


def test_each_quantity_has_its_own_limits_and_others_may_jump() -> None:
    rules = [
        rule(name="damp", channel="humidity", above=80),
        rule(name="open", channel="door", above=0.5),
        rule(name="hot", channel="temperature.return_air", above=8),
    ]
    series = [
        several(0, humidity=10.0, door=0.0, temperature__return_air=4.0),
        several(1, humidity=99.0, door=1.0, temperature__return_air=50.0),
        several(2, humidity=10.0, door=0.0, temperature__return_air=4.0),
    ]
    assert {one.rule for one in engine(rules).judge(series)} == {"open"}


def test_a_device_that_is_well_is_calm_again_after_a_spike() -> None:
    judging: Engine = engine([rule(**AT_ONCE)])
    judging.fold(readings("4 4 90"))
    assert not judging.calm(REEFER)
    judging.fold([temperature(15, 4)])
    assert not judging.calm(REEFER) or judging.state(REEFER)[0].state == "ok"
    judging.fold([temperature(20, 4)])
    assert judging.calm(REEFER)
