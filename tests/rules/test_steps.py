"""An alert becomes graver and milder again: told once for each change, at its time."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rules.duration import MINUTE
from rules.engine import Engine
from rules.transition import Transition
from tests.rules.series import START, engine, readings, rule

GRAVER = {"severity": "critical", "beyond": 4.0}
LONGER = {"severity": "critical", "after": "60 min"}


def steps(series: str, **settings: object) -> list[str]:
    """Judge a series live and return what is told: "severity 60 critical"."""
    judging = engine([rule(above=8.0, **settings)])
    return [_told(one) for one in judging.fold(readings(series)).transitions]


def _told(one: Transition) -> str:
    return f"{one.kind} {(one.at - START) // MINUTE} {one.severity}"


@pytest.mark.parametrize(
    ("series", "settings", "expected"),
    [
        (
            "4 9 9 13 13 9 4",
            {"steps": [GRAVER]},
            [
                "firing 5 warning",
                "severity 15 critical",
                "severity 25 warning",
                "resolved 30 warning",
            ],
        ),
        # Gravely at once: people are told once.
        ("4 13 4", {"steps": [GRAVER]}, ["firing 5 critical", "resolved 10 critical"]),
        # The step is reached at its exact time, seen at the next sample.
        (
            "4 9x15 4",
            {"steps": [LONGER]},
            ["firing 5 warning", "severity 65 critical", "resolved 80 critical"],
        ),
        (
            "4 9x30 4",
            {
                "severity": "info",
                "duration": "10 min",
                "steps": [{"severity": "warning", "after": "30 min"}, LONGER],
            },
            [
                *("firing 15 info", "severity 35 warning", "severity 65 critical"),
                "resolved 155 critical",
            ],
        ),
        # Nobody knows: it stays as grave as it was.
        (
            "4 13 ? ? 13 4",
            {"steps": [GRAVER]},
            ["firing 5 critical", "resolved 25 critical"],
        ),
        # A total keeps its time step when it is well for a while; one by value it does not.
        (
            "4 9x13 4 9x4",
            {"mode": "cumulative", "duration": "30 min", "steps": [LONGER]},
            ["firing 35 warning", "severity 65 critical"],
        ),
        (
            "9x7 13 4",
            {"mode": "cumulative", "duration": "30 min", "steps": [GRAVER]},
            ["firing 30 warning", "severity 35 critical", "severity 40 warning"],
        ),
    ],
)
def test_severity_rises_and_falls_in_steps(
    series: str, settings: dict[str, object], expected: list[str]
) -> None:
    assert steps(series, **settings) == expected


def test_a_replayed_alarm_is_as_grave_as_it_was_last() -> None:
    judging: Engine = engine([rule(above=8.0, steps=[GRAVER])])
    (episode,) = judging.judge(readings("4 9 13 9"))
    assert (episode.severity, episode.ended_at) == ("warning", None)
    (episode,) = judging.judge(readings("4 9 13"))
    assert episode.severity == "critical"


def test_steps_survive_a_restart() -> None:
    before = engine([rule(above=8.0, steps=[GRAVER])])
    device = before.fold(readings("4 13")).transitions[0].device
    after = engine([rule(above=8.0, steps=[GRAVER])])
    after.load(device, before.dump(device))
    assert [one.severity for one in after.state(device)] == ["critical"]
    assert [_told(one) for one in after.fold(readings("- - 13 9")).transitions] == [
        "severity 15 warning"
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([{"severity": "critical"}], "a step needs one of both"),
        ([{**GRAVER, "after": "1 h"}], "a step needs one of both"),
        ([{"severity": "info", "beyond": 1.0}], "a step cannot be milder than the rule"),
        ([GRAVER, {"severity": "warning", "beyond": 8.0}], "steps rise"),
        ([{"severity": "critical", "beyond": -1.0}], "greater than 0"),
    ],
)
def test_steps_that_contradict_themselves_are_refused(given: list[object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        rule(above=8.0, steps=given)
