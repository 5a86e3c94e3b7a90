"""Jumps that nothing real makes: from one value to the next, faster than a sensor can follow.

The limits are wide on purpose. A probe that is carried from a freezer into a warm room, a door
that lets steam in, a lift: all of that is real and passes. What does not is a broken contact, a
disturbed line or a lost bit. Whether a value that jumped is believed after all, the next one says:
what is real stays, at least for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rules.duration import MINUTE


class Jump(NamedTuple):
    """By how much two values may differ, in the quantity's unit: `base` and so much a minute."""

    base: float
    per_minute: float
    reason: str

    def allows(self, difference: float, length: int) -> bool:
        """Whether a value may change by so much in so many milliseconds."""
        return abs(difference) <= self.base + self.per_minute * length / MINUTE


JUMPS: dict[str, Jump] = {
    "temperature": Jump(
        20.0,
        3.0,
        "Air behind an open door changes by some °C a minute; a bare probe that is carried out "
        "of a freezer by about 20 °C in the first.",
    ),
    "humidity": Jump(
        60.0,
        20.0,
        "Steam or a breath takes a sensor from dry to wet, but it needs its 10 to 30 s for most "
        "of the way, and hours to dry again.",
    ),
    "pressure": Jump(
        50.0,
        30.0,
        "A slammed door makes some hPa, a lift 10 hPa a minute, a climbing aircraft 20 in its "
        "cabin and up to 100 where the hold is open.",
    ),
    "co2": Jump(
        10_000.0,
        10_000.0,
        "Dry ice and a flushed container make tens of thousands of ppm, and the optical sensors "
        "that see so much need a minute for it.",
    ),
}
"""By quantity. One that is not here may change at once: a door, a set point, the light."""


def jump_of(channel: str) -> Jump | None:
    """Return how fast a channel may change, None where it may at once."""
    return JUMPS.get(channel.partition(".")[0])


def confirms(jump: Jump, before: float, doubted: float, now: float, length: int) -> bool:
    """Whether a value `length` ms after one that jumped shows that the jump was real.

    It does when it can have come from there, and is nearer to that than to what was `before`.
    """
    back = abs(now - doubted)
    return jump.allows(back, length) and back <= abs(now - before)


def settled(
    series: Sequence[tuple[int, float | None]], jump: Jump
) -> list[tuple[int, float | None]]:
    """Return a series (ms, value) with None for what jumped and was not confirmed.

    As the rules judge it, once all of it is known; the last value is not confirmed yet.
    """
    found = list(series)
    believed: tuple[int, float] | None = None
    doubted: tuple[int, int, float] | None = None
    for place, (when, value) in enumerate(series):
        if doubted is not None and believed is not None:
            where, then, was = doubted
            if value is not None and confirms(jump, believed[1], was, value, when - then):
                believed = (then, was)
                found[where] = (then, was)
            doubted = None
        if value is None:
            continue
        if believed is None or jump.allows(value - believed[1], when - believed[0]):
            believed = (when, value)
        else:
            doubted = (place, when, value)
            found[place] = (when, None)
    return found
