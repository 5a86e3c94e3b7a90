"""The writer's side of history.db: who is who by number, and where each stream's day stands."""

from __future__ import annotations

from itertools import chain, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from devices.reading import DeviceKey, Layout
from gateway.history.columns import Columns, Integers
from gateway.history.damage import layout_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw
    from numpy.typing import NDArray

    from devices.reading import Reading
    from gateway.database import Database

AS_RECORDS = 1
WRONG = 2
"""Bits of a block's `kind`: it is records, not packed; it holds readings of a wrong clock."""
_NO_DAY = -(1 << 62)
_EMPTY = _NO_DAY + 1
"""In place of a day: the stream is new, so none of its days has anything."""
_ANY_TIME = 1 << 62

_SELECT_TAIL = "SELECT n, last, kind FROM block WHERE day=? AND stream=? ORDER BY part"

_device, _layout = attrgetter("device"), attrgetter("layout")
_source, _values = attrgetter("source"), attrgetter("values")
_integers = [attrgetter(name) for name in ("at", "received", "flags", "identity")]


class Tail(NamedTuple):
    """How the last blocks of a stream's day stand: columns, one row for each asked for.

    last: latest `at` stored; part: the next free number; records: how many readings lie in an
    open block of records, which is then the last part; small: how many in the packed part
    before that, or in the last part if it is packed.
    """

    last: Integers
    part: Integers
    records: Integers
    small: Integers

    def take(self, rows: Integers | NDArray[np.bool_]) -> Tail:
        """Return these rows, in this order."""
        return Tail(*(column[rows] for column in self))


class _Block(NamedTuple):
    n: int
    last: int
    kind: int


