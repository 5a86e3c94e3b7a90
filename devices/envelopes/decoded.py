"""What LoRaWAN payload codecs call things: names and units of decoded values → channels.

Every vendor's codec chooses its own names. The table below holds the common ones, and those of
the normalised form (The Things Stack's schema of normalised payloads; air.temperature, …). Names
are compared without capitals; a number behind a name is a place, as in Cayenne's `temperature_2`.
Other names are ignored. What a codec calls otherwise can be declared.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.device import DecodeError
from devices.envelopes.document import (
    MAXIMUM_DEPTH,
    MAXIMUM_NUMBER,
    Document,
    describe,
    number,
)
from devices.envelopes.mapping import is_channel
from devices.reading import MAXIMUM_CHANNELS, QUANTITIES
from devices.units import SAME, conversion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_NAMES: dict[str, tuple[str, str]] = {
    name: (channel, unit)
    for channel, unit, names in (
        ("temperature", "°C", "temperature temp air_temperature air.temperature tempc_sht temp_c"),
        ("temperature", "°C", "temperaturesensor temperature_sensor tempc internaltemperature"),
        ("temperature.external", "°C", "externaltemperature external_temperature tempc_ds tempc1"),
        ("temperature.soil", "°C", "soil_temperature soil.temperature"),
        ("temperature.water", "°C", "water_temperature water.temperature"),
        ("temperature.water", "°C", "water.temperature.current"),
        ("humidity", "%", "humidity hum air_humidity air.relativehumidity hum_sht"),
        ("humidity", "%", "relative_humidity relativehumidity humiditysensor rh"),
        ("pressure", "hPa", "pressure barometric_pressure air.pressure barometer"),
        ("illuminance", "lx", "illuminance luminosity light ill_lx lux air.lightintensity"),
        ("illuminance", "lx", "illuminancesensor"),
        ("battery", "V", "battery batv bat_v battery_voltage batteryvoltage bat"),
        ("battery", "mV", "vdd bat_mv batmv battery_mv"),
        ("battery_level", "%", "battery_level batterylevel battery_percent battery_percentage"),
        ("co2", "ppm", "co2 air.co2 co2_concentration"),
        ("door", "", "door door_open_status dooropen door_open contact.open"),
        ("door", "", "action.contactstate"),
        ("leak", "", "leak water_leak waterleak water_leak_status water.leak"),
        ("motion", "", "motion action.motion.detected"),
        ("count.motion", "", "action.motion.count"),
        ("occupancy", "", "occupancy"),
        ("tamper", "", "tamper tamper_status tamperstatus"),
        ("moisture", "%", "moisture soil_moisture soil.moisture"),
        ("tvoc", "ppb", "tvoc"),
        ("distance", "mm", "distance_mm"),
        ("distance", "cm", "distance_cm"),
        ("latitude", "°", "latitude latitudedeg lat position.latitude gps.latitude"),
        ("longitude", "°", "longitude longitudedeg lon lng position.longitude gps.longitude"),
        ("speed", "km/h", "speed speedkmph"),
        ("heading", "°", "heading headingdeg"),
    )
    for name in names.split()
}
_WORDS = {
    **{
        ("door", word): state
        for word, state in (("open", 1.0), ("opened", 1.0), ("close", 0.0), ("closed", 0.0))
    },
    **{("leak", word): state for word, state in (("leak", 1.0), ("leaking", 1.0), ("dry", 0.0))},
    **{("motion", word): 1.0 for word in ("trigger", "triggered", "motion", "detected")},
    **{("occupancy", word): state for word, state in (("occupied", 1.0), ("vacant", 0.0))},
    **{("tamper", word): state for word, state in (("installed", 0.0), ("uninstalled", 1.0))},
    **{(what, "normal"): 0.0 for what in ("leak", "motion", "tamper")},
    **{
        (what, word): state
        for what in ("door", "leak", "motion", "occupancy", "tamper")
        for word, state in (("true", 1.0), ("false", 0.0), ("yes", 1.0), ("no", 0.0))
    },
}
"""What codecs say in words of what is or is not, by quantity."""
_NUMBERED = re.compile(r"(.*[^\d_.])[_.](\d{1,3})")
_GPS = re.compile(r"(?:gps|gpslocation)[_.]\d{1,3}\.(latitude|longitude)")


class Place(NamedTuple):
    """Where a codec gives a channel: its name for it, and its unit where that is not ours.

    A dot in the name leads into an object, or to a place in a list, counted from 0.
    """

    name: str
    unit: str = ""


def declared_channels(decoded: object, places: Mapping[str, Place]) -> dict[str, float]:
    """Return those channels that stand where somebody said. Raises DecodeError as `channels_of`."""
    found: dict[str, float] = {}
    for channel, place in places.items():
        there, value = _look_up(decoded, place.name)
        if there:
            unit = place.unit or QUANTITIES[channel.partition(".")[0]].unit
            found[channel] = _value(place.name, value, channel, unit)
    return found


def _look_up(node: object, name: str) -> tuple[bool, object]:
    """Return whether anything has this name, and what. A key may hold a dot itself."""
    if isinstance(node, list):
        first, _, rest = name.partition(".")
        if not (first.isascii() and first.isdigit() and int(first[:9]) < len(node)):
            return False, None
        inner = node[int(first[:9])]
        return _look_up(inner, rest) if rest else (True, inner)
    if not isinstance(node, dict):
        return False, None
    if name in node:
        return True, node[name]
    for place, mark in enumerate(name):
        if mark == "." and name[:place] in node:
            there, value = _look_up(node[name[:place]], name[place + 1 :])
            if there:
                return there, value
    return False, None


def channels_of(decoded: object, ignore: Collection[str] = ()) -> dict[str, float]:
    """Return the channels that a codec's output holds; empty where no name is known.

    `ignore`: names that are not looked at.

    Values may be numbers, numbers as text (some codecs round that way), true or false, words such
    as "open", null (NaN), or `{"value": …, "unit": …}`.
    Raises DecodeError where a known name holds anything else.
    """
    found: dict[str, float] = {}
    for name, value in _flat(decoded, ""):
        place = _channel(name)
        if place is None or name in ignore:
            continue
        channel, unit = place
        # Where two names mean one channel, the first in the message counts.
        if channel not in found:
            found[channel] = _value(name, value, channel, unit)
    if len(found) > MAXIMUM_CHANNELS:
        raise DecodeError(
            "too-many-channels",
            f"the decoded values hold {len(found)} channels, the limit is {MAXIMUM_CHANNELS}",
            "Let the codec return fewer of them",
        )
    return found


def unknown_names(decoded: object, codec: str) -> DecodeError:
    """Return the error for output in which no name is known."""
    names = [name for name, _ in _flat(decoded, "")]
    seen = ", ".join(repr(name[:40]) for name in names[:20]) or "none"
    return DecodeError(
        "no-channel",
        f"no decoded value has a name that is known; names seen: {seen}",
        f"Let the {codec} return values under plain names: {', '.join(QUANTITIES)}",
    )


def best_signal(receptions: object) -> dict[str, float]:
    """Return the strongest reception (`rssi`, dBm) as the channel `signal`, if there is one."""
    strengths = [
        each["rssi"]
        for each in (receptions if isinstance(receptions, list) else [])
        if isinstance(each, dict) and _is_number(each.get("rssi"))
    ]
    return {"signal": number(max(strengths), "rssi")} if strengths else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(node: object, prefix: str, left: int = MAXIMUM_DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield names and values. What lies deeper than a message may be is not looked at."""
    if not isinstance(node, dict) or left == 0:
        return
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "value" not in value:
            yield from _flat(value, f"{name}.", left - 1)
        else:
            yield name, value


