"""How far a proposal lets goods go: what allows a little allows no more than that."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.goods_files import Shelf
from rules.duration import HOUR
from tests.rules.cargo.voyages import TOTAL, A, alert, consignment, profile, sample, verdict

SHELF = Shelf()
HOT: dict[str, Any] = {
    "name": "hot",
    "kind": "threshold",
    "channel": "temperature",
    "above": 15.0,
    "for": "15 min",
}
COLD = {"name": "cold", "kind": "threshold", "channel": "temperature", "below": 2.0, "for": "1 h"}
FROZEN = {**COLD, "name": "frozen", "below": 0.0}
EARLY = {**HOT, "name": "early", "above": 6.0}
AGED = {"name": "aged", "kind": "mkt", "above": 8.0, "window": "30 days", "known": "3 days"}


@pytest.mark.parametrize(
    ("series", "rules", "accept", "proposal"),
    [
        ("5x6 14x2 5x4", (TOTAL, HOT), (), "release"),
        ("5x6 16x2 5x4", (TOTAL, HOT), (), "hold"),
        ("5x6 16x2 5x4", (TOTAL, HOT), ("hot",), "release"),
        ("5x6 1x2 5x4", (COLD, FROZEN), ("cold",), "release"),
        ("5x6 -1x2 5x4", (COLD, FROZEN), ("cold",), "hold"),
        ("5x6 -1x2 5x4", (COLD, FROZEN), ("cold", "frozen"), "release"),
        # What warns of a limit allows nothing beyond it.
        ("5x6 9x2 5x4", (EARLY,), ("early",), "hold"),
    ],
)
def test_what_allows_mild_values_allows_none_beyond_a_graver_limit(
    series: str, rules: tuple[dict[str, Any], ...], accept: tuple[str, ...], proposal: str
) -> None:
    goods = profile(rules=rules, criteria={"accept": accept})
    assert verdict(series, goods, until=60).proposal == proposal


@pytest.mark.parametrize(
    ("name", "well", "spoiled"),
    [
        ("vaccines", 5.0, 60.0),
        ("vaccines", 5.0, -20.0),
        ("red-meat", 3.0, 30.0),
        ("red-meat", 3.0, -20.0),
        ("usp-cool", 10.0, -20.0),
        ("usp-cool", 10.0, 40.0),
        ("bananas", 13.5, 0.0),
        ("bananas", 13.5, 45.0),
        ("apples", 2.0, -20.0),
        ("lettuce", 1.0, 30.0),
        ("fine-wine", 13.0, 60.0),
        ("frozen-vaccines", -30.0, -150.0),
        ("who-shipping-indicator-1", 5.0, -20.0),
    ],
)
def test_no_profile_releases_what_was_far_out_however_shortly(
    name: str, well: float, spoiled: float
) -> None:
    goods = SHELF.profile(name)
    heard = [
        sample(number * 5, A, temperature=value, humidity=90.0)
        for number, value in enumerate([well] * 6 + [spoiled] * 2 + [well] * 6)
    ]
    assert verdict({A: heard}, goods, until=70).proposal == "hold"


@pytest.mark.parametrize(
    ("before", "word"), [({"carried": 9 * HOUR}, "9 h before"), ({"cycles": 2}, "Frozen 2 times")]
)
def test_what_was_used_up_before_is_not_forgotten_where_no_budget_counts_it(
    before: dict[str, int], word: str
) -> None:
    found = verdict("5x12", profile(rules=(TOTAL,)), consignment(**before), until=60)
    assert found.proposal == "hold"
    assert word in found.reasons[0]


def test_a_voyage_too_short_for_a_window_is_not_released_while_its_mean_is_too_high() -> None:
    goods = profile(rules=(AGED, {**TOTAL, "for": "9 h"}))
    found = verdict("9x12", goods, until=60)
    assert found.proposal == "indeterminate"
    assert "mean kinetic temperature of what is known of it is 9 °C" in found.reasons[0]
    told = [alert("aged", 0)]
    assert verdict("9x12", goods, until=60, alerts=told).proposal == "hold"


def test_of_goods_without_a_range_what_nobody_knows_counts_all_the_same() -> None:
    door = {"name": "opened", "kind": "threshold", "channel": "door", "above": 0.5}
    goods = profile(ranges=(), rules=(door,), energy=None)
    heard = [sample(minutes, A, door=0.0) for minutes in (0, 5, 55)]
    found = verdict({A: heard}, goods, until=60)
    assert found.proposal == "indeterminate"
    assert "nobody knows its door" in found.reasons[0]


def test_what_a_critical_rule_looks_at_must_be_known() -> None:
    sweat = {
        "name": "sweat",
        "kind": "condensation",
        "surface": "temperature.cargo",
        "severity": "critical",
    }
    ranges = ({"channel": "humidity", "low": 30.0, "high": 60.0},)
    heard = [
        sample(minutes, A, temperature=20.0, humidity=40.0)
        if 10 < minutes < 50
        else sample(minutes, A, temperature=20.0, humidity=40.0, **{"temperature.cargo": 25.0})
        for minutes in range(0, 60, 5)
    ]
    grave = profile(ranges=ranges, rules=(sweat,), energy=None)
    assert verdict({A: heard}, grave, until=60).proposal == "indeterminate"
    mild = profile(ranges=ranges, rules=({**sweat, "severity": "info"},), energy=None)
    assert verdict({A: heard}, mild, until=60).proposal == "release"
