"""history.db: every reading for years, small and without loss. Written by its follower alone.

What this file guarantees:

- blocks and the cursor behind them are one transaction: after a crash the follower goes on
  where the blocks end, and nothing is missing or there twice;
- every reading comes back bit for bit, and once, however often or late it is given;
- a damaged block is named by device and day, and costs nobody else's readings.

A *stream* is a device with a layout. A block holds one stream's readings of one UTC day, or a
part of them. Blocks are kept by day first, because a batch touches all streams but few days:
by stream first, every batch would rewrite a page per device, which is what wears an SD card.

How parts come about: a handful of readings lies as records, to which more are appended. When
there are FEW, they are packed, together with the packed part before them if that is SMALL
and no larger than what is new, so that a reading is packed anew only a few times.
Readings may come in any order: those not newer than all of their day are compared with it
first, and what is there already is dropped.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import apsw
import numpy as np

from devices.reading import WRONG_CLOCK
from gateway.database import Database, fetch
from gateway.history.block_reader import open_block, unpack
from gateway.history.blocks import pack
from gateway.history.columns import (
    DAY,
    Columns,
    Integers,
    distinct,
    identities,
    join,
    sort,
    summarise,
)
from gateway.history.damage import asking
from gateway.history.held import FOREVER, NOTHING
from gateway.history.pruning import Pruning
from gateway.history.reader import HistoryReader
from gateway.history.records import DamagedBlockError, records
from gateway.history.streams import AS_RECORDS, WRONG, Streams, Tail
from gateway.scope import ALL, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from devices.reading import DeviceKey, Layout, Reading
    from gateway.history.held import Held
    from gateway.history.reader import Day, Series, Span

FEW = 8
"""Fewer readings than this stay records; up to twice as many, lest all devices be due at once."""
SMALL = 64
"""A packed part below this is packed anew with what is new, unless it is more than that."""
LONG = 4096
"""The most readings of a block: what one damaged block costs, and what an hour's chart reads."""

_APPEND = (
    "INSERT INTO block VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET n=n+excluded.n, "
    "first=min(first,excluded.first), last=max(last,excluded.last), kind=kind|excluded.kind, "
    "data=CAST(data||substr(excluded.data,2) AS BLOB)"
)
_INSERT = "INSERT INTO block VALUES (?,?,?,?,?,?,?,?,?)"
_DELETE = "DELETE FROM block WHERE day=? AND stream=? AND part>=?"
_SELECT = "SELECT data FROM block WHERE day=? AND stream=? ORDER BY part"
_PART_BITS = 20
_SELECT_TAILS = (
    "SELECT tail.rowid-1, data FROM carray(?) AS tail CROSS JOIN block ON day=? "
    "AND stream=tail.value>>20 AND part>=tail.value&0xfffff"
)


