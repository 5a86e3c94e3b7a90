"""The profiles that come with Holdwatch: each runs its own tests, and none is missing."""

from __future__ import annotations

import re

import pytest

from gateway.goods_files import Shelf, shipped
from rules.duration import HOUR, YEAR
from rules.profile import Profile
from rules.rehearsal import rehearse
from rules.rule import AbsenceRule

SHELF = Shelf()
NAMES = sorted(shipped())

FIELD = {
    "refrigerated vaccines, harmed by freezing": {"vaccines"},
    "frozen vaccine": {"frozen-vaccines"},
    "ultra-cold, limits of loggers": {"ultra-cold"},
    "controlled cold (USP)": {"controlled-cold"},
    "controlled room temperature (USP)": {"controlled-room"},
    "freezer, cool, dry place (USP)": {"usp-freezer", "usp-cool", "usp-dry-place"},
    "quick-frozen food": {"quick-frozen-food"},
    "red meat": {"red-meat"},
    "banana, green": {"bananas"},
    "apple, grape, blueberry": {"apples", "grapes", "blueberries"},
    "avocado, lemon, mango": {"avocados-hass", "avocados-west-indian", "lemons", "mangoes"},
    "garlic": {"garlic"},
    "lettuce, broccoli": {"lettuce", "broccoli"},
    "fine wine": {"fine-wine"},
    "WHO shipping indicators": {"who-shipping-indicator-1", "who-shipping-indicator-2"},
    "high-value goods of any kind": {"high-value"},
}
"""Goods whose limits were quoted from a source or seen in devices, and who stands for them."""

RANGES = {
    "vaccines": "temperature 2 to 8",
    "frozen-vaccines": "temperature -50 to -15",
    "ultra-cold": "temperature -90 to -60",
    "controlled-cold": "temperature 2 to 8",
    "controlled-room": "temperature 20 to 25",
    "usp-freezer": "temperature -25 to -10",
    "usp-cool": "temperature 8 to 15",
    "usp-dry-place": "humidity at most 40",
    "quick-frozen-food": "temperature at most -18",
    "red-meat": "temperature -1.5 to 7",
    "bananas": "temperature 13 to 14, humidity 85 to 95",
    "apples": "temperature -1 to 4, humidity 90 to 95",
    "grapes": "temperature -1 to 0, humidity 90 to 95",
    "blueberries": "temperature -0.5 to 0, humidity 90 to 95",
    "avocados-hass": "temperature 5 to 7, humidity 85 to 90",
    "avocados-west-indian": "temperature 12 to 14, humidity 85 to 90",
    "lemons": "temperature 11 to 15, humidity 85 to 95",
    "mangoes": "temperature 10 to 14, humidity 85 to 95",
    "garlic": "temperature 0 to 1, humidity 60 to 70",
    "fine-wine": "temperature 11 to 15, humidity 65 to 70",
}

LIMITS = {
    ("vaccines", "frozen"): "at or below -0.5 °C for 60 min",
    ("vaccines", "warm"): "10 h in total above 8.0 °C",
    ("who-shipping-indicator-1", "hot"): "at or above 45.0 °C for 60 min",
    ("who-shipping-indicator-1", "warm"): "10 h in total at or above 30.0 °C",
    ("who-shipping-indicator-1", "frozen"): "at or below -0.5 °C for 60 min",
    ("who-shipping-indicator-2", "hot"): "at or above 45.0 °C for 60 min",
    (
        "who-shipping-indicator-2",
        "warm",
    ): "10 h in total at or above 30.0 °C; 20 h in total at or above 10.0 °C",
    ("controlled-cold", "mean-kinetic"): "mean kinetic temperature of 1 day above 8.0 °C",
    ("controlled-room", "mean-kinetic"): "mean kinetic temperature of 30 days above 25.0 °C",
    ("art", "unsteady"): "more than 20.0 %RH between lowest and highest within 1 day",
}
"""What trusted loggers and standards alarm on."""


def profile(name: str) -> Profile:
    return SHELF.profile(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_passes_its_own_tests(name: str) -> None:
    failed = [
        "\n".join([f"{name}: {one.name}", *one.difference()])
        for one in rehearse(profile(name))
        if not one.well
    ]
    assert failed == []


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_shows_that_all_can_be_well_and_each_alert(name: str) -> None:
    found = profile(name)
    assert any("all well" in test.name and not test.alerts for test in found.tests)
    expected = {alert.rule for test in found.tests for alert in test.alerts}
    parts = {part.name for rule in found.rules for part in rule.parts()}
    assert parts - expected == set(), "no test expects these"
    # A gap is shown within a series, beside the one in which nothing is heard at all.
    gaps = [test for test in found.tests if any("-x" in one for one in test.series.values())]
    assert len(gaps) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_where_it_comes_from_and_what_to_do(name: str) -> None:
    found = profile(name)
    assert len(found.source) > 60
    assert len(found.instructions.splitlines()) >= 2
    assert all(rule.note for rule in found.rules)
    assert found.keep >= YEAR
    assert found.criteria.unknown > 0
    assert any(isinstance(rule, AbsenceRule) for rule in found.rules)
    assert found.interval is not None
    assert found.sampled(found.interval) == ()


@pytest.mark.parametrize("name", NAMES)
def test_how_it_was_written_does_not_change_a_profile(name: str) -> None:
    found = profile(name)
    again = Profile.model_validate(found.settings())
    assert again.version() == found.version()


def test_each_goods_of_the_field_has_its_profile() -> None:
    named = {name for names in FIELD.values() for name in names}
    assert named <= set(NAMES)
    # What is remembered only, and was not checked, says so.
    for name in set(NAMES) - named:
        assert profile(name).source.startswith("To be checked"), name


@pytest.mark.parametrize(("name", "expected"), RANGES.items())
def test_its_range_is_that_of_the_field(name: str, expected: str) -> None:
    found = profile(name)
    assert ", ".join(f"{one.channel} {one.words()}" for one in found.ranges) == expected


@pytest.mark.parametrize(("name", "rule", "limit"), [(*key, one) for key, one in LIMITS.items()])
def test_its_rules_are_those_of_trusted_loggers_and_standards(
    name: str, rule: str, limit: str
) -> None:
    found = profile(name).rule(rule)
    assert found is not None
    assert found.limit() == limit


def test_vaccines_are_logged_at_least_every_half_hour_and_aim_at_five() -> None:
    found = profile("vaccines")
    assert found.interval == HOUR // 2
    meant = found.range("temperature")
    assert meant is not None
    assert meant.aim == 5.0


def test_what_is_frozen_has_no_mean_kinetic_temperature() -> None:
    for name in NAMES:
        found = profile(name)
        meant = found.range("temperature")
        if meant is not None and meant.high is not None and meant.high < 0:
            assert found.energy is None, name
            assert not any(rule.kind == "mkt" for rule in found.rules), name


def test_no_profile_claims_a_standard_for_this_software() -> None:
    for name in NAMES:
        for found in re.findall(r"EN 12830[^.]*\.[^.]*", profile(name).source):
            assert "claims no such standard" in found
