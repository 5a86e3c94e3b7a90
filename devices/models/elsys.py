"""ELSYS: every sensor of theirs sends the same list of types, each with a value of known length.

The upper two bits of a type say how many bytes follow its value and tell how many seconds ago that
was. The port is set by whoever sets a device up, so it says nothing.
"""

from __future__ import annotations

import math
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from devices.errors import DecodeError
from devices.model import HOUR, MINUTE, Model, Sample

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE = 0x3F
_TIME_SIZES = (0, 1, 2, 4)
"""Bytes of the time, by the upper two bits of a type."""
_SETTINGS = 0x3E
"""What a device was set to: sent when it starts, and as long as it likes."""
_ONE_G = 63
_SECOND_PROBE = "temperature.external_2"
_MOST_PROBES = 9


class _Type(NamedTuple):
    """What stands behind a type: numbers, what each is, and how many of its steps are 1."""

    form: struct.Struct
    channels: tuple[str, ...] = ()
    scale: float = 1.0
    read: Callable[[tuple[Any, ...]], tuple[float, ...]] | None = None
    """How the values come from the numbers, where it is not by the scale."""


def _type(form: str, *channels: str, scale: float = 1.0) -> _Type:
    return _Type(struct.Struct(f">{form}"), channels, scale)


def _place(raw: tuple[bytes]) -> tuple[float, float]:
    """Read the one type whose bytes go upwards. Zeros are no place that it has found."""
    latitude, longitude = (int.from_bytes(raw[0][i : i + 3], "little", signed=True) for i in (0, 3))
    if latitude == longitude == 0:
        return math.nan, math.nan
    return latitude / 10_000, longitude / 10_000


def _wet(raw: tuple[int]) -> tuple[float]:
    """Read how often it was wet since the last message, and 100 more while it is.

    A leak that has come and gone was one.
    """
    return (float(raw[0] > 0),)


def _open(raw: tuple[int]) -> tuple[float]:
    """Read a magnet's switch: 1 is closed."""
    return (float(raw[0] == 0),)


# Without channels: we have no quantity for it.
_TYPES = {
    0x01: _type("h", "temperature", scale=10),
    0x02: _type("B", "humidity"),
    0x03: _type("3b", "acceleration.x", "acceleration.y", "acceleration.z", scale=_ONE_G),
    0x04: _type("H", "illuminance"),
    0x05: _type("B", "motion"),
    0x06: _type("H", "co2"),
    0x07: _type("H", "battery", scale=1000),
    0x08: _type("H", "voltage.analog_1", scale=1000),
    0x09: _Type(struct.Struct("6s"), ("latitude", "longitude"), read=_place),
    0x0A: _type("H", "count.pulse_1"),
    0x0B: _type("I", "count.pulse_1_total"),
    0x0C: _type("h", "temperature.external", scale=10),
    0x0D: _Type(struct.Struct("B"), ("door",), read=_open),
    0x0E: _type("H", "distance", scale=1000),
    0x0F: _type("B", "motion.acceleration"),
    0x10: _type("2h", "temperature.surface_sensor", "temperature.surface", scale=10),
    0x11: _type("B", "occupancy"),
    0x12: _Type(struct.Struct("B"), ("leak",), read=_wet),
    0x13: _type("65s"),  # a picture of 8 by 8 temperatures
    0x14: _type("I", "pressure", scale=1000),
    0x15: _type("2B", "sound.peak", "sound.average"),
    0x16: _type("H", "count.pulse_2"),
    0x17: _type("I", "count.pulse_2_total"),
    0x18: _type("H", "voltage.analog_2", scale=1000),
    0x19: _type("h", _SECOND_PROBE, scale=10),
    0x1A: _type("B"),  # a second switch
    0x1B: _type("i"),  # microvolts of a bridge, of either sign
    0x1C: _type("H", "tvoc"),
    0x3D: _type("I"),  # for their own use
}


def _decode(declared: frozenset[str], data: bytes, _port: int) -> list[Sample]:
    """Read a list of types. `declared` are the channels that the model has."""
    if not data:
        raise DecodeError("too-short", "the message is empty", "Check the sensor's settings")
    found: dict[int, dict[str, float]] = {}
    at = 0
    while at < len(data) and data[at] & _TYPE != _SETTINGS:
        at = _read(data, at, found)
    for channels in found.values():
        _keep(channels, declared)
    return [Sample(found[ago], ago * 1000) for ago in sorted(found, reverse=True) if found[ago]]