class History(Database):
    """The long-term store. Stage on the loop's thread, commit on another; one batch at a time."""

    kind = 2
    shrinks = True
    migrations = (
        """
        CREATE TABLE stream(
            id INTEGER PRIMARY KEY, owner TEXT NOT NULL, device TEXT NOT NULL,
            channels TEXT NOT NULL, UNIQUE (owner, device, channels));
        CREATE TABLE source(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        CREATE TABLE progress(cursor INTEGER NOT NULL, pruned INTEGER NOT NULL);
        INSERT INTO progress VALUES (0, 0);
        CREATE TABLE block(
            day INTEGER NOT NULL, stream INTEGER NOT NULL, part INTEGER NOT NULL,
            n INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            kind INTEGER NOT NULL, summary BLOB NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (day, stream, part)) WITHOUT ROWID;
        """,
        # Of which devices which days were spared when those of others were deleted.
        """
        CREATE TABLE spared(
            owner TEXT NOT NULL, device TEXT NOT NULL, first INTEGER NOT NULL,
            until INTEGER NOT NULL, PRIMARY KEY (owner, device, first)) WITHOUT ROWID;
        """,
    )

    def __init__(self, path: Path, *, vfs: str = "", synchronous: str = "FULL") -> None:
        """Open or create. Raises FileError; `vfs` and `synchronous` are for fault tests."""
        super().__init__(path, vfs=vfs, synchronous=synchronous)
        self._pruning = Pruning(self, self._load)
        self._load()

    def _load(self) -> None:
        with asking(self.path), self._telling():
            self._streams = Streams(self, self._connection)
            ((cursor,),) = fetch(self._connection, "SELECT cursor FROM progress")
            self._pruning.load(self._connection)
        self._cursor: int = cursor
        self._gathered: dict[Layout, list[Columns]] = {}
        self.waiting = 0
        """How many readings are gathered."""
        self._next_cursor = self._cursor

    @property
    def cursor(self) -> int:
        """Up to where in the journal everything is here and durable."""
        return self._cursor

    def gather(self, readings: Sequence[Reading]) -> None:
        """Take readings, to be stored with others: a third of the memory that they take."""
        for shape, columns in self._streams.columns(readings):
            self._gathered.setdefault(shape, []).append(columns)
        self.waiting += len(readings)

    @property
    def streams(self) -> int:
        """How many devices with a layout have ever had a reading here."""
        return len(self._streams)

    def stage_gathered(self, cursor: int) -> None:
        """Add what was gathered, and the cursor behind it, to the open transaction.

        What is here already is dropped. Raises DiskError or DamagedFileError, with nothing
        kept: everything after `cursor` must be gathered again.
        """
        try:
            self._streams.stage_names()
            while self._gathered:
                shape, columns = self._gathered.popitem()
                self._store(shape, join(columns))
            self.waiting = 0
            self.stage("UPDATE progress SET cursor=?", [(cursor,)])
        except BaseException:
            self.rollback()
            raise
        self._next_cursor = cursor

    def commit(self) -> None:
        """Make what is staged durable; returns after the disk has it. May run on any thread."""
        super().commit()
        self._cursor = self._next_cursor

    def rollback(self) -> None:
        """Drop what is staged. Does nothing when nothing is."""
        staged = self._staged
        super().rollback()
        if staged and not self._failed:
            self._load()

    def reopen(self) -> None:
        """Close and open again: after a failed write nothing in memory is trusted."""
        self._staged = False
        super().reopen()
        self._load()

    def close(self) -> None:
        """Checkpoint and close; what is staged is dropped."""
        self.rollback()
        super().close()

    # --- deleting

    def prune(self, before: int, maximum_size: int | None = None, held: Held = NOTHING) -> int:
        """Delete the days that ended at or before `before` (ms); return how many readings went.

        While the file is over its size in bytes the oldest day goes too, but never the newest. What
        is `held` stays in any case. Committed at once, a day at a time.
        """
        return self._pruning.prune(before, maximum_size, held)

    def give_up(self, before: int, held: Held) -> int:
        """Delete the oldest day that ended at or before `before` (ms) and is not held whole.

        Return how many readings went. The room goes back to the disk, some at a time.
        """
        gone = self._pruning.give_up(before, held)
        self.give_back()
        return gone

    @property
    def pruned_before(self) -> int:
        """Of days that ended at or before this (ms) only what was held is here; 0: all is."""
        return self._pruning.pruned_before

    @property
    def over_size(self) -> int:
        """By how many bytes the file is over its size for what is held, as last pruned."""
        return self._pruning.over_size

    def known_from(self, device: DeviceKey, until: int = FOREVER) -> int:
        """Return from when on (ms) all is here that there ever was of a device before `until`.

        What is earlier cannot be judged again: of it something may have been deleted.
        """
        return self._pruning.known_from(device, until)

    # --- writing one layout's share of a batch

    def _store(self, shape: Layout, columns: Columns) -> None:
        columns, starts = sort(columns)
        if _repeats(columns):
            columns, starts = sort(distinct(columns))
        streams, days = columns.stream[starts], columns.when[starts] // DAY
        self._pruning.look_again(np.unique(days).tolist())
        tail = self._streams.tail(streams, days)
        late = np.flatnonzero(columns.at[starts] <= tail.last)
        if len(late):
            keep = self._not_stored(shape, columns, starts, late)
            if not keep.any():
                return
            columns, starts = sort(columns.take(keep))
            streams, days = columns.stream[starts], columns.when[starts] // DAY
            tail = self._streams.tail(streams, days)
        latest = np.maximum(tail.last, np.maximum.reduceat(columns.at, starts))
        tail = tail._replace(last=latest)
        counts = np.diff(starts, append=len(columns.at))
        few = tail.records + counts < FEW + columns.stream[starts] % FEW
        if few.all():
            self._append(columns, starts, tail)
            return
        of_few = np.repeat(few, counts)
        if few.any():
            self._append(columns.take(of_few), _begins(counts[few]), tail.take(few))
        self._pack(shape, columns.take(~of_few), _begins(counts[~few]), tail.take(~few))

    def _not_stored(
        self, shape: Layout, columns: Columns, starts: Integers, late: Integers
    ) -> NDArray[np.bool_]:
        """Tell which rows the file has not, looking only at segments that may repeat it."""
        keep = np.ones(len(columns.at), np.bool_)
        ends = np.append(starts[1:], len(columns.at))
        days = columns.when // DAY
        for begin, end in zip(starts[late].tolist(), ends[late].tolist(), strict=True):
            given = columns.take(slice(begin, end))
            known: set[tuple[int, int]] = set()
            place = (int(days[begin]), int(given.stream[0]))
            for (data,) in self._connection.execute(_SELECT, place):
                try:
                    block = unpack([open_block(data, len(shape.channels))], len(shape.channels))
                except DamagedBlockError:
                    # It cannot be compared with: better twice than not at all. A reader is told.
                    continue
                known.update(_names(shape, block.take(np.isin(block.at, given.at))))
            keep[begin:end] = [name not in known for name in _names(shape, given)]
        return keep

    def _tails(
        self, shape: Layout, days: Integers, streams: Integers, parts: Integers
    ) -> tuple[Columns | None, NDArray[np.bool_]]:
        """Unpack each stream's day from its part on; say of which a block is damaged."""
        damaged = np.zeros(len(days), np.bool_)
        rows, blocks = [], []
        for row, data in self._fetch(days, streams, parts):
            try:
                blocks.append(open_block(data, len(shape.channels)))
                rows.append(row)
            except DamagedBlockError:
                # Whoever reads it is told. Here it only has to be left as it is.
                damaged[row] = True
        if not blocks:
            return None, damaged
        columns = unpack(blocks, len(shape.channels))
        of = np.array(rows)[columns.stream]
        columns = columns._replace(stream=streams[of])
        return columns.take(~damaged[of]) if damaged.any() else columns, damaged

    def _fetch(
        self, days: Integers, streams: Integers, parts: Integers
    ) -> Iterator[tuple[int, bytes]]:
        for day in np.unique(days).tolist():
            rows = np.flatnonzero(days == day)
            places = np.ascontiguousarray(streams[rows] << _PART_BITS | parts[rows])
            for row, data in self._connection.execute(_SELECT_TAILS, (apsw.carray(places), day)):
                yield int(rows[row]), data

    def _append(self, columns: Columns, starts: Integers, tail: Tail) -> None:
        """Write segments of a few rows as records, behind the open ones if there are any."""
        parts = tail.part - (tail.records > 0)
        heads = _heads(columns, starts, parts, AS_RECORDS)
        blocks = zip(heads, records(columns, starts), strict=True)
        self.stage(_APPEND, [(*head, b"", data) for head, data in blocks])
        counts = np.diff(starts, append=len(columns.at))
        now = tail._replace(part=parts + 1, records=tail.records + counts)
        self._streams.remember(columns.stream[starts], columns.when[starts] // DAY, now)

    def _pack(self, shape: Layout, columns: Columns, starts: Integers, tail: Tail) -> None:
        """Pack segments, together with what lies at their tails that is to be packed anew."""
        streams, days = columns.stream[starts], columns.when[starts] // DAY
        total = tail.records + np.diff(starts, append=len(columns.at))
        again = (tail.small > 0) & (tail.small < SMALL) & (tail.small <= total)
        parts = tail.part - (tail.records > 0) - again
        anew = np.flatnonzero(parts < tail.part)
        if len(anew):
            old, damaged = self._tails(shape, days[anew], streams[anew], parts[anew])
            parts[anew[damaged]] = tail.part[anew[damaged]]
            anew = anew[~damaged]
            places = (days[anew].tolist(), streams[anew].tolist(), parts[anew].tolist())
            self.stage(_DELETE, zip(*places, strict=True))
            columns, starts = sort(columns if old is None else join([old, columns]))
        counts = np.diff(starts, append=len(columns.at))
        pieces = -(-counts // LONG)
        inside = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        cuts = np.repeat(starts, pieces) + inside * LONG
        heads = _heads(columns, cuts, np.repeat(parts, pieces) + inside, 0)
        packed = zip(heads, summarise(columns, cuts), pack(columns, cuts), strict=True)
        self.stage(_INSERT, [(*head, summary, data) for head, summary, data in packed])
        now = Tail(tail.last, parts + pieces, np.zeros_like(parts), counts - (pieces - 1) * LONG)
        self._streams.remember(streams, days, now)

    # --- reading what is committed, on any thread; each raises what HistoryReader raises

    def read(self, device: DeviceKey, start: int, end: int, scope: Scope = ALL) -> list[Reading]:
        """Return the readings whose `when` is in start ≤ when < end (ms): HistoryReader.read."""
        with self.opened() as reader:
            return reader.read(device, start, end, scope)

    def series(
        self, device: DeviceKey, channel: str, start: int, end: int, scope: Scope = ALL
    ) -> Series:
        """Return one channel in start ≤ when < end (ms) as arrays: HistoryReader.series."""
        with self.opened() as reader:
            return reader.series(device, channel, start, end, scope)

    def days(self, device: DeviceKey, start: int, end: int, scope: Scope = ALL) -> list[Day]:
        """Return what is known of UTC days without reading them: HistoryReader.days."""
        with self.opened() as reader:
            return reader.days(device, start, end, scope)

    def devices(self, scope: Scope = ALL) -> list[DeviceKey]:
        """Return every device that has ever had a reading here, sorted."""
        with self.opened() as reader:
            return reader.devices(scope)

    def span(self, device: DeviceKey, scope: Scope = ALL) -> Span | None:
        """Return the first and last `when` of a device (ms), None if nothing is here."""
        with self.opened() as reader:
            return reader.span(device, scope)

    @contextmanager
    def opened(self) -> Iterator[HistoryReader]:
        """Give one reader for many questions, by a connection of its own.

        Ask on any thread, one question at a time. Each is a read of its own, and sees what was
        committed by then. Raises FileError, DiskError.
        """
        with asking(self.path):
            connection = self.reader()
        with closing(connection):
            yield HistoryReader(self.path, connection)


def _begins(counts: Integers) -> Integers:
    begins: Integers = np.cumsum(counts) - counts
    return begins


def _repeats(columns: Columns) -> bool:
    """Whether a stream has two readings of one moment: then they may be one, given twice."""
    same = (columns.at[1:] == columns.at[:-1]) & (columns.stream[1:] == columns.stream[:-1])
    return bool(same.any())


def _names(shape: Layout, columns: Columns) -> list[tuple[int, int]]:
    return list(zip(columns.at.tolist(), identities(columns, shape), strict=True))


def _heads(columns: Columns, starts: Integers, parts: Integers, kind: int) -> list[tuple[int, ...]]:
    """Give the key columns of blocks that begin at these rows, as their table has them."""
    when = columns.when
    wrong = np.bitwise_or.reduceat(columns.flags, starts) & WRONG_CLOCK != 0
    return list(
        zip(
            (when[starts] // DAY).tolist(),
            columns.stream[starts].tolist(),
            parts.tolist(),
            np.diff(starts, append=len(when)).tolist(),
            np.minimum.reduceat(when, starts).tolist(),
            np.maximum.reduceat(when, starts).tolist(),
            np.where(wrong, kind | WRONG, kind).tolist(),
            strict=True,
        )
    )
