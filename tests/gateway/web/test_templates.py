"""A part of a page is also sent alone: it names itself what it draws with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.web

TEMPLATES = sorted((Path(gateway.web.__file__).parent / "templates").glob("*.html"))
MARKS = re.findall(r"{% macro (\w+)\(", (TEMPLATES[0].parent / "marks.html").read_text("utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_mark_is_imported_where_it_is_drawn(path: Path) -> None:
    text = path.read_text("utf-8")
    imported = " ".join(re.findall(r"{% from \"[a-z_]+.html\" import ([^%]+)%}", text))
    own = re.findall(r"{% macro (\w+)\(", text)
    missing = [
        mark
        for mark in MARKS
        if re.search(rf"{{[{{%][^}}]*\b{mark}\(", text)
        and mark not in own
        and not re.search(rf"\b{mark}\b", imported)
    ]
    assert missing == []


def test_there_are_marks_to_look_for() -> None:
    assert {"icon", "state", "ago"} <= set(MARKS)
