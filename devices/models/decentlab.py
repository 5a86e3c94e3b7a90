"""Decentlab: sensors that send a version, their own number, which parts follow, and 16-bit words.

Source: the data sheets of DL-SHT35, DL-RHC and DL-IAM at decentlab.com, and Decentlab's own
decoders, github.com/decentlab/decentlab-decoders. A message of protocol version 2 holds: version
(1 byte), number of the device (2), flags (2), then the words of each part whose flag is set, the
part of bit 0 first. All big-endian. The port is not asked for: a message says what it is.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from devices.errors import DecodeError
from devices.model import MINUTE, Decoder, Model, Sample

Words = Sequence[int]


class Part(NamedTuple):
    """One of the sensors in a device: how many words it sends, and what each channel is of them."""

    words: int
    channels: dict[str, Callable[[Words], float]]


def _battery(words: Words) -> float:
    return words[0] / 1000


def _illuminance(words: Words) -> float:
    """Lux of what the sensor sees with (first word) and in infrared light alone (second)."""
    both, infrared = words
    return max(both - 1.64 * infrared, 0.59 * both - 0.86 * infrared, 0.0) * 1.5504


def _co2(words: Words) -> float:
    """Parts per million; none where the sensor's status (second word) tells of a fault."""
    return math.nan if words[1] else float(words[0] - 32768)


BATTERY = Part(1, {"battery": _battery})
SHT35 = Part(
    2,
    {
        "temperature": lambda words: 175 * words[0] / 65535 - 45,
        "humidity": lambda words: 100 * words[1] / 65535,
    },
)
# The first two words are the number of the probe.
RHC = Part(
    4,
    {
        "temperature": lambda words: (words[3] - 32768) / 100,
        "humidity": lambda words: words[2] / 100,
    },
)
PRESSURE = Part(1, {"pressure": lambda words: words[0] * 2 / 100})
LIGHT = Part(2, {"illuminance": _illuminance})
# The third word is what the sensor saw before its own compensation.
CO2 = Part(3, {"co2": _co2})
ACTIVITY = Part(1, {"motion": lambda words: float(words[0])})
TVOC = Part(1, {"tvoc": lambda words: float(words[0])})


def _decoder(*parts: Part) -> Decoder:
    """Return the decoder of a device that has these parts, that of bit 0 first."""

    def decode(data: bytes, port: int) -> list[Sample]:  # noqa: ARG001 - a message says itself what it is
        if len(data) < 5:
            raise DecodeError(
                "wrong-length",
                f"{len(data)} bytes hold no version, number and flags",
                "Check that the device's own bytes arrive here unchanged",
            )
        version, _, flags = struct.unpack_from(">BHH", data)
        if version != 2:
            raise DecodeError(
                "unknown-version",
                f"protocol version {version} is not the known one, 2",
                "Check that this is a device by Decentlab; ask for its data sheet if it is newer",
            )
        if flags >> len(parts):
            raise DecodeError(
                "unknown-type",
                f"the flags {flags:#x} name more than the {len(parts)} parts of this model",
                "Assign the model that the device's label names",
            )
        sent = [part for bit, part in enumerate(parts) if flags >> bit & 1]
        count = sum(part.words for part in sent)
        if len(data) != 5 + 2 * count:
            raise DecodeError(
                "wrong-length",
                f"the flags {flags:#x} ask for {5 + 2 * count} bytes, and there are {len(data)}",
                "Assign the model that the device's label names",
            )
        words = struct.unpack_from(f">{count}H", data, 5)
        channels: dict[str, float] = {}
        for part in sent:
            for channel, read in part.channels.items():
                channels[channel] = read(words[: part.words])
            words = words[part.words :]
        return [Sample(channels)] if channels else []

    return decode


def _model(name: str, data_sheet: str, *parts: Part) -> Model:
    return Model(
        id=f"decentlab-{name.lower()}",
        maker="Decentlab",
        name=name,
        data_sheet=data_sheet,
        decode=_decoder(*parts),
        channels=tuple(channel for part in parts for channel in part.channels),
        interval=10 * MINUTE,
        proven="published vectors",
    )


MODELS: tuple[Model, ...] = (
    _model(
        "DL-SHT35",
        "DL-SHT35 data sheet: air temperature and humidity sensor; decentlab.com",
        SHT35,
        BATTERY,
    ),
    _model(
        "DL-RHC",
        "DL-RHC data sheet: high-precision air temperature and humidity sensor; decentlab.com",
        RHC,
        BATTERY,
    ),
    _model(
        "DL-IAM",
        "DL-IAM data sheet: indoor ambiance monitor with CO2, TVOC, motion; decentlab.com",
        BATTERY,
        SHT35,
        PRESSURE,
        LIGHT,
        CO2,
        ACTIVITY,
        TVOC,
    ),
)
