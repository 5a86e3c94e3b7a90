"""Versions of rules follow each other, also where our clock was wrong when one of them began."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway import rulebook
from gateway.settings import parse
from gateway.state import StoredVersion
from rules import AnyRule
from rules.duration import DAY, HOUR
from tests.gateway.parts import NOW

RULE = """
[[rules]]
name = "too-warm"
kind = "threshold"
severity = "critical"
channel = "temperature"
above = {}
"""


def rules(above: float | None) -> Sequence[AnyRule]:
    return parse(RULE.format(above) if above is not None else "").rules


def told(*steps: tuple[float | None, int]) -> list[StoredVersion]:
    """Take up one limit after the other, each at its time, counted from NOW."""
    stored: list[StoredVersion] = []
    for above, at in steps:
        stored = rulebook.with_changes(stored, rulebook.changes(stored, rules(above), NOW + at))
    return stored


def limits(stored: Sequence[StoredVersion], when: int) -> list[float]:
    """The limits that are in force at a time, counted from NOW."""
    at = NOW + when
    return [
        getattr(one.rule, "above", 0.0)
        for one in rulebook.versions(stored)
        if one.since <= at and (one.until is None or at < one.until)
    ]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        pytest.param(
            [(8, 0), (9, HOUR)], {-DAY: 8, 0: 8, HOUR: 9, DAY: 9}, id="one behind another"
        ),
        pytest.param([(8, 0), (None, HOUR)], {0: 8, HOUR: None}, id="a rule that is gone"),
        pytest.param(
            [(8, 0), (None, HOUR), (8, DAY)], {0: 8, HOUR: None, DAY: 8}, id="and comes again"
        ),
        pytest.param(
            [(8, 0), (9, HOUR), (7, HOUR - 60_000)],
            {0: 8, HOUR - 1: 8, HOUR: 9, HOUR + 1: 7},
            id="a clock that is set back by a minute",
        ),
        pytest.param(
            [(8, 0), (9, 900 * DAY), (7, DAY)],
            {0: 8, DAY: 7, 900 * DAY: 7},
            id="a clock that was years ahead",
        ),
        pytest.param(
            [(8, 0), (9, 900 * DAY), (9, DAY)],
            {0: 8, DAY: 9, 900 * DAY: 9},
            id="and no change since",
        ),
        pytest.param(
            [(8, 0), (9, 900 * DAY), (8, DAY)], {0: 8, 900 * DAY: 8}, id="and the same as before"
        ),
        pytest.param(
            [(8, 0), (None, 900 * DAY), (None, DAY)], {0: 8, DAY: None}, id="and gone meanwhile"
        ),
    ],
)
def test_at_any_time_one_version_is_in_force(
    steps: list[tuple[float | None, int]], found: dict[int, float | None]
) -> None:
    stored = told(*steps)
    for when, limit in found.items():
        assert limits(stored, when) == ([] if limit is None else [limit]), when


def test_what_says_the_same_changes_nothing() -> None:
    stored = told((8, 0), (9, HOUR))
    assert rulebook.changes(stored, rules(9), NOW + DAY) == []
