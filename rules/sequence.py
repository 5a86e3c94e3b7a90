"""Sequence numbers: which of them never came.

Devices count in 8, 16 or 32 bits and begin again, some at every new battery. Not every number that
is left out was lost: some devices number what they measure and send only part of it, and on
LoRaWAN what carries no measurement is counted too.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

WIDTHS = (1 << 8, 1 << 16, 1 << 32)
NEAR = 64
"""So close to its end a counter goes on at its beginning, and by so much messages overtake."""
MOST = 1_000_000
"""Whoever leaves out more than this has begun to count anew."""
DENSE, FULL = 8, 16
"""How it counts is learned: 2 for each number that follows the last, 1 back for a gap, up to FULL.
From DENSE on it is one that counts its messages, and what is left out is missing."""

Range = tuple[int, int]
"""The first and the last of numbers in a row."""


class Step(NamedTuple):
    """What a number says after the last one."""

    kind: Literal["next", "same", "late", "gap", "restart"]
    missing: tuple[Range, ...] = ()


def step(last: int, number: int) -> Step:
    """Hold a number of a newer reading against the last one.

    `gap` comes with the numbers between them, in two ranges where the counter ran over. `restart`:
    it counts anew, and nobody knows what is missing. `late`: it was overtaken.
    """
    if number >= last:
        return _forward(last, number)
    width = next((one for one in WIDTHS if 0 <= last < one), 0)
    if last >= width - NEAR and 0 <= number < NEAR:
        ends = ((last + 1, width - 1), (0, number - 1))
        missing = tuple((first, until) for first, until in ends if first <= until)
        return Step("gap", missing) if missing else Step("next")
    return Step("late" if number > 1 and last - number <= NEAR else "restart")


def _forward(last: int, number: int) -> Step:
    if number <= last + 1:
        return Step("same" if number == last else "next")
    if number - last > MOST:
        return Step("restart")
    return Step("gap", ((last + 1, number - 1),))
