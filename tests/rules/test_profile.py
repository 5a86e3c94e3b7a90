"""Profiles of goods: what they say of themselves, and what the series of their tests mean."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.duration import HOUR, MINUTE, YEAR
from rules.profile import Profile, Range, too_short
from rules.series import values
from tests.rules.series import rule

PLAIN: dict[str, Any] = {
    "name": "milk",
    "title": "Milk",
    "source": "Our own",
    "measures": "product",
    "instructions": "Drink it.",
    "ranges": [{"channel": "temperature", "low": 2.0, "high": 8.0, "aim": 5.0}],
    "rules": [
        {
            "name": "too-warm",
            "kind": "threshold",
            "channel": "temperature",
            "above": 8.0,
            "for": "60 min",
        }
    ],
}


def profile(**changes: Any) -> Profile:  # noqa: ANN401 - as in a file
    return Profile.model_validate_json(json.dumps({**PLAIN, **changes}), strict=True)


# --- series


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", [4.0]),
        ("4x3 -0.5", [4.0, 4.0, 4.0, -0.5]),
        ("4..9x6", [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
        ("-18..-12x3", [-18.0, -15.0, -12.0]),
        ("9..4x2", [9.0, 4.0]),
        ("0.1..0.3x3", [0.1, 0.2, 0.3]),
        ("4 - -x2 5", [4.0, None, None, None, 5.0]),
        ("  4\n  5 ", [4.0, 5.0]),
        ("+4", [4.0]),
    ],
)
def test_a_series_is_read(text: str, expected: list[float | None]) -> None:
    assert values(text) == expected


def test_a_value_that_cannot_be_true_is_no_number() -> None:
    found = values("?x2")
    assert [math.isnan(one) for one in found if one is not None] == [True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("four", "'four' is no part of a series"),
        ("4x", "'4x' is no part"),
        ("4x0", "1 to 200,000 values"),
        ("4x300000", "1 to 200,000 values"),
        ("4..9", "'4..9' does not say in how many steps: write 4..9x6"),
        ("4..9x1", "does not say in how many steps"),
        ("-..9x3", "is no part of a series"),
        ("1e3", "is no part of a series"),
    ],
)
def test_a_series_that_cannot_be_read_is_refused_with_a_cure(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        values(text)


@given(st.decimals(-50, 50, places=2), st.decimals(-50, 50, places=2), st.integers(2, 200))
def test_a_ramp_has_both_its_ends_and_as_many_values_as_it_says(
    first: object, last: object, count: int
) -> None:
    found = [one for one in values(f"{first}..{last}x{count}") if one is not None]
    assert (found[0], found[-1], len(found)) == (float(str(first)), float(str(last)), count)
    assert sorted(found, reverse=found[0] > found[-1]) == found


# --- what a profile refuses by itself


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranges": [{"channel": "temperature", "low": 8.0, "high": 2.0}]}, "is not below high"),
        ({"ranges": [{"channel": "temperature", "low": 8.0, "high": 8.0}]}, "is not below high"),
        ({"ranges": [{"channel": "temperature"}]}, "it has no limit"),
        (
            {"ranges": [{"channel": "temperature", "high": 8.0, "aim": 9.0}]},
            "aim = 9 lies outside at most 8",
        ),
        ({"ranges": [{"channel": "temprature", "high": 8.0}]}, "did you mean 'temperature'"),
        ({"needs": ["heat"]}, "there is no quantity 'heat'"),
        ({"name": "Milk 1"}, "name"),
        ({"measures": "milk"}, "measures"),
        ({"basis": "hearsay"}, "basis"),
        ({"energy": -1.0}, "energy"),
        ({"interval": "0 s"}, "interval"),
        ({"colour": "white"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        profile(**changes)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({"temperature": "4x"}, "temperature: '4x' is no part of a series"),
        ({"temperature": "4x3", "humidity": "50"}, r"temperature 3, humidity 1"),
        ({"heat": "4"}, "there is no quantity 'heat'"),
        ({"temperature": {"return_air": "4"}}, 'write "temperature.return_air"'),
        ({}, "series"),
    ],
)
def test_a_test_that_cannot_be_run_is_refused(series: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        profile(test=[{"name": "one", "interval": "5 min", "series": series}])


# --- what it says of itself


def test_a_version_follows_from_all_that_counts_for_judging() -> None:
    plain = profile()
    assert plain.version().startswith("milk@")
    assert len(plain.version()) == len("milk@") + 12
    sample = {"name": "one", "interval": "5 min", "series": {"temperature": "4"}}
    assert profile(test=[sample]).version() == plain.version()
    others = [
        profile(title="Whole milk"),
        profile(instructions="Pour it away."),
        profile(ranges=[]),
        profile(keep="1 year"),
        profile(criteria={"reject": ["too-warm"]}),
        profile(name="cream"),
    ]
    assert len({one.version() for one in [plain, *others]}) == 7


def test_how_a_profile_was_written_does_not_change_its_version() -> None:
    written = profile()
    again = Profile.model_validate_json(json.dumps(written.settings()), strict=True)
    assert again == written
    assert again.version() == written.version()


def test_lengths_in_years_are_kept_whole() -> None:
    assert profile(keep="2 years").keep == 2 * YEAR
    assert profile().keep == 5 * YEAR


def test_its_channels_are_those_of_ranges_rules_and_needs() -> None:
    dew = {
        "name": "dew",
        "kind": "condensation",
        "channel": "temperature.hold",
        "humidity": "humidity.hold",
        "surface": "temperature.wall",
    }
    found = profile(
        needs=["battery_level"],
        rules=[*PLAIN["rules"], dew, {"name": "dead", "kind": "no_usable_data", "for": "60 min"}],
    )
    assert found.channels() == (
        "battery_level",
        "humidity.hold",
        "temperature",
        "temperature.hold",
        "temperature.wall",
    )


def test_ranges_and_rules_are_found_by_their_names() -> None:
    found = profile()
    assert found.range("temperature") == Range(channel="temperature", low=2, high=8, aim=5)
    assert found.range("humidity") is None
    known = found.rule("too-warm")
    assert known is not None
    assert known.limit() == "above 8.0 °C for 60 min"
    assert found.rule("nothing") is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(2.0, 8.0, "2 to 8"), (None, -18.0, "at most -18"), (0.5, None, "at least 0.5")],
)
def test_a_range_is_said_in_words(low: float | None, high: float | None, words: str) -> None:
    assert Range(channel="temperature", low=low, high=high).words() == words


# --- how often sensors must send


@pytest.mark.parametrize(
    ("settings", "interval", "setting"),
    [
        ({"kind": "mkt", "channel": "temperature", "above": 8.0, "window": "59 min"}, 30, "window"),
        ({"kind": "mkt", "channel": "temperature", "above": 8.0, "window": "60 min"}, 30, None),
        ({"kind": "mkt", "channel": "temperature", "above": 8.0}, 30, None),
        (
            {
                "kind": "rate_of_change",
                "channel": "temperature",
                "rises": 5.0,
                "within": "30 min",
            },
            20,
            "within",
        ),
        ({"kind": "lost_contact", "after": "9 min"}, 10, "after"),
        ({"kind": "lost_contact", "after": "10 min"}, 10, None),
        ({"above": 8.0, "hold": "5 min"}, 10, "hold"),
        ({"above": 8.0, "duration": "5 min"}, 10, None),
    ],
)
def test_a_length_shorter_than_sensors_send_is_found(
    settings: dict[str, Any], interval: int, setting: str | None
) -> None:
    found = too_short(rule(**settings), interval * MINUTE)
    assert (found and found[0]) == setting


def test_a_sensor_that_sends_too_seldom_is_told_why() -> None:
    found = profile(
        interval="30 min", rules=[{"name": "gone", "kind": "lost_contact", "after": "75 min"}]
    )
    assert found.sampled(30 * MINUTE) == ()
    assert found.sampled(HOUR) == ("it sends every 60 min, and must at least every 30 min",)
    assert found.sampled(2 * HOUR) == (
        "it sends every 2 h, and must at least every 30 min",
        "rule gone: after = 1 h 15 min is shorter than the interval of 2 h",
    )
