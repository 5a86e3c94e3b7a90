"""A series by local days: how long it was well, in breach, and how long nobody knew.

A series is one channel's samples, sorted by time: (ms since 1970, value, or None if it was
unusable). Both functions look at start ≤ t < end (ms) and at nothing else, so that no sample
speaks for a time that has not come: samples before `start` count for what they hold after it,
and from `start` to the first sample nobody knows. A sample speaks until the next one, at most
the rule's hold; `interval` (ms) is how often the device sends. A spike is no knowledge.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from rules.jumps import jump_of, settled
from rules.lifecycle import BREACH, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.kinds.threshold import Threshold
    from rules.rule import SampleRule

    Series = Sequence[tuple[int, float | None]]

MINUTE = 60_000
HOUR = 60 * MINUTE

OK, BELOW, ABOVE, BOTH, NOBODY_KNOWS, OUTSIDE = "-v^x? "
"""Signs of an hour, the worst of it; OUTSIDE: nothing was asked about it."""


class LocalDay(NamedTuple):
    """A day by the clock on the wall, from `start` up to `end` (ms since 1970)."""

    date: dt.date
    start: int
    end: int


class Day(msgspec.Struct, frozen=True):
    """One local day of a series, in minutes.

    They add up to the part of the day that was looked at. `ok` includes the zone between the
    alarm's limit and the clear limit.
    """

    date: dt.date
    ok: float
    below: float
    above: float
    unknown: float


def local_days(start: int, end: int, zone: dt.tzinfo) -> list[LocalDay]:
    """Return every local day that touches start ≤ t < end (ms), in order."""
    found = []
    date = dt.datetime.fromtimestamp(start / 1000, zone).date()
    begin = _midnight(date, zone)
    while begin < end:
        following = date + dt.timedelta(days=1)
        finish = _midnight(following, zone)
        found.append(LocalDay(date, begin, finish))
        date, begin = following, finish
    return found


def by_day(  # noqa: PLR0913 - a series, how to judge it, and what part of it to look at
    series: Series, rule: Threshold, zone: dt.tzinfo, interval: int, *, start: int, end: int
) -> list[Day]:
    """Return a Day for each local day that touches start ≤ t < end.

    Raises ValueError if the series is not sorted.
    """
    kind = partial(_kind, rule=rule)
    segments = _segments(believed(series, [rule]), rule, interval, start, end, kind)
    return [_day(day, segments) for day in local_days(start, end, zone)]


class Samples(NamedTuple):
    """A series as parallel arrays, by time: ms, and values, NaN where nobody knows."""

    when: NDArray[np.int64]
    value: NDArray[np.float64]


def believed(series: Series, rules: Sequence[SampleRule]) -> Samples:
    """Return a series as these rules of one channel take it: without spikes, where all do.

    Without rules it is as it stands.
    """
    kept = _settled(series, rules) if rules else series
    when = np.array([moment for moment, _ in kept], dtype=np.int64)
    value = np.array([np.nan if v is None else v for _, v in kept], dtype=np.float64)
    return Samples(when, value)


class Total(NamedTuple):
    """A series over some time, in ms. They add up to all of it."""

    ok: int
    breach: int
    unknown: int


def total(samples: Samples, rule: SampleRule, interval: int, *, start: int, end: int) -> Total:
    """Return how long a series was well, in breach and unknown in all of start ≤ t < end.

    The rule must judge values one by one; `samples` are those that it believes. Raises ValueError
    if they are not sorted.
    """

    def kind(value: float) -> int:
        condition = rule.condition(value, not math.isnan(value))
        return _ABOVE if condition == BREACH else _UNKNOWN if condition == UNKNOWN else _OK

    segments = _segments(samples, rule, interval, start, end, kind)
    ok, _, breach, unknown = _within(start, end, segments)
    return Total(ok, breach, unknown)


def by_hour(  # noqa: PLR0913 - a series, how to judge it, and what part of it to look at
    series: Series,
    rules: Sequence[Threshold],
    zone: dt.tzinfo,
    interval: int,
    *,
    start: int,
    end: int,
) -> dict[dt.date, str]:
    """Return for each local day 24 signs: the worst that was seen or held in each hour.

    `rules` are one or more, all of the channel. The hour that autumn has twice has one sign.
    """
    series = _settled(series, rules)
    seen = {day.date: [set[str]() for _ in range(24)] for day in local_days(start, end, zone)}
    hold = max(rule.timing(interval).hold for rule in rules)

    def note(sign: str, begin: int, finish: int) -> None:
        for local in _touched(max(begin, start), min(finish, end), zone):
            seen[local.date()][local.hour].add(sign)

    note(NOBODY_KNOWS, start, series[0][0] if series else end)
    for index, (when, value) in enumerate(series):
        following = series[index + 1][0] if index + 1 < len(series) else max(end, when)
        spoken = min(following, when + hold)
        note(_sign(value, rules), when, spoken)
        note(NOBODY_KNOWS, spoken, following)
    return {date: "".join(map(_worst, signs)) for date, signs in seen.items()}


def _settled(series: Series, rules: Sequence[SampleRule]) -> Series:
    """Leave out spikes, where all of the channel's rules do."""
    jump = jump_of(rules[0].channel)
    if jump is None or not all(rule.waits() for rule in rules):
        return series
    return settled(series, jump)


