"""RuuviTag: Bluetooth advertisements in data format 5.

Source: Ruuvi, "Data format 5 (RAWv2)" and "Bluetooth advertisements", at docs.ruuvi.com; Bluetooth
Core Specification, Supplement, part A (structures of an advertisement). All big-endian, apart from
the number of the company. The transmission power that a tag says of itself is left out: nothing
here asks for it.
"""

from __future__ import annotations

import math
import struct

from devices.errors import DecodeError
from devices.model import Model, Sample

COMPANY = 0x0499
"""Ruuvi's number among Bluetooth companies."""

_MANUFACTURER_DATA = 0xFF
_LENGTH = 24
_FIELDS = struct.Struct(">xhHHhhhHBH6x")  # acceleration, battery, movements, sequence last
_CURE = "Set the tag to data format 5, which it sends as shipped; update its firmware if it cannot"


def _fields(data: bytes) -> tuple[int, ...]:
    if not data or data[0] != 5:
        raise DecodeError(
            "unknown-version",
            f"data format {data[0]} is not 5" if data else "there is no data",
            _CURE,
        )
    if len(data) != _LENGTH:
        raise DecodeError(
            "wrong-length",
            f"data format 5 has {_LENGTH} bytes, not {len(data)}",
            "Pass the data of Ruuvi's manufacturer field on unchanged, from its first byte 05 on",
        )
    return _FIELDS.unpack(data)


def _decode(data: bytes, port: int) -> list[Sample]:  # noqa: ARG001 - Bluetooth has no ports
    temperature, humidity, pressure, x, y, z, power, movements, _ = _fields(data)
    channels = {
        "temperature": _value(temperature, -0x8000, 200),
        "acceleration.x": _value(x, -0x8000, 1000),
        "acceleration.y": _value(y, -0x8000, 1000),
        "acceleration.z": _value(z, -0x8000, 1000),
        "battery": _value(power >> 5, 0x7FF, 1000, 1600),
        "count.movement": _value(movements, 0xFF, 1),
    }
    # Tags are sold without either. In one that has them a broken sensor loses its temperature too.
    if humidity != 0xFFFF:
        channels["humidity"] = humidity / 400
    if pressure != 0xFFFF:
        channels["pressure"] = (pressure + 50_000) / 100
    return [Sample(channels)]


def _value(raw: int, invalid: int, per: int, offset: int = 0) -> float:
    return math.nan if raw == invalid else (raw + offset) / per


def sequence_of(data: bytes) -> int | None:
    """Return the number that a tag gives a measurement, 0 to 65534; None where it gives none.

    Advertisements with the same number are the same measurement, whoever heard them. `data` are
    the 24 bytes that begin with 05. Raises DecodeError.
    """
    sequence = _fields(data)[-1]
    return None if sequence == 0xFFFF else sequence


def manufacturer_data(advertisement: bytes) -> bytes | None:
    """Return what Ruuvi's field in a raw advertisement holds, None where it has no such field.

    An advertisement is a row of structures: length, type, data. Raises DecodeError where one of
    them says that it is longer than what there is.
    """
    place = 0
    while place < len(advertisement):
        length = advertisement[place]
        if length == 0:  # only zeros follow
            return None
        field = advertisement[place + 1 : place + 1 + length]
        if len(field) < length:
            raise DecodeError(
                "bad-advertisement",
                f"the structure at byte {place} has {length} bytes, and only {len(field)} follow",
                "Pass advertisements on whole, as they were heard",
            )
        if field[0] == _MANUFACTURER_DATA:
            if length < 3:
                raise DecodeError(
                    "bad-advertisement",
                    f"the manufacturer's structure at byte {place} names no company",
                    "Pass advertisements on whole, as they were heard",
                )
            if int.from_bytes(field[1:3], "little") == COMPANY:
                return field[3:]
        place += 1 + length
    return None


MODELS: tuple[Model, ...] = (
    Model(
        id="ruuvi-ruuvitag",
        maker="Ruuvi",
        name="RuuviTag",
        data_sheet="Data format 5 (RAWv2) protocol specification; docs.ruuvi.com",
        decode=_decode,
        channels=(
            "temperature",
            "humidity",
            "pressure",
            "acceleration.x",
            "acceleration.y",
            "acceleration.z",
            "battery",
            "count.movement",
        ),
        # It advertises every 1.285 s; whoever listens does not hear all of them.
        interval=10_000,
        # Ruuvi's own application warns below 2.5 V when warm, 2.3 V under 0 °C, 2.0 V under -20 °C:
        # a full cell in the cold shows less. Here it lies with cold goods.
        low_battery=2.3,
        known_as=("RuuviTag Pro", "Ruuvi data format 5"),
        proven="data sheet",
    ),
)
