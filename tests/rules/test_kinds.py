"""What each kind of rule accepts, and how it says what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import rules
from devices.reading import DeviceKey
from rules.duration import HOUR, MINUTE
from rules.kinds.threshold import Threshold
from rules.lifecycle import BREACH, CLEAR, NEUTRAL, UNKNOWN
from tests.rules.series import rule


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({}, "exactly one of above, below, outside"),
        ({"above": 8, "below": 2}, "here is above and below"),
        ({"outside": [8, 2]}, "put the lower limit first"),
        ({"outside": [2, 2]}, "put the lower limit first"),
        ({"above": float("nan")}, "finite"),
        ({"above": float("inf")}, "finite"),
        ({"above": 8, "clear": 9}, "must lie below above"),
        ({"above": 8, "clear": 8}, "must lie below above"),
        ({"below": 2, "clear": 1}, "must lie above below"),
        ({"outside": [2, 8], "clear": [1, 7]}, "must lie inside"),
        ({"outside": [2, 8], "clear": [7, 3]}, "must lie inside"),
        ({"outside": [2, 8], "clear": 5}, "a pair for outside"),
        ({"above": 8, "clear": [3, 5]}, "one number for above"),
        ({"above": 8, "mode": "instant", "duration": "5 min"}, "leave out for"),
        ({"above": 8, "mode": "cumulative"}, "needs a total"),
        ({"above": 8, "reset_after": "1 h"}, "leave it out"),
        (
            {"above": 8, "mode": "cumulative", "duration": "1 h", "clear_for": "1 h"},
            "use reset_after",
        ),
        ({"above": 8, "duration": 60}, "Name the unit"),
        ({"above": 8, "hold": "0 s"}, "greater than 0"),
        ({"above": 8, "channel": "temprature"}, "did you mean 'temperature'"),
        ({"above": 8, "channel": "xyzzy"}, "use one of temperature"),
        ({"above": 8, "channel": "*"}, "one rule for each"),
        ({"above": 8, "name": "Too warm"}, "String should match"),
        ({"above": 8, "limit": 3}, "Extra inputs"),
        ({"above": 8, "devices": []}, "at least 1 item"),
        ({"above": 8, "kind": "treshold"}, "treshold"),
        ({"kind": "lost_contact"}, "Field required"),
        ({"kind": "lost_contact", "after": "0 s"}, "greater than 0"),
        ({"kind": "no_usable_data"}, "Field required"),
        ({"kind": "stability_budget", "high": float("inf"), "allowed": "1 h"}, "finite"),
        ({"kind": "freeze_thaw", "freezes": float("-inf"), "thaws": 0, "allowed": 0}, "finite"),
        ({"kind": "steadiness", "width": float("inf"), "within": "1 h"}, "finite"),
        ({"kind": "low_battery", "below": 5, "clear": float("inf")}, "finite"),
        (
            {"above": 8, "steps": [{"severity": "critical", "beyond": float("inf")}]},
            "finite",
        ),
        ({"kind": "mkt", "above": 8, "window": "99999999999999999999 days"}, "1000 years"),
    ],
)
def test_a_mistake_is_named_with_its_cure(settings: dict[str, object], cure: str) -> None:
    with pytest.raises(ValidationError, match=cure):
        rule(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"above": 8, "duration": "60 min"}, "above 8.0 °C for 60 min"),
        ({"above": 8, "inclusive": True}, "at or above 8.0 °C"),
        ({"below": -0.5, "duration": "60 min"}, "below -0.5 °C for 60 min"),
        ({"outside": [2, 8], "duration": "30 min"}, "outside 2.0 to 8.0 °C for 30 min"),
        (
            {"outside": [2, 8], "inclusive": True, "duration": "2 h"},
            "outside 2.0 to 8.0 °C, limits included, for 2 h",
        ),
        (
            {"above": 8, "mode": "cumulative", "duration": "10 h"},
            "above 8.0 °C for 10 h in total",
        ),
        ({"channel": "door", "above": 0}, "above 0.0"),
        ({"kind": "lost_contact", "after": "30 min"}, "not heard for 30 min"),
        ({"kind": "no_usable_data", "duration": "60 min"}, "no usable value for 60 min"),
    ],
)
def test_a_limit_is_said_in_words(settings: dict[str, object], text: str) -> None:
    assert rule(**settings).limit() == text


@pytest.mark.parametrize(
    ("settings", "conditions"),
    [
        ({"above": 8}, {7.9: CLEAR, 8.0: CLEAR, 8.1: BREACH}),
        ({"above": 8, "inclusive": True}, {7.9: CLEAR, 8.0: BREACH}),
        ({"above": 8, "clear": 6}, {6.0: CLEAR, 6.1: NEUTRAL, 8.0: NEUTRAL, 8.1: BREACH}),
        ({"below": 2}, {1.9: BREACH, 2.0: CLEAR}),
        ({"below": 2, "clear": 3}, {1.9: BREACH, 2.0: NEUTRAL, 2.9: NEUTRAL, 3.0: CLEAR}),
        ({"outside": [2, 8]}, {1.9: BREACH, 2.0: CLEAR, 8.0: CLEAR, 8.1: BREACH}),
        ({"outside": [2, 8], "inclusive": True}, {2.0: BREACH, 5.0: CLEAR, 8.0: BREACH}),
        ({"outside": [2, 8], "clear": [3, 7]}, {2.5: NEUTRAL, 3.0: CLEAR, 7.5: NEUTRAL}),
    ],
)
def test_a_value_is_compared(settings: dict[str, object], conditions: dict[float, int]) -> None:
    found = rule(**settings)
    assert isinstance(found, Threshold)
    assert {value: found.condition(value, usable=True) for value in conditions} == conditions
    assert found.condition(5.0, usable=False) == UNKNOWN


@given(
    settings=st.sampled_from(
        [{"above": 8}, {"below": 2}, {"outside": [2, 8]}, {"above": 8, "clear": 6}]
    ),
    inclusive=st.booleans(),
    value=st.floats(-200, 150),
)
def test_nothing_in_the_calm_zone_is_a_breach(
    *, settings: dict[str, object], inclusive: bool, value: float
) -> None:
    found = rule(inclusive=inclusive, **settings)
    assert isinstance(found, Threshold)
    low, high = found.calm()
    breach = found.condition(value, usable=True) == BREACH
    assert not (breach and low < value < high)
    assert breach == (found.badness(value) > 0 or (inclusive and found.badness(value) == 0))


def test_a_sample_speaks_for_two_and_a_half_intervals_unless_told_otherwise() -> None:
    by_interval, fixed = rule(above=8), rule(above=8, hold="10 min")
    assert isinstance(by_interval, Threshold)
    assert isinstance(fixed, Threshold)
    assert by_interval.timing(12 * MINUTE).hold == 30 * MINUTE
    assert fixed.timing(12 * MINUTE).hold == 10 * MINUTE
    assert fixed.timing(HOUR).hold == 10 * MINUTE


def test_settings_are_read_back_and_keep_their_version() -> None:
    for found in (
        rule(outside=[2, 8], clear=[3, 7], duration="60 min", hold="1 h 30 min", note="Close it"),
        rule(kind="lost_contact", after="30 min"),
        rule(kind="no_usable_data", duration="60 min", channel="humidity"),
    ):
        again = rule(**found.settings())
        assert again == found
        assert again.version() == found.version()
        assert len(found.version()) == 12


def test_a_changed_setting_is_another_version() -> None:
    versions = {rule(above=limit, note=note).version() for limit in (7, 8) for note in ("", "a")}
    assert len(versions) == 4


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        (["*"], True),
        (["acme/reefer-*"], True),
        (["*reefer-?"], True),
        (["reefer-*"], False),
        (["other/*", "acme/*"], True),
        (["ACME/*"], False),
    ],
)
def test_devices_are_chosen_by_pattern(*, patterns: list[str], matches: bool) -> None:
    assert rule(above=8, devices=patterns).matches(DeviceKey("acme", "reefer-1")) is matches


def test_every_kind_is_registered_and_describes_its_settings() -> None:
    kinds = {kind.model_fields["kind"].default for kind in rules.KINDS}
    assert len(kinds) == len(rules.KINDS)
    assert {"threshold", "lost_contact", "no_usable_data"} < kinds
    for kind in rules.KINDS:
        for name, field in kind.model_fields.items():
            assert field.description, f"{kind.__name__}.{name} lacks a description"
