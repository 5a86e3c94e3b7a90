"""Dew: when moist air meets something colder."""

from __future__ import annotations

import math

import msgspec

_A, _B = 17.62, 243.12


def dew_point(temperature: float, humidity: float) -> float:
    """Return at which °C air of this temperature (°C) and humidity (%RH) gives off water.

    WMO No. 8, Annex 4.B, over water; good to some hundredths from -45 to 60 °C.
    """
    if humidity <= 0:
        return -_B
    gamma = math.log(humidity / 100) + _A * temperature / (_B + temperature)
    return _B * gamma / (_A - gamma)


class Dew(msgspec.Struct, array_like=True, gc=False):
    """How far a surface is colder than the dew point of the air, °C: its level. Above 0 it sweats.

    `fixed` is the surface's temperature where it is not measured, else NaN. Of air, humidity and
    surface the last values are kept, with their times (ms): they need not come together.
    """

    fixed: float
    level: float = math.nan
    values: list[float] = msgspec.field(default_factory=lambda: [math.nan] * 3)
    times: list[int] = msgspec.field(default_factory=lambda: [0] * 3)

    def take(self, when: int, value: tuple[float, ...], hold: int) -> float:
        """Take air (°C), humidity (%RH) and, unless it is fixed, surface (°C)."""
        for place, one in enumerate(value):
            if not math.isnan(one):
                self.values[place], self.times[place] = one, when
            elif when - self.times[place] > hold:
                self.values[place] = math.nan
        air, humidity, surface = self.values
        if not math.isnan(self.fixed):
            surface = self.fixed
        # What is not known makes this NaN by itself.
        self.level = dew_point(air, humidity) - surface
        return self.level
