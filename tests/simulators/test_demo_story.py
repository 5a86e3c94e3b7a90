"""The demo's story: what its own rules find in what is sent, and that it is true."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import pytest
from pydantic import TypeAdapter

from devices.reading import DeviceKey
from rules import AnyRule
from rules.duration import parse_duration
from rules.engine import Engine
from rules.kinds.threshold import Threshold
from rules.plan import always
from rules.rule import Rule, current
from rules.transition import Transition
from simulators.scenario_file import find
from simulators.simulation import Message, Simulation
from simulators.sources import AIRS, SOURCES
from simulators.truth import Crossing, Row
from tests.simulators.small import MINUTE, START, decode

DAY = 24 * 60 * MINUTE
SECOND = 1000
SETTINGS = tomllib.loads(
    (resources.files("simulators") / "scenarios" / "demo-rules.toml").read_text(encoding="utf-8")
)
RULES: Sequence[Rule] = TypeAdapter(list[AnyRule]).validate_python(
    [
        {key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()}
        for rule in SETTINGS["rules"]
    ]
)
INTERVAL = parse_duration(SETTINGS["devices"][0]["interval"])
TEMPERATURES = [
    rule for rule in RULES if isinstance(rule, Threshold) and rule.channel.startswith("temperature")
]
LAG = 60 * SECOND
"""Of the demo's probes: the default."""


class Story(NamedTuple):
    """The demo's first 24 hours and ten minutes."""

    messages: list[Message]
    told: list[Transition]
    rows: list[Row]
    crossings: list[Crossing]
    assets: list[str]


@pytest.fixture(scope="module")
def story() -> Story:
    running = Simulation(find("demo"), start=START, truth_every=10 * SECOND)
    messages = running.advance(START + DAY + 10 * MINUTE)
    engine = Engine(current(tuple(RULES)), always(INTERVAL))
    told = []
    for message in messages:
        folded = engine.fold(decode(message))
        assert not folded.late
        told += folded.transitions
        told += engine.tick(message.at, START)
    names = [asset.name for asset in running.roster.assets]
    return Story(messages, told, running.truth.rows, running.truth.crossings, names)


def after_a_day(at: int) -> float:
    """Return seconds after the first 24 hours."""
    return (at - START - DAY) / SECOND


def fired(story: Story) -> dict[str, Transition]:
    return {one.rule: one for one in story.told if one.kind == "firing"}


def test_two_alarms_fire_within_a_minute_after_the_day(story: Story) -> None:
    # Each at a reading, so that it is told at that very time. When the physics has changed: put
    # the fault's onset earlier by what it is too late (the reading before is then still well).
    cold_room, reefer = fired(story)["cold-room-warm"], fired(story)["reefer-warm"]
    assert after_a_day(cold_room.at) == 35
    assert after_a_day(reefer.at) == 50
    for one in (cold_room, reefer):
        assert one.begin < START + DAY, "its time has run while the day was filled"
        assert one.at == one.begin + parse_duration(one.limit.rpartition(" for ")[2])
        assert one.at in {m.at for m in story.messages if m.device == one.device.id}


def test_the_crossing_is_not_a_near_thing(story: Story) -> None:
    """A value or two of another rounding, on another processor, does not move the alarms."""
    for rule in TEMPERATURES:
        one = fired(story).get(rule.name)
        if one is None:
            continue
        limit = rule.above
        assert limit is not None
        values = {
            reading.when: reading.value(rule.channel)
            for message in story.messages
            if message.device == one.device.id
            for reading in decode(message)
        }
        before, first, second = (values[one.begin + n * MINUTE] for n in (-1, 0, 1))
        assert before is not None
        assert first is not None
        assert second is not None
        assert before <= limit < first < second
        assert second - before > 0.15, "steep, against a noise of 0.03 K"


def test_nothing_else_rings(story: Story) -> None:
    quiet = [one for one in story.told if one.rule not in {"cold-room-warm", "reefer-warm"}]
    assert [(one.rule, one.kind) for one in quiet] == [
        ("not-heard", "firing"),
        ("not-heard", "resolved"),
    ]
    assert {one.device for one in quiet} == {DeviceKey("", "reefer-2")}
    assert len(story.told) == 4


def test_the_truth_exceeds_its_limits_where_the_rules_fire(story: Story) -> None:
    assert {one.limit for one in story.crossings if one.what == "exceeded"} == set(fired(story)) - {
        "not-heard"
    }


@pytest.mark.parametrize("rule", TEMPERATURES, ids=lambda r: r.name)
def test_what_rules_say_of_each_reading_is_true(story: Story, rule: Threshold) -> None:
    """Within noise, one step of the told value, and what the probe lags and the interval hides."""
    place = rule.channel.partition(".")[2] or "return_air"
    source = SOURCES.index(place)
    assert place in AIRS
    margin = 4 * 0.03 + 0.05
    judged = 0
    for number, asset in enumerate(story.assets):
        if not rule.matches(DeviceKey("", asset)):
            continue
        true = [(row.at, float(row.values[source, number])) for row in story.rows]
        for message in (m for m in story.messages if m.device == asset):
            for reading in decode(message):
                value = reading.value(rule.channel)
                assert value is not None
                near = _within(true, reading.when - 4 * LAG - 20 * SECOND, reading.when + 10_000)
                low, high = min(near) - margin, max(near) + margin
                assert low <= value <= high, (asset, after_a_day(reading.when))
                judged += 1
    assert judged > 1400


def _within(true: list[tuple[int, float]], begin: int, end: int) -> list[float]:
    step = true[1][0] - true[0][0]
    first = max(0, (begin - true[0][0]) // step)
    found = [value for at, value in true[first : first + (end - begin) // step + 2]]
    return found or [true[0][1]]


def test_alarms_begin_when_the_limit_is_truly_crossed(story: Story) -> None:
    for rule in ("cold-room-warm", "reefer-warm"):
        one = fired(story)[rule]
        truly = max(
            crossing.at
            for crossing in story.crossings
            if crossing.limit == rule and crossing.what == "beyond"
        )
        # Told later: by one interval, the probe's lag, and the time in which what is true rises
        # by the noise and half a step: a minute at this steepness.
        assert 0 <= one.begin - truly <= INTERVAL + LAG + MINUTE


def test_who_was_out_of_reach_lost_nothing(story: Story) -> None:
    times = sorted(
        reading.when for m in story.messages if m.device == "reefer-2" for reading in decode(m)
    )
    assert {b - a for a, b in pairwise(times)} == {MINUTE}
