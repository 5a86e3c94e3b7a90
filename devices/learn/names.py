"""What a key or a topic's level measures: by its name, its unit, and whether its values can be.

Names are compared by their words: `tempProbeF` is temp, probe, F. One word says the quantity,
one the unit, and what is left is the place. What a codec may call things (`decoded`) is known too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from devices.device import DecodeError
from devices.envelopes.decoded import channels_of
from devices.envelopes.measured import place_of
from devices.learn.heard import words
from devices.reading import QUANTITIES
from devices.units import SAME, conversion

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUANTITIES: dict[str, str] = {
    word: quantity
    for quantity, names in (
        ("temperature", "temperature temp tmp t temperatur tempc tempf tc"),
        ("humidity", "humidity hum humi humid rh h relh"),
        ("pressure", "pressure press pres baro barometer barometric p"),
        ("illuminance", "illuminance lux light lum luminosity illum luminance"),
        ("battery", "battery bat batt vbat vbatt batv vdd"),
        ("battery_level", "soc"),
        ("voltage", "voltage volt volts"),
        ("signal", "rssi signal"),
        ("co2", "co2 eco2 carbondioxide"),
        ("oxygen", "oxygen o2"),
        ("door", "door opened"),
        ("leak", "leak leakage flood"),
        ("tamper", "tamper"),
        ("motion", "motion pir"),
        ("occupancy", "occupancy presence"),
        ("latitude", "latitude lat"),
        ("longitude", "longitude lon lng"),
        ("speed", "speed velocity"),
        ("heading", "heading course bearing"),
        ("set_point", "setpoint target"),
        ("moisture", "moisture soilmoisture"),
        ("count", "pulses pulse"),
        ("tilt", "tilt"),
        ("acceleration", "acceleration accel acc"),
        ("tvoc", "tvoc voc"),
        ("sound", "noise sound"),
        ("distance", "distance dist"),
        ("current", "current"),
        ("power", "power"),
        ("energy", "energy"),
    )
    for word in names.split()
}
_UNITS = {
    **dict.fromkeys(("c", "celsius", "degc", "cel"), "°C"),
    **dict.fromkeys(("f", "fahrenheit", "degf"), "°F"),
    **dict.fromkeys(("k", "kelvin"), "K"),
    **dict.fromkeys(("pct", "percent", "perc", "percentage", "pc"), "%"),
    **dict.fromkeys(("v", "volt", "volts"), "V"),
    **{unit.lower(): unit for unit in ("Pa", "hPa", "kPa", "mbar", "bar", "mV", "ppm", "ppb")},
    **{unit.lower(): unit for unit in ("lx", "lux", "dBm", "mm", "cm", "m", "km/h", "W", "kW")},
    **{unit.lower(): unit for unit in ("Wh", "kWh", "mA", "A", "g", "dB", "deg")},
    "kmh": "km/h",
    "kph": "km/h",
}
_WITH_UNIT = {"tempc": "°C", "tempf": "°F", "tc": "°C", "vbat": "V", "vbatt": "V", "batv": "V"}
_FILLERS = frozenset(
    words(
        "sensor value val v current actual measured measurement reading data air strength level "
        "wifi concentration relative barometric atmospheric state"
    )
)
_NO_MEASUREMENT = frozenset(
    words(
        "min max avg mean offset limit threshold alarm alert calibration calib error err unit "
        "units interval delta hysteresis low high raw trend count cnt snr resolution type ok fault "
        "present status charging age id version"
    )
)
_SAME = {
    "battery": ("voltage",),
    "battery_level": ("battery", "voltage"),
    "set_point": ("temperature",),
    "moisture": ("soil",),
}
"""Words beside a quantity's own that say no place."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_NUMBER = re.compile(r"(.*?[a-z])(\d{1,3})")
_INNER = frozenset({"value", "val", "v", "state"})
"""A key in which an object keeps its value: what it measures is said by the key above."""


class Meaning(NamedTuple):
    """What a name says. `unit`: "" where it says none. `sure`: no guess by one letter."""

    quantity: str
    unit: str
    place: str
    sure: bool


class Placed(NamedTuple):
    """Where a key's values go. `unit`: "" where it is ours. `note`: what a person should check."""

    channel: str
    unit: str
    note: str = ""


class _Range(NamedTuple):
    """Values between these are of this quantity and unit; None: of nothing that is known."""

    lowest: float
    highest: float
    becomes: str | None
    unit: str = ""
    note: str = ""


