"""Holds the guide to devices to the code: its table of the catalogue is made from it."""

from __future__ import annotations

import pytest

from devices.models import CATALOGUE
from scripts.catalogue_table import BEGIN, END, PAGE, table, with_table


def test_the_table_of_the_catalogue_is_what_the_code_declares() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run scripts/docs"


def test_every_model_has_its_line() -> None:
    lines = table(CATALOGUE).splitlines()
    assert len(lines) == 2 + len(CATALOGUE)
    assert {line.count("|") for line in lines} == {8}


def test_a_page_without_the_marks_is_refused() -> None:
    assert with_table(f"a\n{BEGIN}\nold\n{END}\nb\n", ()).count("old") == 0
    with pytest.raises(ValueError, match="lacks the marks"):
        with_table("a page without them")
