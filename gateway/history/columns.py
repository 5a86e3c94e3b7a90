"""Many readings of one layout as columns, which is how the history sorts and packs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.reading import COUNTED, UNUSABLE_SHIFT, WRONG_CLOCK, DeviceKey, Layout, Reading, digest

if TYPE_CHECKING:
    from collections.abc import Sequence

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY = 86_400_000
"""Milliseconds of a UTC day."""

SUMMARY = np.dtype([("lowest", "<f8"), ("highest", "<f8"), ("sum", "<f8"), ("count", "<u4")])
"""One per channel: of usable values only; a channel without any has count 0."""


class Columns(NamedTuple):
    """n readings of one layout: every array has length n, `values` is channels by n.

    `stream` is a number for (device, layout), `source` one for the text. `identity` is 0
    where the reading is not COUNTED and nobody has asked for its digest.
    """

    stream: Integers
    at: Integers
    received: Integers
    flags: Integers
    source: Integers
    identity: Integers
    values: Floats

    @property
    def when(self) -> Integers:
        """The time each is judged at, milliseconds since 1970."""
        wrong = self.flags & WRONG_CLOCK
        return np.where(wrong, self.received, self.at) if wrong.any() else self.at

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Columns:
        """Return these rows, in this order."""
        return Columns(
            self.stream[rows],
            self.at[rows],
            self.received[rows],
            self.flags[rows],
            self.source[rows],
            self.identity[rows],
            np.ascontiguousarray(self.values[:, rows]),
        )


def join(parts: Sequence[Columns]) -> Columns:
    """Put several of the same layout behind one another."""
    if len(parts) == 1:
        return parts[0]
    return Columns(*(np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True)))


def identities(columns: Columns, layout: Layout) -> list[int]:
    """Return each reading's identity; digests are worked out again from the values."""
    found: list[int] = columns.identity.tolist()
    rows = np.flatnonzero(columns.flags & COUNTED == 0).tolist()
    values = columns.values.T
    for row in rows:
        found[row] = digest(layout, tuple(values[row].tolist()))
    return found


def to_readings(
    columns: Columns, device: DeviceKey, layout: Layout, sources: dict[int, str]
) -> list[Reading]:
    """Turn columns back into the readings they were made of."""
    return [
        Reading(device, at, received, layout, values, flags, identity, sources[source])
        for at, received, values, flags, identity, source in zip(
            columns.at.tolist(),
            columns.received.tolist(),
            map(tuple, columns.values.T.tolist()),
            columns.flags.tolist(),
            identities(columns, layout),
            columns.source.tolist(),
            strict=True,
        )
    ]


def summarise(columns: Columns, starts: Integers) -> list[bytes]:
    """Per block the lowest, highest, sum and count of each channel's usable values: SUMMARY."""
    table = np.zeros((len(starts), len(columns.values)), SUMMARY)
    unusable = columns.flags >> UNUSABLE_SHIFT
    spoilt = unusable.any()
    for index, values in enumerate(columns.values):
        usable = (unusable >> index & 1 == 0) & np.isfinite(values) if spoilt else None
        low = values if usable is None else np.where(usable, values, np.inf)
        high = values if usable is None else np.where(usable, values, -np.inf)
        total = values if usable is None else np.where(usable, values, 0.0)
        table["lowest"][:, index] = np.minimum.reduceat(low, starts)
        table["highest"][:, index] = np.maximum.reduceat(high, starts)
        table["sum"][:, index] = np.add.reduceat(total, starts)
        table["count"][:, index] = (
            np.diff(starts, append=len(values))
            if usable is None
            else np.add.reduceat(usable.astype(np.int64), starts)
        )
    width = SUMMARY.itemsize * len(columns.values)
    written = table.tobytes()
    return [written[begin : begin + width] for begin in range(0, len(written), width)]


def sort(columns: Columns) -> tuple[Columns, Integers]:
    """Sort by stream, day and `at`; return where each stream's day starts, too."""
    day = columns.when // DAY
    one_day = day.min() == day.max()
    keys = (columns.at, columns.stream) if one_day else (columns.at, day, columns.stream)
    order = np.lexsort(keys)
    columns, day = columns.take(order), day[order]
    fresh = np.ones(len(day), np.bool_)
    fresh[1:] = (columns.stream[1:] != columns.stream[:-1]) | (day[1:] != day[:-1])
    return columns, np.flatnonzero(fresh)


def distinct(columns: Columns) -> Columns:
    """Drop repetitions: same stream, day, `at` and identity. The first of each is kept."""
    day = columns.when // DAY
    order = np.lexsort((columns.identity, columns.at, day, columns.stream))
    keys = (columns.stream, day, columns.at, columns.identity)
    fresh = np.zeros(len(day), np.bool_)
    fresh[0] = True
    for key in keys:
        fresh[1:] |= np.diff(key[order]) != 0
    return columns.take(np.sort(order[fresh]))
