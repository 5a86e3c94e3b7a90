"""Laird (now Ezurio) Sentrius RS1xx: temperature and humidity, with a contact on some.

Source: Laird Connectivity, application note "RS1xx LoRa Protocol" v2.7, and the maker's codec pack
for The Things Stack; the device's packet format is "Laird 2". Messages begin with their type and a
byte of options, come on port 1, and are big-endian. A value is two bytes: hundredths, then the
whole, each signed, -15.87 being -87 and -15. Seconds count from 2015 on. An alarm is a message like
others, with a flag that rules here do not need.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from devices.errors import DecodeError
from devices.model import MINUTE, Model, Sample

YEAR_2015 = 1_420_070_400_000

READ_PERIOD = 3 * MINUTE
"""Between readings, where nobody knows better: it is a setting. A message of several readings does
not say it, and dates the last one only; set the device to one reading a message for true times."""

# Options of a message: bits.
ASKS_FOR_TIME = 1
"""Its clock was not set yet, or is about to be."""
SENSOR_FAULT = 16

_CAPACITY = (0.0, 5.0, 20.0, 40.0, 60.0, 80.0)
"""What its steps of battery capacity hold at least, percent: 0 to 5, 5 to 20, … 80 to 100."""


class _Type(NamedTuple):
    """A type of message: its length, what each further entry adds, and how it is read."""

    length: int
    each: int
    read: Callable[[bytes], list[Sample]]


def _decode(data: bytes, port: int) -> list[Sample]:
    if port != 1:
        raise DecodeError(
            "unknown-port",
            f"port {port} is not the one that an RS1xx sends on, 1",
            "Assign the model that the device's label names",
        )
    kind = _TYPES.get(data[0]) if data else None
    if kind is None:
        raise DecodeError(
            "unknown-type",
            f"messages of type {data[0]} are not known" if data else "the message is empty",
            "Set the device's packet format to Laird 2; one with an RTD probe is not known here",
        )
    further = len(data) - kind.length
    if further < 0 or (further % kind.each if kind.each else further):
        raise DecodeError(
            "wrong-length",
            f"{len(data)} bytes are not what a message of type {data[0]} has",
            "Check that the device's own bytes arrive here unchanged",
        )
    return kind.read(data)


def _hundredths(pair: bytes, *, signed: bool = True) -> float:
    part = int.from_bytes(pair[:1], signed=signed)
    whole = int.from_bytes(pair[1:2], signed=signed)
    return (100 * whole + part) / 100


def _climate(data: bytes) -> dict[str, float]:
    return {
        "humidity": _hundredths(data[0:2], signed=False),
        "temperature": _hundredths(data[2:4]),
    }


def _nothing(climate: dict[str, float]) -> dict[str, float]:
    return dict.fromkeys(climate, math.nan)


def _capacity(step: int) -> dict[str, float]:
    return {"battery_level": _CAPACITY[step]} if step < len(_CAPACITY) else {}


def _time(data: bytes) -> int:
    return YEAR_2015 + int.from_bytes(data[:4]) * 1000


def _single(data: bytes) -> list[Sample]:
    climate = _climate(data[2:6])
    if data[1] & SENSOR_FAULT:
        climate = _nothing(climate)
    return [Sample(climate | _capacity(data[6]))]


def _several(data: bytes) -> list[Sample]:
    count = data[6]
    _check_count(count, len(data), 11, 4)
    samples = []
    for index in range(count):
        climate = _climate(data[11 + 4 * index : 15 + 4 * index])
        if data[1] & SENSOR_FAULT:
            climate = _nothing(climate)
        if index == count - 1:
            climate |= _capacity(data[5])
        age = (count - 1 - index) * READ_PERIOD
        if data[1] & ASKS_FOR_TIME:  # sent at once, so it counts from its arrival
            samples.append(Sample(climate, ago=age))
        else:
            samples.append(Sample(climate, at=_time(data[7:11]) - age))
    return samples


def _stored(data: bytes) -> list[Sample]:
    return [Sample(_climate(data[6:10]), at=_time(data[2:6]))]


def _several_stored(data: bytes) -> list[Sample]:
    _check_count(data[2], len(data), 3, 8)
    entries = [data[place : place + 8] for place in range(3, len(data), 8)]
    samples = [Sample(_climate(entry[4:]), at=_time(entry)) for entry in entries]
    return sorted(samples, key=lambda sample: sample.at or 0)


def _check_count(count: int, length: int, head: int, each: int) -> None:
    if length != head + each * count:
        raise DecodeError(
            "wrong-length",
            f"{count} readings have {head + each * count} bytes, and there are {length}",
            "Check that the device's own bytes arrive here unchanged",
        )


def _contact(data: bytes) -> list[Sample]:
    """Read the contact, where it is a door's (mode 0) and no button's."""
    return [Sample({"door": float(data[3] != 0)})] if data[2] == 0 else []


def _battery(data: bytes) -> list[Sample]:
    return [Sample({"battery": _hundredths(data[2:4])})]


def _no_measurement(_: bytes) -> list[Sample]:
    return []


_TYPES = {
    1: _Type(11, 0, _single),
    2: _Type(11, 4, _several),
    3: _Type(10, 0, _stored),
    4: _Type(3, 8, _several_stored),
    5: _Type(8, 0, _no_measurement),  # some of its settings
    6: _Type(16, 0, _no_measurement),  # all of them
    7: _Type(11, 0, _no_measurement),  # its firmware
    8: _Type(10, 0, _no_measurement),  # the contact's settings
    9: _Type(6, 0, _contact),
    10: _Type(4, 0, _battery),
}


MODELS: tuple[Model, ...] = (
    Model(
        id="laird-rs1xx",
        maker="Laird",
        name="Sentrius RS1xx",
        data_sheet="RS1xx LoRa Protocol v2.7, and the maker's codec pack for it; ezurio.com",
        decode=_decode,
        channels=("temperature", "humidity", "battery_level", "battery", "door"),
        interval=READ_PERIOD,
        known_as=(
            "RS1xx",
            "RS186",
            "RS191",
            "Laird RS186",
            "Laird RS191",
            "Laird RS1xx Temp RH Sensor",
            "laird/rs1xx-temp-rh-sensor",
            "laird-connectivity/rs1xx-temp-rh-sensor",
            "ezurio/rs1xx-temp-rh-sensor",
        ),
        proven="published vectors",
    ),
)
