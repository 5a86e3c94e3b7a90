"""The tests within profiles are run, and what fails is told readably."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.duration import HOUR
from rules.profile import Profile, Sample
from rules.rehearsal import START, Rehearsed, consignment_of, readings, rehearse

WARM = {
    "name": "too-warm",
    "kind": "threshold",
    "channel": "temperature",
    "above": 8.0,
    "for": "60 min",
}
GONE = {"name": "gone", "kind": "lost_contact", "after": "30 min"}
SPENT = {
    "name": "spent",
    "kind": "stability_budget",
    "channel": "temperature",
    "high": 8.0,
    "allowed": "10 h",
}
THAWED = {
    "name": "thawed",
    "kind": "freeze_thaw",
    "channel": "temperature",
    "freezes": -1.0,
    "thaws": 1.0,
    "allowed": 1,
}
STEEP = {**WARM, "name": "steep", "steps": [{"severity": "critical", "after": "2 h"}]}
STORED = {**WARM, "name": "stored", "only": {"stages": ["delivered"]}}


def run(rules: list[dict[str, Any]], **sample: Any) -> Rehearsed:  # noqa: ANN401 - as in a file
    """Run one test of a profile with these rules."""
    given = {"name": "one", "interval": "10 min", **sample}
    text = json.dumps(
        {
            "name": "milk",
            "title": "Milk",
            "source": "Our own",
            "measures": "product",
            "instructions": "Drink it.",
            "rules": rules,
            "test": [given],
        }
    )
    (found,) = rehearse(Profile.model_validate_json(text, strict=True))
    return found


@pytest.mark.parametrize(
    ("rules", "sample", "came"),
    [
        ([WARM], {"series": {"temperature": "5x12"}}, ()),
        (
            [WARM],
            {"series": {"temperature": "5x6 9x7 5"}},
            ("too-warm begins 60 min, fires 2 h, ends 2 h 10 min, warning, temperature",),
        ),
        (
            [WARM],
            {"series": {"temperature": "5x6 9x7"}},
            ("too-warm begins 60 min, fires 2 h, still open, warning, temperature",),
        ),
        (
            [GONE],
            {"series": {"temperature": "5x3 -x5 5"}},
            ("gone begins 20 min, fires 50 min, ends 1 h 20 min, warning",),
        ),
        (
            [GONE],
            {"series": {"temperature": "5x3 -x5"}},
            ("gone begins 20 min, fires 50 min, still open, warning",),
        ),
        ([GONE], {"series": {"temperature": "5x3 -x2 5", "humidity": "50x3 -x2 50"}}, ()),
        ([GONE], {"series": {"temperature": "5 -x5", "humidity": "50x6"}}, ()),
        (
            [SPENT],
            {"series": {"temperature": "5 9x7 5"}, "carried": "4 h"},
            ("spent begins 10 min, fires 1 h 10 min, still open, warning, temperature",),
        ),
        (
            [THAWED],
            {"series": {"temperature": "5 -2 5"}, "cycles": 1},
            ("thawed begins 20 min, fires 20 min, still open, warning, temperature",),
        ),
        ([THAWED], {"series": {"temperature": "5 -2 5"}}, ()),
        (
            [STEEP],
            {"series": {"temperature": "9x14"}},
            ("steep begins 0 s, fires 60 min, still open, critical, temperature",),
        ),
        ([STORED], {"series": {"temperature": "9x14"}}, ()),
        (
            [STORED],
            {"series": {"temperature": "9x14"}, "stage": "delivered"},
            ("stored begins 0 s, fires 60 min, still open, warning, temperature",),
        ),
        (
            [WARM],
            {"series": {"temperature.@1": "5x8", "temperature.@2": "9x8"}},
            ("too-warm begins 0 s, fires 60 min, still open, warning, temperature",),
        ),
    ],
)
def test_alerts_come_as_the_engine_finds_them(
    rules: list[dict[str, Any]], sample: dict[str, Any], came: tuple[str, ...]
) -> None:
    assert run(rules, **sample).came == came


def test_a_test_that_expects_what_comes_is_well() -> None:
    found = run(
        [WARM],
        series={"temperature": "5x6 9x7 5"},
        alerts=[{"rule": "too-warm", "begins": "60 min", "fires": "2 h", "ends": "130 min"}],
    )
    assert found.well
    assert all(line.startswith("  ") for line in found.difference())


@pytest.mark.parametrize(
    ("alerts", "lines"),
    [
        (
            [],
            [
                "- no alert",
                "+ too-warm begins 60 min, fires 2 h, ends 2 h 10 min, warning, temperature",
            ],
        ),
        (
            [{"rule": "too-warm", "begins": "60 min", "fires": "2 h", "ends": "140 min"}],
            [
                "- too-warm begins 60 min, fires 2 h, ends 2 h 20 min",
                "+ too-warm begins 60 min, fires 2 h, ends 2 h 10 min",
            ],
        ),
        (
            [{"rule": "too-warm", "begins": "60 min", "fires": "2 h"}],
            [
                "- too-warm begins 60 min, fires 2 h, still open",
                "+ too-warm begins 60 min, fires 2 h, ends 2 h 10 min",
            ],
        ),
        (
            [
                {
                    "rule": "too-warm",
                    "begins": "60 min",
                    "fires": "2 h",
                    "ends": "130 min",
                    "severity": "critical",
                }
            ],
            [
                "- too-warm begins 60 min, fires 2 h, ends 2 h 10 min, critical",
                "+ too-warm begins 60 min, fires 2 h, ends 2 h 10 min, warning",
            ],
        ),
        (
            [
                {"rule": "too-warm", "begins": "60 min", "fires": "2 h", "ends": "130 min"},
                {"rule": "gone", "begins": "3 h"},
            ],
            [
                "  too-warm begins 60 min, fires 2 h, ends 2 h 10 min",
                "- gone begins 3 h, fires 3 h, still open",
            ],
        ),
    ],
)
def test_a_failing_test_says_what_was_expected_and_what_came(
    alerts: list[dict[str, Any]], lines: list[str]
) -> None:
    found = run([WARM, GONE], series={"temperature": "5x6 9x7 5"}, alerts=alerts)
    assert not found.well
    assert found.difference() == lines


def test_alerts_of_one_time_may_be_expected_in_any_order() -> None:
    other = {**WARM, "name": "also-warm"}
    alerts = [
        {"rule": "too-warm", "begins": "0 min", "fires": "60 min"},
        {"rule": "also-warm", "begins": "0 min", "fires": "60 min"},
    ]
    series = {"temperature": "9x7"}
    assert run([WARM, other], series=series, alerts=alerts).well
    assert run([WARM, other], series=series, alerts=alerts[::-1]).well


def test_a_value_that_never_came_is_in_no_reading() -> None:
    sample = Sample.model_validate(
        {
            "name": "one",
            "interval": "10 min",
            "series": {"temperature": "5 - - ?", "humidity": "50x2 - 50"},
        }
    )
    found = readings(sample)
    assert [(one.at - START) // 60_000 for one in found] == [0, 10, 30]
    assert [one.layout.channels for one in found] == [
        ("humidity", "temperature"),
        ("humidity",),
        ("humidity", "temperature"),
    ]
    assert found[2].value("temperature") is None


def test_the_consignment_of_a_test_is_as_the_test_says() -> None:
    given = {"name": "one", "interval": "10 min", "series": {"temperature": "5"}}
    plain = consignment_of(Sample.model_validate(given))
    assert plain.stage == "in_transit"
    assert plain.origin.position is None
    told = consignment_of(
        Sample.model_validate(
            {
                **given,
                "carried": "4 h",
                "cycles": 2,
                "stage": "delivered",
                "way": [(53.5, 10.0), (53.0, 9.9), (52.4, 9.7)],
            }
        )
    )
    assert (told.carried, told.cycles, told.stage) == (4 * HOUR, 2, "delivered")
    assert told.origin.position == (53.5, 10.0)
    assert [stop.position for stop in told.legs[0].via] == [(53.0, 9.9)]
    assert told.destination.position == (52.4, 9.7)
