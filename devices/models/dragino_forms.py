"""What Dragino's messages have in common: entries of a log, a status, and how they are refused.

Numbers are big-endian. A log that somebody asked for comes as entries of 11 bytes, each with its
own time in seconds since 1970.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from devices.errors import DecodeError
from devices.model import Sample
from devices.reading import YEAR_2000

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = struct.Struct(">hhHBI")
"""Two temperatures, humidity, what kind, and the time, as most entries have it."""
NONE = 0x7FFF
"""What a temperature says where there is no probe: 327.67 °C."""
VOLTS = 0x3FFF
"""The bits of a battery's millivolts; above them stand other things."""


def wrong_length(data: bytes, known: str) -> DecodeError:
    """Return the refusal of a message of a length that this model does not send."""
    detail = f"the message has {len(data)} bytes, and {known}"
    return DecodeError("wrong-length", detail, "Check which model and firmware the device is")


def unknown_port(port: int, known: str) -> DecodeError:
    """Return the refusal of a message on a port that this model does not send on."""
    detail = f"it came on port {port}, and this model sends on {known}"
    return DecodeError("unknown-port", detail, "Check which model the device is")


def unknown_type(detail: str) -> DecodeError:
    """Return the refusal of one that says of itself that it is something else."""
    return DecodeError("unknown-type", detail, "Check which model the device is, or use its codec")


def celsius(raw: int, scale: int = 100) -> float:
    """Return a temperature, NaN where it says that there is none."""
    return math.nan if raw == NONE else raw / scale


def clock(seconds: int) -> int | None:
    """Return ms since 1970, None where the device's clock was never set."""
    return seconds * 1000 if seconds * 1000 >= YEAR_2000 else None


def entries(data: bytes, read: Callable[[bytes], Sample]) -> list[Sample]:
    """Read a log, the oldest first. Zeros are what it answers where it has nothing of that time."""
    if not data or len(data) % ENTRY.size:
        raise wrong_length(data, f"a log is entries of {ENTRY.size} bytes")
    cut = (data[at : at + ENTRY.size] for at in range(0, len(data), ENTRY.size))
    return [read(entry) for entry in cut if any(entry)]


def status(data: bytes) -> list[Sample]:
    """Read what a device says of itself: model, firmware, band, and its battery in millivolts."""
    if len(data) != 7:
        raise wrong_length(data, "a status has 7")
    return [Sample({"battery": (data[5] << 8 | data[6]) / 1000})]
