"""How a command asks: the running gateway, or alone in its place; and how it answers a person."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.commands.control import NotRunningError
from gateway.commands.control import ask as ask_running
from gateway.database import DiskError, FileError
from gateway.machine import AlreadyRunningError
from gateway.people.audit import system_user
from gateway.ports import ListenError
from gateway.refusal import ControlError
from gateway.screen.plain import counted, sentence
from gateway.settings import Settings, SettingsError
from gateway.settings.whereabouts import to_ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Show = Callable[[Console, Settings, Any], None]

ATTEMPTS, PATIENCE = 20, 0.25
"""How often, and after how many seconds again, a data folder in use is tried."""
REFUSED, MISTAKE, FILE, RUNNING = 1, 3, 4, 5
"""Exit codes, see cli.py."""

WIDE = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else 200
"""Columns for a program or a file that reads along, which wrapped lines would only hinder.

A terminal has its own width, and whoever sets COLUMNS has said it.
"""
out = Console(width=WIDE)
err = Console(stderr=True)

SettingsPath = Annotated[
    Path,
    typer.Option(
        "-c", "--config", envvar="HOLDWATCH_CONFIG", help="The settings file.", show_default=True
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
HERE = Path("holdwatch.toml")
INSTALLED = Path("/etc/holdwatch/holdwatch.toml")
"""Of a gateway that is a service of this machine."""


def usual() -> Path:
    """Return the settings that are meant where none are named: those here, or the service's."""
    # Whoever may not look into the folder where he stands has no settings there.
    if os.path.exists(HERE) or not os.path.isdir(INSTALLED.parent):  # noqa: PTH110, PTH112 - as said
        return HERE
    return INSTALLED


DEFAULT = usual()


def ask_and_show(config: Path, request: dict[str, Any], show: Show, *, json: bool) -> None:
    """Ask, and print the answer."""
    with errors():
        settings, answer = ask_by(config, request)
    print_answer(answer, show, settings, json=json)


def ask_by(config: Path, request: dict[str, Any]) -> tuple[Settings, Any]:
    """Ask the gateway of a settings file; return the settings and its answer.

    A running gateway is asked also while the file has mistakes: it goes on by those from before.
    """
    settings, mistakes = to_ask(config)
    if mistakes is None:
        return settings, ask(settings, request)
    try:
        answer = asyncio.run(ask_running(settings.gateway.data, {"who": who(), **request}))
    except NotRunningError:
        raise mistakes from None
    many = counted(len(mistakes.problems), "mistake")
    err.print(
        f"{config} has {many}; the gateway runs by the settings from before. See: holdwatch check",
        style="yellow",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return settings, answer


def ask(
    settings: Settings,
    request: dict[str, Any],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Any:  # noqa: ANN401 - whatever the command answers
    """Ask the running gateway; with none running, take its place for this one command."""
    request = {"who": who(), **request}

    async def go() -> Any:  # noqa: ANN401 - as above
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                return await ask_running(settings.gateway.data, request, progress)
            except NotRunningError:
                # Loaded only now: with a gateway running nothing of it is needed.
                alone = importlib.import_module("gateway.cli.alone")
                try:
                    return await alone.answer(settings, request, progress)
                except AlreadyRunningError:
                    # It is just starting, or another command is at work.
                    if not attempts_left:
                        raise
                    await asyncio.sleep(PATIENCE)
        raise AssertionError("the last attempt returns or raises")

    return asyncio.run(go())


def who() -> dict[str, str]:
    """Return who asks, as a request names it."""
    # Who became the gateway's user by sudo is known by the name from before.
    name = os.environ.get("SUDO_USER") or system_user()
    return {"name": name, "via": "command line"}


@contextmanager
def progress_bar(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how far a long command has come; yield what tells it.

    How much there is to do may be a guess, such as a file's size: at the end all of it is done.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=quiet) as bar:
        task = bar.add_task(title, total=None, visible=False)
        yield lambda done, all_: bar.update(task, completed=done, total=all_, visible=True)
        bar.update(task, completed=bar.tasks[0].total or 0)


@contextmanager
def errors() -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit code."""
    try:
        yield
    except SettingsError as error:
        raise fail(str(error), MISTAKE) from error
    except (FileError, DiskError) as error:
        raise fail(str(error), FILE) from error
    except AlreadyRunningError as error:
        raise fail(str(error), RUNNING) from error
    except ControlError as error:
        raise fail(sentence(str(error)), REFUSED) from error
    except ListenError as error:
        raise fail(f"{error}.", REFUSED) from error
    except PermissionError as error:
        raise fail(
            f"{error.filename or 'The gateway'} belongs to another user. Run this as the user "
            "that the gateway runs as: sudo -u USER holdwatch …",
            FILE,
        ) from error


def fail(message: str, code: int) -> typer.Exit:
    """Say what is wrong; return what ends the command, to be raised."""
    err.print(message, style="red", soft_wrap=True, highlight=False, markup=False)
    return typer.Exit(code)


def meanings(columns: list[str]) -> dict[str, str]:
    """Return what a table's columns hold, by their headings, as `--column` says it."""
    found = {}
    for one in columns:
        heading, equals, meaning = one.partition("=")
        if not equals:
            raise fail(
                f'--column {one}: say what the column holds, as in "{one}=temperature °C".', REFUSED
            )
        found[heading] = meaning
    return found


def print_answer(
    answer: Any,  # noqa: ANN401 - whatever the command answers
    show: Show,
    settings: Settings,
    *,
    json: bool,
) -> None:
    """Print an answer as JSON, or as `show` shows it."""
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
    else:
        show(out, settings, answer)
