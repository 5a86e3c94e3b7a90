"""Reads blocks: first each is opened and checked by itself, then all are unpacked at once."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from gateway.history.blocks import LENGTH, PACKED, PREFIX, RAW, WIDTHS, ZIPPED, unscale
from gateway.history.columns import Columns, Floats, Integers, join
from gateway.history.records import (
    RECORDS,
    DamagedBlockError,
    check_records,
    count_records,
    read_records,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NUMBERS = msgspec.msgpack.Decoder(list[int])


class Opened(NamedTuple):
    """A block known to be what was written: how many readings, its numbers and its bytes.

    A block of records has no numbers.
    """

    size: int
    numbers: list[int]
    body: bytes
    place: int


def open_block(block: bytes, channels: int) -> Opened:
    """Check a block of readings with so many channels. Raises DamagedBlockError."""
    if not block or block[0] not in {PACKED, ZIPPED, RECORDS}:
        raise DamagedBlockError(f"its first byte is {block[:1]!r}, which is no format we know")
    if block[0] == RECORDS:
        check_records(block, channels)
        return Opened(count_records(block, channels), [], block, 1)
    if len(block) < PREFIX.size:
        raise DamagedBlockError("it is cut short")
    kind, checksum = PREFIX.unpack_from(block)
    body = block[PREFIX.size :]
    if zlib.crc32(body, kind) != checksum:
        raise DamagedBlockError("its checksum is wrong")
    if kind == ZIPPED:
        body = zlib.decompress(body)
    (length,) = LENGTH.unpack_from(body)
    numbers = _NUMBERS.decode(body[LENGTH.size : LENGTH.size + length])
    return Opened(numbers[0], numbers, body, LENGTH.size + length)


def unpack(blocks: Sequence[Opened], channels: int) -> Columns:
    """Return the readings of these blocks; `stream` is the block's number in the sequence."""
    packed = [number for number, block in enumerate(blocks) if block.numbers]
    few = [number for number, block in enumerate(blocks) if not block.numbers]
    parts = []
    if packed:
        parts.append(_numbered(_unpack([blocks[one] for one in packed], channels), blocks, packed))
    if few:
        columns = read_records([blocks[one].body for one in few], channels)
        parts.append(_numbered(columns, blocks, few))
    return join(parts)


def _numbered(columns: Columns, blocks: Sequence[Opened], these: Sequence[int]) -> Columns:
    return columns._replace(stream=np.repeat(these, [blocks[one].size for one in these]))


def _unpack(blocks: Sequence[Opened], channels: int) -> Columns:
    counts = np.array([block.size for block in blocks])
    tick: list[int] = []
    once: list[int] = []
    at, identity = _Steps(counts), _Steps(counts)
    received, flags, source = _Offsets(counts), _Offsets(counts), _Offsets(counts)
    values = [_Values(counts) for _ in range(channels)]
    columns: tuple[_Offsets | _Steps, ...] = (at, received, flags, source, identity, *values)
    for block in blocks:
        numbers = iter(block.numbers)
        next(numbers)
        tick.append(next(numbers))
        once.append(next(numbers))
        place = block.place
        for column in columns:
            place = column.take(numbers, block.body, place, block.size)
    moments = at.column() * np.repeat(tick, counts)
    return Columns(
        stream=np.zeros(len(moments), np.int64),
        at=moments,
        received=received.column() + np.where(np.repeat(once, counts), 0, moments),
        flags=flags.column(),
        source=source.column(),
        identity=identity.column(),
        values=np.array([one.values() for one in values]),
    )


class _Gathered:
    """One column of all blocks, as the blocks have it: numbers, and bytes by their width."""

    skip = 0
    """How many rows of a block have no bytes."""

    def __init__(self, counts: Integers) -> None:
        self.counts = counts
        self._low: list[int] = []
        self._widths: list[int] = []
        self._bytes: dict[int, list[bytes]] = {width: [] for width in WIDTHS}

    def _keep(self, low: int, width: int, body: bytes, place: int, size: int) -> int:
        self._low.append(low)
        self._widths.append(width)
        if not width:
            return place
        end = place + width * (size - self.skip)
        self._bytes[width].append(body[place:end])
        return end

    def _distances(self) -> Integers:
        """Add to each block's lowest what its bytes say of each row."""
        column = np.repeat(np.array(self._low, np.int64), self.counts)
        widths = np.repeat(self._widths, self.counts)
        if self.skip:
            widths[np.cumsum(self.counts) - self.counts] = 0
        for width, pieces in self._bytes.items():
            if pieces:
                more = np.frombuffer(b"".join(pieces), WIDTHS[width])
                column[widths == width] += more.astype(np.int64)
        return column


class _Offsets(_Gathered):
    """Distances from the lowest."""

    def take(self, numbers: Iterator[int], body: bytes, place: int, size: int) -> int:
        """Take this column out of the next block; return where the next column begins."""
        return self._keep(next(numbers), next(numbers), body, place, size)

    def column(self) -> Integers:
        """Return all rows."""
        return self._distances()


class _Steps(_Gathered):
    """Steps from the first; sums wrap around as they did when it was packed."""

    skip = 1

    def __init__(self, counts: Integers) -> None:
        super().__init__(counts)
        self._first: list[int] = []

    def take(self, numbers: Iterator[int], body: bytes, place: int, size: int) -> int:
        """Take this column out of the next block; return where the next column begins."""
        self._first.append(next(numbers))
        return self._keep(next(numbers), next(numbers), body, place, size)

    def column(self) -> Integers:
        """Return all rows."""
        steps = self._distances()
        starts = np.cumsum(self.counts) - self.counts
        steps[starts] = 0
        total: Integers = np.cumsum(steps)
        total += np.repeat(np.array(self._first, np.int64) - total[starts], self.counts)
        return total


class _Values(_Steps):
    """Scaled values, the few that could not be, and columns kept as they were."""

    def __init__(self, counts: Integers) -> None:
        super().__init__(counts)
        self._decimals: list[int] = []
        self._odd: list[tuple[int, list[int], bytes]] = []
        self._raw: list[tuple[int, bytes]] = []
        self._begin = 0

    def take(self, numbers: Iterator[int], body: bytes, place: int, size: int) -> int:
        """Take this column out of the next block; return where the next column begins."""
        begin, self._begin = self._begin, self._begin + size
        decimals = next(numbers)
        if decimals == RAW:
            self._decimals.append(0)
            self._first.append(0)
            self._keep(0, 0, body, place, size)
            self._raw.append((begin, body[place : place + 8 * size]))
            return place + 8 * size
        self._decimals.append(decimals)
        place = super().take(numbers, body, place, size)
        odd = [next(numbers) for _ in range(next(numbers))]
        if odd:
            self._odd.append((begin, odd, body[place : place + 8 * len(odd)]))
        return place + 8 * len(odd)

    def values(self) -> Floats:
        """Return all rows, bit for bit."""
        values = unscale(self.column(), np.repeat(self._decimals, self.counts))
        for begin, raw in self._raw:
            values[begin : begin + len(raw) // 8] = np.frombuffer(raw, "<f8")
        for begin, odd, bits in self._odd:
            values[np.array(odd) + begin] = np.frombuffer(bits, "<f8")
        return values
