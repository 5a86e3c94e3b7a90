"""The picture of the disk: all of it, in order, and whoever takes little is seen."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.look import STATIC
from gateway.web.pages.disk_picture import LEAST, NAMES, WIDTH, picture
from rules.duration import DAY

MB = 10**6
STEPS = [
    {"name": "journal", "below": 250 * MB, "does": "a"},
    {"name": "copies", "below": 200 * MB, "does": "b"},
]


def disk(**sizes: int) -> dict[str, Any]:
    known = dict.fromkeys(NAMES, 0) | sizes
    return {**known, "total": sum(known.values()), "steps": STEPS, "step": None, "full_in": None}


@given(st.lists(st.integers(0, 10**12), min_size=len(NAMES), max_size=len(NAMES)))
def test_the_bars_fill_the_picture_in_order_and_none_is_lost(sizes: list[int]) -> None:
    bars = picture(disk(**dict(zip(NAMES, sizes, strict=True)))).bars
    assert [one.name for one in bars] == list(NAMES)
    for one, following in pairwise(bars):
        assert abs(one.x + one.width - following.x) < 0.2
    if any(sizes):
        assert abs(bars[-1].x + bars[-1].width - WIDTH) < 0.5
    assert all(one.width >= LEAST for one in bars if one.bytes)


def test_the_steps_that_are_taken_are_marked() -> None:
    steps = picture({**disk(free=180 * MB), "step": "copies"}).marks
    assert [(one.below // MB, one.now) for one in steps] == [(250, True), (200, True)]
    assert not any(one.now for one in picture(disk(free=180 * MB)).marks)


def test_it_is_told_in_words_too() -> None:
    shown = picture({**disk(free=180 * MB, journal=20 * MB), "full_in": 9 * DAY})
    assert shown.said == "Of 200 MB: Journal 20 MB, Free 180 MB"
    assert shown.full_in == "about 9 days"


def test_no_part_of_the_disk_has_the_colour_of_a_state() -> None:
    style = (STATIC / "gateway.css").read_text("utf-8")
    parts = dict(re.findall(r"\.disk \.(\w+) { --part: var\(--([\w-]+)\); }", style))
    assert set(parts) == set(NAMES)
    assert not {"critical", "warning", "pending", "info", "ok", "unknown"} & set(parts.values())
