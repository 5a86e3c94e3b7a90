"""What can be said of a reading by itself, whatever came before it."""

from __future__ import annotations

from typing import NamedTuple

from devices.model import Model
from devices.reading import CLOCK_AHEAD, IMPORTED, WRONG_CLOCK, Reading
from rules import remark as words
from rules.duration import HOUR
from rules.remark import Remark

LATE = HOUR
"""A reading that was received so long (ms) after it was measured came late."""
LOW_LEVEL = 15.0
"""Percent under which a battery is low, where the maker says nothing."""
WEAK = -115.0
"""dBm under which messages are soon lost, where the maker says nothing."""


class Limits(NamedTuple):
    """What is low for a model: volts (None: nobody knows), percent, dBm."""

    battery: float | None = None
    level: float = LOW_LEVEL
    signal: float = WEAK


def limits_of(model: Model | None) -> Limits:
    """Return what is low for a model; without one only what is low for all."""
    if model is None:
        return Limits()
    if model.low_battery is None:
        return Limits(signal=model.weak_signal)
    if "battery" in model.channels:
        return Limits(battery=model.low_battery, signal=model.weak_signal)
    return Limits(level=model.low_battery, signal=model.weak_signal)


def lowest(quantity: str, limits: Limits) -> float | None:
    """Return what a quantity is low under, None where it is not."""
    if quantity == "battery":
        return limits.battery
    if quantity == "battery_level":
        return limits.level
    return limits.signal if quantity == "signal" else None


def alone(reading: Reading, limits: Limits) -> list[Remark]:
    """Return what can be said of a reading alone."""
    found: list[Remark] = []
    flags = reading.flags
    if flags & WRONG_CLOCK:
        ahead = bool(flags & CLOCK_AHEAD)
        found.append(words.clock_off(ahead=ahead, length=reading.at - reading.received))
    elif not flags & IMPORTED and reading.received - reading.at >= LATE:
        found.append(words.LATE)
    shape = reading.layout
    for channel, value, (low, high) in zip(
        shape.channels, reading.values, shape.limits, strict=True
    ):
        if value != value:  # noqa: PLR0124 - NaN alone differs from itself
            found.append(words.missing(channel))
        elif not low <= value <= high:
            found.append(words.out_of_range(channel, value, low, high))
        else:
            quantity = channel.partition(".")[0]
            least = lowest(quantity, limits)
            if least is not None and value < least:
                if quantity == "signal":
                    found.append(words.weak_signal(channel, value))
                else:
                    found.append(words.low_battery(channel, value, least))
    return found
