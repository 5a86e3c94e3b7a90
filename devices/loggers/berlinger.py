"""Berlinger Fridge-tag and Q-tag text exports.

Known from the exports themselves: indented `key: value` lines, several to a line; `Hist:` holds
one block for each day, with the device's own verdict; `Data:` holds one row for each interval
(time, temperature, `x` where outside the limits). A Fridge-tag 2 without L stores no rows. Times
are those of the logger's clock; the field `Zone` is 0.00 whatever the clock shows, so it is not
taken for a time zone.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple

from devices.device import DecodeError, check_device_id
from devices.loggers.file import (
    Clock,
    DailyAlarm,
    DailyVerdict,
    Limit,
    Logger,
    LoggerFile,
    Request,
)
from devices.reading import IMPORTED, DeviceKey, Reading, layout, reading

_PAIR = re.compile(r"([A-Za-z0-9 ]+?):(?: +([^,]*))?(?:,|$)")
_NUMBER = re.compile(r"\d{1,4}:", re.ASCII)
_TEMPERATURE = layout(("temperature",))
_CURE = "Export the logger's file again; if it stays so, report the line"


class _Line(NamedTuple):
    number: int
    depth: int
    text: str


def recognises(name: str, text: str) -> bool:  # noqa: ARG001 - these files are known by what they say
    """Whether this is an export of a Q-tag or a Fridge-tag."""
    return re.match(r"\s*Device: *(Q-tag|Fridge-tag)", text) is not None


def read(name: str, text: str, request: Request) -> LoggerFile:
    """Return the rows under `Data:` as readings, and the daily verdicts under `Hist:`."""
    if request.columns:
        raise DecodeError(
            "no-columns", f"{name} is no table: its columns are known", "Name no columns for it"
        )
    sections = _sections(text)
    head = {pair[0]: pair[1] for line in sections.get("", []) for pair in _pairs(line)}
    conf = sections.get("Conf", [])
    settings = {key: value for line in conf if line.depth == 1 for key, value in _pairs(line)}
    device = request.device or settings.get("Serial")
    if not device:
        raise DecodeError(
            "no-device-id",
            f"{name} holds no `Serial:` under `Conf:`",
            "Name the device, such as --device cold-room-1",
        )
    fahrenheit = settings.get("Temp unit", "C") == "F"
    clock = Clock(request.zone)
    key = DeviceKey(request.owner, check_device_id(device))
    rows = sections.get("Data", [])
    readings = _readings(rows, key, clock, request, fahrenheit=fahrenheit)
    notes = clock.notes()
    if not readings:
        notes.append("This file holds no rows, only the device's daily verdicts")
    return LoggerFile(
        device=device,
        model=head.get("Device", ""),
        readings=readings,
        limits=_limits(conf, fahrenheit=fahrenheit),
        verdicts=_verdicts(sections.get("Hist", []), fahrenheit=fahrenheit),
        notes=notes,
    )


def _sections(text: str) -> dict[str, list[_Line]]:
    sections: dict[str, list[_Line]] = {"": []}
    current = sections[""]
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        bare = line.lstrip()
        if not bare:
            continue
        if bare == line and line.endswith(":"):
            current = sections.setdefault(line[:-1], [])
        else:
            current.append(_Line(number, len(line) - len(bare), bare))
    return sections


def _pairs(line: _Line) -> list[tuple[str, str]]:
    return [(match[1].strip(), (match[2] or "").strip()) for match in _PAIR.finditer(line.text)]


def _readings(
    lines: list[_Line], key: DeviceKey, clock: Clock, request: Request, *, fahrenheit: bool
) -> list[Reading]:
    readings = []
    for line in lines:
        cells = line.text.split("\t")
        if cells[0] == "yyyy-MM-dd hh:mm":
            continue
        if len(cells) < 2:
            raise _bad_line(line, "a time and a temperature")
        readings.append(
            reading(
                device=key,
                at=clock.at(_time(line, cells[0]), line.number),
                received=request.received,
                layout=_TEMPERATURE,
                values=(_temperature(line, cells[1], fahrenheit=fahrenheit),),
                sequence=None,
                flags=IMPORTED,
                source="file",
            )
        )
    return readings


def _limits(lines: list[_Line], *, fahrenheit: bool) -> dict[int, Limit]:
    limits: dict[int, Limit] = {}
    number = 0
    for line in lines:
        pairs = dict(_pairs(line))
        if line.depth == 2 and _NUMBER.fullmatch(line.text):
            number = int(line.text[:-1])
        elif "T AL" in pairs and "t AL" in pairs:
            limits[number] = Limit(
                temperature=_temperature(line, pairs["T AL"], fahrenheit=fahrenheit),
                minutes=_whole(line, pairs["t AL"]),
                # A Fridge-tag's limit 0 is the lower; a Q-tag's types 1 and 3 are.
                below=pairs["Type"] in ("1", "3") if "Type" in pairs else number == 0,
            )
    return limits


def _verdicts(lines: list[_Line], *, fahrenheit: bool) -> list[DailyVerdict]:
    blocks: list[list[_Line]] = []
    for line in lines:
        if line.depth == 1 and _NUMBER.fullmatch(line.text):
            blocks.append([])
        elif blocks:
            blocks[-1].append(line)
    verdicts = [_verdict(block, fahrenheit=fahrenheit) for block in blocks]
    return sorted(verdicts, key=lambda verdict: verdict.day)


def _verdict(block: list[_Line], *, fahrenheit: bool) -> DailyVerdict:
    day: date | None = None
    temperatures: dict[str, float] = {}
    alarms: dict[int, DailyAlarm] = {}
    limit = 0
    for line in block:
        pairs = dict(_pairs(line))
        if "Date" in pairs:
            day = _time(line, pairs["Date"]).date()
        elif line.depth == 3 and _NUMBER.fullmatch(line.text):
            limit = int(line.text[:-1])
        elif "t Acc" in pairs:
            checked = pairs.get("C A")
            alarms[limit] = DailyAlarm(
                minutes=_whole(line, pairs["t Acc"]),
                triggered=pairs.get("TS A"),
                checked=None if checked is None else _whole(line, checked),
            )
        for key in ("Min T", "Max T", "Avrg T"):
            if pairs.get(key):
                temperatures[key] = _temperature(line, pairs[key], fahrenheit=fahrenheit)
    if day is None:
        where = f"line {block[0].number}" if block else "the end of `Hist:`"
        raise DecodeError("bad-line", f"{where}: a day of the history has no `Date:`", _CURE)
    return DailyVerdict(
        day=day,
        lowest=temperatures.get("Min T"),
        highest=temperatures.get("Max T"),
        mean=temperatures.get("Avrg T"),
        alarms=alarms,
    )


def _bad_line(line: _Line, wanted: str) -> DecodeError:
    return DecodeError(
        "bad-line", f"line {line.number}: {line.text[:60]!r} does not hold {wanted}", _CURE
    )


def _time(line: _Line, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _bad_line(line, "a time such as 2022-05-02 04:44") from None


def _temperature(line: _Line, text: str, *, fahrenheit: bool) -> float:
    if not re.fullmatch(r"[+-]?\d{1,4}(\.\d{1,6})?", text, re.ASCII):
        raise _bad_line(line, "a temperature")
    return (float(text) - 32.0) * 5 / 9 if fahrenheit else float(text)


def _whole(line: _Line, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise _bad_line(line, "a whole number")
    return int(text)


BERLINGER = Logger("berlinger", "a Berlinger text export", recognises, read)
