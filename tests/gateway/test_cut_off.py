"""Routes behind one with hours, which keeps what it takes until its hours begin."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.cut_off import cut_off
from gateway.settings.routes import Hours, Route

DAY: dict[str, Any] = {"from": "06:00", "to": "22:00"}
WEEK: dict[str, Any] = {"days": ["mon", "tue", "wed", "thu", "fri"]}


def warned(*routes: dict[str, Any]) -> list[str]:
    """Return which routes are cut off by which: "a: b"."""
    told = cut_off(
        [
            Route.model_validate({"name": "abcd"[n], **one}, strict=False)
            for n, one in enumerate(routes)
        ],
        "Europe/Berlin",
    )
    return [f"{one.split()[1]} {one.partition('reach the route ')[2][0]}" for one in told]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"hours": DAY}, {}, ["a: b"]),
        ({"hours": DAY}, {"severity": "critical"}, ["a: b"]),
        ({"hours": DAY, "go_on": True}, {}, []),
        ({}, {"hours": DAY}, []),
        ({"hours": {}}, {}, []),
        ({"hours": WEEK}, {}, ["a: b"]),
        ({"hours": WEEK}, {"hours": {"days": ["mon", "wed"]}}, []),
        ({"hours": WEEK}, {"hours": {"days": ["fri", "sat"]}}, ["a: b"]),
        ({"hours": DAY}, {"hours": {"from": "22:00", "to": "06:00"}}, ["a: b"]),
        ({"hours": DAY}, {"hours": {"from": "08:00", "to": "17:00"}}, []),
        ({"hours": DAY}, {"hours": {"from": "21:00", "to": "23:00"}}, ["a: b"]),
        ({"hours": DAY}, {"hours": {**DAY, "timezone": "America/New_York"}}, ["a: b"]),
        ({"hours": {"from": "22:00", "to": "06:00"}}, {"hours": {"to": "06:00"}}, []),
        ({"hours": DAY, "sites": ["Hall 1"]}, {"sites": ["Hall 2"]}, []),
        ({"hours": DAY, "sites": ["Hall 1"]}, {"rules": ["too-warm"]}, ["a: b"]),
        ({"hours": DAY, "devices": ["reefer-*"]}, {"devices": ["*-7"]}, ["a: b"]),
        ({"hours": DAY, "devices": ["reefer-?"]}, {"devices": ["fridge-*", "reefer-10"]}, []),
        ({"hours": DAY, "devices": ["reefer-?"]}, {"devices": ["fridge-*", "*r-1"]}, ["a: b"]),
        ({"hours": DAY, "rules": ["too-warm"]}, {"rules": ["too-warm"]}, ["a: b"]),
    ],
)
def test_who_would_be_told_outside_the_hours_of_another_is_named(
    first: dict[str, Any], second: dict[str, Any], expected: list[str]
) -> None:
    assert warned(first, second) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"severity": "critical"}, []),
        ({"severity": "critical", "go_on": True}, ["b: c"]),
        ({"severity": "critical", "sites": ["Hall 1", "Hall 3"]}, []),
        ({"severity": "critical", "sites": ["Hall 3"]}, ["b: c"]),
    ],
)
def test_what_an_earlier_route_takes_is_not_cut_off(
    before: dict[str, Any], expected: list[str]
) -> None:
    day = {"hours": DAY, "sites": ["Hall 1"]}
    assert warned(before, day, {"severity": "critical"}) == expected


def test_the_first_that_would_tell_it_is_named() -> None:
    assert warned({"hours": DAY, "sites": ["x"]}, {"sites": ["y"]}, {}, {}) == ["a: c"]


def test_it_says_what_to_do() -> None:
    office = Route(name="office", hours=Hours.model_validate({"from": "06:00"}))
    (only,) = cut_off([office, Route(name="duty")], "UTC")
    assert only == (
        "route office: what it takes outside its hours waits until they begin, and does not reach "
        "the route duty, which would tell it. Put duty before it, or give office go_on = true: "
        "then both tell."
    )
