"""What a decoder is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from devices.errors import DecodeError
from devices.reading import DeviceKey, Reading

__all__ = [
    "Call",
    "Decode",
    "DecodeError",
    "Envelope",
    "Later",
    "Origin",
    "Output",
    "check_device_id",
]

MAXIMUM_ID = 128
# A device id becomes part of topics, patterns, file names and InfluxDB tags. It is shown on
# terminals and pages: none may hold what a terminal obeys, or what turns the text around it.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ID = re.compile(rf"[^\s+#/.*>{_CONTROLS}]{{1,128}}")


class Origin(msgspec.Struct, frozen=True):
    """Where a message came from: whose devices speak there, and by which way."""

    owner: str
    source: str


Decode = Callable[[bytes, int, int], list[Reading]]
"""decode(payload, received, flags) → readings.

`received` is milliseconds since 1970, UTC; `flags` are the message's (RETAINED, …).
An empty list means: understood, and carries no measurement (a join, a status).
Raises DecodeError, or Later where a vendor's codec is needed, and nothing else.
"""


class Call(msgspec.Struct, frozen=True):
    """What a vendor's payload codec is asked: a device's own bytes.

    `codec`: its name. `port`: LoRaWAN's FPort. `received`: ms since 1970, UTC.
    """

    codec: str
    data: bytes
    port: int
    received: int


class Output(msgspec.Struct, frozen=True):
    """What a codec answered. Source: LoRa Alliance, TS013-1.0.0, Payload Codec API.

    `normalized` is the `data` of normalizeUplink (an object, or several of them, each a
    measurement), None where the codec has no such function or it failed.
    """

    data: dict[str, Any] | None
    normalized: dict[str, Any] | list[dict[str, Any]] | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Later(Exception):  # noqa: N818 - no error: the message is decoded elsewhere
    """A message that only a vendor's codec can read, which runs in another process.

    `finish(output)` returns the readings once the codec has answered. Raises DecodeError.
    """

    def __init__(
        self, device: DeviceKey, call: Call, finish: Callable[[Output], list[Reading]]
    ) -> None:
        super().__init__(f"{device} is decoded by the codec {call.codec}")
        self.device = device
        self.call = call
        self.finish = finish


class Envelope(Protocol):
    """What wraps a payload: it knows by the topic whether a message is its own."""

    name: str

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder for this topic, or None if it is not this envelope's.

        Called once for each topic and kept, so that what depends on the topic alone is
        worked out once. Raises DecodeError if the topic is its own but wrong.
        """
        ...


def check_device_id(text: str) -> str:
    """Return the id, or raise DecodeError: no white space, controls, or any of + # / . * >."""
    if not _ID.fullmatch(text):
        raise DecodeError(
            "bad-device-id",
            f"device id {text[:40]!r} is empty, longer than {MAXIMUM_ID}, or holds a space, a "
            "control or one of + # / . * >",
            "Rename the device, or map its topic in the settings",
        )
    return text
