"""Lengths of time in scenarios: "23 h 10 min" in the file, milliseconds in the program."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"ms": 1, "s": SECOND, "min": MINUTE, "h": HOUR, "day": DAY, "days": DAY}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)")
_CURE = 'write a number and a unit, such as "10 s", "23 h 10 min" or "2 days"'


def parse_length(text: object) -> int:
    """Return milliseconds for "10 s", "23 h 10 min", "+1.5 h", "2 days".

    Raises ValueError for a bare number, a minus sign, an unknown unit, or a length that is not
    a whole number of milliseconds.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is no length of time: {_CURE}")
    words = text.strip().removeprefix("+")
    total, place = Decimal(0), 0
    while place < len(words):
        part = _PART.match(words, place)
        if part is None or part[2] not in _UNITS:
            raise ValueError(f"{text!r} is no length of time: {_CURE}")
        total += Decimal(part[1]) * _UNITS[part[2]]
        place = part.end()
    if total != int(total):
        raise ValueError(f"{text!r} is finer than a millisecond: round it")
    return int(total)


def format_length(milliseconds: int) -> str:
    """Return the length in words, to the minute from an hour on: 83_400_000 is "23 h 10 min"."""
    if milliseconds < MINUTE:
        return f"{milliseconds / SECOND:g} s"
    minutes, rest = divmod(milliseconds, MINUTE)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest // SECOND} s" if rest >= SECOND else f"{minutes} min"


Length = Annotated[int, BeforeValidator(parse_length)]
"""Milliseconds; written as text with a unit."""
