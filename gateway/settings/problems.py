"""Mistakes in the settings, told so that a person can mend them: place, line, what, cure."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.settings.places import Path, places
from gateway.settings.words import SHAPES, plain, syntax

Schema = Mapping[str, Any]
"""The JSON schema of the settings, as pydantic makes it."""


class Problem(NamedTuple):
    """One mistake. `place` counts from 1, as people do: `rules[2] (fridge-too-warm).abov`.

    `line` is 0 where no line is to blame, but the file as a whole.
    """

    place: str
    line: int
    message: str
    cure: str

    def __str__(self) -> str:
        words = f"{_sentence(self.message)} {self.cure}".rstrip()
        if self.line == 0:
            return words
        return f"line {self.line}{', ' if self.place else ''}{self.place}: {words}"


class SettingsError(Exception):
    """The settings cannot be used: all their mistakes at once, in the order of their lines."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = sorted(problems, key=lambda problem: problem.line)
        count = len(self.problems)
        if count == 1 and self.problems[0].line == 0:
            super().__init__(str(self.problems[0]))
            return
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{name}: {count} mistake{'s' if count > 1 else ''}{lines}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def mistake(message: str, cure: str) -> PydanticCustomError:
    """Make the error that a validator raises when it knows the cure."""
    context = {"what": message, "cure": cure}
    return PydanticCustomError("mistake", "{what}", context)


def syntax_problem(text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Tell what the reader of TOML could not read."""
    found = re.search(r"at line (\d+), column \d+", str(error))
    line = int(found[1]) if found else max(1, text.count("\n") + (not text.endswith("\n")))
    message = re.sub(r"\s*\(at [^)]*\)$", "", str(error))
    message, cure = syntax(message, text.split("\n")[line - 1])
    return Problem("", line, message, f"{cure}.")


class Describer:
    """Turns pydantic's errors about one text into problems."""

    def __init__(
        self, text: str, data: Mapping[str, Any], make_schema: Callable[[], Schema]
    ) -> None:
        self._text = text
        self._data = data
        self._make_schema = make_schema

    # Worked out only when something is wrong.
    @cached_property
    def _schema(self) -> Schema:
        return self._make_schema()

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return places(self._text)

    def problem(self, path: Path, message: str, cure: str) -> Problem:
        """Make a problem of the value at the path."""
        known = path
        while known not in self._lines:
            known = known[:-1]
        return Problem(self._place(path), self._lines[known], message, cure)

    def describe(self, errors: Iterable[ErrorDetails]) -> list[Problem]:
        """Turn pydantic's errors into problems, one for each place."""
        found: dict[Path, Problem] = {}
        weak: set[Path] = set()
        for error in errors:
            if error["type"] in _ECHOES:
                continue
            path = self._path(error)
            message, cure = self._words(error, path)
            if error["type"] in SHAPES or error["type"] == "too_short":
                weak.add(path)
            if path in found and message != found[path].message:
                # A setting that may have one of two shapes, and has neither.
                message = f"{found[path].message}, or {message}"
            found[path] = self.problem(path, message, cure)
        # That a list has the wrong shape says nothing new where one of its elements is wrong.
        return [
            problem
            for path, problem in found.items()
            if path not in weak
            or not any(other[: len(path)] == path for other in found if other != path)
        ]

    def _path(self, error: ErrorDetails) -> Path:
        """Leave out of pydantic's location what is not in the file, such as a rule's kind."""
        path: Path = ()
        value: Any = self._data
        for step in error["loc"]:
            if (isinstance(value, dict) and step in value) or (
                isinstance(value, list) and isinstance(step, int) and step < len(value)
            ):
                value = value[step]  # type: ignore[index] # the condition fits step to value
                path = (*path, step)
        if error["type"] == "missing":
            path = (*path, error["loc"][-1])
        if error["type"].startswith("union_tag"):
            path = (*path, "kind")
        return path

    def _place(self, path: Path) -> str:
        words = ""
        value: Any = self._data
        for step in path:
            if isinstance(step, int):
                words += f"[{step + 1}]"
                value = value[step] if isinstance(value, list) and step < len(value) else None
                name = value.get("name") if isinstance(value, dict) else None
                words += f" ({name})" if isinstance(name, str) else ""
            else:
                words += f".{step}" if words else step
                value = value.get(step) if isinstance(value, dict) else None
        return words

    def _words(self, error: ErrorDetails, path: Path) -> tuple[str, str]:
        kind, context = error["type"], error.get("ctx", {})
        if kind == "mistake":
            return context["what"], _sentence(context["cure"])
        if kind == "extra_forbidden":
            known = list(self._at(path[:-1]).get("properties", {}))
            return "unknown key", _nearest(str(path[-1]), known)
        if kind == "missing":
            meaning = self._meaning(path)
            return "it is missing", f"Add {meaning}" if meaning else ""
        if kind.startswith("union_tag"):
            return self._kind(context, path)
        if kind in {"tuple_type", "model_type"} and len(path) == 1:
            return self._brackets(str(path[0]), kind)
        message = (
            str(context["error"]) if kind == "value_error" else plain(kind, context, error["msg"])
        )
        return message, self._meaning(path)

    def _kind(self, context: Mapping[str, Any], path: Path) -> tuple[str, str]:
        kinds = list(self._at(path[:1])["items"]["discriminator"]["mapping"])
        if "tag" in context:
            return f"unknown kind {context['tag']!r}", _nearest(context["tag"], kinds)
        return "it is missing", f"Add kind, one of: {', '.join(kinds)}."

    def _brackets(self, section: str, kind: str) -> tuple[str, str]:
        """Say whether a section stands in single or in double brackets."""
        if kind == "model_type":
            return "there is one of it", f"Write [{section}], and key = value under it."
        return "there may be several of it", f"Write [[{section}]], and key = value under it."

    def _meaning(self, path: Path) -> str:
        """Say what the setting is for, from its own declaration."""
        node = self._at(path)
        if not path or isinstance(path[-1], int) or "description" not in node:
            return ""
        return f"{path[-1]}: {node['description']}"

    def _at(self, path: Path) -> Schema:
        """Return the schema of what stands at the path, {} where nothing is known there."""
        node: Schema = self._schema
        value: Any = self._data
        for step in path:
            node = self._choose(node, value)
            if isinstance(step, int):
                node = node.get("items", {})
                # A pair of which the second is missing has no element there.
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                node = node.get("properties", {}).get(step, {})
                value = value.get(step) if isinstance(value, dict) else None
        chosen = self._choose(node, value)
        # A description beside a $ref is the setting's; the one behind it is the type's.
        return {**chosen, **({"description": node["description"]} if "description" in node else {})}

    def _choose(self, node: Schema, value: object) -> Schema:
        """Follow references, and of several shapes take the one that the value means."""
        if "$ref" in node:
            return self._choose(self._schema["$defs"][node["$ref"].rpartition("/")[2]], value)
        if "discriminator" in node and isinstance(value, dict):
            kinds = node["discriminator"]["mapping"]
            # Of an unknown kind, only what all kinds share is looked at: any of them will do.
            target = kinds.get(str(value.get("kind")), next(iter(kinds.values())))
            return self._choose({"$ref": target}, value)
        for shape in node.get("anyOf", ()):
            if shape.get("type") != "null":
                return {**self._choose(shape, value), **{k: node[k] for k in node if k != "anyOf"}}
        return node


_ECHOES = {"default_factory_not_called"}
"""Errors that only say that something else was wrong."""


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known here: {', '.join(known)}." if known else ""
