"""Exposure and stability budget: what adds up."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from rules.cargo.consignment import Consignment
from rules.duration import HOUR, MINUTE
from rules.kinds.budget import FASTEST, StabilityBudget
from rules.kinds.exposure import Exposure
from rules.meters.kinetic import acceleration
from tests.rules.kinds.told import by, live
from tests.rules.series import START, engine, readings, rule

WARM = {"name": "warm", "above": 8, "for": "60 min"}
HOT = {"name": "hot", "above": 25, "for": "30 min", "severity": "critical"}
COLD = {"name": "cold", "below": 2, "inclusive": True, "for": "10 min"}
BANDS = [WARM, HOT, COLD]


def exposure(**settings: object) -> dict[str, object]:
    return {"kind": "exposure", "channel": "temperature", "bands": BANDS, **settings}


def budget(**settings: object) -> dict[str, object]:
    return {"kind": "stability_budget", "high": 8.0, "allowed": "2 h", **settings}


@pytest.mark.parametrize(
    ("series", "settings", "told"),
    [
        # Each band by itself: 40 min at 9, 20 at 26, and again.
        ("9x8 26x4 4 9x2", {}, ["warm firing 60 warning"]),
        # Above 25 is above 8 too.
        ("26x8 4", {}, ["hot firing 30 critical"]),
        ("26x13", {}, ["hot firing 30 critical", "warm firing 60 warning"]),
        # What lies between does not matter, and nothing ends it.
        ("9x6 4x20 9x7 4x99", {}, ["warm firing 160 warning"]),
        ("2x3 4x9 1x2", {}, ["cold firing 10 warning"]),
        # 2.1 is not at or below 2, 8.0 not above 8.
        ("2.1x20 8x40", {}, []),
        # A value holds for 30 min at most; a time without knowledge fills nothing.
        ("9x6 -x30 9x3 4", {}, ["warm firing 185 warning"]),
        ("9x6 ?x30 9x7", {}, ["warm firing 210 warning"]),
        (
            "9x13 4x4 9",
            {"reset_after": "15 min"},
            ["warm firing 60 warning", "warm resolved 80 warning"],
        ),
        # 200 °C for one reading is no exposure, unless it is to be believed.
        ("4 150 4x30", {"bands": [{"name": "x", "above": 8, "for": "5 min"}]}, []),
        (
            "4 150 4x30",
            {"bands": [{"name": "x", "above": 8, "for": "5 min"}], "spikes": "judge"},
            ["x firing 10 warning"],
        ),
        (
            "9x30",
            {"bands": [{**WARM, "steps": [{"severity": "critical", "after": "2 h"}]}]},
            ["warm firing 60 warning", "warm severity 120 critical"],
        ),
    ],
)
def test_the_time_in_each_band_adds_up(
    series: str, settings: Mapping[str, object], told: list[str]
) -> None:
    assert live(exposure(**settings), series) == told


def test_a_band_is_a_rule_of_its_own_with_what_all_share() -> None:
    found = rule(**exposure(name="vaccine", note="Call.", devices=["box-*"], hold="20 min"))
    assert isinstance(found, Exposure)
    warm, hot, cold = found.parts()
    assert [one.name for one in (warm, hot, cold)] == [
        "vaccine-warm",
        "vaccine-hot",
        "vaccine-cold",
    ]
    assert {one.kind for one in found.parts()} == {"exposure"}
    assert (warm.severity, hot.severity) == ("warning", "critical")
    assert (warm.note, warm.devices, warm.timing(0).hold) == ("Call.", ("box-*",), 20 * MINUTE)
    assert cold.limit() == "10 min in total at or below 2.0 °C"
    assert found.limit().startswith("60 min in total above 8.0 °C; 30 min in total above 25.0 °C")


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({"bands": []}, "at least 1 item"),
        ({"bands": [WARM, WARM]}, "give each a name of its own"),
        ({"bands": [{**WARM, "below": 2}]}, "needs one finite limit"),
        ({"bands": [{"name": "warm", "for": "1 h"}]}, "needs one finite limit"),
        ({"bands": [{**WARM, "above": float("inf")}]}, "needs one finite limit"),
        ({"bands": [{**WARM, "for": "0 s"}]}, "greater than 0"),
        ({"bands": [{**WARM, "name": "Warm!"}]}, "should match"),
        ({"bands": [{**WARM, "upto": 3}]}, "Extra inputs"),
        ({"bands": [{**WARM, "name": "w" * 60}]}, "at most 60 characters"),
        ({"steps": [{"severity": "critical", "after": "2 h"}]}, "steps belong to a band"),
        (
            {"bands": [{**HOT, "steps": [{"severity": "warning", "after": "2 h"}]}]},
            "cannot be milder",
        ),
        ({"channel": "*"}, "write one rule for each"),
    ],
)
def test_a_mistake_in_an_exposure_is_named_with_its_cure(
    settings: Mapping[str, object], cure: str
) -> None:
    with pytest.raises(ValidationError, match=cure):
        rule(**exposure(**settings))


@pytest.mark.parametrize(
    ("series", "settings", "told"),
    [
        # Half of it is told, then all of it; nothing resets it.
        ("4 9x12 4x50 9x13", {}, ["firing 65 warning", "severity 375 critical"]),
        ("1x13", {"low": 2.0}, ["firing 60 warning"]),
        ("9x30", {"warn_at": 25.0}, ["firing 30 warning", "severity 120 critical"]),
        ("9x30", {"warn_at": 100.0}, ["firing 120 critical"]),
        ("9x30", {"severity": "info"}, ["firing 60 info", "severity 120 critical"]),
        # What was used up before counts, and is told with the first reading where it is enough.
        ("4 9x10", {"carried": "30 min"}, ["firing 35 warning"]),
        ("4x50", {"carried": "60 min"}, ["firing 0 warning"]),
        ("4x5 9x13", {"carried": "60 min"}, ["firing 0 warning", "severity 85 critical"]),
        ("4x5", {"carried": "5 h"}, ["firing 0 critical"]),
        # Two, four, eight times as fast: 15 + 30/8 min.
        ("25x4 4x9", {"q10": 2.0, "reference": 5.0}, ["firing 15 warning"]),
        (
            "35x9",
            {"q10": 2.0, "reference": 25.0},
            ["firing 30 warning"],
        ),
        # Cold is another matter: below low the clock counts.
        ("1x13", {"low": 2.0, "q10": 2.0, "reference": 5.0}, ["firing 60 warning"]),
        # A time without knowledge uses nothing up.
        ("9x6 -x30 9x7", {}, ["firing 185 warning"]),
    ],
)
def test_a_budget_is_used_up(series: str, settings: Mapping[str, object], told: list[str]) -> None:
    assert live(budget(**settings), series) == told


@pytest.mark.parametrize("value", [-20.0, 8.0, 8.1, 15.0, 25.0, 40.0])
def test_warmth_uses_it_up_faster(value: float) -> None:
    plain, tenfold, arrhenius = (
        rule(**budget(low=2.0, **more))
        for more in ({}, {"q10": 3.0, "reference": 25.0}, {"energy": 83.144, "reference": 25.0})
    )
    assert isinstance(plain, StabilityBudget)
    assert isinstance(tenfold, StabilityBudget)
    assert isinstance(arrhenius, StabilityBudget)
    out = value > 8
    assert plain.rate(value) == (1.0 if out or value < 2 else 0.0)
    assert tenfold.rate(value) == pytest.approx(
        3 ** ((value - 25) / 10) if out else plain.rate(value)
    )
    aged = acceleration(value, 25.0, 83.144)
    assert arrhenius.rate(value) == pytest.approx(aged if out else plain.rate(value))


@pytest.mark.parametrize("weighed", [{"q10": 10.0}, {"energy": 400.0}])
def test_however_steep_it_is_weighed_its_state_can_be_stored(weighed: dict[str, float]) -> None:
    steep = rule(
        kind="stability_budget",
        channel="temperature",
        high=8.0,
        allowed="1 h",
        reference=-100.0,
        **weighed,
    )
    judge = engine([steep])
    judge.fold(readings("5 80 150x9 5"))
    (device,) = judge.devices()
    assert judge.load(device, judge.dump(device)) == []
    assert steep.rate(150.0) == FASTEST  # type: ignore[attr-defined] # a budget's


def test_a_consignment_brings_along_what_it_has_used_up() -> None:
    found = rule(**budget(carried="10 min"))
    sent = Consignment(owner="", id="c-1", goods="x", created=START, carried=HOUR)
    bound = found.bound(sent)
    assert isinstance(bound, StabilityBudget)
    assert bound.carried == 70 * MINUTE
    assert by(bound, "4 4") == ["firing 0 warning"]
    assert by(found, "4 4") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "60 min of the 2 h allowed above 8.0 °C used up"),
        ({"low": 2.0}, "60 min of the 2 h allowed outside 2.0 to 8.0 °C used up"),
        ({"high": None, "low": 2.0, "warn_at": 100}, "the 2 h allowed below 2.0 °C used up"),
    ],
)
def test_a_budget_is_said_in_words(settings: Mapping[str, object], words: str) -> None:
    assert rule(**budget(**settings)).limit() == words


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({"high": None}, "give low, high or both"),
        ({"low": 9.0}, "must lie below high"),
        ({"allowed": "0 s"}, "greater than 0"),
        ({"warn_at": 0}, "greater than 0"),
        ({"warn_at": 101}, "less than or equal to 100"),
        ({"q10": 2.0}, "q10 or energy and reference go together"),
        ({"reference": 2.0}, "q10 or energy and reference go together"),
        ({"q10": 2.0, "energy": 80.0, "reference": 5.0}, "keep one of them"),
        ({"q10": 2.0, "reference": 5.0, "high": None, "low": 2.0}, "with high"),
        ({"q10": 2.0, "reference": 5.0, "channel": "humidity"}, "of a temperature"),
        ({"steps": [{"severity": "critical", "after": "2 h"}]}, "leave out steps"),
        ({"channel": "*"}, "about one channel"),
    ],
)
def test_a_mistake_in_a_budget_is_named_with_its_cure(
    settings: Mapping[str, object], cure: str
) -> None:
    with pytest.raises(ValidationError, match=cure):
        rule(**budget(**settings))
