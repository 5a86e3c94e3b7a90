"""Holds the arrows of docs/house.md: who may import whom, and who knows no clock and no file."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("devices", "rules", "gateway", "simulators")
SOURCES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))

MAY_IMPORT = {
    "devices": {"devices"},
    "rules": {"rules", "devices"},
    "gateway": {"gateway", "rules", "devices"},
    "simulators": {"simulators", "devices"},
}
MAY_IMPORT_SIMULATORS = {
    Path(f"gateway/{name}.py") for name in ("cli/demo", "cli/simulate", "demo/demo", "simulate")
}

WEB = Path("gateway/web")
MAY_NOT_IMPORT = {
    WEB / "now": ("gateway.web.pages", "gateway.web.api"),
    WEB / "pages": ("gateway.web.api",),
    WEB / "api": ("gateway.web.pages",),
}
"""What stands now knows no view, and views and API know nothing of each other."""

PURE = ("devices", "rules")
IMPURE = {
    *("asyncio", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select"),
    *("shutil", "socket", "sqlite3", "apsw", "structlog", "subprocess", "tempfile", "threading"),
    *("time", "urllib", "http", "ssl", "aiomqtt", "paho"),
}
CLOCKS = {"now", "utcnow", "today"}

TOP_LEVEL = {
    *(".ci", ".gitignore", "CHANGELOG.md", "README.md", "deploy", "devices", "docs", "gateway"),
    *("pyproject.toml", "requirements.lock", "rules", "scripts", "simulators", "tests"),
    "LICENSE",
}
LONGEST_FILE = 450


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def wrong_imports(path: Path, source: str) -> list[str]:
    """Name the imports that go against the arrows."""
    allowed = MAY_IMPORT[path.parts[0]] | (
        {"simulators"} if path in MAY_IMPORT_SIMULATORS else set()
    )
    rooms = {*ROOMS, "tests", "scripts"}
    return [
        f"{path} imports {name}"
        for name in imported(ast.parse(source))
        if name.partition(".")[0] in rooms - allowed
    ]


def wrong_views(path: Path, source: str) -> list[str]:
    """Name what the page's rooms may not import, and who imports the page: it is a process."""
    names = list(imported(ast.parse(source)))
    if not path.is_relative_to(WEB) and path.parts[0] == "gateway":
        return [f"{path} imports {name}" for name in names if name.startswith("gateway.web")]
    return [
        f"{path} imports {name}"
        for room, forbidden in MAY_NOT_IMPORT.items()
        if path.is_relative_to(room)
        for name in names
        if name.startswith(forbidden)
    ]


def impurities(path: Path, source: str) -> list[str]:
    """Name what a pure room uses of the world outside: clocks, files, chance, the network."""
    tree = ast.parse(source)
    found = [f"imports {name}" for name in imported(tree) if name.partition(".")[0] in IMPURE]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append("imports relatively, which hides the arrow")
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in {"open", "input", "print"}:
            found.append(f"calls {node.func.id}()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            found.append(f"reads a clock: {ast.unparse(node.func)}()")
    return [f"{path} {what}" for what in found]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_run_one_way(path: Path) -> None:
    assert wrong_imports(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_views_and_api_know_nothing_of_each_other(path: Path) -> None:
    assert wrong_views(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("gateway/web/now/rows.py", "from gateway.web.pages.board import router"),
        ("gateway/web/now/rows.py", "from gateway.web.api import models"),
        ("gateway/web/pages/board.py", "from gateway.web.api.access import Whole"),
        ("gateway/web/api/alerts.py", "import gateway.web.pages.alerts"),
        ("gateway/ingest.py", "from gateway.web.site import Site"),
    ],
)
def test_a_room_of_the_page_that_reaches_into_another_is_found(path: str, source: str) -> None:
    assert len(wrong_views(Path(path), source)) == 1


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] in PURE], ids=str)
def test_a_pure_room_knows_no_clock_file_or_network(path: Path) -> None:
    assert impurities(path, (ROOT / path).read_text(encoding="utf-8")) == []


def test_no_file_is_too_long_to_read() -> None:
    long = {
        str(path): lines
        for path in SOURCES
        if (lines := (ROOT / path).read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    }
    assert long == {}


def test_the_top_level_holds_only_what_is_named() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    entries = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert entries - TOP_LEVEL == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("devices/x.py", "import rules"),
        ("devices/x.py", "from gateway.journal import Journal"),
        ("rules/x.py", "import gateway.journal"),
        ("rules/x.py", "def f():\n    from simulators import reefer"),
        ("gateway/app.py", "import simulators.reefer"),
        ("gateway/app.py", "from tests import broker"),
        ("simulators/x.py", "from rules import AnyRule"),
    ],
)
def test_an_import_against_the_arrows_is_found(path: str, source: str) -> None:
    assert len(wrong_imports(Path(path), source)) == 1


def test_the_command_line_may_import_simulators() -> None:
    assert wrong_imports(Path("gateway/cli/demo.py"), "import simulators.reefer") == []


@pytest.mark.parametrize(
    "source",
    [
        *("import time", "import asyncio", "from os import path", "import logging.handlers"),
        *("from pathlib import Path", "import random", "from . import reading"),
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.utcnow()",
        "from datetime import date\nx = date.today()",
        "def f():\n    return open('x')",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    assert len(impurities(Path("rules/x.py"), source)) == 1


def test_the_lock_holds_what_the_project_asks_for() -> None:

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE):
        pinned.setdefault(name, []).append(version)
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    for text in asked:
        requirement = Requirement(text)
        versions = pinned.get(requirement.name, [])
        assert versions, f"{requirement.name} is not in the lock"
        assert all(version in requirement.specifier for version in versions), text
    assert "://" not in lock, "the lock names no place to fetch from"
