"""What can be measured: from which true quantity of an asset each channel comes, how well.

The default make of a sensor is that of a digital one (Sensirion SHT3x: repeatability 0.04 °C and
0.08 %RH, both three standard deviations; resolution 0.01; response of humidity 8 s in moving
air), told to a tenth as loggers of class 1 do, in a housing that needs minutes to follow.
"""

from __future__ import annotations

from typing import NamedTuple

AIRS = ("return_air", "supply_air", "cargo", "cargo_surface", "wall", "outside")
"""The temperatures of an asset, °C."""

SOURCES = (
    *AIRS,
    *("humidity", "door", "illuminance", "acceleration", "set_point"),
    *("latitude", "longitude", "speed", "battery"),
)
"""All true quantities, in the order in which a simulation keeps them."""


class Make(NamedTuple):
    """How well a quantity is measured: noise is a standard deviation, lag is in seconds."""

    noise: float
    resolution: float
    lag: float


MAKES: dict[str, Make] = {
    "temperature": Make(0.03, 0.1, 60.0),
    "humidity": Make(0.2, 0.1, 8.0),
    "door": Make(0.0, 1.0, 0.0),
    "illuminance": Make(0.5, 1.0, 0.0),
    "acceleration": Make(0.01, 0.01, 0.0),
    "set_point": Make(0.0, 0.1, 0.0),
    "latitude": Make(2e-5, 1e-5, 0.0),  # two metres, as GNSS receivers have under open sky
    "longitude": Make(2e-5, 1e-5, 0.0),
    "speed": Make(0.3, 0.1, 0.0),
    "battery": Make(0.002, 0.001, 0.0),
}
"""By quantity."""

CHANNELS: dict[str, tuple[str, ...]] = {
    "temperature": ("",),  # what `measures` says
    "temperature.external": ("",),  # what `probe` says
    **{f"temperature.{air}": (air,) for air in AIRS},
    **{
        name: (name,) for name in SOURCES if name in MAKES and name not in {"latitude", "longitude"}
    },
    "position": ("latitude", "longitude"),
}
"""The channels that a device may have, and the sources of each."""
