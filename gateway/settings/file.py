"""One TOML file says what this gateway does. It is checked whole before anything opens.

A mistake is told with its line, its place and its cure, and all mistakes are told at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from gateway.database import FileError
from gateway.service.identity import named
from gateway.settings.channels import Channel
from gateway.settings.heartbeats import Heartbeat
from gateway.settings.influxdb import InfluxDB
from gateway.settings.listener import Listener
from gateway.settings.problems import Describer, Problem, SettingsError, syntax_problem
from gateway.settings.sections import Settings, SettingsFile
from rules.rule import Rule

SECRETS = {
    "password": "password",
    "secret": "key",
    "old_secret": "key",
    "url": "service's address with its secrets",
    "token": "token",
}
"""What secret settings are, in words."""
NAMED = frozenset(
    {"brokers", "rules", "influxdb", "polls", "modbus", "channels", "routes", "heartbeats"}
)
"""Sections that each have a name of their own."""
UNNAMED = {
    "influxdb": InfluxDB.model_fields["name"].default,
    "heartbeats": Heartbeat.model_fields["name"].default,
}
"""What those are called that are given no name."""


def parse(
    text: str,
    name: str = "settings",
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read settings from TOML text. `name` stands in errors.

    Paths count from `folder` (default: the working folder); `environment` (default: the
    process's) is where `password_env` looks. Raises SettingsError with every mistake.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(name, [syntax_problem(text, error)]) from None
    except RecursionError:
        problem = Problem("", 1, "lists or tables are nested too deeply", "Write it flat.")
        raise SettingsError(name, [problem]) from None
    describer = Describer(text, data, Settings.model_json_schema)
    context = {
        "folder": folder or Path(),
        "environment": os.environ if environment is None else environment,
    }
    problems = [
        *_twice(data, describer),
        *_meeting(data, describer, context),
        *_nowhere(data, describer),
        *_unjoined(data, describer),
    ]
    try:
        # By way of JSON, in whose strict mode an array may be a tuple and a text a path, but a
        # text no number. A date, which TOML has and no setting is, becomes text.
        settings = Settings.model_validate_json(
            json.dumps(data, default=str), strict=True, context=context
        )
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        problems += describer.describe([*errors, *beside_the_kind(errors, data)])
        raise SettingsError(name, problems) from None
    if problems:
        raise SettingsError(name, problems)
    return settings


def load(path: Path) -> Settings:
    """Read settings from a TOML file; where it says no name, under that kept with the data.

    Raises SettingsError with every mistake.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = Problem("", 1, f"this is not UTF-8 text ({error.reason})", "Save it as UTF-8.")
        raise SettingsError(str(path), [problem]) from None
    except FileNotFoundError:
        raise SettingsError(str(path), [_not_there(path)]) from None
    except OSError as error:
        problem = Problem(
            "",
            0,
            f"Cannot read {path} ({error.strerror})",
            "Name a file with -c that you may read; that of the service is for its own user: "
            "sudo -u holdwatch holdwatch …",
        )
        raise SettingsError(str(path), [problem]) from None
    settings = parse(text, str(path), folder=path.resolve().parent)
    settings._file = SettingsFile(path.resolve(), digest(text))  # noqa: SLF001 - set here alone, where the file is known
    settings._file_warnings = tuple(  # noqa: SLF001 - as above
        f"{file} holds a {what}, and others on this machine may read it. Run: chmod 600 {file}"
        for file, what in _secrets(settings, path)
        if others_may_read(file.stat())
    )
    try:
        return named(settings)
    except FileError as error:
        problem = Problem("gateway.box", 0, f"{error.path}: {error.problem}", error.cure)
        raise SettingsError(str(path), [problem]) from None


def digest(text: str) -> str:
    """Return what settings are told apart by: the SHA-256 of their text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def others_may_read(file: os.stat_result) -> bool:
    """Whether more than a file's owner may read it; where that is root, more than its group.

    Root lets a program read a secret by the program's own group, as PostgreSQL takes it too.
    """
    return bool(file.st_mode & (0o037 if file.st_uid == 0 else 0o077))


def _secrets(settings: Settings, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file that others must not read, and what it holds."""
    for one in (*settings.brokers, *settings.influxdb, *settings.polls):
        for what in ("password", "token"):
            file: Path | None = getattr(one, f"{what}_file", None)
            if file is not None:
                yield file, what
            if getattr(one, what, None) is not None:
                yield path, what
    for channel in (*settings.channels, *settings.heartbeats):
        for what in ("password", "secret", "old_secret", "url", "token"):
            file = getattr(channel, f"{what}_file", None)
            if file is not None:
                yield file, SECRETS[what]
            if isinstance(getattr(channel, what, None), SecretStr):
                yield path, SECRETS[what]
    # One certificate may serve several listeners, and the page.
    pairs = [one.tls for one in (*settings.listeners, settings.web) if one is not None and one.tls]
    for key in dict.fromkeys(pair.key or pair.certificate for pair in pairs):
        yield key, "private key"
    yield from _secrets_of_signing_in(settings, path)


