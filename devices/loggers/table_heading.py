"""The heading line of a table: which columns hold the time and which a channel, in what unit."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import timezone
from typing import NamedTuple

from devices.device import DecodeError
from devices.envelopes.mapping import is_channel
from devices.loggers.table_times import offset
from devices.reading import QUANTITIES
from devices.units import SAME, Conversion, conversion, units_of

_HEADING_LINES = 60
_SEPARATORS = (";", "\t", ",")
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


class Column(NamedTuple):
    """One that holds a channel."""

    place: int
    channel: str
    convert: Conversion


class Heading(NamedTuple):
    """The line that names the columns; places count from 0, lines from 1."""

    line: int
    separator: str
    width: int
    times: tuple[int, ...]
    """The column of the time, or those of the date and of the time of day."""
    zone: timezone | None
    columns: tuple[Column, ...]
    unread: tuple[str, ...]


def find_heading(name: str, lines: list[str], told: dict[str, str]) -> Heading:
    """Return the heading among a file's lines. `told` says what columns hold: heading → channel.

    Raises DecodeError where no line has a time and a channel.
    """
    for number, line in enumerate(lines[:_HEADING_LINES], 1):
        for separator in _SEPARATORS:
            heading = _heading(number, line, separator, told)
            if heading is not None:
                return heading
    raise _no_heading(name, lines, told)


def _no_heading(name: str, lines: list[str], told: dict[str, str]) -> DecodeError:
    begins = f"it begins with {next((line for line in lines if line.strip()), '')[:80]!r}"
    such = "such as --column 'value=temperature °F'"
    if not told:
        return DecodeError(
            "no-heading",
            f"no line of {name} names a time and a known channel; {begins}",
            f"Say what a column holds, {such} or --column 'when=time'; "
            f"channels: {', '.join(QUANTITIES)}",
        )
    for number, line in enumerate(lines[:_HEADING_LINES], 1):
        for separator in _SEPARATORS:
            cells = _split(line, separator)
            if not told.keys() <= set(cells):
                continue
            columns = ", ".join(map(repr, filter(None, cells)))
            other = next((cell for cell in cells if cell and cell not in told), "when")
            if all(channel == "time" for channel in told.values()):
                what, such = "known channel", f"such as --column '{other}=temperature °F'"
            else:
                what, such = "time", f"such as --column '{other}=time'"
            return DecodeError(
                "no-heading",
                f"line {number} of {name}: no column of {columns} is a {what}",
                f"Say which, {such}",
            )
    return DecodeError(
        "no-heading",
        f"no line of {name} has the columns {', '.join(map(repr, told))}; {begins}",
        "Write each heading of --column as it stands in the file",
    )


def _split(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        # A line that is no CSV is no heading; it may stand before it.
        return []
    return [cell.strip() for cell in cells]


def _heading(number: int, line: str, separator: str, told: dict[str, str]) -> Heading | None:
    cells = _split(line, separator)
    if told and not told.keys() <= set(cells):
        return None
    columns: dict[str, Column] = {}
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
        columns[channel] = Column(index, channel, convert)
    if not times or not columns:
        return None
    chosen = _choose(times)
    return Heading(
        number,
        separator,
        len(cells),
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
            f"Use {units_of(channel)}",
        )
    return channel, convert
