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
        "c": SAME,
        "cel": SAME,
        "celsius": SAME,
        "f": Conversion(32.0, 5 / 9),
        "fahrenheit": Conversion(32.0, 5 / 9),
        "k": Conversion(273.15, 1.0),
        "kelvin": Conversion(273.15, 1.0),
    },
    "%RH": {"%": SAME, "%rh": SAME, "rh": SAME, "rh%": SAME, "%r.h.": SAME, "percent": SAME},
    "hPa": {
        "hpa": SAME,
        "mbar": SAME,
        "bar": Conversion(0.0, 1000.0),
        "kpa": Conversion(0.0, 10.0),
        "pa": Conversion(0.0, 0.01),
    },
    "lx": {"lx": SAME, "lux": SAME},
    "g": {"g": SAME, "m/s²": Conversion(0.0, 1 / 9.80665), "m/s2": Conversion(0.0, 1 / 9.80665)},
    "V": {"v": SAME, "volt": SAME, "mv": Conversion(0.0, 0.001)},
    "%": {"%": SAME, "percent": SAME},
    "dBm": {"dbm": SAME},
    "ppm": {"ppm": SAME},
    "km/h": {"km/h": SAME, "kmh": SAME, "m/s": Conversion(0.0, 3.6), "kn": Conversion(0.0, 1.852)},
    "°": {"°": SAME, "deg": SAME, "": SAME},
    "": {"": SAME},
}


def conversion(channel: str, unit: str) -> Conversion | None:
    """Return how a value in `unit` becomes one of the channel, None where it cannot.

    The degree sign, spaces and capitals do not matter. A channel that is not known is a KeyError.
    """
    ours = QUANTITIES[channel.partition(".")[0]].unit
    short = "".join(unit.split()).lower()
    if ours == "°C":
        short = short.lstrip("°º").removeprefix("deg").lstrip(".")
    return _UNITS[ours].get(short)


def units_of(channel: str) -> str:
    """Return the units that are known for a channel, as words for an error."""
    return ", ".join(_UNITS[QUANTITIES[channel.partition(".")[0]].unit])
