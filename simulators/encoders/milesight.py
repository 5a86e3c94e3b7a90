"""What Milesight's sensors send: the parts that have a value, one after the other.

Source: user guides of EM300, EM320-TH and AM102, "Device Payload". Numbers are little-endian.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from simulators.encoders.encoder import Encoder

# Channel → its number and type, bytes, and how many of its steps make one.
_PARTS = {
    "battery_level": (b"\x01\x75", 1, 1),
    "temperature": (b"\x03\x67", 2, 10),
    "humidity": (b"\x04\x68", 1, 2),
    "door": (b"\x06\x00", 1, 1),
}


def _encode(values: Mapping[str, float]) -> bytes:
    message = b""
    for channel, (kind, size, per) in _PARTS.items():
        value = values.get(channel, math.nan)
        if not math.isnan(value):
            message += kind + round(value * per).to_bytes(size, "little", signed=value < 0)
    return message


def _encoder(model: str, lowest: float, highest: float, *, door: bool = False) -> Encoder:
    ranges = {
        "battery_level": (0.0, 100.0, 1.0),
        "temperature": (lowest, highest, 0.1),
        "humidity": (0.0, 100.0, 0.5),
    }
    return Encoder(model, 85, ranges | ({"door": (0.0, 1.0, 1.0)} if door else {}), _encode)


ENCODERS: tuple[Encoder, ...] = (
    _encoder("milesight-em300-th", -30.0, 70.0),
    _encoder("milesight-em300-mcs", -30.0, 70.0, door=True),
    _encoder("milesight-em320-th", -40.0, 60.0),
    _encoder("milesight-am102", -20.0, 60.0),
)
