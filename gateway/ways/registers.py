"""Modbus: which requests read the declared registers, and what the answers mean.

Source: Modbus Application Protocol Specification V1.1b3, 6.1 to 6.4: a request reads up to 125
registers of 16 bits, big end first, or up to 2,000 bits.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings.ways import Kind, Register

MOST_REGISTERS = 125
MOST_BITS = 2_000
"""Of one request."""

_FORMATS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


class Request(NamedTuple):
    """Addresses that are read at once, and the registers among them."""

    kind: Kind
    address: int
    size: int
    registers: tuple[Register, ...]


def requests(registers: Sequence[Register], gap: int = 0) -> list[Request]:
    """Return as few requests as read all registers, over at most `gap` others in between."""
    found: list[Request] = []
    for one in sorted(registers, key=lambda each: (each.kind, each.address)):
        last = found[-1] if found else None
        most = MOST_BITS if one.kind in {"coil", "discrete"} else MOST_REGISTERS
        end = one.address + one.size
        if (
            last is not None
            and last.kind == one.kind
            and one.address <= last.address + last.size + gap
            and end - last.address <= most
        ):
            size = max(last.size, end - last.address)
            found[-1] = Request(one.kind, last.address, size, (*last.registers, one))
        else:
            found.append(Request(one.kind, one.address, one.size, (one,)))
    return found


def value(register: Register, words: Sequence[int]) -> float:
    """Return what a register's words (or its bit) say, NaN where the device has no value."""
    raw = _raw(register, words)
    if raw in register.missing or not math.isfinite(raw):
        return math.nan
    scaled = raw * register.scale + register.offset
    # 3 * 0.1 is meant to be 0.3; and a float of 32 bits holds some seven digits.
    return float(f"{scaled:.7g}") if register.type == "float32" else round(scaled, 9)


def _raw(register: Register, words: Sequence[int]) -> float:
    if len(words) == 1:
        packed = struct.pack(">H", words[0])
    else:
        ordered = words if register.words == "big" else list(reversed(words))
        packed = struct.pack(">2H", *ordered)
    if register.kind in {"coil", "discrete"}:
        return float(words[0])
    raw: float = struct.unpack(_FORMATS[register.type], packed)[0]
    return raw