def _secrets_of_signing_in(settings: Settings, path: Path) -> Iterator[tuple[Path, str]]:
    web = settings.web
    if web is not None and web.oidc is not None:
        if web.oidc.client_secret_file is not None:
            yield web.oidc.client_secret_file, "client's secret"
        if web.oidc.client_secret is not None:
            yield path, "client's secret"


def _not_there(path: Path) -> Problem:
    folder = path.resolve().parent
    if path == Path(path.name):
        message, command = f"There is no {path} here ({folder})", "holdwatch init"
    else:
        message, command = f"There is no {path.name} in {folder}", f"holdwatch init {path}"
    cure = f"Change the folder, name the file with -c, or write a first one: {command}"
    return Problem("", 0, message, cure)


def beside_the_kind(errors: Iterable[ErrorDetails], data: dict[str, Any]) -> Iterator[ErrorDetails]:
    """Find what else is wrong with what is of an unknown kind, in what all kinds share."""
    for error in errors:
        if not error["type"].startswith("union_tag"):
            continue
        table: Any = data
        for step in error["loc"]:
            table = table[step]
        base: type[BaseModel] = Channel if error["loc"][0] == "channels" else Rule
        shared = {key: value for key, value in table.items() if key in base.model_fields}
        try:
            base.model_validate_json(
                json.dumps({**shared, "kind": "any"}, default=str), strict=True
            )
        except ValidationError as others:
            for other in others.errors(include_url=False, include_input=False):
                yield {**other, "loc": (*error["loc"], *other["loc"])}


def _twice(data: dict[str, Any], describer: Describer) -> Iterator[Problem]:
    """Find what has one name twice: alerts, sessions and cursors are kept under it."""
    for section in sorted(NAMED):
        seen: set[str] = set()
        tables = data.get(section)
        for index, table in enumerate(tables if isinstance(tables, list) else ()):
            # Some have a name without being given one.
            unnamed = UNNAMED.get(section)
            name = table.get("name", unnamed) if isinstance(table, dict) else None
            if isinstance(name, str) and name in seen:
                yield describer.problem(
                    (section, index, "name"),
                    f"{name!r} is already the name of another of the {section}",
                    "Give each a name of its own.",
                )
            elif isinstance(name, str):
                seen.add(name)


def _meeting(
    data: dict[str, Any], describer: Describer, context: dict[str, Any]
) -> Iterator[Problem]:
    """Find listeners that want one port of one address, of which only one could have it."""
    tables = data.get("listeners")
    earlier: dict[int, Listener] = {}
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        try:
            listener = Listener.model_validate_json(
                json.dumps(table, default=str), strict=True, context=context
            )
        except ValidationError:
            continue  # its own mistakes are told with all others
        for number, other in earlier.items():
            if listener.meets(other):
                yield describer.problem(
                    ("listeners", index),
                    f"{listener.address} is taken by listeners[{number + 1}], {other.address}",
                    "Give each a port of its own, or keep one of them.",
                )
                break
        earlier[index] = listener


def _nowhere(data: dict[str, Any], describer: Describer) -> Iterator[Problem]:
    """Find routes that lead to a channel that is none."""
    names = {one.get("name") for one in _tables(data, "channels")}
    known = ", ".join(sorted(name for name in names if isinstance(name, str)))
    cure = f"Known here: {known}." if known else "Add a [[channels]] section of that name."
    for index, route in enumerate(_tables(data, "routes")):
        steps = [(("steps", place), one) for place, one in enumerate(_tables(route, "steps"))]
        for path, table in [((), route), *steps]:
            channels = table.get("channels")
            for place, name in enumerate(channels if isinstance(channels, list) else ()):
                if isinstance(name, str) and name not in names:
                    where = ("routes", index, *path, "channels", place)
                    yield describer.problem(where, f"there is no channel {name!r}", cure)


def _unjoined(data: dict[str, Any], describer: Describer) -> Iterator[Problem]:
    """Find channels that publish to a broker that is none of ours."""
    known = [str(one.get("name")) for one in _tables(data, "brokers")]
    cure = (
        f"Known here: {', '.join(known)}." if known else "Add a [[brokers]] section of that name."
    )
    for index, table in enumerate(_tables(data, "channels")):
        name = table.get("broker")
        if isinstance(name, str) and name not in known:
            where = ("channels", index, "broker")
            yield describer.problem(where, f"there is no broker {name!r}", cure)


def _tables(data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Return what is a table in a list of them; what is none is told with all other mistakes."""
    tables = data.get(section)
    found = tables if isinstance(tables, list) else []
    return [one if isinstance(one, dict) else {} for one in found]