def _channel(name: str) -> tuple[str, str] | None:
    low = name.lower()
    if is_channel(name) and name not in _NAMES:
        return name, QUANTITIES[name.partition(".")[0]].unit
    known = _NAMES.get(low)
    if known is not None:
        return known
    gps = _GPS.fullmatch(low)
    if gps is not None:
        return gps[1], "°"
    numbered = _NUMBERED.fullmatch(low)
    known = _NAMES.get(numbered[1]) if numbered is not None else None
    if numbered is None or known is None:
        return None
    channel, unit = known
    return (f"{channel}_{numbered[2]}" if "." in channel else f"{channel}.{numbered[2]}"), unit


def _value(name: str, value: object, channel: str, unit: str) -> float:
    if isinstance(value, dict):
        inner: Document = value
        unit = inner["unit"] if isinstance(inner.get("unit"), str) else unit
        value = inner["value"]
    if isinstance(value, bool):
        value = float(value)
    elif isinstance(value, str):
        word = _WORDS.get((channel.partition(".")[0], value.strip().lower()))
        value = _number_as_text(name, value) if word is None else word
    convert = SAME if unit == "" else conversion(channel, unit)
    if convert is None:
        raise DecodeError(
            "unknown-unit",
            f"{name!r} has the unit {unit[:20]!r}, which {channel} cannot have",
            f"Let the codec give {channel} in {QUANTITIES[channel.partition('.')[0]].unit}",
        )
    return convert.of(number(value, name))


def _number_as_text(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not abs(value) < MAXIMUM_NUMBER:
        raise DecodeError(
            "not-a-number",
            f"{name!r} is {describe(text)}, not a number",
            "Let the codec return a number, or null when the sensor has none",
        )
    return value
