"""One profile takes over another's settings and changes them."""

from __future__ import annotations

from typing import Any

import pytest

from rules.extending import extend

WARM, COLD, GONE = ({"name": name, "limit": 1} for name in ("warm", "cold", "gone"))
PARENT: dict[str, Any] = {
    "name": "milk",
    "title": "Milk",
    "source": "Books",
    "ranges": [{"channel": "temperature", "high": 8}, {"channel": "humidity", "high": 60}],
    "rules": [WARM, COLD, GONE],
    "criteria": {"reject": ["warm"], "accept": ["gone", "cold"], "unknown": "2 h"},
}


def test_without_a_parent_a_file_is_what_it_is() -> None:
    own = {"name": "milk", "rules": "nonsense"}
    found = extend(own, None)
    assert found.data is own
    assert found.place(("rules", 3, "above")) == ("rules", 3, "above")


def test_what_it_does_not_say_it_takes_over_but_for_name_and_title() -> None:
    found = extend({"name": "cream"}, PARENT)
    assert found.data["name"] == "cream"
    assert "title" not in found.data
    assert found.data["source"] == "Books"
    assert found.data["rules"] == PARENT["rules"]
    assert found.data["criteria"] == PARENT["criteria"]


def test_its_own_tables_stand_in_the_place_of_their_namesakes() -> None:
    own = {
        "rules": [{"name": "new"}, {"name": "cold", "limit": 2}],
        "ranges": [{"channel": "humidity", "high": 70}],
    }
    found = extend(own, PARENT)
    assert found.data["rules"] == [WARM, {"name": "cold", "limit": 2}, GONE, {"name": "new"}]
    assert found.data["ranges"] == [PARENT["ranges"][0], {"channel": "humidity", "high": 70}]


@pytest.mark.parametrize(
    ("merged", "own"),
    [
        (("rules", 1, "limit"), ("rules", 1, "limit")),
        (("rules", 3, "name"), ("rules", 0, "name")),
        (("rules", 0, "limit"), ("extends",)),
        (("rules",), ("rules",)),
        (("criteria", "reject", 0), ("criteria", "reject", 0)),
    ],
)
def test_what_is_wrong_is_told_at_its_place_in_the_file(
    merged: tuple[str | int, ...], own: tuple[str | int, ...]
) -> None:
    found = extend({"rules": [{"name": "new"}, {"name": "cold", "limit": 2}]}, PARENT)
    assert found.place(merged) == own


def test_rules_that_are_left_out_are_gone_from_the_criteria_too() -> None:
    found = extend({"without": ["warm", "gone"]}, PARENT)
    assert found.data["rules"] == [COLD]
    assert found.data["criteria"] == {"reject": [], "accept": ["cold"], "unknown": "2 h"}


def test_criteria_are_replaced_one_by_one() -> None:
    found = extend({"criteria": {"reject": ["cold"]}}, PARENT)
    assert found.data["criteria"] == {
        "reject": ["cold"],
        "accept": ["gone", "cold"],
        "unknown": "2 h",
    }


@pytest.mark.parametrize(
    "own",
    [
        {"rules": "nonsense"},
        {"rules": ["nonsense", {"name": 3}, {}]},
        {"ranges": {"channel": "temperature"}},
        {"without": "warm"},
        {"without": [3]},
        {"criteria": ["warm"]},
    ],
)
def test_what_has_another_shape_is_left_for_others_to_find(own: dict[str, Any]) -> None:
    data = extend(own, PARENT).data
    for key, value in own.items():
        if isinstance(value, list) and key == "rules":
            assert all(one in data[key] for one in value)
        else:
            assert data[key] == value


def test_two_of_one_name_are_both_kept() -> None:
    twice = [{"name": "warm", "limit": 2}, {"name": "warm", "limit": 3}]
    assert extend({"rules": twice}, PARENT).data["rules"] == [twice[0], COLD, GONE, twice[1]]


def test_it_changes_neither_of_both() -> None:
    own = {"rules": [{"name": "warm", "limit": 2}], "without": ["cold"]}
    before = repr((own, PARENT))
    extend(own, PARENT)
    assert repr((own, PARENT)) == before
