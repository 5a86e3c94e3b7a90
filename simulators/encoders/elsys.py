"""What ELSYS' sensors send, written from their payload document: a list of types and values."""

from __future__ import annotations

import math
import struct
from functools import partial
from typing import TYPE_CHECKING

from simulators.encoders.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DATA_PORT = 5

# Type, what it tells, the form of its numbers, and how many steps of it are 1.
_FIELDS: tuple[tuple[int, tuple[str, ...], str, int], ...] = (
    (0x01, ("temperature",), "h", 10),
    (0x02, ("humidity",), "B", 1),
    (0x03, ("acceleration.x", "acceleration.y", "acceleration.z"), "bbb", 63),
    (0x04, ("illuminance",), "H", 1),
    (0x05, ("motion",), "B", 1),
    (0x06, ("co2",), "H", 1),
    (0x07, ("battery",), "H", 1000),
    (0x0B, ("count.pulse_1_total",), "I", 1),
    (0x0C, ("temperature.external",), "h", 10),
    (0x0F, ("motion.acceleration",), "B", 1),
    (0x10, ("temperature.surface_sensor", "temperature.surface"), "hh", 10),
    (0x11, ("occupancy",), "B", 1),
    (0x14, ("pressure",), "I", 1000),
    (0x15, ("sound.peak", "sound.average"), "BB", 1),
    (0x1C, ("tvoc",), "H", 1),
)
_DIGITAL = 0x0D

_RANGES = {
    "temperature": (-40.0, 85.0, 0.1),
    "humidity": (0.0, 100.0, 1.0),
    "acceleration.x": (-2.0, 2.0, 1 / 63),
    "acceleration.y": (-2.0, 2.0, 1 / 63),
    "acceleration.z": (-2.0, 2.0, 1 / 63),
    "illuminance": (0.0, 65_535.0, 1.0),
    "motion": (0.0, 255.0, 1.0),
    "co2": (0.0, 10_000.0, 1.0),
    "battery": (2.1, 3.7, 0.001),
    "count.pulse_1_total": (0.0, 4_294_967_295.0, 1.0),
    "temperature.external": (-55.0, 125.0, 0.1),
    "motion.acceleration": (0.0, 255.0, 1.0),
    "temperature.surface": (-40.0, 125.0, 0.1),
    "temperature.surface_sensor": (-40.0, 85.0, 0.1),
    "occupancy": (0.0, 2.0, 1.0),
    "pressure": (300.0, 1100.0, 0.001),
    "sound.peak": (0.0, 120.0, 1.0),
    "sound.average": (0.0, 120.0, 1.0),
    "tvoc": (0.0, 65_535.0, 1.0),
    "door": (0.0, 1.0, 1.0),
}


def _encode(sent: frozenset[str], values: Mapping[str, float]) -> bytes:
    """Encode what a model sends. What it has no value of is not in the list."""
    payload = b""
    for kind, channels, form, steps in _FIELDS:
        if not sent.issuperset(channels):
            continue
        numbers = [values[channel] for channel in channels]
        if not any(map(math.isnan, numbers)):
            payload += struct.pack(f">B{form}", kind, *(round(one * steps) for one in numbers))
    if "door" in sent and not math.isnan(values["door"]):
        closed = 1 - round(values["door"])
        payload += bytes((_DIGITAL, closed))
    return payload


def _encoder(model: str, channels: Iterable[str]) -> Encoder:
    sent = frozenset(channels)
    ranges = {channel: limits for channel, limits in _RANGES.items() if channel in sent}
    return Encoder(model, _DATA_PORT, ranges, partial(_encode, sent), frozenset({"battery"}))


_AIR = ("temperature", "humidity", "battery")
_ROOM = (*_AIR, "illuminance", "motion")
_MOVED = ("acceleration.x", "acceleration.y", "acceleration.z", "motion.acceleration")

ENCODERS: tuple[Encoder, ...] = (
    _encoder("elsys-ers", _ROOM),
    _encoder("elsys-ers-lite", _AIR),
    _encoder("elsys-ers-co2", (*_ROOM, "co2")),
    _encoder(
        "elsys-ers-eye",
        (*_ROOM, "occupancy", "temperature.surface", "temperature.surface_sensor"),
    ),
    _encoder("elsys-ers-sound", (*_ROOM, "sound.peak", "sound.average")),
    _encoder("elsys-ers-voc", (*_ROOM, "tvoc")),
    _encoder("elsys-elt-2", (*_AIR, *_MOVED, "pressure", "temperature.external")),
    _encoder("elsys-ems", (*_AIR, *_MOVED, "door")),
    _encoder("elsys-ems-door", (*_MOVED, "battery", "count.pulse_1_total", "door")),
)
