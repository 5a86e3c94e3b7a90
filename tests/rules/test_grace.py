"""A door or a defrost excuses a breach: for a bounded time, and counted."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from devices.reading import Reading
from tests.rules.series import REEFER, START, at, engine, readings, rule, several, told

DOOR = {"channel": "door", "for": "20 min", "every": "60 min"}


def both(*samples: tuple[float, float, float]) -> list[Reading]:
    """Return readings of minutes, temperature and door."""
    return [several(minutes, temperature=value, door=door) for minutes, value, door in samples]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        # Well again before the grace is over: nothing is told.
        ([(0, 4, 0), (5, 9, 1), (10, 12, 1), (20, 9, 0), (25, 4, 0)], []),
        # Still too warm when it is over: it counts from there.
        ([(0, 4, 0), (5, 9, 1), (15, 12, 0), (25, 12, 0), (30, 4, 0)], ["25 fired 25 resolved 30"]),
        # A door that stays open is excused once.
        ([(0, 4, 0), (5, 9, 1), (30, 9, 1), (60, 4, 1)], ["30 fired 30 resolved 60"]),
        # One that is opened again too soon is not excused again.
        (
            [(0, 4, 0), (5, 9, 1), (10, 4, 0), (30, 9, 1), (35, 4, 0)],
            ["30 fired 30 resolved 35"],
        ),
        # Later it is.
        ([(0, 4, 0), (5, 9, 1), (10, 4, 0), (70, 9, 1), (75, 4, 0)], []),
        # What was too warm before the door opened goes on.
        ([(0, 9, 0), (5, 9, 1), (10, 4, 0)], ["0 fired 0 resolved 10"]),
    ],
)
def test_an_open_door_excuses_for_a_bounded_time(
    samples: list[tuple[float, float, float]], expected: list[str]
) -> None:
    judging = engine([rule(above=8.0, grace=DOOR)])
    assert told(judging.judge(both(*samples))) == expected


def test_the_door_may_come_in_messages_of_its_own() -> None:
    judging = engine([rule(above=8.0, grace=DOOR)])
    series = [
        several(0, temperature=4.0),
        several(1, door=1.0),
        several(2, temperature=9.0),
        several(15, temperature=9.0),
        several(22, temperature=9.0),
    ]
    assert told(judging.judge(series)) == ["22 fired 22 open"]
    # Live, with a restart in between, it is the same.
    live = engine([rule(above=8.0, grace=DOOR)])
    assert live.fold(series[:3]).transitions == []
    again = engine([rule(above=8.0, grace=DOOR)])
    again.load(REEFER, live.dump(REEFER))
    assert told(again.fold(series[3:]).transitions) == ["too-warm firing 22"]


def test_what_was_excused_during_an_alarm_is_counted() -> None:
    judging = engine([rule(above=8.0, grace=DOOR)])
    (alarm,) = judging.judge(both((0, 9, 0), (5, 9, 1), (15, 9, 1), (25, 9, 0), (30, 4, 0)))
    assert alarm.explanation.graced == 20 * 60_000
    assert alarm.explanation.breached == 10 * 60_000


def test_a_defrost_excuses_at_its_times_of_day() -> None:
    # START is midnight UTC: 02:00 in summer in Berlin.
    defrost = {"at": ["02:05"], "for": "20 min", "timezone": "Europe/Berlin"}
    judging = engine([rule(above=8.0, grace=defrost)])
    assert told(judging.judge(readings("4 9 9 9 9 9 4"))) == ["25 fired 25 resolved 30"]
    assert at(0) == START


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"for": "5 min"}, "give either channel"),
        ({"channel": "door", "at": ["02:00"], "for": "5 min"}, "give either channel"),
        ({"channel": "gate", "for": "5 min"}, "there is no quantity"),
        ({"at": ["2:00"], "for": "5 min"}, "is no time of day"),
        ({"at": ["02:00"], "for": "5 min", "timezone": "Mars"}, "is no time zone"),
        ({"channel": "door", "for": "30 min", "every": "10 min"}, "every must be at least"),
        ({"channel": "door", "for": "2 days"}, "excuses everything"),
        ({"channel": "temperature", "for": "5 min"}, "cannot excuse itself"),
    ],
)
def test_a_grace_that_makes_no_sense_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        rule(above=8.0, grace=given)


def test_a_door_cannot_excuse_every_channel_at_once() -> None:
    with pytest.raises(ValidationError, match="needs a rule for one channel"):
        rule(kind="no_usable_data", duration="5 min", grace=DOOR)
