"""Kinds that a meter judges: mean kinetic temperature, rate, steadiness, freezing, condensation."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from rules.cargo.consignment import Consignment
from rules.kinds.condensation import Condensation
from rules.kinds.freeze_thaw import FreezeThaw
from rules.kinds.rate import RateOfChange
from rules.meter import MeterRule
from tests.rules.kinds.told import by, every, live
from tests.rules.series import START, rule

MKT = {"kind": "mkt", "above": 25.0}
RISES = {"kind": "rate_of_change", "channel": "temperature", "rises": 3.0, "within": "30 min"}
STEADY = {"kind": "steadiness", "channel": "temperature", "width": 4.0, "within": "1 h"}
CYCLES = {"kind": "freeze_thaw", "freezes": -0.5, "thaws": 2.0, "for": "30 min", "allowed": 1}
DEW: dict[str, object] = {"kind": "condensation", "surface": "temperature.wall", "for": "10 min"}
VALUES: dict[str, dict[str, object]] = {
    "mkt": MKT,
    "rate_of_change": RISES,
    "steadiness": STEADY,
    "freeze_thaw": CYCLES,
    "condensation": DEW,
}


@pytest.mark.parametrize(
    ("settings", "series", "told"),
    [
        # By hand: 20 °C counts 0.5644, 30 °C 1.7384 of 25 °C. An hour lacks 26.1 min, the five
        # between make good 0.8, and 34.4 at 30 °C the rest: 99.4 min.
        (MKT, "20x13 30x13", ["firing 100 warning"]),
        ({**MKT, "for": "10 min"}, "20x13 30x13", ["firing 110 warning"]),
        # In a window of an hour it is over when the heat has left it.
        (
            {**MKT, "window": "1 h"},
            "20x13 30x12 20x30",
            ["firing 85 warning", "resolved 165 warning"],
        ),
        ({**MKT, "window": "1 h", "known": "20 min"}, "30x3", []),
        ({**MKT, "window": "1 h", "known": "20 min"}, "30x5", ["firing 20 warning"]),
        # A month of 24 °C does not make it fire, nor an hour of heat in it.
        ({**MKT, "window": "7 days"}, "24x2000 30x12 24x100", []),
        (
            {**MKT, "steps": [{"severity": "critical", "beyond": 4.0}]},
            "27x12 32x60",
            [
                "firing 5 warning",
                "severity 90 critical",
            ],
        ),
        # Once more than half of what has passed is unknown, nobody knows the mean.
        (MKT, "30x3 -x12 20", ["firing 5 warning"]),
        (RISES, "5x7 6 7 8 9x3", ["firing 50 warning"]),
        (RISES, "5x7 6 7 8 9x9", ["firing 50 warning", "resolved 65 warning"]),
        # Slowly it may rise as far as it likes.
        (RISES, "5x7 5.5 6 6.5 7 7.5 8 8.5 9 9.5 10 10.5", []),
        (RISES, "9 8 7 6 5 4", []),
        ({**RISES, "rises": None, "falls": 3.0}, "9 8 7 6 5 4", ["firing 20 warning"]),
        ({**RISES, "rises": None, "changes": 3.0}, "9 8 7 6 5 4", ["firing 20 warning"]),
        ({**RISES, "rises": None, "changes": 3.0}, "5 9", ["firing 5 warning"]),
        # Over a hole longer than the time in question nothing is said.
        (RISES, "5x3 -x12 9x9", []),
        (RISES, "5x3 ? 9x3", ["firing 20 warning"]),
        # A width of 4 is a band of ±2, wherever it lies.
        (STEADY, "5x7 7x7 9x9", []),
        (STEADY, "5x7 7x7 9.1x2", ["firing 70 warning"]),
        (STEADY, "5x4 9.1x30", ["firing 20 warning", "resolved 80 warning"]),
        # Frozen for 30 min and thawed: twice is once too often, and it stays.
        (CYCLES, "5 -1x6 5 -1x6 5x50", ["firing 70 warning"]),
        (CYCLES, "5 -1x6 5", []),
        ({**CYCLES, "allowed": 0}, "5 -1x6 5", ["firing 35 warning"]),
        ({**CYCLES, "cycles": 1}, "5 -1x6 5", ["firing 35 warning"]),
        # Too short; not thawed in between; broken off by a value above freezing.
        (CYCLES, "5 -1x5 5 -1x5 5 -1x5 5 -1x5 5", []),
        (CYCLES, "5 -1x6 1 -1x6 5", []),
        (CYCLES, "5 -1x3 0 -1x3 5 -1x3 0 -1x3 5", []),
        # Nobody knows for a while: that is neither frozen nor thawed.
        ({**CYCLES, "allowed": 0}, "5 -1x4 ? -1x4 5", ["firing 50 warning"]),
        ({**CYCLES, "allowed": 0}, "5 -1x4 ?x9 5", []),
        ({**CYCLES, "allowed": 0, "for": "0 s"}, "5 -1 5", ["firing 10 warning"]),
    ],
)
def test_levels_are_judged(settings: Mapping[str, object], series: str, told: list[str]) -> None:
    assert live(settings, series) == told


DRY = {"temperature": 20.0, "humidity": 50.0, "temperature__wall": 12.0}
WET = {**DRY, "temperature__wall": 9.0}


@pytest.mark.parametrize(
    ("settings", "rows", "told"),
    [
        # The dew point of 20 °C and 50 % is 9.3 °C.
        (DEW, [DRY, WET, WET, WET, DRY], ["firing 15 warning", "resolved 20 warning"]),
        (DEW, [DRY, WET, WET, DRY], ["firing 15 warning", "resolved 15 warning"]),
        (DEW, [DRY, WET, DRY], []),
        ({**DEW, "margin": 3.0}, [DRY, DRY, DRY], ["firing 10 warning"]),
        (
            {**DEW, "surface": 9.0},
            [{"temperature": 20.0, "humidity": 50.0}] * 3,
            ["firing 10 warning"],
        ),
        # They need not come in one message.
        (
            {**DEW, "for": "0 s"},
            [{"temperature__wall": 9.0}, {"humidity": 50.0}, {"temperature": 20.0}],
            ["firing 10 warning"],
        ),
        # Without one of them nobody knows.
        ({**DEW, "for": "0 s"}, [{"temperature": 20.0, "humidity": 99.0}] * 9, []),
        (
            {**DEW, "for": "0 s"},
            [WET, {**WET, "humidity": math.nan}, DRY],
            ["firing 0 warning", "resolved 10 warning"],
        ),
    ],
)
def test_what_is_colder_than_the_dew_point_sweats(
    settings: Mapping[str, object], rows: list[dict[str, float]], told: list[str]
) -> None:
    assert live(settings, every(5, *rows)) == told


def test_several_sensors_count_as_the_worst_of_each() -> None:
    dew, frozen, rate = (
        rule(**VALUES[kind]) for kind in ("condensation", "freeze_thaw", "rate_of_change")
    )
    assert isinstance(dew, Condensation)
    assert [dew.combine(place, [1.0, 3.0]) for place in range(3)] == [3.0, 3.0, 1.0]
    every_one = dew.model_copy(update={"counts": "all"})
    assert [every_one.combine(place, [1.0, 3.0]) for place in range(3)] == [1.0, 1.0, 3.0]
    assert isinstance(frozen, FreezeThaw)
    assert (
        frozen.combine(0, [1.0, 3.0]),
        frozen.model_copy(update={"counts": "mean"}).combine(0, [1.0, 3.0]),
    ) == (1.0, 2.0)
    assert isinstance(rate, RateOfChange)
    assert rate.combine(0, [1.0, 3.0]) == 2.0
    assert all(math.isnan(one.combine(0, [1.0, math.nan])) for one in (dew, frozen, rate))


def test_a_consignment_brings_along_how_often_it_froze() -> None:
    sent = Consignment(owner="", id="c-1", goods="x", created=START, cycles=1)
    assert by(rule(**CYCLES).bound(sent), "5 -1x6 5") == ["firing 35 warning"]


@pytest.mark.parametrize("kind", VALUES)
def test_no_level_within_the_calm_is_a_breach(kind: str) -> None:
    found = rule(**VALUES[kind])
    assert isinstance(found, MeterRule)
    low, high = found.calm()
    for level in (-1e6, -1.0, 0.0, 0.5, 1.0, 2.9, 3.0, 3.1, 25.0, 25.1, 1e6):
        breach = found.condition(level, usable=True) == found.condition(math.inf, usable=True)
        assert breach == (level > high) == (found.badness(level) > 0)
        assert not (breach and low < level < high)
    assert found.condition(math.nan, usable=False) != found.condition(0.0, usable=True)


@pytest.mark.parametrize(
    ("settings", "unit", "words"),
    [
        (MKT, "°C", "mean kinetic temperature of the voyage above 25.0 °C"),
        (
            {**MKT, "window": "30 days", "for": "1 h"},
            "°C",
            "mean kinetic temperature of 30 days above 25.0 °C for 60 min",
        ),
        (RISES, "°C", "rises by more than 3.0 °C within 30 min"),
        ({**RISES, "channel": "door"}, "", "rises by more than 3.0 within 30 min"),
        (STEADY, "°C", "more than 4.0 °C between lowest and highest within 60 min"),
        (
            CYCLES,
            "cycles",
            "more than once frozen at -0.5 °C or below for 30 min and thawed at 2.0 °C",
        ),
        (
            {**CYCLES, "allowed": 0, "for": "0 s"},
            "cycles",
            "frozen at -0.5 °C or below and thawed at 2.0 °C",
        ),
        (
            {**CYCLES, "allowed": 3, "for": "0 s"},
            "cycles",
            "more than 3 times frozen at -0.5 °C or below and thawed at 2.0 °C",
        ),
        (DEW, "°C below the dew point", "temperature.wall below the dew point for 10 min"),
        (
            {**DEW, "surface": 5, "margin": 1, "for": "0 s"},
            "°C below the dew point",
            "a surface of 5.0 °C less than 1.0 °C above the dew point",
        ),
    ],
)
def test_a_level_is_said_in_words(settings: Mapping[str, object], unit: str, words: str) -> None:
    found = rule(**settings)
    assert isinstance(found, MeterRule)
    assert (found.unit(), found.limit()) == (unit, words)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({**MKT, "above": -15.0}, "greater than 0"),
        ({**MKT, "channel": "humidity"}, "name a temperature"),
        ({**MKT, "window": "0 s"}, "greater than 0"),
        ({**MKT, "window": "1 h", "known": "2 h"}, "it would never be judged"),
        ({**MKT, "energy": 83_144}, "less than or equal to 400"),
        ({**MKT, "channel": "*"}, "write one rule for each"),
        ({**RISES, "falls": 2.0}, "here is rises and falls"),
        ({**RISES, "rises": None}, "here is none of them"),
        ({**RISES, "rises": -3.0}, "greater than 0"),
        ({**RISES, "within": "0 s"}, "greater than 0"),
        ({**STEADY, "width": 0}, "greater than 0"),
        ({**STEADY, "within": 3}, "Name the unit"),
        ({**CYCLES, "thaws": -0.5}, "must lie above freezes"),
        ({**CYCLES, "allowed": -1}, "greater than or equal to 0"),
        ({**CYCLES, "cycles": -1}, "greater than or equal to 0"),
        ({**DEW, "surface": "temperature"}, "surface and air are both"),
        ({**DEW, "surface": "humidity"}, "surface = 'humidity' is no temperature"),
        ({**DEW, "humidity": "temperature.x"}, "is no humidity"),
        ({**DEW, "humidity": "humidty"}, "did you mean 'humidity'"),
        ({**DEW, "surface": 300}, "no temperature of cargo or wall"),
        ({**DEW, "margin": -1}, "greater than or equal to 0"),
        ({"kind": "condensation"}, "Field required"),
    ],
)
def test_a_mistake_is_named_with_its_cure(settings: Mapping[str, object], cure: str) -> None:
    with pytest.raises(ValidationError, match=cure):
        rule(**settings)
