"""The registry as a table for spreadsheets (CSV, RFC 4180): out, and in again.

It holds what people have stated, not what the settings say. What was read from a table that was
written here changes nothing. A column that is left out leaves its fields as they are, an empty
cell removes.

A spreadsheet takes a text that begins with a sign such as = for a formula, and would run what a
hostile device calls itself: such texts get an apostrophe in front, and lose it on the way in.
"""

from __future__ import annotations

import csv
import difflib
import io
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.device import DecodeError, check_device_id
from gateway.commands.device import device_key
from gateway.refusal import ControlError
from gateway.registry import fields
from gateway.registry.cards import Card

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devices.reading import DeviceKey

TEXTS = ("name", "site", "zone", "container", "model", "interval", "note")
PLACE = ("latitude", "longitude")
TOLD = ("recognised",)
"""Columns that are written, and not looked at when they are read."""
COLUMNS = (
    *("device", "name", "site", "zone", "container"),
    *PLACE,
    *("model", "interval", "note", "confirmed"),
    *TOLD,
)
MOST_ROWS = 100_000
RISKY = ("=", "+", "-", "@", "\t", "\r")
SEPARATORS = ",;\t"


class Row(NamedTuple):
    """What a line says of a device."""

    line: int
    """Counted from 1, as an editor does."""
    device: DeviceKey
    fields: dict[str, object]
    """What a card shall hold, by field."""
    confirmed: bool | None
    """None: nothing is said."""


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong in a line, and what to do."""

    line: int
    problem: str
    cure: str


def written(devices: Iterable[tuple[DeviceKey, Card, bool, str]]) -> str:
    """Return the table of devices: their cards, whether confirmed, and what they are."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for device, card, confirmed, recognised in devices:
        cells = {one: shown(fields.text_of(card, one)) for one in TEXTS}
        latitude, longitude = card.position or ("", "")
        cells |= {
            "device": shown(str(device)),
            "latitude": repr(latitude) if latitude != "" else "",
            "longitude": repr(longitude) if longitude != "" else "",
            "confirmed": "yes" if confirmed else "no",
            "recognised": shown(recognised),
        }
        table.writerow([cells[column] for column in COLUMNS])
    return text.getvalue()


def read(content: str, owner: str) -> tuple[list[Row], list[Mistake]]:
    """Return what a table says, and all that is wrong in it.

    `owner`: of devices that are named without one. Raises ControlError where it is no such table.
    """
    content = content.removeprefix("\ufeff")
    heading = content.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=heading.count)
    table = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    seen: dict[DeviceKey, int] = {}
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
            if len(rows) >= MOST_ROWS:
                raise ControlError(
                    f"the table has more than {MOST_ROWS:,} lines", "Cut it into several"
                )
            try:
                row = _row(begins, columns, cells, owner, decimal_comma=separator != ",")
            except ControlError as error:
                mistakes.append(Mistake(begins, error.problem, error.cure))
                continue
            first = seen.setdefault(row.device, begins)
            if first != begins:
                problem = f"{row.device} stands in line {first} already"
                mistakes.append(Mistake(begins, problem, "Leave one of them out"))
                continue
            rows.append(row)
    except csv.Error as error:
        raise ControlError(
            f"line {line + 1} is no line of a table ({error})", "Save it as CSV, in UTF-8"
        ) from error
    if not columns:
        raise ControlError("the table is empty", f"Its first line is {','.join(COLUMNS)}")
    return rows, mistakes


def checked(cells: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return the names of a table's columns, each known and there once. Raises ControlError."""
    columns = [cell.strip().lower() for cell in cells]
    while columns and not columns[-1]:
        del columns[-1]
    for column in columns:
        if column not in known:
            close = difflib.get_close_matches(column, known, 1)
            raise ControlError(
                f"there is no column {column[:40]!r}",
                f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}",
            )
        if columns.count(column) > 1:
            raise ControlError(f"the column {column} comes twice", "Leave one of them out")
    return columns


def _columns(cells: list[str]) -> list[str]:
    columns = checked(cells, COLUMNS)
    if "device" not in columns:
        raise ControlError("there is no column device", "Say whose line it is, by its id")
    if len({*PLACE} & {*columns}) == 1:
        raise ControlError(
            "of latitude and longitude there is only one", "Add the other column, or remove both"
        )
    return columns


def _row(
    line: int, columns: list[str], cells: list[str], owner: str, *, decimal_comma: bool
) -> Row:
    """Return what a line says. Raises ControlError."""
    if any(cell.strip() for cell in cells[len(columns) :]) or len(cells) < len(columns):
        raise ControlError(
            f"it has {len(cells)} cells, and there are {len(columns)} columns",
            "Put a text that holds the separator in double quotes",
        )
    said = {column: plain(cell) for column, cell in zip(columns, cells, strict=False)}
    device = device_key(said["device"], owner)
    try:
        check_device_id(device.id)
    except DecodeError as error:
        raise ControlError(error.detail, error.cure) from error
    found = {one: fields.value(one, said[one]) for one in TEXTS if one in said}
    if PLACE[0] in said:
        found["position"] = _position(said, decimal_comma=decimal_comma)
    return Row(line, device, found, _confirmed(said.get("confirmed", "")))


def _position(said: Mapping[str, str], *, decimal_comma: bool) -> tuple[float, float] | None:
    texts = [said[one].replace(",", ".") if decimal_comma else said[one] for one in PLACE]
    if not any(texts):
        return None
    latitude, longitude = (
        fields.number(text, name) for text, name in zip(texts, PLACE, strict=True)
    )
    return fields.place(latitude, longitude)


def _confirmed(text: str) -> bool | None:
    if text.lower() in {"yes", "no"}:
        return text.lower() == "yes"
    if text:
        raise ControlError(f"confirmed is {text[:40]!r}", "Write yes or no, or leave it empty")
    return None


def shown(text: str) -> str:
    """Return a text such that every spreadsheet shows it as a text."""
    return f"'{text}" if text.lstrip("'").startswith(RISKY) else text


def plain(cell: str) -> str:
    """Return what was meant by a cell."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(RISKY) else cell
