"""Consignments as a table for spreadsheets (CSV, RFC 4180): out, and in again.

Lines with one id are one consignment. What it is stands in its first line; each line may add a leg
and a sensor. A consignment of which any line is wrong is left out, and all others are taken.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.consignments import fields
from gateway.refusal import ControlError
from gateway.registry.table import SEPARATORS, checked, plain, shown
from rules.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from rules.cargo.consignment import Assignment, Consignment, Leg

OF_IT = (
    *("goods", "description", "quantity", "unit", "value", "currency", "origin", "destination"),
    *("custodian", "carried", "cycles", "ignore", "counts", "wait", "note", "created"),
)
OF_LEGS = {
    "leg_custodian": "custodian",
    "mode": "mode",
    "from": "origin",
    "to": "destination",
    "departs": "departs",
    "arrives": "arrives",
    "vehicle": "vehicle",
    "heard": "heard",
    "margin": "margin",
    "via": "via",
}
"""Columns of legs, and what a leg calls them."""
OF_SENSORS = {"sensor": "sensor", "where": "where", "since": "since", "until": "until"}
COLUMNS = ("id", *OF_IT, *OF_LEGS, *OF_SENSORS)
NUMBERS = ("quantity", "value")
LENGTHS = ("carried", "ignore", "wait")
MOST_LINES = 20_000


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong in a line, and what to do."""

    line: int
    """Counted from 1, as an editor does."""
    id: str
    problem: str
    cure: str


class Entry(msgspec.Struct):
    """What the lines of one id say: cells by the names that the parts of a consignment have."""

    id: str
    line: int
    said: dict[str, str]
    legs: list[dict[str, Any]]
    leg_lines: list[int]
    sensors: list[dict[str, str]]
    sensor_lines: list[int]


# -- out -------------------------------------------------------------------------------------


def written(consignments: Iterable[Consignment], zone: ZoneInfo) -> str:
    """Return the table of consignments, with times of a zone."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for one in consignments:
        own = [each for each in one.assignments if not each.origin]
        for place, (leg, each) in enumerate(zip_longest(one.legs, own)):
            table.writerow(_cells(one, leg, each, zone, first=place == 0))
        if not one.legs and not own:
            table.writerow(_cells(one, None, None, zone, first=True))
    return text.getvalue()


def _cells(
    one: Consignment, leg: Leg | None, sensor: Assignment | None, zone: ZoneInfo, *, first: bool
) -> list[str]:
    cells = {"id": one.id}
    if first:
        cells |= {name: _text(name, getattr(one, name, ""), zone) for name in OF_IT}
        cells["custodian"] = one.custody[0].custodian if one.custody else ""
    if leg is not None:
        cells |= {column: _text(name, getattr(leg, name), zone) for column, name in OF_LEGS.items()}
        cells["via"] = "; ".join(fields.place_text(stop) for stop in leg.via)
    if sensor is not None:
        cells |= {name: _text(name, getattr(sensor, name), zone) for name in OF_SENSORS}
    return [
        cells[name] if name in NUMBERS and name in cells else shown(cells.get(name, ""))
        for name in COLUMNS
    ]


def _text(name: str, value: Any, zone: ZoneInfo) -> str:  # noqa: ANN401 - of any field
    if value is None:
        return ""
    if name in LENGTHS or name == "margin":
        return format_duration(value) if value else ""
    if name in {"created", "since", "until", "departs", "arrives"}:
        return dt.datetime.fromtimestamp(value / 1000, zone).isoformat(" ", "seconds")
    if name in {"origin", "destination"}:
        return fields.place_text(value)
    if isinstance(value, (bool, float)):
        return ("yes" if value else "no") if name == "heard" else f"{value:.12g}"
    return "" if name == "cycles" and not value else str(value)


# -- in --------------------------------------------------------------------------------------


def read(content: str) -> tuple[list[Entry], list[Mistake]]:
    """Return what a table says, by consignment, and the lines that cannot be read.

    Raises ControlError where it is no such table.
    """
    content = content.removeprefix("\ufeff")
    heading = content.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=heading.count)
    table = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    entries: dict[str, Entry] = {}
    mistakes: list[Mistake] = []
    columns: list[str] = []
    line = 0
    try:
        for cells in table:
            line, begins = table.line_num, line + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(cells)
                continue
            if begins > MOST_LINES:
                raise ControlError(
                    f"the table has more than {MOST_LINES:,} lines", "Cut it into several"
                )
            try:
                _take(entries, begins, columns, cells)
            except ControlError as error:
                name = cells[columns.index("id")] if len(cells) > columns.index("id") else ""
                mistakes.append(Mistake(begins, plain(name), error.problem, error.cure))
    except csv.Error as error:
        raise ControlError(
            f"line {line + 1} is no line of a table ({error})", "Save it as CSV, in UTF-8"
        ) from error
    if not columns:
        raise ControlError("the table is empty", f"Its first line is {','.join(COLUMNS)}")
    wrong = {one.id for one in mistakes}
    return [one for one in entries.values() if one.id not in wrong], mistakes


def _columns(cells: list[str]) -> list[str]:
    columns = checked(cells, COLUMNS)
    for column in ("id", "goods"):
        if column not in columns:
            raise ControlError(f"there is no column {column}", "Each consignment has id and goods")
    return columns


def _take(entries: dict[str, Entry], line: int, columns: list[str], cells: list[str]) -> None:
    """Add what a line says to its consignment. Raises ControlError."""
    if any(cell.strip() for cell in cells[len(columns) :]) or len(cells) < len(columns):
        raise ControlError(
            f"it has {len(cells)} cells, and there are {len(columns)} columns",
            "Put a text that holds the separator in double quotes",
        )
    said = {column: plain(cell) for column, cell in zip(columns, cells, strict=False)}
    identity = fields.identity(said["id"])
    own = {name: said[name] for name in OF_IT if said.get(name)}
    entry = entries.get(identity)
    if entry is None:
        entry = entries[identity] = Entry(identity, line, own, [], [], [], [])
    else:
        for name, text in own.items():
            if entry.said.setdefault(name, text) != text:
                raise ControlError(
                    f"{name} is {text[:40]!r}, and {entry.said[name][:40]!r} in line {entry.line}",
                    "Say it once, or alike",
                )
    leg: dict[str, Any] = {name: said[one] for one, name in OF_LEGS.items() if said.get(one)}
    if leg:
        if "heard" in leg:
            leg["heard"] = _yes(leg["heard"])
        entry.legs.append(leg)
        entry.leg_lines.append(line)
    sensor = {name: said[name] for name in OF_SENSORS if said.get(name)}
    if sensor:
        if "sensor" not in sensor:
            raise ControlError("it says where or when, and no sensor", "Name the sensor")
        entry.sensors.append(sensor)
        entry.sensor_lines.append(line)


def _yes(text: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise ControlError(f"heard is {text[:40]!r}", "Write yes or no, or leave it empty")
    return text.lower() == "yes"
