"""What a make of device is: who sells it, what it measures, and how its own bytes are read.

A model is a declaration. Most are one, in the file of their family; what cannot be declared is a
function from bytes to samples beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from devices.reading import QUANTITIES

MINUTE = 60_000
HOUR = 60 * MINUTE
"""In milliseconds."""


class Sample(NamedTuple):
    """What a device measured at one moment.

    `channels`: channel → value in the quantity's unit, NaN where the device says that it has none.
    When it was: `at` (ms since 1970, UTC) of a device with a clock, else `ago` ms before the
    message, 0 for now.
    """

    channels: dict[str, float]
    ago: int = 0
    at: int | None = None


Decoder = Callable[[bytes, int], list[Sample]]
"""decode(data, port) → samples, the newest last. `port` is LoRaWAN's FPort, 0 where there is none.

An empty list means: understood, and carries no measurement. Raises DecodeError and nothing else.
"""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue. Raises ValueError where it contradicts itself."""

    id: str
    """Maker and name, as in `dragino-lht65`: what settings and commands call it."""
    maker: str
    name: str
    data_sheet: str
    """Title and edition of what the decoder was written from, and where it lies."""
    decode: Decoder
    channels: tuple[str, ...]
    """All that it can send."""
    interval: int | None
    """Its usual time between readings as shipped, ms; None where it sends on change."""
    hold: int | None = None
    """Of one that sends on change: how long (ms) a value holds at most, since it would have been
    heard from by then. A life sign of its own, as a rule."""
    battery: tuple[tuple[float, float], ...] = ()
    """Volts → percent of what it holds, rising; empty where it sends percent or has no battery."""
    low_battery: float | None = None
    """Volts at which the maker says to change it; percent where it sends percent."""
    weak_signal: float = -115.0
    """dBm under which messages are soon lost."""
    known_as: tuple[str, ...] = ()
    """Names by which servers and device profiles know it, such as `dragino/lht65`. Capitals, spaces
    and marks do not matter; maker and name, and the name alone, need not be said."""
    proven: Literal["published vectors", "data sheet", "unproven"] = "unproven"
    """What its decoder was held against."""

    def __post_init__(self) -> None:
        """Refuse a declaration that cannot be meant."""
        unknown = [one for one in self.channels if one.partition(".")[0] not in QUANTITIES]
        if unknown:
            raise ValueError(f"{self.id}: there is no quantity for {', '.join(unknown)}")
        if (self.interval is None) == (self.hold is None):
            raise ValueError(f"{self.id}: give interval, or for one that sends on change hold")
        if list(self.battery) != sorted(self.battery):
            raise ValueError(f"{self.id}: its battery curve must rise")

    @property
    def longest(self) -> int:
        """Return how long (ms) it may say nothing and be well: its interval, or its hold."""
        return self.interval or self.hold or 0

    def charge(self, volts: float) -> float | None:
        """Return what percent its battery holds at a voltage, None where nobody knows."""
        if not self.battery or volts != volts:  # noqa: PLR0124 - NaN alone differs from itself
            return None
        low, high = self.battery[0], self.battery[-1]
        if not low[0] < volts < high[0]:
            return low[1] if volts <= low[0] else high[1]
        for (v1, p1), (v2, p2) in zip(self.battery, self.battery[1:], strict=False):
            if volts <= v2:
                return p1 + (p2 - p1) * (volts - v1) / (v2 - v1)
        return high[1]


def plain_name(text: str) -> str:
    """Return a name without capitals, spaces and marks: `Dragino LHT-65` is `draginolht65`."""
    return "".join(one for one in text.lower() if one.isalnum())