_RANGES: dict[str, tuple[_Range, ...]] = {
    "battery": (
        _Range(0, 5, "battery"),
        _Range(0, 100, "battery_level", note="over 5, so percent; volts would be `battery`"),
        _Range(1000, 60_000, "battery", "mV", "over 1000, so millivolts"),
    ),
    "voltage": (
        _Range(-1000, 1000, "voltage"),
        _Range(1000, 1e6, "voltage", "mV", "over 1000, so millivolts"),
    ),
    "pressure": (
        _Range(300, 1200, "pressure"),
        _Range(30_000, 120_000, "pressure", "Pa", "air has these values in Pa"),
        _Range(30, 120, "pressure", "kPa", "air has these values in kPa"),
        _Range(0.3, 1.2, "pressure", "bar", "air has these values in bar"),
    ),
    "temperature": (
        _Range(
            60,
            150,
            "temperature",
            note='rather warm; if it is Fahrenheit, add units = { temperature = "°F" }',
        ),
        _Range(-200, 150, "temperature"),
        _Range(200, 400, "temperature", "K", "over 200, so kelvin"),
    ),
    "signal": (
        _Range(-200, 0, "signal"),
        _Range(-200, 1e6, None, note="a signal in dBm is below 0: this may be a share, or bars"),
    ),
    "humidity": (
        _Range(0, 0, "humidity"),
        _Range(0, 0.999, None, note="a share of 1, and not percent? A mapping does not scale"),
        _Range(0, 100, "humidity"),
    ),
}
"""What values say of a unit that nothing else says. The first range that holds all counts."""


def meaning(path: Sequence[str]) -> Meaning | None:
    """Return what the names of a path say, None where no quantity is known by them."""
    if not path:
        return None
    name = path[-1]
    if len(path) > 1 and name.lower() in _INNER:
        return meaning(path[:-1])
    parts = [word.lower() for word in _WORDS.findall(name)]
    if _NO_MEASUREMENT & set(parts):
        return None
    known, found = _as_codecs_say(name), _by_words(parts)
    if known is not None and (found is None or not found.unit or known.unit):
        return known
    return found or _as_codecs_say(".".join(path))


def _by_words(parts: list[str]) -> Meaning | None:
    numbered: list[str] = []
    for word in parts:
        match = None if word in _QUANTITIES or word in _UNITS else _NUMBER.fullmatch(word)
        numbered += [word] if match is None else [match[1], match[2]]
    unit = ""
    if len(numbered) > 1 and numbered[-1] in _UNITS:
        unit = _UNITS[numbered.pop()]
    if "set" in numbered and {"point", "temp", "temperature"} & set(numbered):
        numbered = [one for one in numbered if one not in {"set", "point"}] + ["setpoint"]
    known = [one for one in numbered if one in _QUANTITIES]
    if not known:
        return None
    word = known[-1]
    quantity = _QUANTITIES[word]
    of = {_QUANTITIES[one] for one in known}
    if "battery" in of and of <= {"battery", "voltage"}:
        quantity, unit = "battery", unit or ("V" if "voltage" in of else "")
    if "set_point" in of:
        quantity = "set_point"
    if quantity == "battery" and ("level" in numbered or unit == "%"):
        quantity, unit = "battery_level", ""
    same = {quantity, *_SAME.get(quantity, ())}
    rest = [
        one
        for one in numbered
        if one not in _FILLERS and one not in same and _QUANTITIES.get(one) not in same
    ]
    unit = unit or _WITH_UNIT.get(word, "")
    if unit and conversion(quantity, unit) is None:
        # No unit of it: it is a place, as in accel_g or humidity_c.
        unit = ""
    return Meaning(quantity, unit, place_of("_".join(rest)), len(word) > 1)


def _as_codecs_say(name: str) -> Meaning | None:
    try:
        found = channels_of({name: 1.0})
    except DecodeError:
        return None
    if len(found) != 1:
        return None
    ((channel, value),) = found.items()
    units = ("", *("mV", "cm", "mm"))
    unit = next(
        one
        for one in units
        if value == ((SAME if not one else conversion(channel, one)) or SAME).of(1.0)
    )
    quantity, _, place = channel.partition(".")
    return Meaning(quantity, unit, place, sure=True)


def fits(found: Meaning, unit: str, values: Sequence[float]) -> Placed | str:
    """Return the channel (without its place) that values go to, or words why to none.

    `unit`: what the payload itself says of its unit, "" where nothing.
    """
    quantity, unit = found.quantity, found.unit or unit.strip()
    unit = _UNITS.get(unit.lower(), unit)
    note = "" if found.sure else "a guess by one letter and the values"
    if unit and conversion(quantity, unit) is None:
        return f"its unit is {unit!r}, which {quantity} cannot have here"
    if not values:
        return Placed(quantity, unit, note)
    if not unit:
        guess = _by_range(quantity, min(values), max(values))
        if isinstance(guess, str):
            return guess
        quantity, unit, more = guess
        note = more or note
    convert = (conversion(quantity, unit) if unit else SAME) or SAME
    lowest, highest = QUANTITIES[quantity].lowest, QUANTITIES[quantity].highest
    wrong = next((one for one in values if not lowest <= convert.of(one) <= highest), None)
    if wrong is not None:
        return (
            f"{quantity} lies between {lowest:g} and {highest:g} {QUANTITIES[quantity].unit}: "
            "is it in hundredths, or something else? A mapping does not scale"
        )
    return Placed(quantity, "" if convert == SAME else unit, note)


def _by_range(quantity: str, low: float, high: float) -> Placed | str:
    """Return quantity and unit of values that come without a unit; or why none fits."""
    for one in _RANGES.get(quantity, ()):
        if one.lowest <= low and high <= one.highest:
            if one.becomes is None:
                return one.note
            return Placed(one.becomes, one.unit, one.note)
    # Whether they can be true at all is seen later.
    return Placed(quantity, "")
