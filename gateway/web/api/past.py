"""A device's past in pages, as plain data: readings as they came, or what lay in each bucket.

It is read one UTC day at a time, as the history stores it: however long a range is, memory holds
a day of it. A page ends early once much was read for it, so that nobody waits long for a page, nor
for one that somebody else has asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from devices.reading import UNUSABLE
from gateway.downsample import Buckets, buckets
from gateway.history.columns import DAY
from gateway.web.api.flags import flag_words
from gateway.web.corrected import CALIBRATED, MAINTAINED
from rules.subject import Order, order, undated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.web.files import Files

MUCH = 400_000
"""Values that are read for one page."""
PIECE = 1_000
"""Readings for which a block is unpacked, at least."""
_LAST = (1 << 63) - 1
"""After every identity and time."""


class Part(NamedTuple):
    """Items of a page, and where the next one begins; None: this was all."""

    items: list[dict[str, Any]]
    following: Order | int | None


class _Day(NamedTuple):
    """What may be read of a device in start ≤ when < end (ms)."""

    start: int
    end: int
    channels: set[str]
    size: int
    """Readings, about."""
    newer: list[Reading]
    """What the history had not yet."""

    def pieces(self, limit: int) -> Iterator[_Day]:
        """Yield it in pieces of about `limit` readings: only what is shown is worth making."""
        length = self.end - self.start
        width = max(1, length * max(limit, PIECE) // max(self.size, 1))
        if width * 2 > length:
            width = length
        for start in range(self.start, self.end, width):
            end = min(start + width, self.end)
            mine = [one for one in self.newer if start <= one.when < end]
            yield self._replace(start=start, end=end, newer=mine)


def _days(files: Files, device: DeviceKey, start: int, end: int) -> Iterator[_Day]:
    """Yield the UTC days on which a device has readings."""
    newer: dict[int, list[Reading]] = {}
    for one in files.newer(device, start, end):
        newer.setdefault(one.when // DAY * DAY, []).append(one)
    found = {one.midnight: one for one in files.history.days(device, start, end)}
    for midnight in sorted({*found, *newer}):
        mine = newer.get(midnight, [])
        channels = {channel for one in mine for channel in one.layout.channels}
        size = len(mine)
        if midnight in found:
            channels |= set(found[midnight].channels)
            size += found[midnight].readings
        yield _Day(max(start, midnight), min(end, midnight + DAY), channels, size, mine)


# -- readings as they came ----------------------------------------------------------------------


def readings(  # noqa: PLR0913, PLR0917 - what is asked for has this many parts
    files: Files,
    device: DeviceKey,
    channels: Sequence[str],
    start: int,
    end: int,
    after: Order | None,
    limit: int,
) -> Part:
    """Return at most `limit` readings, oldest first, that have one of these channels (none: any).

    Raises DamagedHistoryError.
    """
    items: list[dict[str, Any]] = []
    corrections = files.registry.corrections
    last: Order | None = None
    much = 0
    days = _days(files, device, start if after is None else max(start, after.when), end)
    met = (day for day in days if not channels or not day.channels.isdisjoint(channels))
    for piece in (piece for day in met for piece in day.pieces(limit)):
        if much >= MUCH:
            return Part(items, Order(piece.start - 1, _LAST, _LAST))
        found = {
            (one.at, one.identity): one
            for one in piece.newer + files.history.read(device, piece.start, piece.end)
            if not undated(one)
        }
        much += len(found)
        for one in sorted(found.values(), key=order):
            shown = [name for name in one.layout.channels if not channels or name in channels]
            if not shown or (after is not None and order(one) <= after):
                continue
            if len(items) == limit:
                return Part(items, last)
            items.append(_told(one, corrections.corrected(one), shown))
            last = order(one)
    return Part(items, None)


def _told(said: Reading, one: Reading, channels: Sequence[str]) -> dict[str, Any]:
    """Return a reading as it counts, with what the device said where that is another value."""
    raw = {} if said is one else _otherwise(said, one, channels)
    changed = CALIBRATED if said.values is not one.values else 0
    changed |= MAINTAINED if (said.flags ^ one.flags) & UNUSABLE else 0
    return {
        "when": one.when,
        "at": one.at,
        "received": one.received,
        "flags": flag_words(one.flags | changed),
        "values": {name: one.value(name) for name in channels},
        "raw": raw,
    }


def _otherwise(said: Reading, one: Reading, channels: Sequence[str]) -> dict[str, float | None]:
    return {name: said.value(name) for name in channels if said.value(name) != one.value(name)}


# -- buckets ------------------------------------------------------------------------------------


class _Bucket(msgspec.Struct):
    """One channel in one bucket, which may take more than one day to fill."""

    readings: int
    usable: int
    lowest: float
    highest: float
    first: float
    last: float
    total: float
    flags: int

    def add(self, later: _Bucket) -> None:
        """Add what came later in the same bucket."""
        self.readings += later.readings
        self.flags |= later.flags
        if not later.usable:
            return
        # NaN, where nothing was usable so far, loses against every number.
        self.lowest = min(later.lowest, self.lowest)
        self.highest = max(later.highest, self.highest)
        self.first = self.first if self.usable else later.first
        self.last = later.last
        self.usable += later.usable
        self.total += later.total

    def told(self) -> dict[str, Any]:
        """Return it as the model Bucket has it."""
        some = self.usable > 0
        return {
            "readings": self.readings,
            "usable": self.usable,
            "min": self.lowest if some else None,
            "max": self.highest if some else None,
            "first": self.first if some else None,
            "last": self.last if some else None,
            "mean": self.total / self.usable if some else None,
            "flags": flag_words(self.flags),
        }


def summaries(  # noqa: PLR0913, PLR0917 - what is asked for has this many parts
    files: Files,
    device: DeviceKey,
    channels: Sequence[str],
    start: int,
    end: int,
    width: int,
    limit: int,
) -> Part:
    """Return at most `limit` buckets of `width` ms, oldest first, of these channels (none: all).

    Buckets without a reading are left out. Raises DamagedHistoryError.
    """
    found: dict[int, dict[str, _Bucket]] = {}
    much, stopped = 0, False
    for day in _days(files, device, start, end):
        if len(found) > limit or (much >= MUCH and len(found) > 1):
            stopped = True
            break
        for channel in sorted(day.channels):
            if channels and channel not in channels:
                continue
            series = files.corrected(device, channel, day.start, day.end, day.newer).series
            much += len(series.when)
            made = buckets(series.when, series.values, series.flags, series.usable, width)
            for begin, bucket in _rows(made):
                known = found.setdefault(begin, {})
                if channel in known:
                    known[channel].add(bucket)
                else:
                    known[channel] = bucket
    begins = sorted(found)
    # The last one may go on in a day that was not read.
    shown = begins[: min(limit, len(begins) - stopped)]
    rest = begins[len(shown) :]
    return Part([_summary(one, width, found[one]) for one in shown], rest[0] if rest else None)


def _summary(begin: int, width: int, channels: dict[str, _Bucket]) -> dict[str, Any]:
    told = {name: channels[name].told() for name in sorted(channels)}
    return {"start": begin, "end": begin + width, "channels": told}


def _rows(made: Buckets) -> Iterator[tuple[int, _Bucket]]:
    start, readings, usable, *values, flags = (one.tolist() for one in made)
    rows = zip(start, readings, usable, *values, flags, strict=True)
    for begin, *row in rows:
        yield begin, _Bucket(*row)
