"""What a check is given, and what it finds."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from gateway.settings import Settings

_TIME_ERROR, _UNSYNCHRONISED, _STATUS_AT = 5, 0x40, 40
"""Of adjtimex: what it returns, a bit of its status, and where that lies. Source: adjtimex(2)."""
WITHIN = 10.0
"""Seconds that a program of the system may take."""


def _synchronised() -> bool | None:
    buffer = ctypes.create_string_buffer(512)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (AttributeError, OSError):
        return None  # another C library
    if state < 0:
        return None
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return not (state == _TIME_ERROR or status & _UNSYNCHRONISED)


def _ask(command: list[str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - the commands are written in our checks
            command,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


class Finding(NamedTuple):
    """One thing that was looked at. A `problem` is to be mended; `advice` makes it better."""

    state: Literal["ok", "advice", "problem"]
    words: str
    cure: str = ""
    """What to do, as far as it can be typed: as it is typed."""


class Machine(msgspec.Struct, frozen=True):
    """What can be asked of the machine. Tests give another `root`, and other answers."""

    root: Path = Path("/")
    """Where /proc, /sys and /run lie."""
    synchronised: Callable[[], bool | None] = _synchronised
    """Whether a time server sets the clock; None where nobody knows."""
    ask: Callable[[list[str]], str | None] = _ask
    """Returns what a program prints; None where there is no such program, or it fails."""

    def read(self, path: str) -> str | None:
        """Return the text of a file of the system, None where there is none."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway as it is looked at."""

    settings: Settings
    now: int
    """ms since 1970, UTC."""
    running: dict[str, Any] | None
    """What the running gateway answers to `health`; None where none runs."""
    machine: Machine = Machine()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.settings.gateway.data


Check = Callable[[Case], Iterator[Finding]]


def ok(words: str) -> Finding:
    """Return that something is well."""
    return Finding("ok", words)


def advice(words: str, cure: str) -> Finding:
    """Return that something could be better."""
    return Finding("advice", words, cure)


def problem(words: str, cure: str) -> Finding:
    """Return that something must be mended."""
    return Finding("problem", words, cure)
