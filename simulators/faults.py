"""What goes wrong: the kinds of fault, each with onset, growth and severity, in one table.

A fault has an onset (`at`), an end (`for`, or never), and a severity from 0 to 1. A slow one
grows: `over` is the time in which it comes to its full severity. `size` says how large it is at
severity 1. What a kind does to the goods, the sensors or the radio follows from `Kind.acts_on`.

The defaults of `over` and `size` are ours, chosen so that severity 1 is plainly seen: they
describe no particular machine.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.length import DAY, HOUR

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Places = NDArray[np.intp]


class Kind(NamedTuple):
    """A kind of fault.

    `acts_on`: the asset itself, its sensors' values, or what the device does with them.
    `over` is how long it grows (ms), `size` how large it is at severity 1, in `unit`; a kind
    without unit has no size.
    """

    name: str
    meaning: str
    acts_on: Literal["asset", "values", "device"]
    over: int = 0
    size: float = 0.0
    unit: str = ""


FAULTS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "compressor_failure",
            "the compressor loses this part of its capacity at once",
            "asset",
        ),
        Kind(
            "compressor_wear",
            "the compressor loses this part of its capacity slowly and evenly",
            "asset",
            over=2 * DAY,
        ),
        Kind(
            "refrigerant_leak",
            "this part of the charge leaks out; capacity falls with the square of the loss, "
            "so it is seen late",
            "asset",
            over=12 * HOUR,
        ),
        Kind("door_open", "a door stands open this far", "asset"),
        Kind(
            "wrong_set_point",
            "the set point is wrong by size times severity, which may be negative",
            "asset",
            size=10.0,
            unit="K",
        ),
        Kind("power_cut", "no power: neither compressor nor fans run", "asset"),
        Kind(
            "theft",
            "the door is forced, there is light and a shock, and what travels leaves its route "
            "at size times severity",
            "asset",
            size=50.0,
            unit="km/h",
        ),
        Kind(
            "sensor_drift",
            "temperatures are told too high by size times severity, which may be negative",
            "values",
            over=6 * HOUR,
            size=5.0,
            unit="K",
        ),
        Kind("frozen_value", "every value stays what it was", "values"),
        Kind(
            "spikes",
            "one reading in twenty (at severity 1) has temperatures wrong by size",
            "values",
            size=30.0,
            unit="K",
        ),
        Kind(
            "dead_battery",
            "the battery's voltage sags for twelve hours, then nothing is measured",
            "device",
        ),
        Kind(
            "lost_link",
            "nothing is sent; what was measured is sent as a backlog afterwards",
            "device",
        ),
        Kind(
            "clock_jump",
            "the device's clock is wrong by size times severity, which may be negative",
            "device",
            size=3600.0,
            unit="s",
        ),
        Kind(
            "duplicates",
            "this part of the messages is sent once more, up to size later",
            "device",
            size=30.0,
            unit="s",
        ),
        Kind(
            "reordering",
            "this part of the messages is sent up to size later, so behind others",
            "device",
            size=300.0,
            unit="s",
        ),
    )
}
"""Every kind of fault, by name."""

SPIKES = 0.05
"""Part of the readings that spikes spoil at severity 1."""
SAG = 12 * HOUR
"""How long a battery's voltage falls before it is dead, in ms."""


class Fault(NamedTuple):
    """One fault of one scenario. Times are ms since 1970; `end` is None where it never ends.

    `targets` are the places of assets or of devices, as the kind acts on them.
    """

    kind: Kind
    name: str
    begin: int
    end: int | None
    severity: float
    over: int
    size: float
    targets: Places

    def active(self, now: int) -> bool:
        """Say whether it is under way."""
        return self.begin <= now and (self.end is None or now < self.end)

    def degree(self, now: int) -> float:
        """Return how far it has come by now, 0 to its severity."""
        if not self.active(now):
            return 0.0
        return self.severity * (min(1.0, (now - self.begin) / self.over) if self.over else 1.0)


class Controls(NamedTuple):
    """What faults do to the assets: arrays of n, written into the physics before each step."""

    set_point: Floats
    powered: Booleans
    cooling: Floats
    door: Floats
    forced: Floats
    """0 to 1: light that a forced door lets in."""


def act(fault: Fault, now: int, controls: Controls) -> None:
    """Let a fault that acts on assets do so at this moment."""
    where, degree = fault.targets, fault.degree(now)
    match fault.kind.name:
        case "compressor_failure" | "compressor_wear":
            controls.cooling[where] *= 1.0 - degree
        case "refrigerant_leak":
            controls.cooling[where] *= 1.0 - degree**2
        case "door_open":
            controls.door[where] = np.maximum(controls.door[where], degree)
        case "wrong_set_point":
            controls.set_point[where] += degree * fault.size
        case "power_cut":
            controls.powered[where] = False
        case "theft":
            controls.door[where] = np.maximum(controls.door[where], degree)
            controls.forced[where] = np.maximum(controls.forced[where], degree)
        case other:
            raise ValueError(f"{other} does not act on assets")
