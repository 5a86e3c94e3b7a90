"""How long a value may stay the same to the last bit before a sensor is taken to be stuck.

It depends on how finely the sensor tells: in a deep freezer with a buffered probe that tells whole
degrees, a week of -20 is nothing strange; two decimals that never move for a day are. How fine it
is shows in the value itself. A fine one that happens to be round is given the longer time.

What may rest by nature is not here: doors, light in the dark, batteries, positions, oxygen.
"""

from __future__ import annotations

from rules.duration import DAY, HOUR

READINGS = 20
"""So many readings at least must have said the same."""

_CLIMATE = ((1.0, 7 * DAY), (0.5, 3 * DAY))
PATIENCE: dict[str, tuple[tuple[float, int], ...]] = {
    "temperature": _CLIMATE,
    "humidity": _CLIMATE,
    "pressure": ((1.0, 3 * DAY),),
    "co2": ((1000.0, 7 * DAY), (100.0, 3 * DAY)),
}
"""By quantity: multiples of so much may stay for so long (ms), others for FINE."""
FINE = 24 * HOUR
SATURATED: dict[str, tuple[float, float]] = {
    "humidity": (1.0, 99.0),
    "co2": (400.0, 10_000.0),
}
"""At these and beyond a sensor rests at the end of its range: in fog, or in the freshest air."""


def least_patience(quantity: str) -> int | None:
    """Return the time (ms) within which no value is stuck, None where none ever is."""
    return FINE if quantity in PATIENCE else None


def patience(quantity: str, value: float) -> int | None:
    """Return how long (ms) this value may stay, None for ever."""
    steps = PATIENCE.get(quantity)
    if steps is None:
        return None
    if quantity in SATURATED:
        low, high = SATURATED[quantity]
        if not low < value < high:
            return None
    for multiple, length in steps:
        if value % multiple == 0:
            return length
    return FINE
