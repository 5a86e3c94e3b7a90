"""What Dragino's sensors send, written from their manuals."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from simulators.encoders.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABSENT = 0x7FFF
_BATTERY_GOOD = 0b11 << 14
_FIRMWARE_1_6 = 4


def _scaled(value: float, steps: int) -> int:
    """Return a value in whole steps of 1/steps, as it travels."""
    return round(value * steps)


def _celsius(value: float, steps: int = 100) -> int:
    return _ABSENT if math.isnan(value) else _scaled(value, steps)


def _lht65(values: Mapping[str, float]) -> bytes:
    """Encode an LHT65 with its E1 probe. The last two bytes mean nothing."""
    return struct.pack(
        ">HhHBhH",
        _BATTERY_GOOD | _scaled(values["battery"], 1000),
        _celsius(values["temperature"]),
        _scaled(values["humidity"], 10),
        1,
        _celsius(values["temperature.external"]),
        0x7FFF,
    )


def _lht52(values: Mapping[str, float]) -> bytes:
    """Encode an LHT52 whose clock nobody has set: its time is zero."""
    return struct.pack(
        ">hHhBI",
        _celsius(values["temperature"]),
        _scaled(values["humidity"], 10),
        _celsius(values["temperature.external"]),
        1,
        0,
    )


def _lgt92(values: Mapping[str, float]) -> bytes:
    """Encode an LGT-92 of firmware 1.6, with HDOP and altitude at the end."""
    latitude, longitude = values["latitude"], values["longitude"]
    fix = not math.isnan(latitude + longitude)
    place = [_scaled(latitude, 1_000_000), _scaled(longitude, 1_000_000)] if fix else [0, 0]
    if fix and place == [0, 0]:
        place[0] = -1 if latitude < 0 else 1  # 11 cm away, for zeros say that there is no fix
    moving_and_lit = 0b01 << 6 | 1 << 5
    return struct.pack(
        ">iiHBhhBh",
        *place,
        _scaled(values["battery"], 1000),
        moving_and_lit | _FIRMWARE_1_6,
        _scaled(values["tilt.roll"], 100),
        _scaled(values["tilt.pitch"], 100),
        120,
        0,
    )


def _s31(values: Mapping[str, float]) -> bytes:
    """Encode an LSN50v2-S31 in its own mode, with what it does not use at zero."""
    return struct.pack(
        ">HIBhH",
        _scaled(values["battery"], 1000),
        0,
        0,
        _celsius(values["temperature"], 10),
        _scaled(values["humidity"], 10),
    )


def _lds02(values: Mapping[str, float]) -> bytes:
    """Encode an LDS02 at a door, without an alarm."""
    state = round(values["door"]) << 15 | _scaled(values["battery"], 1000)
    openings = round(values["count.door"]).to_bytes(3, "big")
    minutes = round(values["duration.door"] / 60).to_bytes(3, "big")
    return struct.pack(">HB", state, 1) + openings + minutes + b"\0"


_CELL = (2.1, 3.6, 0.001)
_AIR = (-40.0, 125.0, 0.01)
_PROBE = (-55.0, 125.0, 0.01)
_HUMIDITY = (0.0, 100.0, 0.1)
_LHT65 = {
    "temperature": _AIR,
    "humidity": _HUMIDITY,
    "battery": _CELL,
    "temperature.external": _PROBE,
}

ENCODERS: tuple[Encoder, ...] = (
    Encoder("dragino-lht65", 2, _LHT65, _lht65, frozenset({"battery", "humidity"})),
    Encoder("dragino-lht65n", 2, _LHT65, _lht65, frozenset({"battery", "humidity"})),
    Encoder(
        "dragino-lht52",
        2,
        {"temperature": _AIR, "humidity": _HUMIDITY, "temperature.external": _PROBE},
        _lht52,
        frozenset({"humidity"}),
    ),
    Encoder(
        "dragino-lgt92",
        2,
        {
            "latitude": (-90.0, 90.0, 2e-6),
            "longitude": (-180.0, 180.0, 1e-6),
            "battery": (2.8, 4.2, 0.001),
            "tilt.roll": (-180.0, 180.0, 0.01),
            "tilt.pitch": (-90.0, 90.0, 0.01),
        },
        _lgt92,
        frozenset({"battery", "tilt.roll", "tilt.pitch"}),
    ),
    Encoder(
        "dragino-lsn50v2-s31",
        2,
        {"temperature": (-40.0, 125.0, 0.1), "humidity": _HUMIDITY, "battery": _CELL},
        _s31,
        frozenset({"humidity", "battery"}),
    ),
    Encoder(
        "dragino-lds02",
        10,
        {
            "door": (0.0, 1.0, 1.0),
            "battery": _CELL,
            "count.door": (0.0, 16_777_215.0, 1.0),
            "duration.door": (0.0, 16_777_215.0 * 60, 60.0),
        },
        _lds02,
        frozenset({"door", "battery", "count.door", "duration.door"}),
    ),
)
