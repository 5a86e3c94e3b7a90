"""A block of a handful of readings: records of fixed size, each with its own CRC-32.

One more reading is a plain append in SQL, without reading or unpacking what is there: that is
what keeps a site of 100,000 devices with a reading each as cheap as a thousand with a hundred.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gateway.history.columns import Columns, Integers

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDS = 2
"""The block's first byte: its format."""
_PREFIX = bytes([RECORDS])
_CRC = struct.Struct("<I")
_INTEGERS = ("at", "received", "flags", "source", "identity")


class DamagedBlockError(Exception):
    """The bytes of a block are not what was written."""


@lru_cache(maxsize=256)
def _record(channels: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("crc", "<u4"),
            ("at", "<i8"),
            ("received", "<i8"),
            ("flags", "<i8"),
            ("source", "<u4"),
            ("identity", "<i8"),
            ("values", "<f8", (channels,)),
        ]
    )


def records(columns: Columns, starts: Integers) -> list[bytes]:
    """Write rows as blocks of fixed records. One more record can be put behind the last."""
    kind = _record(len(columns.values))
    table = np.zeros(len(columns.at), kind)
    for name in _INTEGERS:
        table[name] = getattr(columns, name)
    table["values"] = columns.values.T
    width = kind.itemsize
    data = table.data.cast("B")
    table["crc"] = [zlib.crc32(data[i + 4 : i + width]) for i in range(0, len(data), width)]
    written = table.tobytes()
    edges = [*(starts * width).tolist(), len(written)]
    return [_PREFIX + written[begin:end] for begin, end in pairwise(edges)]


def check_records(block: bytes, channels: int) -> None:
    """Raise DamagedBlockError unless every record is what was written."""
    width = _record(channels).itemsize
    if (len(block) - 1) % width:
        raise DamagedBlockError("it is cut short")
    data = memoryview(block)
    for begin in range(1, len(block), width):
        if zlib.crc32(data[begin + 4 : begin + width]) != _CRC.unpack_from(block, begin)[0]:
            raise DamagedBlockError(f"the checksum of its record {begin // width} is wrong")


def read_records(blocks: Sequence[bytes], channels: int) -> Columns:
    """Return what was written to checked blocks, all behind one another; `stream` is zeros."""
    table = np.frombuffer(b"".join(block[1:] for block in blocks), _record(channels))
    wide = {name: table[name].astype(np.int64) for name in _INTEGERS}
    stream = np.zeros(len(table), np.int64)
    return Columns(stream=stream, **wide, values=np.ascontiguousarray(table["values"].T))


def count_records(block: bytes, channels: int) -> int:
    """Return how many records a block has."""
    return len(block) // _record(channels).itemsize
