"""What Laird's RS1xx sends. Source: RS1xx LoRa Protocol, v2.7: "Send Temp RH Data Notification"."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simulators.encoders.encoder import Encoder

_STEPS = (5, 20, 40, 60, 80)
"""Percent of the battery at which its capacity goes one step up."""


def _pair(value: float) -> bytes:
    """Hundredths, then the whole; both have the sign."""
    hundredths = round(abs(value) * 100)
    sign = -1 if value < 0 else 1
    return bytes([sign * (hundredths % 100) & 0xFF, sign * (hundredths // 100) & 0xFF])


def _encode(values: Mapping[str, float]) -> bytes:
    """Without one of temperature and humidity the sensor is at fault, and both mean nothing."""
    fault = math.isnan(values["temperature"]) or math.isnan(values["humidity"])
    climate = bytes(4) if fault else _pair(values["humidity"]) + _pair(values["temperature"])
    level = values["battery_level"]
    step = 0xFF if math.isnan(level) else sum(level >= least for least in _STEPS)
    return bytes([1, 16 if fault else 0]) + climate + bytes([step]) + bytes(4)


ENCODERS: tuple[Encoder, ...] = (
    Encoder(
        "laird-rs1xx",
        1,
        {
            "temperature": (-40.0, 85.0, 0.01),
            "humidity": (0.0, 100.0, 0.01),
            "battery_level": (0.0, 80.0, 40.0),
        },
        _encode,
    ),
)
