"""A series by days: how long it was well, in breach, and how long nobody knew."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rules.lifecycle import BREACH, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.threshold import Threshold

MINUTE = 60_000


class Day(msgspec.Struct, frozen=True):
    """One local day of a series. Durations in minutes, values in the channel's unit.

    `ok`, `below`, `above` and `unknown` add up to the part of the day between the first
    sample and the end of what the last one speaks for. `ok` includes the zone between the
    alarm's limit and the clear limit. The least, greatest and mean value are over the
    usable samples of the day, None without one; `mean` is not weighted by time.
    """

    date: dt.date
    ok: float
    below: float
    above: float
    unknown: float
    samples: int
    minimum: float | None
    maximum: float | None
    mean: float | None


def by_day(
    series: Sequence[tuple[int, float | None]],
    rule: Threshold,
    zone: dt.tzinfo,
    interval: int,
) -> list[Day]:
    """Return a Day for each local day from the first sample's to the last one's.

    `series` is sorted by time: (ms since 1970, value or None if it was unusable).
    `interval` (ms) is how often the device sends. A sample speaks until the next, at most
    the rule's hold; a segment over midnight is split there.
    """
    if not series:
        return []
    hold = rule.timing(interval).hold
    when = np.array([moment for moment, _ in series], dtype=np.int64)
    value = np.array([np.nan if v is None else v for _, v in series], dtype=np.float64)
    ends = np.append(when[1:], when[-1] + hold)
    if np.any(ends < when):
        raise ValueError("the series must be sorted by time")
    spoken = np.minimum(ends, when + hold)
    # Sensors repeat themselves: the rule is asked once for each distinct value.
    distinct, which = np.unique(value, return_inverse=True)
    kinds = np.array([_kind(float(v), rule) for v in distinct])[which]
    segments = _Segments(when, spoken, ends, kinds, value)
    days = _midnights(int(when[0]), int(spoken[-1]), zone)
    return [_day(date, start, end, segments) for date, start, end in days if start <= when[-1]]


_OK, _BELOW, _ABOVE, _UNKNOWN = range(4)


def _kind(value: float, rule: Threshold) -> int:
    usable = not math.isnan(value)
    condition = rule.condition(value, usable)
    if condition == BREACH:
        return _BELOW if value <= rule.limits()[0] else _ABOVE
    return _UNKNOWN if condition == UNKNOWN else _OK


class _Segments(msgspec.Struct, frozen=True):
    """Parallel arrays: each sample's time, until when it speaks, the next one's time, its kind."""

    when: NDArray[np.int64]
    spoken: NDArray[np.int64]
    ends: NDArray[np.int64]
    kinds: NDArray[np.int64]
    value: NDArray[np.float64]


def _day(date: dt.date, start: int, end: int, segments: _Segments) -> Day:
    when, ends = segments.when, segments.ends
    first = int(np.searchsorted(ends, start, side="left"))
    last = int(np.searchsorted(when, end, side="left"))
    here = slice(first, last)
    begin = np.maximum(when[here], start)
    known = np.maximum(np.minimum(segments.spoken[here], end) - begin, 0)
    whole = np.maximum(np.minimum(ends[here], end) - begin, 0)
    kinds = segments.kinds[here]
    spent = [float(known[kinds == kind].sum()) / MINUTE for kind in (_OK, _BELOW, _ABOVE)]
    inside = segments.value[here][when[here] >= start]
    usable = inside[~np.isnan(inside)]
    return Day(
        date=date,
        ok=spent[_OK],
        below=spent[_BELOW],
        above=spent[_ABOVE],
        unknown=float(whole.sum()) / MINUTE - sum(spent),
        samples=len(inside),
        minimum=float(usable.min()) if len(usable) else None,
        maximum=float(usable.max()) if len(usable) else None,
        mean=float(usable.mean()) if len(usable) else None,
    )


def _midnights(first: int, last: int, zone: dt.tzinfo) -> list[tuple[dt.date, int, int]]:
    """Return (date, start, end) of every local day that touches first..last, in ms."""
    date = dt.datetime.fromtimestamp(first / 1000, zone).date()
    found = []
    start = _midnight(date, zone)
    while start <= last:
        following = date + dt.timedelta(days=1)
        end = _midnight(following, zone)
        found.append((date, start, end))
        date, start = following, end
    return found


def _midnight(date: dt.date, zone: dt.tzinfo) -> int:
    moment = dt.datetime.combine(date, dt.time(), zone)
    return int(moment.timestamp() * 1000)
