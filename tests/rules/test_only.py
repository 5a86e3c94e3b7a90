"""A rule applies on some legs, in some stages, at some times; else it takes all as well."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rules.cargo.consignment import Consignment, Leg, Place, Staged, Travelled
from rules.contact import NOT_NOW
from rules.only import Only, Schedule
from tests.rules.series import at, engine, readings, rule, told

HERE, THERE = Place("Rotterdam"), Place("Gdańsk")


def leg(number: int, mode: str, departs: float, arrives: float) -> Leg:
    return Leg(
        number=number,
        custodian="carrier",
        mode=mode,  # type: ignore[arg-type] # one of them
        origin=HERE,
        destination=THERE,
        departs=at(departs),
        arrives=at(arrives),
    )


VOYAGE = Consignment(
    owner="acme",
    id="c-1",
    goods="vaccines",
    created=at(-60),
    legs=(leg(1, "road", 10, 20), leg(2, "sea", 30, 60)),
    travelled=(Travelled(1, at(10), at(20)), Travelled(2, at(35), None)),
    stages=(Staged("planned", at(-60)), Staged("in_transit", at(10)), Staged("delivered", at(50))),
)


@pytest.mark.parametrize(
    ("only", "applies"),
    [
        ({"legs": [1]}, [10, 15]),
        ({"modes": ["sea"]}, [35, 40, 45, 50, 55]),
        ({"stages": ["in_transit"]}, [10, 15, 20, 25, 30, 35, 40, 45]),
        ({"stages": ["in_transit"], "modes": ["sea"]}, [35, 40, 45]),
        ({"legs": [3]}, []),
    ],
)
def test_legs_and_stages_are_those_that_really_were(
    only: dict[str, object], applies: list[int]
) -> None:
    bound = Only.model_validate(only).bound(VOYAGE)
    assert [minute for minute in range(0, 60, 5) if bound.applies(at(minute))] == applies


@pytest.mark.parametrize(
    ("schedule", "hour", "applies"),
    [
        # START is a Monday, midnight UTC.
        ({"from": "06:00", "to": "18:00"}, 5.9, False),
        ({"from": "06:00", "to": "18:00"}, 6, True),
        ({"from": "06:00", "to": "18:00"}, 18, False),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 5, False),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 23, True),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 29, True),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 47, False),
        ({"days": ["tue"]}, 23, False),
        ({"days": ["tue"]}, 25, True),
        ({"days": ["tue"], "timezone": "Europe/Berlin"}, 22.5, True),
    ],
)
def test_a_schedule_goes_by_the_clock_on_the_wall(
    schedule: dict[str, object], hour: float, *, applies: bool
) -> None:
    assert Schedule.model_validate(schedule).applies(at(hour * 60)) is applies


def test_an_alarm_ends_where_its_rule_does_not_apply() -> None:
    judging = engine([rule(above=8.0, only={"schedule": {"from": "00:10", "to": "00:20"}})])
    assert told(judging.judge(readings("9x6"))) == ["10 fired 10 resolved 20"]


def test_a_total_stands_still_while_its_rule_does_not_apply() -> None:
    settings = {"mode": "cumulative", "duration": "15 min"}
    daily = {"schedule": {"from": "00:10", "to": "00:20"}}
    judging = engine([rule(above=8.0, only=daily, **settings)])
    assert told(judging.judge(readings("9x280"))) == []
    assert told(judging.judge(readings("9x300"))) == ["10 fired 1455 open"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "limits nothing"),
        ({"modes": ["camel"]}, "Input should be"),
        ({"schedule": {"from": "6"}}, "is no time of day"),
        ({"schedule": {"days": []}}, "at least 1 item"),
    ],
)
def test_what_limits_nothing_or_is_unknown_is_refused(
    given: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        rule(above=8.0, only=given)


def test_who_is_missed_only_at_some_times_is_missed_then_and_not_before() -> None:
    # From 00:00 UTC on, when START is: heard at once and never again.
    by_day = {"schedule": {"from": "02:00", "to": "04:00"}}
    judge = engine([rule(name="not-heard", kind="lost_contact", after="30 min", only=by_day)])
    judge.fold(readings("5"))
    found = [
        (one.kind, one.at, one.reason)
        for minutes in range(6 * 60)
        for one in judge.tick(at(minutes), at(0))
    ]
    assert found == [
        ("firing", at(120), ""),
        ("indeterminate", at(240), NOT_NOW),
    ]


def test_who_is_heard_while_a_rule_applies_is_not_missed_any_more() -> None:
    by_day = {"schedule": {"from": "02:00", "to": "04:00"}}
    judge = engine([rule(name="not-heard", kind="lost_contact", after="30 min", only=by_day)])
    first, second = readings("5 -x29 5")[0], readings("5 -x29 5")[-1]
    judge.fold([first])
    assert [one.kind for one in judge.tick(at(130), at(0))] == ["firing"]
    state = judge.dump(first.device)
    again = engine([rule(name="not-heard", kind="lost_contact", after="30 min", only=by_day)])
    assert again.load(first.device, state) == []
    assert [one.kind for one in again.fold([second]).transitions] == ["resolved"]
    # Heard at 02:30, it is missed again at 03:00.
    assert [(one.kind, one.at) for one in again.tick(at(185), at(0))] == [
        ("firing", at(180) + 2000)
    ]
