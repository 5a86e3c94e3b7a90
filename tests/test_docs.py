"""Holds the documentation to the code."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.settings import parse
from scripts.settings_reference import EXAMPLE, PAGE, UndocumentedError, reference, table_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)


def test_the_settings_page_is_what_the_code_declares() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run scripts/docs"


def test_the_example_on_the_settings_page_is_valid() -> None:
    assert parse(EXAMPLE).warnings == ()


def test_a_setting_without_a_description_is_found() -> None:
    class Bad(BaseModel):
        mystery: int = 3

    with pytest.raises(UndocumentedError, match="mystery"):
        table_of(Bad)


def links(page: Path) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"[a-z]+:|#", link)
    ]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in links(page) if not (ROOT / page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_scripts_that_a_page_names_exist_and_can_be_run(page: Path) -> None:
    named = set(
        re.findall(r"\bscripts/[a-z_]+\b(?![./])", (ROOT / page).read_text(encoding="utf-8"))
    )
    missing = [
        name for name in named if not (ROOT / name).is_dir() and not os.access(ROOT / name, os.X_OK)
    ]
    assert missing == []


def test_continuous_integration_runs_commands_that_the_readme_tells() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README yet")
    commands = re.findall(
        r"^(?:[A-Z_]+=\S+ )*(scripts/\w+)", (ROOT / ".ci/run").read_text(), re.MULTILINE
    )
    assert commands
    text = readme.read_text(encoding="utf-8")
    assert [command for command in commands if command not in text] == []
