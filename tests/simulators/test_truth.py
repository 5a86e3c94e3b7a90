"""The ground truth tells what was wrong, what was crossed and when, and what really was."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulators.roster import roster
from simulators.scenario_file import parse
from simulators.simulation import Simulation
from simulators.sources import SOURCES
from simulators.truth import Crossing, Truth
from tests.simulators.small import MINUTE, SMALL, START, fault

LIMIT = """
[[limits]]
name = "warm"
on = "room-1"
{side} = {border}
for = "{lasts}"
"""
SOURCE = SOURCES.index("return_air")


def crossings(values: list[float], side: str = "above", lasts: str = "60 s") -> list[str]:
    """Return what is told of the first room's return air, a value every 10 s, limit 8."""
    scenario = parse(SMALL + LIMIT.format(side=side, border=8.0, lasts=lasts))
    truth = Truth(roster(scenario), scenario.limits, [])
    frames = [np.full((len(SOURCES), 3), value) for value in values]
    for number, (before, after) in enumerate(pairwise(frames)):
        truth.look(number * 10_000, (number + 1) * 10_000, before, after)
    assert {(one.limit, one.asset) for one in truth.crossings} <= {("warm", "room-1")}
    return [f"{one.what} {one.at / 1000:g}" for one in truth.crossings]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([5, 6, 7], []),
        ([5, 8, 8, 8], []),  # at the limit is not beyond
        ([6, 10], ["beyond 5"]),
        ([6, 10, 6], ["beyond 5", "back 15"]),
        ([6, 10, *[10] * 6], ["beyond 5", "exceeded 65"]),
        ([6, 10, *[10] * 6, 7, 7, 9], ["beyond 5", "exceeded 65", "back 76.667", "beyond 95"]),
        ([6, 10, *[10] * 5, 6], ["beyond 5", "exceeded 65", "back 65"]),
        ([6, 10, *[10] * 5, 4], ["beyond 5", "back 63.333"]),
        ([9, 9], ["beyond 0"]),  # it was so from the beginning
    ],
)
def test_a_limit_is_crossed_between_two_steps(values: list[float], told: list[str]) -> None:
    assert crossings(values) == told
    assert crossings([16 - value for value in values], "below") == told


def test_a_limit_without_duration_is_exceeded_at_once() -> None:
    assert crossings([6, 10], lasts="0 s") == ["beyond 5", "exceeded 5"]


def lines(running: Simulation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in running.truth.take()]


def test_it_is_told_as_json_lines_once() -> None:
    text = SMALL + LIMIT.format(side="above", border=6.5, lasts="5 min")
    text += fault("door_open", "room-1", "5 min", "20 min")
    text += fault("sensor_drift", "room-2-*", "20 min", "5 min")
    running = Simulation(parse(text), start=START, truth_every=MINUTE)
    running.advance(START + 10 * MINUTE)
    first = lines(running)
    running.advance(START + 40 * MINUTE)
    second = lines(running)
    assert lines(running) == []

    assert [one for one in first + second if one["what"] == "fault"] == [
        {
            "what": "fault",
            "time": "2026-11-22T12:05:00.000Z",
            "until": "2026-11-22T12:25:00.000Z",
            "fault": "door_open",
            "on": ["room-1"],
            "severity": 1.0,
        },
        {
            "what": "fault",
            "time": "2026-11-22T12:20:00.000Z",
            "until": "2026-11-22T12:25:00.000Z",
            "fault": "sensor_drift",
            "on": ["room-2-1", "room-2-2"],
            "severity": 1.0,
        },
    ]
    told = [one for one in first + second if one["what"] == "asset"]
    assert len(told) == 3 * 41
    assert [one["asset"] for one in told[:3]] == ["truck", "room-1", "room-2"]
    assert {"time", "return_air", "cargo", "outside", "latitude", "duty", "defrosting"} <= set(
        told[0]
    )
    crossed = [one for one in second if one["what"] == "limit"]
    exceeded = [one["time"] for one in crossed if one["is"] == "exceeded"]
    assert exceeded
    assert all("2026-11-22T12:10" < time < "2026-11-22T12:30" for time in exceeded)
    assert {(one["limit"], one["asset"]) for one in crossed} == {("warm", "room-1")}


def test_without_anybody_to_take_them_no_rows_are_kept() -> None:
    running = Simulation(parse(SMALL), start=START)
    running.advance(START + 10 * MINUTE)
    assert running.truth.rows == []


def test_crossings_stay_known_when_they_are_taken() -> None:
    scenario = parse(SMALL + LIMIT.format(side="above", border=-50.0, lasts="0 s"))
    running = Simulation(scenario, start=START)
    running.advance(START + MINUTE)
    list(running.truth.take())
    assert running.truth.crossings == [
        Crossing("warm", "room-1", START, "beyond"),
        Crossing("warm", "room-1", START, "exceeded"),
    ]
