"""A block: readings of one device and layout and day, packed small and without loss.

Readings repeat themselves: the clock ticks evenly, values move little and have few decimals.
So times, sequence numbers and values become integers (values scaled by the fewest decimals
that give back every bit), then steps from one to the next, counted from the smallest step, in
the fewest bytes, column after column, and zlib takes what is left. Everything is worked out
for all blocks of a batch at once; only the last cut is made block by block.

A block says its format in its first byte:

    PACKED, ZIPPED   format, CRC-32 of the body (begun with the format's number), body
    RECORDS          format, then records of fixed size: for a handful of readings (records.py)

What cannot be scaled (a NaN, a minus zero) is kept beside its column if rare, else the column
is kept as it is.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.reading import COUNTED
from gateway.history.columns import Columns, Floats, Integers

PACKED = 1
ZIPPED = 3
MOST_DECIMALS = 6
RAW = MOST_DECIMALS + 1
"""In place of the decimals: the column holds its doubles as they were."""
_LARGEST = float(2**52)  # beyond it a scaled value no longer has every integer
_ZLIB_FROM = 192  # bytes; below it zlib takes longer than the few bytes it saves are worth
PREFIX = struct.Struct("<BI")
LENGTH = struct.Struct("<I")
POWERS = 10.0 ** np.arange(MOST_DECIMALS + 1)
WIDTHS: dict[int, np.dtype[np.unsignedinteger]] = {
    width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)
}


class _Packed(NamedTuple):
    """One column of all blocks: numbers for the headers, and bytes to cut from."""

    numbers: list[tuple[int, ...]]
    views: dict[int, memoryview]
    widths: list[int]
    skip: int


def pack(columns: Columns, starts: Integers) -> list[bytes]:
    """Pack rows into blocks that begin at `starts` (first 0, rising). Rows sorted by `at`."""
    counts = np.diff(starts, append=len(columns.at))
    ticks = np.where(_any(columns.at % 1000 != 0, starts), 1, 1000)
    constant = _low(columns.received, starts) == _high(columns.received, starts)
    unit, at_once = np.repeat(ticks, counts), np.repeat(constant, counts)
    integers = [
        _steps(columns.at // unit, starts, counts),
        _offsets(columns.received - np.where(at_once, 0, columns.at), starts, counts),
        _offsets(columns.flags, starts, counts),
        _offsets(columns.source, starts, counts),
        _steps(np.where(columns.flags & COUNTED, columns.identity, 0), starts, counts),
    ]
    channels = [_Channel(values, starts, counts) for values in columns.values]
    begins, sizes = starts.tolist(), counts.tolist()
    heads = zip(begins, sizes, ticks.tolist(), constant.tolist(), strict=True)
    blocks = []
    for block, (begin, size, tick, once) in enumerate(heads):
        header = [size, tick, int(once)]
        body: list[bytes | memoryview] = [b""]
        for column in integers:
            _cut(column, block, begin, size, header, body)
        for channel in channels:
            channel.cut(block, begin, size, header, body)
        numbers = msgspec.msgpack.encode(header)
        body[0] = LENGTH.pack(len(numbers)) + numbers
        blocks.append(_seal(b"".join(body)))
    return blocks


def _cut(  # noqa: PLR0913, PLR0917 - called for every column of every block: an object would cost more
    column: _Packed,
    block: int,
    begin: int,
    size: int,
    header: list[int],
    body: list[bytes | memoryview],
) -> None:
    header.extend(column.numbers[block])
    width = column.widths[block]
    if width:
        body.append(column.views[width][(begin + column.skip) * width : (begin + size) * width])


def _seal(body: bytes) -> bytes:
    smaller = zlib.compress(body, 1) if len(body) >= _ZLIB_FROM else body
    kind, kept = (ZIPPED, smaller) if len(smaller) < len(body) else (PACKED, body)
    return PREFIX.pack(kind, zlib.crc32(kept, kind)) + kept


def _low(column: Integers, starts: Integers) -> Integers:
    low: Integers = np.minimum.reduceat(column, starts)
    return low


def _high(column: Integers, starts: Integers) -> Integers:
    high: Integers = np.maximum.reduceat(column, starts)
    return high


def _any(column: NDArray[np.bool_], starts: Integers) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_or.reduceat(column, starts)
    return found


def _offsets(column: Integers, starts: Integers, counts: Integers) -> _Packed:
    """Keep a column as its lowest value and the distance of each from it."""
    low = _low(column, starts)
    widths, views = _narrow(column, low, _high(column, starts), counts)
    return _Packed(list(zip(low.tolist(), widths, strict=True)), views, widths, 0)


def _steps(column: Integers, starts: Integers, counts: Integers) -> _Packed:
    """Keep a column as its first value, the smallest step, and how much each step is more.

    Sums wrap around at 64 bits in both directions, so that no value is too large.
    """
    steps = np.empty_like(column)
    steps[0] = 0
    np.subtract(column[1:], column[:-1], out=steps[1:])
    # A block's first row has no step of its own; its neighbour's changes neither end of the range.
    following = np.minimum(starts + 1, len(column) - 1)
    steps[starts] = np.where(counts > 1, steps[following], 0)
    low = _low(steps, starts)
    widths, views = _narrow(steps, low, _high(steps, starts), counts)
    first = column[starts].tolist()
    return _Packed(list(zip(first, low.tolist(), widths, strict=True)), views, widths, 1)


def _narrow(
    column: Integers, low: Integers, high: Integers, counts: Integers
) -> tuple[list[int], dict[int, memoryview]]:
    """Distances from `low`, in the fewest bytes for each block; none where all are equal."""
    spread = (high - low).view(np.uint64)
    widths = np.select(
        [spread == 0, spread < 1 << 8, spread < 1 << 16, spread < 1 << 32], [0, 1, 2, 4], 8
    )
    needed = np.unique(widths)
    views = {}
    if needed[-1]:
        distance = (column - np.repeat(low, counts)).view(np.uint64)
        views = {
            width: distance.astype(WIDTHS[width]).data.cast("B")
            for width in needed.tolist()
            if width
        }
    return widths.tolist(), views


class _Channel:
    """One channel's values in all blocks: scaled integers, and the few that cannot be."""

    def __init__(self, values: Floats, starts: Integers, counts: Integers) -> None:
        decimals = _fewest_decimals(values)
        odd = decimals == RAW
        odd_counts = np.add.reduceat(odd.astype(np.int64), starts)
        scale = np.maximum.reduceat(np.where(odd, 0, decimals), starts)
        scaled = _scale(values, np.repeat(scale, counts))
        # More decimals than a value needs must not cost it a bit.
        lost = ~odd & ~_same(unscale(scaled, np.repeat(scale, counts)), values)
        raw = (odd_counts * 8 > counts) | _any(lost, starts)
        self._odd: dict[int, tuple[list[int], bytes]] = {}
        if odd_counts.any():
            for block in np.flatnonzero((odd_counts > 0) & ~raw).tolist():
                begin = int(starts[block])
                places = np.flatnonzero(odd[begin : begin + int(counts[block])])
                bits = values[begin + places].tobytes()
                self._odd[block] = (places.tolist(), bits)
            # They stand in their column as a repetition of the value before, which costs least.
            rows = np.maximum.accumulate(np.where(odd, 0, np.arange(len(values))))
            scaled = scaled[np.maximum(rows, np.repeat(starts, counts))]
        self._decimals: list[int] = np.where(raw, RAW, scale).tolist()
        self._steps = _steps(scaled, starts, counts)
        self._raw = np.ascontiguousarray(values).data.cast("B")

    def cut(
        self, block: int, begin: int, size: int, header: list[int], body: list[bytes | memoryview]
    ) -> None:
        decimals = self._decimals[block]
        header.append(decimals)
        if decimals == RAW:
            body.append(self._raw[begin * 8 : (begin + size) * 8])
            return
        _cut(self._steps, block, begin, size, header, body)
        places, bits = self._odd.get(block, ([], b""))
        header.append(len(places))
        header.extend(places)
        body.append(bits)


def _scale(values: Floats, decimals: Integers) -> Integers:
    """Values times ten to the decimals, rounded; 0 where there is no such integer."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * POWERS[decimals])
        return np.where(np.abs(scaled) < _LARGEST, scaled, 0.0).astype(np.int64)


def unscale(scaled: Integers, decimals: Integers) -> Floats:
    """Turn integers back into values: one division, so that it rounds once."""
    found: Floats = scaled / POWERS[decimals]
    return found


def _same(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Bit for bit: a NaN is itself, and minus zero is not zero."""
    same: NDArray[np.bool_] = one.view(np.int64) == np.ascontiguousarray(other).view(np.int64)
    return same


def _fewest_decimals(values: Floats) -> Integers:
    """For each value the fewest decimals that give back every bit, RAW where none do."""
    decimals = np.full(len(values), RAW, dtype=np.int64)
    left = np.arange(len(values))
    for places in range(MOST_DECIMALS + 1):
        these = values[left]
        every = np.full(len(left), places)
        fits = _same(unscale(_scale(these, every), every), these)
        decimals[left[fits]] = places
        left = left[~fits]
        if not len(left):
            break
    return decimals
