"""Reads profiles of goods: those that come with Holdwatch, and a folder's own `NAME.toml`.

A file is checked whole: its own mistakes, and what contradicts itself with what it extends. All of
them are told at once, each with its line and its cure.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.file import beside_the_kind
from gateway.settings.problems import Describer, Problem, SettingsError, syntax_problem
from rules.extending import Extended, extend
from rules.profile import Profile
from rules.profile_problems import contradictions


class ProfileError(SettingsError):
    """Profiles that cannot be used: the mistakes of one file, or of several."""

    def __init__(self, errors: Iterable[SettingsError]) -> None:
        self.errors = list(errors)
        self.problems = [problem for error in self.errors for problem in error.problems]
        Exception.__init__(self, "\n".join(str(error) for error in self.errors))


OURS = resources.files("rules") / "goods"


@cache
def shipped() -> dict[str, str]:
    """Return the files of the profiles that come with Holdwatch, by name."""
    files = sorted(OURS.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".toml")
    }


class Shelf:
    """The profiles of a folder beside ours, read when they are asked for, each once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read nothing yet. `folder` None: ours alone."""
        # Ours by their path are ours all the same.
        ours = folder is not None and folder.resolve() == Path(str(OURS)).resolve()
        self._folder = None if ours else folder
        self._read: dict[str, Profile] = {}
        self._refused: dict[str, SettingsError] = {}

    def names(self) -> list[str]:
        """Return the names of all profiles. Raises SettingsError where the folder is not there."""
        return sorted({*shipped(), *(path.stem for path in self.files())})

    def files(self) -> list[Path]:
        """Return the folder's files. Raises SettingsError where it cannot be read."""
        if self._folder is None:
            return []
        try:
            found = sorted(self._folder.iterdir())
        except OSError as error:
            problem = Problem(
                "",
                0,
                f"The folder of goods profiles {self._folder} cannot be read ({error.strerror})",
                "Make it, or name another one: folder under [goods].",
            )
            raise SettingsError(str(self._folder), [problem]) from None
        return [one for one in found if one.suffix == ".toml" and one.name[0] != "."]

    def all(self) -> list[Profile]:
        """Return all profiles, by name. Raises ProfileError with every mistake of every file."""
        found, errors = [], []
        for name in self.names():
            try:
                found.append(self.profile(name))
            except SettingsError as error:
                errors.append(error)
        if errors:
            raise ProfileError(errors)
        return found

    def profile(self, name: str) -> Profile:
        """Return a profile. Raises SettingsError; KeyError where there is none of this name."""
        if name in self._refused:
            raise self._refused[name]
        if name not in self._read:
            label, text = self._file(name)
            try:
                self._read[name] = self._parse(name, label, text)
            except SettingsError as error:
                self._refused[name] = error
                raise
        return self._read[name]

    def text(self, name: str) -> str:
        """Return a profile's file as it stands. Raises as `profile` does."""
        return self._file(name)[1]

    def _file(self, name: str) -> tuple[str, str]:
        """Return what a file is called in errors, and what it holds."""
        if self._folder is not None and Path(name).name == name:
            path = self._folder / f"{name}.toml"
            if path.exists():
                return str(path), _content(path)
        return f"{name}.toml", shipped()[name]

    def _parse(self, name: str, label: str, text: str) -> Profile:
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(label, [syntax_problem(text, error)]) from None
        except RecursionError:
            problem = Problem("", 1, "lists or tables are nested too deeply", "Write it flat.")
            raise SettingsError(label, [problem]) from None
        describer = Describer(text, data, Profile.model_json_schema)
        problems = list(self._name(name, label, data, describer))
        parent, wrong = self._parent(name, data, describer)
        problems += wrong
        plain = None if parent is None else parent.settings()
        extended = extend(data, plain)
        problems += [describer.problem(*one) for one in contradictions(data, plain, extended)]
        try:
            profile = Profile.model_validate_json(
                json.dumps(extended.data, default=str), strict=True
            )
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            told = [*errors, *beside_the_kind(errors, extended.data)]
            # What is missing may stand in what could not be read.
            told = [one for one in told if not (wrong and one["type"] == "missing")]
            problems += describer.describe(_placed(told, extended))
            raise SettingsError(label, problems) from None
        if problems:
            raise SettingsError(label, problems)
        return profile

    def _name(
        self, name: str, label: str, data: dict[str, Any], describer: Describer
    ) -> Iterator[Problem]:
        own = data.get("name")
        if isinstance(own, str) and own != name:
            yield describer.problem(
                ("name",),
                f"it is called {own!r}, and its file {name}.toml",
                f"Call the file {own}.toml, or the profile {name!r}.",
            )
        elif name in shipped() and label != f"{name}.toml":
            yield describer.problem(
                ("name",),
                f"{name!r} is one of the profiles that come with Holdwatch",
                f'Give it a name of its own, such as my-{name}; extends = "{name}" takes over '
                "what it does not change.",
            )

    def _parent(
        self, own: str, data: dict[str, Any], describer: Describer
    ) -> tuple[Profile | None, list[Problem]]:
        """Return the profile that a file extends, None if none, and what is wrong with that."""
        name = data.get("extends", "")
        if not isinstance(name, str) or not name:
            return None, []
        circle = self._circle(own, name)
        if circle:
            message = f"in a circle: {' extends '.join(circle)}"
            cure = "Let one of them stand on its own."
            return None, [describer.problem(("extends",), message, cure)]
        try:
            return self.profile(name), []
        except KeyError:
            close = difflib.get_close_matches(name, self.names(), n=1, cutoff=0.6)
            cure = (
                f"Did you mean {close[0]}?" if close else "See all of them: holdwatch goods list."
            )
            return None, [describer.problem(("extends",), f"there is no profile {name!r}", cure)]
        except SettingsError as error:
            first = error.problems[0]
            message = f"{name} has mistakes of its own, such as: {first}"
            return None, [describer.problem(("extends",), message, f"Mend {error.name} first.")]

    def _circle(self, own: str, name: str) -> list[str]:
        """Return the way from a file back to itself by what each extends; nothing if none is."""
        way = [own]
        while name and name not in way:
            way.append(name)
            name = self._extends(name)
        return [*way, own] if name == own else []

    def _extends(self, name: str) -> str:
        """Return which profile a file extends; nothing where it cannot be read."""
        try:
            found = tomllib.loads(self._file(name)[1]).get("extends", "")
        except (KeyError, RecursionError, SettingsError, tomllib.TOMLDecodeError):
            return ""  # who reads it tells of it
        return found if isinstance(found, str) else ""


def _placed(errors: Iterable[ErrorDetails], extended: Extended) -> Iterator[ErrorDetails]:
    """Return errors about what a file makes with its parent at their places in the file."""
    for error in errors:
        yield {**error, "loc": extended.place(error["loc"])}


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = Problem("", 1, f"this is not UTF-8 text ({error.reason})", "Save it as UTF-8.")
        raise SettingsError(str(path), [problem]) from None
    except OSError as error:
        problem = Problem(
            "", 0, f"Cannot read {path} ({error.strerror})", "Name a file that you may read."
        )
        raise SettingsError(str(path), [problem]) from None
