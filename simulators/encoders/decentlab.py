"""What Decentlab's sensors send. Source: their data sheets, "Payload description", version 2."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping

from simulators.encoders.encoder import Encoder

Values = Mapping[str, float]
Part = Callable[[Values], list[int] | None]
"""The words of one sensor; None where it has no value for all of what it measures."""

NUMBER = 4711
"""What is printed on the device."""


def _known(values: Values, *channels: str) -> bool:
    return not any(math.isnan(values[channel]) for channel in channels)


def _battery(values: Values) -> list[int] | None:
    return [round(values["battery"] * 1000)] if _known(values, "battery") else None


def _sht35(values: Values) -> list[int] | None:
    if not _known(values, "temperature", "humidity"):
        return None
    return [
        round((values["temperature"] + 45) / 175 * 65535),
        round(values["humidity"] / 100 * 65535),
    ]


def _rhc(values: Values) -> list[int] | None:
    if not _known(values, "temperature", "humidity"):
        return None
    probe = 20_228_605
    return [
        probe & 0xFFFF,
        probe >> 16,
        round(values["humidity"] * 100),
        round(values["temperature"] * 100) + 32768,
    ]


def _pressure(values: Values) -> list[int] | None:
    return [round(values["pressure"] * 100 / 2)] if _known(values, "pressure") else None


def _light(values: Values) -> list[int] | None:
    """Light without any infrared, of which the illuminance is 1.5504 times the count."""
    lux = values["illuminance"]
    return [round(lux / 1.5504), 0] if _known(values, "illuminance") else None


def _co2(values: Values) -> list[int] | None:
    if not _known(values, "co2"):
        return [32768, 1, 0]  # with a status that tells of a fault
    return [round(values["co2"]) + 32768, 0, 37844]


def _count(channel: str) -> Part:
    def words(values: Values) -> list[int] | None:
        return [round(values[channel])] if _known(values, channel) else None

    return words


def _encoder(model: str, ranges: Mapping[str, tuple[float, float, float]], *parts: Part) -> Encoder:
    def encode(values: Values) -> bytes:
        flags = 0
        words: list[int] = []
        for bit, part in enumerate(parts):
            more = part(values)
            if more is not None:
                flags |= 1 << bit
                words += more
        return struct.pack(f">BHH{len(words)}H", 2, NUMBER, flags, *words)

    return Encoder(model, 1, ranges, encode)


_BATTERY = {"battery": (0.0, 3.6, 0.001)}
_SHT35_RANGES = {
    "temperature": (-40.0, 125.0, 175 / 65535),
    "humidity": (0.0, 100.0, 100 / 65535),
}

ENCODERS: tuple[Encoder, ...] = (
    _encoder("decentlab-dl-sht35", _SHT35_RANGES | _BATTERY, _sht35, _battery),
    _encoder(
        "decentlab-dl-rhc",
        {"temperature": (-40.0, 60.0, 0.01), "humidity": (0.0, 100.0, 0.01)} | _BATTERY,
        _rhc,
        _battery,
    ),
    _encoder(
        "decentlab-dl-iam",
        _BATTERY
        | _SHT35_RANGES
        | {
            "pressure": (300.0, 1100.0, 0.02),
            "illuminance": (0.0, 88_000.0, 1.5504),
            "co2": (0.0, 10_000.0, 1.0),
            "motion": (0.0, 65_535.0, 1.0),
            "tvoc": (0.0, 60_000.0, 1.0),
        },
        _battery,
        _sht35,
        _pressure,
        _light,
        _co2,
        _count("motion"),
        _count("tvoc"),
    ),
)
