"""Other people's units, turned into the one that each quantity has here."""

from __future__ import annotations

from typing import NamedTuple

from devices.reading import QUANTITIES


class Conversion(NamedTuple):
    """ours = (theirs - `zero`) * `factor`."""

    zero: float
    factor: float

    def of(self, value: float) -> float:
        """Return the value in our unit; untouched where theirs is ours."""
        return value if self == SAME else (value - self.zero) * self.factor


SAME = Conversion(0.0, 1.0)

_UNITS: dict[str, dict[str, Conversion]] = {
    "°C": {
        "°C": SAME,
        "Cel": SAME,
        "Celsius": SAME,
        "°F": Conversion(32.0, 5 / 9),
        "Fahrenheit": Conversion(32.0, 5 / 9),
        "K": Conversion(273.15, 1.0),
        "Kelvin": Conversion(273.15, 1.0),
    },
    "%RH": {"%": SAME, "%RH": SAME, "RH": SAME, "RH%": SAME, "%r.h.": SAME, "percent": SAME},
    "hPa": {
        "hPa": SAME,
        "mbar": SAME,
        "bar": Conversion(0.0, 1000.0),
        "kPa": Conversion(0.0, 10.0),
        "Pa": Conversion(0.0, 0.01),
    },
    "lx": {"lx": SAME, "lux": SAME},
    "g": {"g": SAME, "m/s²": Conversion(0.0, 1 / 9.80665), "m/s2": Conversion(0.0, 1 / 9.80665)},
    "V": {"V": SAME, "volt": SAME, "mV": Conversion(0.0, 0.001)},
    "%": {"%": SAME, "percent": SAME},
    "dBm": {"dBm": SAME},
    "ppm": {"ppm": SAME},
    "km/h": {"km/h": SAME, "kmh": SAME, "m/s": Conversion(0.0, 3.6), "kn": Conversion(0.0, 1.852)},
    "°": {"°": SAME, "deg": SAME},
    "ppb": {"ppb": SAME, "ppm": Conversion(0.0, 1000.0)},
    "dB": {"dB": SAME, "dBA": SAME, "dB(A)": SAME},
    "m": {"m": SAME, "cm": Conversion(0.0, 0.01), "mm": Conversion(0.0, 0.001)},
    "s": {"s": SAME, "ms": Conversion(0.0, 0.001), "min": Conversion(0.0, 60.0)},
    "A": {"A": SAME, "mA": Conversion(0.0, 0.001)},
    "W": {"W": SAME, "kW": Conversion(0.0, 1000.0)},
    "kWh": {"kWh": SAME, "Wh": Conversion(0.0, 0.001)},
    "": {},
}
"""For each unit of ours: those that can be turned into it, as people write them."""


def _short(unit: str, ours: str) -> str:
    short = "".join(unit.split()).lower()
    if ours == "°C":
        short = short.lstrip("°º").removeprefix("deg").lstrip(".")
    return short


_SHORT = {
    ours: {_short(unit, ours): convert for unit, convert in units.items()}
    for ours, units in _UNITS.items()
}


def conversion(channel: str, unit: str) -> Conversion | None:
    """Return how a value in `unit` becomes one of the channel, None where it cannot.

    The degree sign, spaces and capitals do not matter. A channel that is not known is a KeyError.
    """
    ours = QUANTITIES[channel.partition(".")[0]].unit
    if not unit and ours in {"", "°"}:
        return SAME
    return _SHORT[ours].get(_short(unit, ours))


def units_of(channel: str) -> str:
    """Return the units that are known for a channel, as words for an error."""
    return ", ".join(_UNITS[QUANTITIES[channel.partition(".")[0]].unit]) or "no unit"