_OK, _BELOW, _ABOVE, _UNKNOWN = range(4)


class _Segments(msgspec.Struct, frozen=True):
    """Parallel arrays, within start..end: each sample's time, until when it speaks, its kind."""

    when: NDArray[np.int64]
    spoken: NDArray[np.int64]
    kinds: NDArray[np.int64]
    start: int
    end: int


def _segments(  # noqa: PLR0913, PLR0917 - a series, how to judge it, and what part of it to look at
    samples: Samples,
    rule: SampleRule,
    interval: int,
    start: int,
    end: int,
    kind: Callable[[float], int],
) -> _Segments:
    when, value = samples
    following = np.append(when[1:], np.iinfo(np.int64).max)
    if np.any(following[: len(when)] < when):
        raise ValueError("the series must be sorted by time")
    # Sensors repeat themselves: the rule is asked once for each distinct value.
    distinct, which = np.unique(value, return_inverse=True)
    kinds = np.array([kind(float(v)) for v in distinct], dtype=np.int64)[which]
    spoken = np.minimum(following[: len(when)], when + rule.timing(interval).hold)
    return _Segments(
        np.clip(when, start, end), np.clip(spoken, start, end), kinds, start=start, end=end
    )


def _kind(value: float, rule: Threshold) -> int:
    condition = rule.condition(value, not math.isnan(value))
    if condition == BREACH:
        return _BELOW if value <= rule.limits()[0] else _ABOVE
    return _UNKNOWN if condition == UNKNOWN else _OK


def _day(day: LocalDay, segments: _Segments) -> Day:
    start, end = max(day.start, segments.start), min(day.end, segments.end)
    ok, below, above, unknown = (one / MINUTE for one in _within(start, end, segments))
    return Day(day.date, ok, below, above, unknown)


def _within(start: int, end: int, segments: _Segments) -> tuple[int, int, int, int]:
    """Return how long it was well, below, above and unknown, ms."""
    first = int(np.searchsorted(segments.spoken, start, side="left"))
    last = int(np.searchsorted(segments.when, end, side="left"))
    here = slice(first, last)
    begin = np.maximum(segments.when[here], start)
    known = np.maximum(np.minimum(segments.spoken[here], end) - begin, 0)
    kinds = segments.kinds[here]
    ok, below, above = (int(known[kinds == kind].sum()) for kind in (_OK, _BELOW, _ABOVE))
    unknown = end - start - ok - below - above
    return ok, below, above, unknown


def _sign(value: float | None, rules: Iterable[Threshold]) -> str:
    if value is None:
        return NOBODY_KNOWS
    found = OK
    for rule in rules:
        condition = rule.condition(value, usable=True)
        if condition == UNKNOWN:
            return NOBODY_KNOWS
        if condition == BREACH:
            found = BELOW if value <= rule.limits()[0] else ABOVE
    return found


def _worst(signs: set[str]) -> str:
    if {BELOW, ABOVE} <= signs:
        return BOTH
    return next((sign for sign in (BELOW, ABOVE, NOBODY_KNOWS, OK) if sign in signs), OUTSIDE)


def _touched(start: int, end: int, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    """Yield a local moment in each hour on the wall that start ≤ t < end touches."""
    if start >= end:
        return
    local = dt.datetime.fromtimestamp(start / 1000, zone)
    yield local
    # Not every zone is whole hours away from UTC.
    into = (local.minute * 60 + local.second) * 1000 + local.microsecond // 1000
    for moment in range(start - into + HOUR, end, HOUR):
        yield dt.datetime.fromtimestamp(moment / 1000, zone)


def _midnight(date: dt.date, zone: dt.tzinfo) -> int:
    moment = dt.datetime.combine(date, dt.time(), zone)
    return int(moment.timestamp() * 1000)
