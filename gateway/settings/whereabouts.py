"""Where a gateway keeps its data, out of a settings file that has mistakes.

A gateway goes on by the settings from before while somebody writes the file: to ask it, a command
needs only its folder. What else is said of the gateway itself, such as its time zone, is kept where
it is right.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gateway.settings.file import load
from gateway.settings.problems import SettingsError
from gateway.settings.sections import Settings

if TYPE_CHECKING:
    from pathlib import Path

_GATEWAY = re.compile(r"^[ \t]*\[gateway\].*?(?=^[ \t]*\[|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = ("listeners", "brokers", "web")
"""Others that some answers name."""


def to_ask(path: Path) -> tuple[Settings, SettingsError | None]:
    """Return the settings, and what is wrong with the file, None where nothing is.

    Where something is, they hold little more than what is right in [gateway]. Raises
    SettingsError where the folder of the data cannot be known.
    """
    try:
        return load(path), None
    except SettingsError as error:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise error from None
        found = _kept(_read(text), path.resolve().parent)
        if found is None:
            raise
        return found, error


def _read(text: str) -> dict[str, Any]:
    """Return what the file says; where it is no TOML, what its section [gateway] says."""
    found = _GATEWAY.search(text)
    for part in (text, found[0] if found is not None else ""):
        try:
            return tomllib.loads(part)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
    return {"gateway": None}


def _kept(said: dict[str, Any], folder: Path) -> Settings | None:
    """Return settings of what is right, None where the folder of the data is not."""
    section = said.get("gateway", {})
    if not isinstance(section, dict):
        return None
    kept: dict[str, Any] = {name: section[name] for name in ("data",) if name in section}
    found = _valid({"gateway": kept}, folder)
    for name in section if found is not None else ():
        more = _valid({"gateway": {**kept, name: section[name]}}, folder)
        if more is not None:
            found, kept = more, {**kept, name: section[name]}
    whole: dict[str, Any] = {"gateway": kept}
    for name in SECTIONS if found is not None else ():
        more = _valid({**whole, name: said[name]}, folder) if name in said else None
        if more is not None:
            found, whole = more, {**whole, name: said[name]}
    return found


def _valid(data: dict[str, Any], folder: Path) -> Settings | None:
    try:
        return Settings.model_validate_json(
            json.dumps(data, default=str),
            strict=True,
            context={"folder": folder, "environment": os.environ},
        )
    except ValidationError:
        return None
