"""Reads a scenario from a file, or one that is shipped, and checks it whole before it runs."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from simulators.checks import checks
from simulators.mistakes import Mistake, ScenarioError, describe, nearest
from simulators.scenario import KEYS, Scenario


def parse(text: str, name: str = "scenario") -> Scenario:
    """Read a scenario from TOML. Raises ScenarioError; `name` stands in it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistake = Mistake("", f"this is not TOML: {error}", "Mend that line")
        raise ScenarioError(name, [mistake]) from None
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise ScenarioError(name, describe(errors, data, KEYS)) from None
    mistakes = list(checks(scenario, data))
    if mistakes:
        raise ScenarioError(name, mistakes)
    return scenario


def load(path: Path) -> Scenario:
    """Read a scenario from a file. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cure = "Name a TOML file that you may read"
        mistake = Mistake("", f"it cannot be read: {error}", cure)
        raise ScenarioError(str(path), [mistake]) from None
    return parse(text, str(path))


def find(name: str) -> Scenario:
    """Read a scenario that is shipped, by its name, or else from a file.

    Raises ScenarioError.
    """
    known = shipped()
    if name in known:
        return parse(known[name], name)
    if not Path(name).exists() and "/" not in name and not name.endswith(".toml"):
        cure = f"{nearest(name, list(known))} Or name a file"
        raise ScenarioError(name, [Mistake("", "there is no such scenario", cure)])
    return load(Path(name))


def shipped() -> dict[str, str]:
    """Return the scenarios that come with Holdwatch: name and text."""
    folder = resources.files("simulators") / "scenarios"
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    # What ends in -rules belongs to a scenario and is none.
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in found
        if file.name.endswith(".toml") and not file.name.endswith("-rules.toml")
    }
