"""Reads history.db, from any thread or process: it needs a connection and nothing in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.reading import UNUSABLE_SHIFT, DeviceKey, Layout
from gateway.history.block_reader import Opened, open_block, unpack
from gateway.history.columns import DAY, SUMMARY, Columns, Floats, Integers, summarise, to_readings
from gateway.history.damage import asking, damaged, layout_of
from gateway.history.held import FOREVER, Days, known_from
from gateway.history.records import DamagedBlockError
from gateway.scope import ALL, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import apsw

    from devices.reading import Reading

# Days are few, streams are many and keyed behind them: hop from day to day, then look there.
_DAYS = (
    "WITH RECURSIVE present(day) AS ("
    "SELECT min(day) FROM block WHERE day>=:begin AND day<=:end UNION ALL "
    "SELECT (SELECT min(day) FROM block WHERE block.day>present.day AND block.day<=:end) "
    "FROM present WHERE present.day IS NOT NULL) "
)
_BLOCKS = (
    _DAYS  # noqa: S608 - a constant of this file
    + "SELECT block.day, data FROM present CROSS JOIN block ON block.day=present.day "
    "WHERE stream=:stream AND last>=:first AND first<:last ORDER BY block.day, part"
)
_SUMMARIES = (
    _DAYS + "SELECT block.day, n, first, last, summary, iif(kind&1, data, NULL) "
    "FROM present CROSS JOIN block ON block.day=present.day WHERE stream=:stream "
    "ORDER BY block.day, part"
)

_SIZES = (
    _DAYS  # noqa: S608 - a constant of this file
    + "SELECT ifnull(sum(length(data) + length(summary)), 0) FROM present "
    "CROSS JOIN block ON block.day=present.day WHERE stream=:stream"
)

_ENDS = (
    "WITH RECURSIVE present(day) AS (SELECT min(day) FROM block UNION ALL "
    "SELECT (SELECT min(day) FROM block WHERE block.day>present.day) "
    "FROM present WHERE present.day IS NOT NULL) "
    "SELECT min(first), max(last) FROM present CROSS JOIN block ON block.day=present.day "
    "WHERE stream=:stream"
)


_WHOLE = np.zeros(1, np.int64)


class Series(NamedTuple):
    """One channel over time: `when` (ms) rising, values, and the flags of the readings.

    Unusable values are there: `usable` says which are not.
    """

    when: Integers
    values: Floats
    flags: Integers
    usable: NDArray[np.bool_]


class Span(NamedTuple):
    """The first and last `when`, ms since 1970."""

    first: int
    last: int


class ChannelSummary(NamedTuple):
    """Of a channel's usable values on one UTC day. With none, `usable` is 0 and the rest nan."""

    lowest: float
    highest: float
    mean: float
    usable: int


class Day(NamedTuple):
    """A UTC day of a device: midnight and span of its readings (ms), their number, its channels."""

    midnight: int
    first: int
    last: int
    readings: int
    channels: dict[str, ChannelSummary]


