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
from datetime import timezone
from typing import NamedTuple

from devices.device import DecodeError, check_device_id
from devices.envelopes.mapping import is_channel
from devices.loggers.file import Clock, Logger, LoggerFile, Request
from devices.loggers.table_times import offset, read_times
from devices.reading import IMPORTED, QUANTITIES, DeviceKey, Reading, layout, reading
from devices.units import SAME, Conversion, conversion, units_of

_HEADING_LINES = 60
_SEPARATORS = (";", "\t", ",")
_MISSING = {"", "-", "--", "---", "nan", "n/a", "na", "null", "none"}
_DATES = {"date", "day", "datum"}
_TIMES = _DATES | {
    *("time", "timestamp", "datetime", "date time", "date/time", "date_time", "time stamp"),
    *("measured at", "recorded at", "local time", "utc", "zeit", "zeitstempel", "uhrzeit"),
}
_CHANNELS = {
    **{name: name for name in QUANTITIES},
    **dict.fromkeys(("temp", "temperatur", "température"), "temperature"),
    **dict.fromkeys(("hum", "rh", "relative humidity", "feuchte", "humidité"), "humidity"),
    **dict.fromkeys(("light", "lux"), "illuminance"),
    "lat": "latitude",
    "lon": "longitude",
    "lng": "longitude",
}
_BRACKETS = re.compile(r"(.*?)[\s_]*[\[(]([^\])]*)[\])].*", re.DOTALL)
_BEHIND = re.compile(r"(.*?),?[\s_]+(\S+)", re.DOTALL)
_OFFSET = re.compile(r"\b(?:UTC|GMT)\s*([+-]\d{2}:?\d{2})?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?", re.ASCII)


class _Column(NamedTuple):
    place: int
    channel: str
    convert: Conversion


class _Heading(NamedTuple):
    line: int
    separator: str
    times: tuple[int, ...]
    """The column of the time, or those of the date and of the time of day."""
    zone: timezone | None
    columns: tuple[_Column, ...]
    unread: tuple[str, ...]


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
    heading = _find_heading(name, lines, request)
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
    rows: list[_Row], ats: list[int], heading: _Heading, request: Request, device: str
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


def _rows(lines: list[str], heading: _Heading) -> tuple[list[_Row], int]:
    """Return the rows that hold a value, and how many hold none."""
    rows = []
    empty = 0
    width = max(*heading.times, *(column.place for column in heading.columns)) + 1
    for line, cells in _cells(lines[heading.line :], heading):
        if not any(cells):
            continue
        if len(cells) < width:
            raise DecodeError(
                "bad-line",
                f"line {line} has {len(cells)} columns where the heading has {width} or more",
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


def _cells(lines: list[str], heading: _Heading) -> Iterator[tuple[int, list[str]]]:
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


def _find_heading(name: str, lines: list[str], request: Request) -> _Heading:
    for number, line in enumerate(lines[:_HEADING_LINES], 1):
        for separator in _SEPARATORS:
            heading = _heading(number, line, separator, request.columns)
            if heading is not None:
                return heading
    first = next((line for line in lines if line.strip()), "")
    if request.columns:
        headings = ", ".join(map(repr, request.columns))
        raise DecodeError(
            "no-heading",
            f"no line of {name} has the columns {headings}; it begins with {first[:80]!r}",
            "Write each heading of --column as it stands in the file",
        )
    raise DecodeError(
        "no-heading",
        f"no line of {name} names a time and a known channel; it begins with {first[:80]!r}",
        "Say what a column holds, such as --column 'value=temperature °F'; "
        f"channels: {', '.join(QUANTITIES)}",
    )


def _heading(number: int, line: str, separator: str, told: dict[str, str]) -> _Heading | None:
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    if told and not told.keys() <= set(cells):
        return None
    columns: dict[str, _Column] = {}
    unread = []
    times: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if told.get(cell) == "time" or (cell not in told and _time_name(cell) in _TIMES):
            times[index] = _time_name(cell)
            continue
        found = _told(cell, told[cell]) if cell in told else _known(cell)
        if found is None:
            unread.append(cell)
            continue
        channel, convert = found
        if channel in columns:
            raise DecodeError(
                "duplicate-channel",
                f"line {number}: the columns {cells[columns[channel].place]!r} and {cell!r} "
                f"both hold {channel}",
                f"Tell them apart, such as --column '{cell}={channel}.outside'",
            )
        columns[channel] = _Column(index, channel, convert)
    if not times or not columns:
        return None
    chosen = _choose(times)
    return _Heading(
        number,
        separator,
        chosen,
        next((zone for index in chosen for zone in _zone(cells[index])), None),
        tuple(columns[channel] for channel in sorted(columns)),
        tuple(cell for cell in unread if cell),
    )


def _choose(times: dict[int, str]) -> tuple[int, ...]:
    dates = [index for index, name in times.items() if name in _DATES]
    others = [index for index, name in times.items() if name not in _DATES]
    if dates and others and times[others[0]] in ("time", "zeit", "uhrzeit", "local time"):
        return dates[0], others[0]
    return ((others or dates)[0],)


def _time_name(heading: str) -> str:
    return re.split(r"[,(\[]", heading)[0].strip().lower()


def _zone(heading: str) -> Iterator[timezone]:
    match = _OFFSET.search(heading)
    if match is not None:
        yield offset(match[1] or "Z")


def _known(heading: str) -> tuple[str, Conversion] | None:
    bare = _BRACKETS.fullmatch(heading)
    short = bare[1] if bare is not None else heading
    behind = _BEHIND.fullmatch(short)
    guesses = [(bare[1], bare[2])] if bare is not None else []
    guesses += [(behind[1], behind[2])] if behind is not None else []
    guesses += [(short, "")]
    for name, unit in guesses:
        channel = name if is_channel(name) else _CHANNELS.get(name.strip().lower())
        if channel is None:
            continue
        convert = conversion(channel, unit) if unit else SAME
        if convert is not None:
            return channel, convert
    return None


def _told(heading: str, told: str) -> tuple[str, Conversion]:
    channel, _, unit = told.strip().partition(" ")
    if not is_channel(channel):
        raise DecodeError(
            "unknown-channel",
            f"{channel[:40]!r}, given for the column {heading!r}, is not a channel",
            f"Use time, or one of {', '.join(QUANTITIES)}, with a place if you like",
        )
    convert = conversion(channel, unit) if unit else SAME
    if convert is None:
        raise DecodeError(
            "unknown-unit",
            f"{unit[:20]!r}, given for the column {heading!r}, is not a unit of {channel}",
            f"Use one of {units_of(channel)}",
        )
    return channel, convert


TABLE = Logger("table", recognises, read)
