"""CSV with a time and one or more columns of measurements, as most loggers can export it.

The separator (semicolon, tab, comma) is found by the heading; with semicolon or tab a comma may
be the decimal sign. Lines before the heading are passed over. Headings are known by their words,
with the unit in brackets or behind: `Temperature (°C)`, `temp`, `Humidity %RH`, `Date` + `Time`,
`Date Time, GMT+02:00`. What they do not say is told by `columns`.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from devices.device import DecodeError, check_device_id
from devices.loggers.file import Clock, Logger, LoggerFile, Request
from devices.loggers.table_heading import Heading, find_heading
from devices.loggers.table_times import read_times
from devices.reading import IMPORTED, DeviceKey, Reading, layout, reading

_MISSING = {"", "-", "--", "---", "nan", "n/a", "na", "null", "none"}
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?", re.ASCII)


class _Row(NamedTuple):
    line: int
    time: str
    values: tuple[float, ...]


def recognises(name: str, text: str) -> bool:  # noqa: ARG001 - any table may be tried
    """Whether the name is that of a table. Asked last: others know their files by what they say."""
    return name.lower().endswith((".csv", ".tsv", ".tab", ".txt"))


def read(name: str, text: str, request: Request) -> LoggerFile:
    """Return the rows as readings, in the file's order, or turned round where newest come first."""
    if request.device is None:
        raise DecodeError(
            "no-device-id",
            f"{name} is a table, which does not say what device it is from",
            "Name the device, such as --device cold-room-1",
        )
    lines = text.splitlines()
    heading = find_heading(name, lines, request.columns)
    rows, empty = _rows(lines, heading)
    times = read_times([(row.line, row.time) for row in rows])
    if rows and times[0].replace(tzinfo=None) > times[-1].replace(tzinfo=None):
        rows.reverse()
        times.reverse()
    clock = Clock(heading.zone or request.zone)
    ats = [clock.at(when, row.line) for when, row in zip(times, rows, strict=True)]
    notes = clock.notes()
    if empty:
        notes.append(f"{empty} rows hold no value and were left out")
    if heading.unread:
        notes.append(f"Columns that were not read: {', '.join(map(repr, heading.unread))}")
    return LoggerFile(
        device=request.device,
        model="table",
        readings=_readings(rows, ats, heading, request, check_device_id(request.device)),
        notes=notes,
    )


def _readings(
    rows: list[_Row], ats: list[int], heading: Heading, request: Request, device: str
) -> list[Reading]:
    channels = layout(tuple(column.channel for column in heading.columns))
    key = DeviceKey(request.owner, device)
    return [
        reading(
            device=key,
            at=at,
            received=request.received,
            layout=channels,
            values=row.values,
            sequence=None,
            flags=IMPORTED,
            source="file",
        )
        for row, at in zip(rows, ats, strict=True)
    ]


def _rows(lines: list[str], heading: Heading) -> tuple[list[_Row], int]:
    """Return the rows that hold a value, and how many hold none."""
    rows = []
    empty = 0
    needed = max(*heading.times, *(column.place for column in heading.columns)) + 1
    for line, cells in _cells(lines[heading.line :], heading):
        if not any(cells):
            continue
        if len(cells) < needed:
            raise DecodeError(
                "bad-line",
                f"line {line} has {len(cells)} columns where the heading has {heading.width}",
                "Export the file again, or remove the row if it holds no measurement",
            )
        values = tuple(
            [
                column.convert.of(_number(line, cells[column.place], heading.separator))
                for column in heading.columns
            ]
        )
        if all(value != value for value in values):  # noqa: PLR0124 - NaN
            empty += 1
        else:
            time = " ".join(cells[index] for index in heading.times)
            rows.append(_Row(line, time, values))
    return rows, empty


def _cells(lines: list[str], heading: Heading) -> Iterator[tuple[int, list[str]]]:
    table = csv.reader(lines, delimiter=heading.separator, skipinitialspace=True)
    try:
        for row in table:
            yield heading.line + table.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise DecodeError(
            "bad-line", f"line {heading.line + table.line_num}: {error}", "Export the file again"
        ) from None


def _number(line: int, cell: str, separator: str) -> float:
    if cell.lower() in _MISSING:
        return math.nan
    text = cell.replace("\N{MINUS SIGN}", "-")
    if separator != "," and "." not in text:
        text = text.replace(",", ".", 1)
    if not _NUMBER.fullmatch(text):
        raise DecodeError(
            "not-a-number",
            f"line {line}: {cell[:40]!r} is not a number",
            "Correct or empty the cell; a decimal comma needs a semicolon or tab between columns",
        )
    return float(text)


TABLE = Logger("table", "a CSV table", recognises, read)
