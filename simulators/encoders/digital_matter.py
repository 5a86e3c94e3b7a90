"""What Digital Matter's Oyster sends. Source: Oyster LoRaWAN Integration, uplink on port 1."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from simulators.encoders.encoder import Encoder

_PLACE = ("latitude", "longitude", "speed", "heading")


def _encode(values: Mapping[str, float]) -> bytes:
    """Without one of latitude, longitude, speed and heading the fix has failed, and none is new."""
    failed = any(math.isnan(values[channel]) for channel in _PLACE)
    latitude, longitude, speed, heading = (0.0 if failed else values[one] for one in _PLACE)
    flags = round(values["motion"]) | failed << 1 | round(heading / 5.625) << 2
    return struct.pack(
        "<iiBBB",
        round(latitude * 1e7),
        round(longitude * 1e7),
        flags,
        round(speed),
        round(values["battery"] / 0.025),
    )


ENCODERS: tuple[Encoder, ...] = (
    Encoder(
        "digital-matter-oyster",
        1,
        {
            "latitude": (-90.0, 90.0, 1e-7),
            "longitude": (-180.0, 180.0, 1e-7),
            "speed": (0.0, 255.0, 1.0),
            "heading": (0.0, 354.375, 5.625),
            "motion": (0.0, 1.0, 1.0),
            "battery": (0.0, 6.375, 0.025),
        },
        _encode,
        frozenset({"motion", "battery"}),
    ),
)