class Streams:
    """Numbers for streams and sources, and the tail of each stream's day, kept in memory.

    Made anew after a rollback, for it knows what was staged.
    """

    def __init__(self, database: Database, connection: apsw.Connection) -> None:
        """Load the names the file knows; tails are looked up when they are needed.

        Raises DamagedHistoryError.
        """
        self._database = database
        self._connection = connection
        self._new_streams: list[tuple[int, str, str, str]] = []
        self._new_sources: list[tuple[int, str]] = []
        self._numbers: dict[tuple[DeviceKey, Layout], int] = {}
        self._shape_numbers: dict[Layout, int] = {}
        self._shapes = np.zeros(0, np.int64)  # by stream
        rows = connection.execute("SELECT id, owner, device, channels FROM stream ORDER BY id")
        for number, owner, device, channels in rows:
            key = DeviceKey(owner, device)
            self._numbers[key, layout_of(database.path, key, channels)] = number
        self._sources: dict[str, int] = {
            text: number for number, text in connection.execute("SELECT id, text FROM source")
        }
        self._day = np.zeros(0, np.int64)
        self._tail = Tail(*np.zeros((4, 0), np.int64))
        self._grow(list(self._numbers), _NO_DAY)

    def columns(self, readings: Sequence[Reading]) -> Iterator[tuple[Layout, Columns]]:
        """Turn readings into columns, layout by layout; new names wait for `stage_names`."""
        count = len(readings)
        streams = self._number_streams(readings)
        at, received, flags, identity = (
            np.fromiter(map(get, readings), np.int64, count) for get in _integers
        )
        sources = self._number_sources(readings)
        every = Columns(streams, at, received, flags, sources, identity, np.empty((0, count)))
        values = np.fromiter(chain.from_iterable(map(_values, readings)), np.float64)
        shapes = self._shapes[streams]
        width = np.array([len(shape.channels) for shape in self._shape_numbers], np.int64)[shapes]
        place = np.cumsum(width) - width
        for shape, number in self._shape_numbers.items():
            rows = np.flatnonzero(shapes == number)
            if not len(rows):
                continue
            if len(rows) == count:
                yield shape, every._replace(values=values.reshape(count, -1).T)
            else:
                cells = place[rows] + np.arange(len(shape.channels))[:, None]
                yield shape, every.take(rows)._replace(values=values[cells])

    def __len__(self) -> int:
        """Return how many streams there are."""
        return len(self._numbers)

    def stage_names(self) -> None:
        """Stage the names that `columns` met for the first time."""
        self._database.stage("INSERT INTO stream VALUES (?,?,?,?)", self._new_streams)
        self._database.stage("INSERT INTO source VALUES (?,?)", self._new_sources)
        self._new_streams, self._new_sources = [], []

    def _number_streams(self, readings: Sequence[Reading]) -> Integers:
        numbers = self._find_streams(readings)
        if numbers.min(initial=0) < 0:
            keys = ((one.device, one.layout) for one in readings)
            new = [key for key in dict.fromkeys(keys) if key not in self._numbers]
            following = range(len(self._numbers), len(self._numbers) + len(new))
            self._new_streams.extend(
                (number, device.owner, device.id, " ".join(shape.channels))
                for number, (device, shape) in zip(following, new, strict=True)
            )
            self._numbers.update(zip(new, following, strict=True))
            self._grow(new, _EMPTY)
            numbers = self._find_streams(readings)
        return numbers

    def _find_streams(self, readings: Sequence[Reading]) -> Integers:
        # No list and no loop: for each reading this makes nothing that has to be cleared away.
        keys = zip(map(_device, readings), map(_layout, readings), strict=True)
        return np.fromiter(map(self._numbers.get, keys, repeat(-1)), np.int64, len(readings))

    def _grow(self, new: Sequence[tuple[DeviceKey, Layout]], day: int) -> None:
        shapes = self._shape_numbers
        added = [shapes.setdefault(shape, len(shapes)) for _, shape in new]
        self._shapes = np.concatenate([self._shapes, np.array(added, np.int64)])
        self._day = np.concatenate([self._day, np.full(len(new), day)])
        empty = np.zeros(len(new), np.int64)
        self._tail = Tail(
            np.concatenate([self._tail.last, np.full(len(new), _NO_DAY)]),
            *(np.concatenate([column, empty]) for column in self._tail[1:]),
        )

    def _number_sources(self, readings: Sequence[Reading]) -> Integers:
        numbers = self._find_sources(readings)
        if numbers.min(initial=0) < 0:
            new = [text for text in set(map(_source, readings)) if text not in self._sources]
            rows = list(enumerate(sorted(new), len(self._sources)))
            self._new_sources.extend(rows)
            self._sources.update((text, number) for number, text in rows)
            numbers = self._find_sources(readings)
        return numbers

    def _find_sources(self, readings: Sequence[Reading]) -> Integers:
        found = map(self._sources.get, map(_source, readings), repeat(-1))
        return np.fromiter(found, np.int64, len(readings))

    def tail(self, streams: Integers, days: Integers) -> Tail:
        """Return how these streams' days stand, from memory or else from the file."""
        tail = self._tail.take(streams)
        kept = self._day[streams]
        for row in np.flatnonzero((kept != days) & (kept != _EMPTY)).tolist():
            found = self._look_up(int(days[row]), int(streams[row]))
            for column, value in zip(tail, found, strict=True):
                column[row] = value
        return tail

    def _look_up(self, day: int, stream: int) -> tuple[int, int, int, int]:
        rows = self._connection.execute(_SELECT_TAIL, (day, stream))
        blocks = [_Block._make(row) for row in rows]
        if not blocks:
            return _NO_DAY, 0, 0, 0
        last = max(block.last for block in blocks)
        if any(block.kind & WRONG for block in blocks):
            last = _ANY_TIME  # `last` is by our clock here: only the blocks know the device's
        open_records = blocks[-1].n if blocks[-1].kind & AS_RECORDS else 0
        packed = blocks[: len(blocks) - bool(open_records)][-1:]
        small = packed[0].n if packed and not packed[0].kind & AS_RECORDS else 0
        return last, len(blocks), open_records, small

    def remember(self, streams: Integers, days: Integers, tail: Tail) -> None:
        """Keep how these stand now; of several days of a stream, the last one given."""
        self._day[streams] = days
        for column, kept in zip(tail, self._tail, strict=True):
            kept[streams] = column
