"""Lengths of time: "60 min" in the settings, milliseconds in the rules."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

MILLISECOND = 1
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 366 * DAY
LONGEST = 1000 * YEAR
"""No length of time in settings is longer."""

_UNITS = {"day": DAY, "h": HOUR, "min": MINUTE, "s": SECOND, "ms": MILLISECOND}
_NAMES = {
    **_UNITS,
    **dict.fromkeys(("d", "days"), DAY),
    **dict.fromkeys(("hour", "hours"), HOUR),
    **dict.fromkeys(("minute", "minutes"), MINUTE),
    **dict.fromkeys(("sec", "second", "seconds"), SECOND),
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*,?")
_CURE = 'write a number and a unit, such as "60 min", "90 s", "1 h 30 min" or "1 day"'


def parse_duration(text: object) -> int:
    """Return milliseconds for "60 min", "1 h 30 min", "1.5 h", "500 ms", "1 day".

    Raises ValueError for a bare number (60 of what?), a sign, an unknown unit, a length that is
    not a whole number of milliseconds, or one of more than 1000 years.
    """
    if isinstance(text, (int, float)):
        raise ValueError(f'{text} of what? Name the unit: "{text} min" or "{text} s"')  # noqa: TRY004 - pydantic turns ValueError alone into a message for the reader
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is no length of time: {_CURE}")
    total, place = Decimal(0), 0
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:
            if re.fullmatch(r"\s*[\d.]+\s*", text[place:]):
                raise ValueError(f'{text!r} lacks a unit: write "{text.strip()} min" or the like')
            raise ValueError(f"{text!r} is no length of time: {_CURE}")
        number, unit = part.groups()
        length = _NAMES.get(unit.lower())
        if length is None:
            raise ValueError(f"{text!r} has the unknown unit {unit!r}: use day, h, min, s or ms")
        total += Decimal(number) * length
        place = part.end()
    if total > LONGEST:
        raise ValueError(f"{text!r} is longer than anybody waits: write at most 1000 years")
    if total != int(total):
        raise ValueError(f"{text!r} is finer than a millisecond: round it")
    return int(total)


def format_duration(milliseconds: int) -> str:
    """Return the length in words that `parse_duration` reads back: 9000000 → "2 h 30 min"."""
    if milliseconds < 0:
        return "-" + format_duration(-milliseconds)
    if milliseconds == 0:
        return "0 s"
    if milliseconds in (HOUR, 90 * SECOND, 90 * MINUTE):
        # The field says "60 min" and "90 s", not "1 h" and "1 min 30 s".
        unit, length = ("s", SECOND) if milliseconds < HOUR else ("min", MINUTE)
        return f"{milliseconds // length} {unit}"
    words, rest = [], milliseconds
    for unit, length in _UNITS.items():
        count, rest = divmod(rest, length)
        if count:
            plural = "s" if unit == "day" and count > 1 else ""
            words.append(f"{count} {unit}{plural}")
    return " ".join(words)


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "examples": ["60 min", "1 h 30 min", "90 s", "1 day"]}),
]
"""Milliseconds; written as text with a unit in settings, and so again when serialised."""


def _years(text: object) -> object:
    if isinstance(text, str):
        return re.sub(
            r"(\d+)\s*years?\b",
            lambda found: f"{int(found[1]) * YEAR // DAY} days",
            text,
            flags=re.IGNORECASE,
        )
    return text


Age = Annotated[Duration, BeforeValidator(_years)]
"""A Duration that may also say years. A year counts 366 days, so that whole years are kept."""