class HistoryReader:
    """What one asks of the history. A call is one short read; nothing is kept between calls.

    On any thread, one call at a time. Each raises DamagedHistoryError where what is here of that
    device is damaged, DamagedFileError where the whole file is, and DiskError.
    """

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        """Read through `connection`; `path` is for messages only."""
        self._path = path
        self._connection = connection

    @property
    def cursor(self) -> int:
        """Up to where in the journal everything is here."""
        ((cursor,),) = self._rows("SELECT cursor FROM progress")
        return int(cursor)

    def known_from(self, device: DeviceKey, until: int = FOREVER) -> int:
        """Return from when on (ms) all is here that there ever was of a device before `until`."""
        # One statement, so that both are of one moment.
        rows = self._rows(
            "SELECT pruned, first, until FROM progress LEFT JOIN spared "
            "ON owner=? AND device=? ORDER BY first",
            device,
        )
        spared = [Days(first, end) for _, first, end in rows if first is not None]
        return known_from(rows[0][0], spared, until)

    def devices(self, scope: Scope = ALL) -> list[DeviceKey]:
        """Return every device that has ever had a reading here, sorted."""
        rows = self._rows("SELECT DISTINCT owner, device FROM stream ORDER BY 1, 2")
        return [device for device in map(DeviceKey._make, rows) if scope.allows(device)]

    def read(self, device: DeviceKey, start: int, end: int, scope: Scope = ALL) -> list[Reading]:
        """Return the readings whose `when` is in start ≤ when < end (ms since 1970).

        Sorted by (`when`, identity), each (`at`, identity) once: a reading with a wrong clock
        that was heard again on another day is here twice, and the earlier one counts.
        """
        texts = dict(self._rows("SELECT id, text FROM source", device=device))
        found: list[Reading] = []
        for stream, shape in self._streams(device, scope):
            columns = self._between(device, stream, shape, start, end)
            if columns is not None:
                found += to_readings(columns, device, shape, texts)
        found.sort(key=lambda one: (one.when, one.identity, one.at, one.received))
        seen: dict[tuple[int, int], Reading] = {}
        for one in found:
            seen.setdefault((one.at, one.identity), one)
        return list(seen.values())

    def series(
        self, device: DeviceKey, channel: str, start: int, end: int, scope: Scope = ALL
    ) -> Series:
        """Return one channel in start ≤ when < end (ms) as arrays of equal length, by `when`.

        For charts: no Reading is made and no digest worked out.
        """
        when: list[Integers] = [np.zeros(0, np.int64)]
        flags: list[Integers] = [np.zeros(0, np.int64)]
        values: list[Floats] = [np.zeros(0)]
        usable: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_)]
        for stream, shape in self._streams(device, scope):
            index = shape.index(channel)
            if index is None:
                continue
            columns = self._between(device, stream, shape, start, end)
            if columns is not None:
                when.append(columns.when)
                flags.append(columns.flags)
                values.append(columns.values[index])
                usable.append(columns.flags >> (UNUSABLE_SHIFT + index) & 1 == 0)
        times = np.concatenate(when)
        order = np.argsort(times, kind="stable")
        return Series(
            times[order],
            np.concatenate(values)[order],
            np.concatenate(flags)[order],
            np.concatenate(usable)[order],
        )

    def days(self, device: DeviceKey, start: int, end: int, scope: Scope = ALL) -> list[Day]:
        """Return the UTC days that touch start ≤ t < end (ms), from summaries alone."""
        days: dict[int, Day] = {}
        rows: dict[tuple[int, str], list[tuple[float, float, float, int]]] = {}
        for stream, shape in self._streams(device, scope):
            bindings = {"begin": start // DAY, "end": (end - 1) // DAY, "stream": stream}
            rows_of_stream = self._rows(_SUMMARIES, bindings, device)
            for day, size, first, last, written, data in rows_of_stream:
                known = days.get(day, Day(day * DAY, first, last, 0, {}))
                days[day] = known._replace(
                    first=min(first, known.first),
                    last=max(last, known.last),
                    readings=known.readings + size,
                )
                # A few records have no summary written: they are soon read.
                summary = written
                if data is not None:
                    block = self._open(device, shape, day, data)
                    (summary,) = summarise(unpack([block], len(shape.channels)), _WHOLE)
                for channel, row in zip(
                    shape.channels, np.frombuffer(summary, SUMMARY).tolist(), strict=True
                ):
                    rows.setdefault((day, channel), []).append(row)
        for (day, channel), parts in rows.items():
            days[day].channels[channel] = _combine(parts)
        return [days[day] for day in sorted(days)]

    def span(self, device: DeviceKey, scope: Scope = ALL) -> Span | None:
        """Return the first and last `when` of a device (ms), None if nothing is here."""
        ends = []
        for stream, _ in self._streams(device, scope):
            rows = self._rows(_ENDS, {"stream": stream}, device)
            ends += [Span(*row) for row in rows if row[0] is not None]
        if not ends:
            return None
        return Span(min(one.first for one in ends), max(one.last for one in ends))

    def bytes_of(self, device: DeviceKey, start: int, end: int) -> int:
        """Return how many bytes the UTC days of a device take that touch start ≤ t < end (ms)."""
        total = 0
        for stream, _ in self._streams(device, ALL):
            bindings = {"begin": start // DAY, "end": (end - 1) // DAY, "stream": stream}
            total += self._rows(_SIZES, bindings, device)[0][0]
        return total

    def _streams(self, device: DeviceKey, scope: Scope) -> list[tuple[int, Layout]]:
        if not scope.allows(device):
            return []
        rows = self._rows(
            "SELECT id, channels FROM stream WHERE owner=? AND device=? ORDER BY id", device, device
        )
        return [(number, layout_of(self._path, device, channels)) for number, channels in rows]

    def _between(  # one stream's rows in start ≤ when < end, None if there are none
        self, device: DeviceKey, stream: int, shape: Layout, start: int, end: int
    ) -> Columns | None:
        bindings = {
            "begin": start // DAY,
            "end": (end - 1) // DAY,
            "stream": stream,
            "first": start,
            "last": end,
        }
        rows = self._rows(_BLOCKS, bindings, device)
        blocks = [self._open(device, shape, day, data) for day, data in rows]
        if not blocks:
            return None
        columns = unpack(blocks, len(shape.channels))
        when = columns.when
        return columns.take((when >= start) & (when < end))

    def _open(self, device: DeviceKey, shape: Layout, day: int, data: bytes) -> Opened:
        try:
            return open_block(data, len(shape.channels))
        except DamagedBlockError as error:
            date = np.datetime64(day, "D")
            problem = f"a block of {device} on {date} (UTC) is damaged: {error}"
            raise damaged(self._path, problem) from error

    def _rows(
        self,
        statement: str,
        bindings: Sequence[Any] | Mapping[str, Any] = (),
        device: DeviceKey | None = None,
    ) -> list[Any]:
        """Return all rows at once: a read left open, by an error too, would stall the WAL."""
        with asking(self._path, device):
            return self._connection.execute(statement, bindings).fetchall()


def _combine(rows: list[tuple[float, float, float, int]]) -> ChannelSummary:
    some = [row for row in rows if row[3]]
    if not some:
        return ChannelSummary(math.nan, math.nan, math.nan, 0)
    count = sum(row[3] for row in some)
    return ChannelSummary(
        min(row[0] for row in some),
        max(row[1] for row in some),
        sum(row[2] for row in some) / count,
        count,
    )