def _read(data: bytes, at: int, found: dict[int, dict[str, float]]) -> int:
    """Read the type at `at` into `found`, by seconds ago and channel; return where the next is."""
    kind = _TYPES.get(data[at] & _TYPE)
    if kind is None:
        detail = f"byte {at} is type {data[at] & _TYPE:#04x}, whose length nobody knows"
        cure = "Check that this is an ELSYS sensor, or use its maker's codec"
        raise DecodeError("unknown-type", detail, cure)
    behind = at + 1 + kind.form.size
    end = behind + _TIME_SIZES[data[at] >> 6]
    if end > len(data):
        detail = f"type {data[at] & _TYPE:#04x} at byte {at} ends at {end} of {len(data)} bytes"
        raise DecodeError("too-short", detail, "Check what shortens messages on the way")
    ago = int.from_bytes(data[behind:end], "big") if end > behind else 0
    channels = found.setdefault(ago, {})
    raw = kind.form.unpack_from(data, at + 1)
    values = kind.read(raw) if kind.read else raw
    for channel, value in zip(kind.channels, values, strict=False):  # none, where we have none
        channels[_free(channel, channels)] = value / kind.scale
    return end


def _free(channel: str, channels: dict[str, float]) -> str:
    """Return the name for a value: one more probe on the second line gets one more number."""
    if channel != _SECOND_PROBE or channel not in channels:
        return channel
    for number in range(3, _MOST_PROBES + 1):
        if f"temperature.external_{number}" not in channels:
            return f"temperature.external_{number}"
    detail = f"there are more than {_MOST_PROBES} temperatures of probes in one message"
    raise DecodeError("too-many-probes", detail, "Connect fewer probes, or use its maker's codec")


def _keep(channels: dict[str, float], declared: frozenset[str]) -> None:
    """Refuse what this model has no sensor for. A switch is a door where it was sold as one."""
    if "door" not in declared:
        channels.pop("door", None)
    if not channels.keys() <= declared:
        other = ", ".join(sorted(channels.keys() - declared))
        detail = f"it tells {other}, which this model does not measure"
        cure = "Say which model it is; elsys-elt-2 takes all but doors"
        raise DecodeError("other-model", detail, cure)


_OWN = ("temperature", "humidity", "battery")
# One profile often serves all rooms' sensors: each of the series is read by any entry of it.
_ROOM = (
    *_OWN,
    "illuminance",
    "motion",
    "co2",
    "occupancy",
    "temperature.surface",
    "temperature.surface_sensor",
    "sound.peak",
    "sound.average",
    "tvoc",
)
_PULSES = ("count.pulse_1", "count.pulse_1_total", "count.pulse_2", "count.pulse_2_total")
_MOVES = ("acceleration.x", "acceleration.y", "acceleration.z", "motion.acceleration")
_PROBES = tuple(f"temperature.external_{number}" for number in range(2, _MOST_PROBES + 1))
_ALL = (
    *_ROOM,
    *_MOVES,
    *_PULSES,
    "pressure",
    "voltage.analog_1",
    "voltage.analog_2",
    "distance",
    "leak",
    "latitude",
    "longitude",
    "temperature.external",
    *_PROBES,
)
_MOUNTED = (*_OWN, *_MOVES, *_PULSES, "door", "leak")


def _model(  # noqa: PLR0913 - what one entry differs in
    name: str,
    channels: tuple[str, ...],
    *,
    interval: int | None = 10 * MINUTE,
    hold: int | None = None,
    known_as: tuple[str, ...] = (),
    proven: Literal["published vectors", "data sheet", "unproven"] = "unproven",
) -> Model:
    plain = name.lower().replace(" ", "-")
    decode: Callable[[bytes, int], list[Sample]] = partial(_decode, frozenset(channels))
    return Model(
        id=f"elsys-{plain}",
        maker="ELSYS",
        name=name,
        data_sheet="ELSYS Sensor payload, 1.2; elsys.se/public/documents/Sensor_payload.pdf",
        decode=decode,
        channels=channels,
        interval=interval,
        hold=hold,
        known_as=(f"elsys/{plain}", *known_as),
        proven=proven,
    )


MODELS: tuple[Model, ...] = (
    _model("ERS", _ROOM, proven="published vectors"),
    _model("ERS Lite", _ROOM, proven="published vectors"),
    _model("ERS CO2", _ROOM, known_as=("ERS CO2 Lite",)),
    _model("ERS Eye", _ROOM),
    _model("ERS Sound", _ROOM),
    _model("ERS VOC", _ROOM),
    _model(
        "ELT-2",
        _ALL,
        known_as=("ELT", "ELT Lite", "ELT-2 Internal antenna"),
        proven="published vectors",
    ),
    _model("EMS", _MOUNTED, known_as=("EMS Lite",)),
    _model("EMS Door", _MOUNTED, interval=None, hold=HOUR, proven="published vectors"),
)
