"""`holdwatch demo`: a simulated fleet and a real gateway, live in the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.live import Live

from gateway.cli.asking import REFUSED, errors, fail, out
from gateway.demo.board import Board, View, clock, sentence, state_of
from gateway.demo.demo import Demo
from gateway.logs import configure
from gateway.machine import tune
from simulators.connection import TransmitError

if TYPE_CHECKING:
    from collections.abc import Callable


def demo(
    browser: Annotated[
        bool | None,
        typer.Option(
            "--browser/--no-browser",
            help="Open the page in a browser; otherwise where there is a desktop.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show it all at once: a simulated fleet, a real gateway, its page, alerts as they come.

    Needs no settings, no server and no network; Ctrl-C leaves nothing behind.
    """
    wanted = _has_desktop() if browser is None else browser
    open_page = webbrowser.open if wanted else _leave_closed
    with errors(), TemporaryDirectory(prefix="holdwatch-demo-") as name:
        folder = Path(name)
        with (folder / "log").open("w", encoding="utf-8") as log:
            configure(log)
            tune()
            try:
                show = _in_terminal if sys.stdout.isatty() else _in_lines
                last = show(folder, log, open_page)
            except TransmitError as error:
                raise fail(f"{error}.", REFUSED) from error
            configure(sys.stderr, quiet=True)
    count = sum(told.alert.ended is None for told in last.told)
    out.print(
        f"The demo is over: {last.messages:,} messages were taken in, {count} alerts came. "
        "Nothing is left of it.",
        soft_wrap=True,
        highlight=False,
    )


def _has_desktop() -> bool:
    """Whether a browser would open in a window, and not in this terminal."""
    return sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def _leave_closed(_link: str) -> None:
    """Open nothing: the link is shown."""


def _in_terminal(folder: Path, log: TextIO, open_page: Callable[[str], object]) -> View:
    """Show the board until it is stopped; return the last view."""
    views: list[View] = []
    with Live(console=out, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

        def show(view: View) -> None:
            views[:] = [view]
            live.update(Board(view), refresh=True)

        running = Demo(folder, show, log)
        running.on_page = open_page
        asyncio.run(running.run())
    return views[0]


def _in_lines(folder: Path, log: TextIO, open_page: Callable[[str], object]) -> View:
    """Print what is new, a line each, until it is stopped; return the last view."""
    lines = _Lines()
    running = Demo(folder, lines.show, log)
    running.on_page = open_page
    asyncio.run(running.run())
    return lines.views[-1]


class _Lines:
    """Prints what is new in each view: for a file, or a program that reads along."""

    def __init__(self) -> None:
        self.views: list[View] = []
        """The last view, none before the first."""
        self._tenths = -1
        self._event = 0

    def show(self, view: View) -> None:
        """Print what no line has said yet."""
        if not self.views:
            for command in view.commands:
                self._say(command)
        if view.page and not (self.views and self.views[0].page):
            self._say(f"The page: {view.page}")
        self.views[:] = [view]
        tenths = int(view.filled * 10)
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{clock(view, view.now)} {self._filling(view)}")
        for told in view.told:
            if told.number > self._event:
                self._event = told.number
                when, state = clock(view, told.recorded), state_of(told.alert)
                self._say(f"{when} {state} {sentence(told.alert)}")

    def _filling(self, view: View) -> str:
        if view.filled < 1:
            return f"taking in the last 24 hours: {view.filled:.0%}, {view.messages:,} messages"
        return f"ready: the last 24 hours are taken in, from now on in real time. {view.truth}"

    def _say(self, line: str) -> None:
        out.print(line, soft_wrap=True, highlight=False, markup=False)
