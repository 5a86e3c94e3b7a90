"""Mistakes in a scenario, told so that a person can mend them: place, what, cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""Keys and places of a list, from the outside in: ("assets", 0, "kind")."""


class Mistake(NamedTuple):
    """One mistake. `place` counts from 1, as people do: `assets[2] (cold-room).kind`."""

    place: str
    message: str
    cure: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{_sentence(self.message)} {_sentence(self.cure)}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


class ScenarioError(Exception):
    """The scenario cannot be run: all mistakes that were found, with place and cure."""

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        self.name = name
        self.mistakes = list(mistakes)
        count = len(self.mistakes)
        lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
        super().__init__(f"{name}: {count} mistake{'s' if count > 1 else ''}{lines}")


def place(path: Path, data: object) -> str:
    """Name the value at a path, with the name of each list's element where it has one."""
    words = ""
    value: Any = data
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            name = value.get("name", value.get("kind")) if isinstance(value, dict) else None
            words += f"[{step + 1}]" + (f" ({name})" if isinstance(name, str) else "")
        else:
            value = value.get(step) if isinstance(value, dict) else None
            words += f".{step}" if words else step
    return words


def nearest(word: object, known: Sequence[str]) -> str:
    """Return the cure for a word that is not known: the nearest one, or all of them."""
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}"


_SHAPES = {
    "string_type": ("it must be text", "Put it in quotes"),
    "int_type": ("it must be a whole number", "Write it without quotes and without a point"),
    "int_from_float": ("it must be a whole number", "Leave the point out"),
    "float_type": ("it must be a number", "Write it without quotes"),
    "finite_number": ("it must be a finite number", "Write a number that a device could have"),
    "list_type": ("it must be a list", "Put it in brackets: [ … ], or [[ … ]] for a section"),
    "tuple_type": ("it must be a pair", "Write [latitude, longitude]"),
    "model_type": ("it must be a table", "Write key = value in braces, or in a section"),
    "datetime_type": ("it must be a date and time", "Write 2026-07-01T06:00:00Z, without quotes"),
}
_LIMITS = {
    "greater_than": ("it must be more than {gt:g}", "Write a larger number"),
    "greater_than_equal": ("it must be {ge:g} or more", "Write a larger number"),
    "less_than": ("it must be less than {lt:g}", "Write a smaller number"),
    "less_than_equal": ("it must be {le:g} or less", "Write a smaller number"),
    "too_short": ("it holds {actual_length}, and must hold {min_length} or more", "Add what lacks"),
    "too_long": ("it holds {actual_length}, and may hold {max_length}", "Leave some out"),
    "string_too_long": ("it has more than {max_length} characters", "Shorten it"),
    "string_pattern_mismatch": ("it has not the form {pattern}", "Change its characters"),
    "literal_error": ("it must be {expected}", "Write one of these"),
}


def describe(
    errors: Iterable[ErrorDetails], data: object, keys: Mapping[str, Sequence[str]]
) -> list[Mistake]:
    """Turn pydantic's errors into mistakes; `keys` are those known in each kind of section."""
    return [_describe(error, data, keys) for error in errors]


def _describe(error: ErrorDetails, data: object, keys: Mapping[str, Sequence[str]]) -> Mistake:
    kind, context, path = error["type"], error.get("ctx", {}), error["loc"]
    where = place(path, data)
    section = next((str(step) for step in reversed(path[:-1]) if isinstance(step, str)), "")
    if kind == "extra_forbidden":
        return Mistake(where, "unknown key", nearest(path[-1], keys.get(section, ())))
    if kind == "missing":
        return Mistake(where, "it is missing", f"Add {path[-1]} to it")
    if kind == "value_error":
        message, _, cure = str(context["error"]).partition(": ")
        return Mistake(where, message, cure[:1].upper() + cure[1:])
    if kind in _SHAPES:
        return Mistake(where, *_SHAPES[kind])
    if kind in _LIMITS:
        message, cure = _LIMITS[kind]
        return Mistake(where, message.format_map(context), cure)
    return Mistake(where, error["msg"][0].lower() + error["msg"][1:], "Correct it")
