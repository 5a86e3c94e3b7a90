"""Milesight: messages made of parts, each of a channel number, a type and the value.

Source: Milesight's user guides (EM300 Series and EM320-TH, chapter 5; AM100(L) Series, chapter 6)
and its payload definition of each model, github.com/Milesight-IoT/SensorDecoders. All
little-endian. The port is 85 as shipped, and a setting, so any is taken. How long a part is follows
from its channel and type alone: one that is unknown makes the rest unreadable.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from devices.errors import DecodeError
from devices.model import MINUTE, Model, Sample


class Part(NamedTuple):
    """A value in a message: how many bytes, and what they are."""

    size: int
    channel: str = ""
    """Empty for what is no measurement."""
    signed: bool = False
    per: int = 1
    """How many of its units make one of the channel's."""

    def read(self, data: bytes) -> float:
        """Return the value."""
        return int.from_bytes(data[: self.size], "little", signed=self.signed) / self.per


BATTERY = Part(1, "battery_level")
TEMPERATURE = Part(2, "temperature", signed=True, per=10)
HUMIDITY = Part(1, "humidity", per=2)
MAGNET = Part(1, "door")  # 0 closed, 1 open
UNUSED = Part(1)

HISTORY = b"\x20\xce"
"""A stored measurement: seconds since 1970, then what the model stores."""

_MEASURED = {b"\x01\x75": BATTERY, b"\x03\x67": TEMPERATURE, b"\x04\x68": HUMIDITY}

# What a device says of itself when it joins: versions of protocol, hardware, software and of its
# description, its start, class and serial number, which sensors are on, and that it was reset.
_ABOUT = {
    bytes([0xFF, kind]): Part(size)
    for kind, size in {
        0x01: 1, 0x09: 2, 0x0A: 2, 0xFF: 2, 0x0B: 1, 0x0F: 1, 0x16: 8, 0x18: 2, 0xFE: 1,
    }.items()
}  # fmt: skip

# Its answers to commands, which repeat what was set; what each is, is of no use here.
_ANSWERS = {
    bytes([first, kind]): Part(size)
    for first in (0xFE, 0xFF)
    for kind, size in {
        0x02: 2, 0x03: 2, 0x06: 9, 0x10: 1, 0x11: 4, 0x17: 2, 0x27: 1, 0x28: 1, 0x2D: 1, 0x2F: 1,
        0x3B: 1, 0x56: 1, 0x57: 1, 0x59: 1, 0x5A: 2, 0x68: 1, 0x69: 1, 0x6A: 3, 0x6D: 1, 0x75: 7,
        0x79: 6, 0x85: 1, 0x86: 1, 0xD6: 6, 0xD7: 1, 0xEA: 3,
    }.items()
} | {b"\xfc\x6b": Part(1), b"\xfc\x6c": Part(1)}  # fmt: skip


class _Layout:
    """What one model sends, and what it stores for when nobody hears it."""

    def __init__(self, parts: dict[bytes, Part], stored: tuple[Part, ...]) -> None:
        self.parts = _ANSWERS | _ABOUT | _MEASURED | parts
        self.parts[HISTORY] = Part(4 + sum(part.size for part in stored))
        self.stored = stored

    @property
    def channels(self) -> tuple[str, ...]:
        """All that it measures."""
        return tuple(part.channel for part in self.parts.values() if part.channel)

    def decode(self, data: bytes, port: int) -> list[Sample]:  # noqa: ARG002 - the port is a setting
        """Return what was stored, the oldest first, then what is now."""
        now: dict[str, float] = {}
        history: list[Sample] = []
        place = 0
        while place < len(data):
            kind = data[place : place + 2]
            part = self.parts.get(kind)
            if part is None:
                raise DecodeError(
                    "unknown-type",
                    f"{kind.hex(' ')} at byte {place} is no channel and type of this model",
                    "Assign the model that the device's label names",
                )
            value = data[place + 2 : place + 2 + part.size]
            if len(value) < part.size:
                raise DecodeError(
                    "wrong-length",
                    f"the message ends within the part {kind.hex(' ')} at byte {place}",
                    "Check that the device's own bytes arrive here unchanged",
                )
            if kind == HISTORY:
                history.append(self._stored(value))
            elif part.channel:
                now[part.channel] = part.read(value)
            place += 2 + part.size
        history.sort(key=lambda sample: sample.at or 0)
        return [*history, Sample(now)] if now else history

    def _stored(self, record: bytes) -> Sample:
        channels: dict[str, float] = {}
        place = 4
        for part in self.stored:
            if part.channel:
                channels[part.channel] = part.read(record[place:])
            place += part.size
        return Sample(channels, at=int.from_bytes(record[:4], "little") * 1000)


# The EM300-TH's records end with a byte that it does not use.
_EM300_TH = _Layout({}, (TEMPERATURE, HUMIDITY, UNUSED))
_EM300_MCS = _Layout({b"\x06\x00": MAGNET}, (TEMPERATURE, HUMIDITY, MAGNET))
# Whether its store is full, and its answers about that (with a result where they begin with f8).
_EM320_TH = _Layout(
    {b"\x05\x9c": Part(1), b"\xf9\xc9": Part(1), b"\xf8\xc9": Part(2)}, (TEMPERATURE, HUMIDITY)
)
_AM102 = _Layout({}, (TEMPERATURE, HUMIDITY))


def _model(
    name: str,
    layout: _Layout,
    guide: str,
    proven: Literal["published vectors", "data sheet", "unproven"] = "data sheet",
) -> Model:
    return Model(
        id=f"milesight-{name.lower()}",
        maker="Milesight",
        name=name,
        data_sheet=f"{guide}, and the payload definition of {name}; milesight.com",
        decode=layout.decode,
        channels=layout.channels,
        interval=10 * MINUTE,
        known_as=(f"milesight-iot/{name.lower()}",),
        proven=proven,
    )


MODELS: tuple[Model, ...] = (
    _model("EM300-TH", _EM300_TH, "EM300 Series User Guide"),
    _model("EM300-MCS", _EM300_MCS, "EM300 Series User Guide"),
    _model("EM320-TH", _EM320_TH, "EM320-TH User Guide"),
    _model("AM102", _AM102, "AM100(L) Series User Guide"),
)
