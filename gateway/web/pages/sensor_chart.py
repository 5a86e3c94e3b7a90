"""What a chart of one channel shows: values, limits, excursions, and the times nobody knows.

Pure: a series, the rules and the alerts in; what the browser draws out. A value speaks until the
next one, at most `hold`; an unusable one says that nobody knows. All times are ms since 1970, UTC.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gateway.downsample import downsample
from gateway.web.pages.sensor_marks import MOST_MARKS, Mark, marks_of, remarked
from gateway.web.told_alert import that_were
from rules.kinds.threshold import HOLDS, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.downsample import Booleans
    from gateway.history.columns import Floats, Integers
    from gateway.history.reader import Series
    from gateway.registry.registry import Stay
    from gateway.web.corrected import Corrected
    from rules.alert import Alert
    from rules.remark import Remark
    from rules.rule import RuleVersion

MOST_GAPS = 500
"""Times unknown that are told apart: where there are more, near ones are joined."""


class Limit(msgspec.Struct, frozen=True):
    """A limit of a rule, in force in `since` ≤ t < `until`; None: without beginning or end."""

    rule: str
    severity: str
    words: str
    low: float | None
    high: float | None
    since: int | None
    until: int | None


class Excursion(msgspec.Struct, frozen=True):
    """An alert of this channel. `ended` is None while it is open."""

    id: str
    rule: str
    severity: str
    began: int
    ended: int | None


class Offset(msgspec.Struct, frozen=True):
    """From `since` on (ms), until the next one, so much was added to what the sensor said."""

    since: int
    offset: float


class Before(msgspec.Struct, frozen=True):
    """A device that stood at this place in `since` ≤ t < `until` (ms), before the present one."""

    device: str
    since: int
    until: int


class Summary(msgspec.Struct, frozen=True):
    """The chart in numbers. Lengths are in ms; values are None where there are none.

    `outside` is how long a value beyond a limit spoke, `unknown` how long nobody knew: both from
    the first time that anything was heard, up to now.
    """

    readings: int
    lowest: float | None
    lowest_at: int | None
    highest: float | None
    highest_at: int | None
    mean: float | None
    outside: int
    unknown: int


class Chart(msgspec.Struct, frozen=True):
    """What is drawn of `start` ≤ t < `end`. `when` and `values` run parallel; None is a gap."""

    start: int
    end: int
    when: list[int]
    values: list[float | None]
    all_there: bool
    """Whether every reading is there: else extremes and ends of short times are."""
    heard: int
    """When the device was first heard."""
    hold: int
    """How long a value speaks when no other follows."""
    gaps: list[tuple[int, int]]
    limits: list[Limit]
    excursions: list[Excursion]
    marks: list[Mark]
    offsets: list[Offset]
    """Empty where nothing was added to any value."""
    before: list[Before]
    """Oldest first."""
    summary: Summary


def hold_of(versions: Sequence[RuleVersion], channel: str, interval: int) -> int:
    """Return how long (ms) a reading of a channel speaks when no other follows."""
    holds = [rule.timing(interval).hold for _, rule in _thresholds(versions, channel)]
    return max(holds, default=int(HOLDS * interval))


def make_chart(  # noqa: PLR0913 - a chart is made of this much
    found: Corrected,
    *,
    versions: Sequence[RuleVersion],
    alerts: Sequence[Alert],
    stays: Sequence[Stay] = (),
    remarks: Sequence[tuple[int, Remark]] = (),
    channel: str,
    interval: int,
    start: int,
    end: int,
    now: int,
    heard: int,
    points: int,
) -> Chart:
    """Chart start ≤ t < end with at most `points` values.

    `found` begins a hold before `start`, since its values speak into the chart. `versions` are
    the device's rules and `alerts` the device's, with those of `stays`: who stood there when,
    oldest first, the device itself last. `remarks` are in order, each with its time (ms).
    `heard`: since when any of them is known at all.
    """
    series = found.series
    hold = hold_of(versions, channel, interval)
    limits = [_limit(version, rule) for version, rule in _thresholds(versions, channel)]
    limits = [one for one in limits if (one.since or 0) < end and start < (one.until or end)]
    usable = series.usable & np.isfinite(series.values)
    until = min(end, max(now, start))
    known_since = min(max(start, heard), until)
    following = np.append(series.when[1:], np.iinfo(np.int64).max)[: len(series.when)]
    spoken = np.minimum(following, series.when + hold)
    begins = np.clip(series.when, known_since, until)
    lengths = np.clip(spoken, known_since, until) - begins
    beyond = usable & _beyond(series, versions, channel)
    inside = slice(*map(int, np.searchsorted(series.when, (start, end))))
    drawn = downsample(
        series.when[inside],
        series.values[inside],
        usable[inside],
        start,
        end,
        points,
        silence=hold,
    )
    return Chart(
        start=start,
        end=end,
        when=drawn.t.tolist(),
        values=[None if math.isnan(one) else one for one in drawn.v.tolist()],
        all_there=not drawn.thinned,
        heard=heard,
        hold=hold,
        gaps=_gaps(begins[usable], lengths[usable], known_since, until, (end - start) // MOST_GAPS),
        limits=limits,
        excursions=[
            Excursion(one.id, one.rule, one.severity, one.began, one.ended)
            for one in that_were(alerts)
            if one.channel == channel and one.began < end and start < (one.ended or end)
        ],
        marks=marks_of(found, inside, (end - start) // MOST_MARKS + 1)
        + remarked(remarks, (end - start) // MOST_MARKS + 1),
        offsets=_offsets(series.when[inside], found.offsets[inside]),
        before=[
            Before(str(one.device), one.since, one.until)
            for one in stays[:-1]
            if one.until is not None
        ],
        summary=_summary(
            series,
            inside,
            usable,
            outside=int(lengths[beyond].sum()),
            unknown=until - known_since - int(lengths[usable].sum()),
        ),
    )


def _thresholds(
    versions: Sequence[RuleVersion], channel: str
) -> list[tuple[RuleVersion, Threshold]]:
    return [
        (one, one.rule)
        for one in versions
        if isinstance(one.rule, Threshold) and one.rule.channel == channel
    ]


def _limit(version: RuleVersion, rule: Threshold) -> Limit:
    low, high = rule.limits()
    return Limit(
        rule.name,
        rule.severity,
        rule.limit(),
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
        version.since or None,
        version.until,
    )


def _beyond(series: Series, versions: Sequence[RuleVersion], channel: str) -> Booleans:
    """Return which values are beyond a limit that was in force."""
    found = np.zeros(len(series.when), np.bool_)
    for one, rule in _thresholds(versions, channel):
        low, high = rule.limits()
        beyond = (series.values < low) | (series.values > high)
        if rule.inclusive:
            beyond |= (series.values == low) | (series.values == high)
        beyond &= series.when >= one.since
        if one.until is not None:
            beyond &= series.when < one.until
        found |= beyond
    return found


def _gaps(
    begins: Integers, lengths: Integers, start: int, end: int, near: int
) -> list[tuple[int, int]]:
    """Return what is left of start..end; of very many gaps, those that lie near are joined."""
    some = lengths > 0
    edges = np.concatenate(([start], (begins + lengths)[some]))
    following = np.concatenate((begins[some], [end]))
    wide = following > edges
    gaps = list(zip(edges[wide].tolist(), following[wide].tolist(), strict=True))
    if len(gaps) <= MOST_GAPS:
        return gaps
    joined = [gaps[0]]
    for begin, finish in gaps[1:]:
        if begin - joined[-1][1] < near:
            joined[-1] = (joined[-1][0], finish)
        else:
            joined.append((begin, finish))
    return joined


def _offsets(when: Integers, offsets: Floats) -> list[Offset]:
    """Return what was added from when on, each time that it changes."""
    if not offsets.any():
        return []
    changes = np.flatnonzero(np.diff(offsets, prepend=np.nan))
    return [
        Offset(at, offset)
        for at, offset in zip(when[changes].tolist(), offsets[changes].tolist(), strict=True)
    ]


def _summary(
    series: Series, inside: slice, usable: Booleans, *, outside: int, unknown: int
) -> Summary:
    here = usable[inside]
    when, values = series.when[inside][here], series.values[inside][here]
    readings = inside.stop - inside.start
    if not len(values):
        return Summary(readings, None, None, None, None, None, outside, unknown)
    low, high = int(values.argmin()), int(values.argmax())
    return Summary(
        readings,
        float(values[low]),
        int(when[low]),
        float(values[high]),
        int(when[high]),
        float(values.mean()),
        outside,
        unknown,
    )
