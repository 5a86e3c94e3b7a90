"""What a RuuviTag advertises. Source: Ruuvi, "Data format 5 (RAWv2)" at docs.ruuvi.com."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from simulators.encoders.encoder import Encoder

ADDRESS = bytes.fromhex("CBB8334C884F")


def _field(value: float, per: float, offset: float, invalid: int) -> int:
    return invalid if math.isnan(value) else round((value - offset) * per)


def encode(
    values: Mapping[str, float], sequence: int | None = None, address: bytes = ADDRESS
) -> bytes:
    """Return the 24 bytes that begin with 05. `sequence`: 0 to 65534, or None for a tag without."""
    volts = _field(values["battery"], 1000, 1.6, 0x7FF)
    power = 22  # +4 dBm
    return (
        struct.pack(
            ">BhHHhhhHBH",
            5,
            _field(values["temperature"], 200, 0.0, -0x8000),
            _field(values["humidity"], 400, 0.0, 0xFFFF),
            _field(values["pressure"], 100, 500.0, 0xFFFF),
            _field(values["acceleration.x"], 1000, 0.0, -0x8000),
            _field(values["acceleration.y"], 1000, 0.0, -0x8000),
            _field(values["acceleration.z"], 1000, 0.0, -0x8000),
            volts << 5 | power,
            _field(values["count.movement"], 1, 0.0, 0xFF),
            0xFFFF if sequence is None else sequence,
        )
        + address
    )


def advertisement(data: bytes) -> bytes:
    """Return the raw advertisement that carries these 24 bytes: flags, then Ruuvi's own field."""
    return bytes([2, 1, 6, len(data) + 3, 0xFF, 0x99, 0x04]) + data


ENCODERS: tuple[Encoder, ...] = (
    Encoder(
        "ruuvi-ruuvitag",
        0,
        {
            "temperature": (-163.835, 163.835, 0.005),
            "humidity": (0.0, 163.835, 0.0025),
            "pressure": (500.0, 1155.34, 0.01),
            "acceleration.x": (-32.767, 32.767, 0.001),
            "acceleration.y": (-32.767, 32.767, 0.001),
            "acceleration.z": (-32.767, 32.767, 0.001),
            "battery": (1.6, 3.646, 0.001),
            "count.movement": (0.0, 254.0, 1.0),
        },
        encode,
    ),
)
