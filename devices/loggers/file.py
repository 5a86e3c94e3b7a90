"""What comes out of a logger's file, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from devices.device import DecodeError
from devices.envelopes.document import EPOCH
from devices.reading import Reading

MAXIMUM_BYTES = 64 << 20
_MILLISECOND = timedelta(milliseconds=1)


class Limit(msgspec.Struct, frozen=True):
    """One alarm limit that the device was set to: °C, and the minutes it takes to ring."""

    temperature: float
    minutes: int
    below: bool
    """Whether values under the limit are bad; else values over it."""


class DailyAlarm(msgspec.Struct, frozen=True):
    """What the device says of one limit on one day."""

    minutes: int
    """`t Acc`: minutes outside the limit."""
    triggered: str | None
    """`TS A`: HH:MM, local time, when it rang; 00:00 goes on from the day before; None: never."""
    checked: int | None
    """`C A`: how often somebody looked at the alarm."""


class DailyVerdict(msgspec.Struct, frozen=True):
    """What the device itself says of one local day. Temperatures in °C, None where it has none."""

    day: date
    lowest: float | None
    highest: float | None
    mean: float | None
    alarms: dict[int, DailyAlarm]
    """By the number of the limit."""


class LoggerFile(msgspec.Struct, frozen=True):
    """A logger's file as readings, in the order of time, and what the device made of them."""

    device: str
    model: str
    readings: list[Reading]
    limits: dict[int, Limit] = {}
    verdicts: list[DailyVerdict] = []
    notes: list[str] = []
    """What a person should know: times shifted, rows left out."""


class Request(msgspec.Struct, frozen=True):
    """What is asked of a file, and what only the one who imports it can know.

    `zone`: of local times, None if not known. `device`: the id, None to take the file's own.
    `received`: milliseconds since 1970. `columns`: heading → channel and unit
    (`temperature °F`), for tables whose headings say too little.
    """

    received: int
    owner: str = ""
    zone: tzinfo | None = None
    device: str | None = None
    columns: dict[str, str] = {}


class Logger(NamedTuple):
    """One kind of file: how it is known, and how it is read."""

    name: str
    title: str
    """What people call such a file, with its article."""
    recognises: Callable[[str, str], bool]
    """(file name, its text) → whether it is one of ours."""
    read: Callable[[str, str, Request], LoggerFile]
    """(file name, its text, request) → readings. Raises DecodeError and nothing else."""


def text_of(content: bytes) -> str:
    """Return a file's text: UTF-8, UTF-16 with its mark, or Windows-1252. DecodeError if none."""
    if len(content) > MAXIMUM_BYTES:
        raise DecodeError(
            "too-large",
            f"the file has {len(content)} bytes, the limit is {MAXIMUM_BYTES}",
            "Export a shorter period, or split the file",
        )
    encodings = (
        ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    )
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DecodeError(
        "not-text",
        "the file is not text",
        "Export the logger's data as text or CSV, not as PDF or the maker's own format",
    )


class Clock:
    """Turns a file's times, in the order of its rows, into milliseconds since 1970, UTC.

    A time without offset is in `zone`. Where a clock change makes it ambiguous, the one is taken
    that keeps the rows in order; one that the change leaves out is moved on by the change.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._last: int | None = None
        self._skipped = 0
        self._backwards = 0

    def at(self, when: datetime, line: int) -> int:
        """Return milliseconds since 1970 of a row's time. DecodeError without zone or offset."""
        if when.tzinfo is not None:
            return self._keep(_milliseconds(when, line))
        if self._zone is None:
            raise DecodeError(
                "no-time-zone",
                f"line {line}: {when} does not say its offset from UTC, and the file names no zone",
                "Name the zone of the logger's clock, such as --zone Europe/Zurich or --zone UTC",
            )
        first = _milliseconds(when.replace(tzinfo=self._zone, fold=0), line)
        second = _milliseconds(when.replace(tzinfo=self._zone, fold=1), line)
        if first > second:
            self._skipped += 1
        elif first < second and self._last is not None and first <= self._last:
            return self._keep(second)
        return self._keep(first)

    def _keep(self, at: int) -> int:
        if self._last is not None and at <= self._last:
            self._backwards += 1
        self._last = at
        return at

    def notes(self) -> list[str]:
        """Return what was odd about the times, in words."""
        notes = []
        if self._skipped:
            notes.append(
                f"{self._skipped} times do not exist in {self._zone}, where the clock was put "
                "forward, and were moved on. If the logger's clock knows no summer time, name a "
                "zone without it, such as Etc/GMT-1"
            )
        if self._backwards:
            notes.append(f"{self._backwards} rows are not later than the row before")
        return notes


def _milliseconds(when: datetime, line: int) -> int:
    try:
        return (when.astimezone(UTC) - EPOCH) // _MILLISECOND
    except (OverflowError, ValueError):
        raise DecodeError(
            "bad-time",
            f"line {line}: {when} lies outside the years 1 to 9999",
            "Check the logger's clock, and remove the row if it holds no measurement",
        ) from None
