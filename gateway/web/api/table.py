"""Readings as a table for spreadsheets (CSV, RFC 4180), one row for each value.

A spreadsheet takes a text that begins with a sign such as = for a formula, and would run what a
hostile device calls itself: such texts get an apostrophe in front. Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.web.look import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RISKY = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """Return a text such that every spreadsheet shows it as a text."""
    return f"'{text}" if text.startswith(RISKY) else text


def heading(*, buckets: bool) -> str:
    """Return the first row."""
    if buckets:
        values = ("min", "max", "first", "last", "mean")
        return _text([("device", "start", "end", "channel", "unit", "readings", "usable", *values)])
    return _text([("device", "when", "at", "received", "channel", "value", "unit", "flags", "raw")])


def readings(device: str, items: Iterable[dict[str, Any]]) -> str:
    """Return the rows of readings; a value that cannot be true is left empty."""
    name = cell(device)
    rows: list[tuple[object, ...]] = []
    for one in items:
        times = [_time(one[which]) for which in ("when", "at", "received")]
        flags = " ".join(one["flags"])
        rows += [
            (name, *times, cell(channel), value, unit_of(channel), flags, one["raw"].get(channel))
            for channel, value in one["values"].items()
        ]
    return _text(rows)


def summaries(device: str, items: Iterable[dict[str, Any]]) -> str:
    """Return the rows of buckets."""
    name = cell(device)
    return _text(
        (
            *(name, _time(one["start"]), _time(one["end"]), cell(channel), unit_of(channel)),
            *(of[part] for part in ("readings", "usable", "min", "max", "first", "last", "mean")),
        )
        for one in items
        for channel, of in one["channels"].items()
    )


def _time(moment: int) -> str:
    time = datetime.fromtimestamp(moment / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()
