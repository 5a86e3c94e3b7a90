"""Holds the page about quality to what is remarked."""

from __future__ import annotations

import re
from pathlib import Path

from rules.jumps import JUMPS
from rules.remark import NAMES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "quality.md"


def test_every_remark_has_its_row() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(NAMES)


def test_the_limits_of_jumps_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("CO₂", "co2")
    for quantity, jump in JUMPS.items():
        row = re.search(rf"^\| {quantity} \| ([\d,]+) \S+ \| ([\d,]+) ", text, re.MULTILINE)
        assert row is not None, quantity
        told = [float(one.replace(",", "")) for one in row.groups()]
        assert told == [jump.base, jump.per_minute], quantity
