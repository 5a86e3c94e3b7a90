"""Series that a person can read, for the tests within profiles.

`4x12 9x13 4` is twelve fours, thirteen nines and a four; `4..9x6` is six values that rise from 4
to 9; `-` is a value that never came, `?` one that cannot be true. Both take `x12` too.
"""

from __future__ import annotations

import math
import re

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_WORD = re.compile(rf"(?:(-|\?)|({_NUMBER})(?:\.\.({_NUMBER}))?)(?:x(\d+))?")
MOST = 200_000
"""Values of one series: a year of readings every three minutes."""


def values(text: str) -> list[float | None]:
    """Return the values of a series: None for one that never came, NaN for an impossible one.

    Raises ValueError that says what cannot be read, and how it is written.
    """
    found: list[float | None] = []
    for word in text.split():
        part = _WORD.fullmatch(word)
        if part is None:
            raise ValueError(f"{word!r} is no part of a series: write 4, 4x12, 4..9x6, -x3 or ?x3")
        sign, first, last, times = part.groups()
        count = 1 if times is None else int(times)
        if count < 1 or len(found) + count > MOST:
            raise ValueError(f"{word!r}: a series holds 1 to {MOST:,} values")
        if last is not None and count == 1:
            raise ValueError(f"{word!r} does not say in how many steps: write {word}x6")
        if sign is not None:
            found += [None if sign == "-" else math.nan] * count
        elif last is None:
            found += [float(first)] * count
        else:
            found += _ramp(float(first), float(last), count)
    if not found:
        raise ValueError("it is empty: write values, such as 4x12 9x13")
    return found


def _ramp(first: float, last: float, count: int) -> list[float]:
    """Return so many values from the first to the last, both among them, rounded to 1e-9."""
    step = (last - first) / (count - 1)
    return [round(first + step * index, 9) for index in range(count - 1)] + [last]
