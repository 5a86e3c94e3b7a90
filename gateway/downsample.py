"""Fewer points of a long series, such that no extreme and no gap is lost. Pure: arrays in and out.

Thinning by mean or by taking every n-th point hides the one warm minute that matters. Here time is
cut into buckets, and of each the first, lowest, highest and last value are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

A_BUCKET = 4
"""Values that are kept of a bucket, at most; besides, two marks of a gap."""


class Points(NamedTuple):
    """What is drawn: times (ms, rising) and values. NaN is a gap: nobody knows the value there."""

    t: Integers
    v: Floats
    thinned: bool
    """Whether some were left out."""


class Buckets(NamedTuple):
    """Lengths of time with what was measured in each: arrays of equal length, by time.

    `start` is in ms. `readings` counts all and `usable` those with a value that can be true:
    of these alone are the values, which are NaN without any. `flags` are those of all the readings
    together.
    """

    start: Integers
    readings: Integers
    usable: Integers
    lowest: Floats
    highest: Floats
    first: Floats
    last: Floats
    total: Floats
    """The sum of the usable values."""
    flags: Integers


def downsample(  # noqa: PLR0913, PLR0917 - a series is this many arrays
    when: Integers,
    values: Floats,
    usable: Booleans,
    start: int,
    end: int,
    points: int,
    *,
    silence: int | None = None,
) -> Points:
    """Return about `points` points of a series in start ≤ when < end (ms).

    `when` rises. The lowest, highest, first and last usable value of every bucket are there, so at
    most `points` values, and a NaN wherever a value between two kept ones is not usable. `silence`:
    after so many ms without a reading nobody knows, so a NaN follows there too. Fewer than `points`
    come back as they are.
    """
    inside = slice(*np.searchsorted(when, (start, end)))
    when, values = when[inside], values[inside]
    known = usable[inside] & np.isfinite(values)
    if silence is not None:
        when, values, known = _with_silence(when, values, known, silence)
    there = len(when)
    if there > points:
        width = max(1, -(-(end - start) // max(1, points // A_BUCKET)))
        rows = _kept(values, known, (when - start) // width)
        when, values, known = when[rows], values[rows], known[rows]
    return Points(when, np.where(known, values, np.nan), thinned=len(when) < there)


def _with_silence(
    when: Integers, values: Floats, known: Booleans, silence: int
) -> tuple[Integers, Floats, Booleans]:
    """Return the series with an unknown value wherever nothing was heard for too long."""
    after = np.flatnonzero(np.diff(when) > silence)
    places = after + 1
    return (
        np.insert(when, places, when[after] + silence),
        np.insert(values, places, np.nan),
        np.insert(known, places, False),
    )


def _kept(values: Floats, known: Booleans, bucket: Integers) -> NDArray[np.intp]:
    """Return which rows are kept."""
    rows = np.flatnonzero(known)
    gaps = np.flatnonzero(~known)
    kept = [*_ends(gaps, bucket)]
    if len(rows):
        kept += _ends(rows, bucket)
        starts = _starts(bucket[rows])
        sizes = np.diff(np.append(starts, len(rows)))
        for reduced in (np.minimum, np.maximum):
            extreme = np.repeat(reduced.reduceat(values[rows], starts), sizes)
            met = rows[values[rows] == extreme]
            kept.append(met[_starts(bucket[met])])
    return np.unique(np.concatenate(kept))


def _starts(bucket: Integers) -> NDArray[np.intp]:
    """Return where each bucket begins."""
    if not len(bucket):
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))


def _ends(rows: NDArray[np.intp], bucket: Integers) -> list[NDArray[np.intp]]:
    """Return the first and the last of these rows in each bucket."""
    starts = _starts(bucket[rows])
    lasts = np.append(starts[1:], len(rows)) - 1 if len(rows) else starts
    return [rows[starts], rows[lasts]]


def buckets(
    when: Integers, values: Floats, flags: Integers, usable: Booleans, width: int
) -> Buckets:
    """Return a series in buckets of `width` ms, which begin at multiples of it since 1970 (UTC).

    `when` rises. Buckets without a reading are left out.
    """
    known = usable & np.isfinite(values)
    start = when // width * width
    edges = _starts(start)
    if not len(edges):
        none, zero = np.zeros(0), np.zeros(0, np.int64)
        return Buckets(zero, zero, zero, none, none, none, none, none, zero)
    counted = np.add.reduceat(known.astype(np.int64), edges)
    some = counted > 0

    def of_known(found: Floats) -> Floats:
        return np.where(some, found, np.nan)

    rows = np.flatnonzero(known)
    ends = np.full((2, len(edges)), np.nan)
    ends[:, some] = [values[one] for one in _ends(rows, start)]
    return Buckets(
        start=start[edges],
        readings=np.diff(np.append(edges, len(when))),
        usable=counted,
        lowest=of_known(np.minimum.reduceat(np.where(known, values, np.inf), edges)),
        highest=of_known(np.maximum.reduceat(np.where(known, values, -np.inf), edges)),
        first=ends[0],
        last=ends[1],
        total=np.add.reduceat(np.where(known, values, 0.0), edges),
        flags=np.bitwise_or.reduceat(flags, edges),
    )
