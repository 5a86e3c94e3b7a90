"""Which time a sensor's chart shows, by the clock on the wall at the sensor's place.

Without a day it is the last 24 hours, 7 or 30 days, and moves on with the time. With a day it is
that day, or the week or month that the day lies in.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from rules.duration import DAY, MINUTE

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Length = Literal["day", "week", "month"]
LENGTHS: tuple[Length, ...] = get_args(Length)
ROLLING: dict[Length, tuple[int, str]] = {
    "day": (DAY, "Last 24 hours"),
    "week": (7 * DAY, "Last 7 days"),
    "month": (30 * DAY, "Last 30 days"),
}
LONGEST = 400 * DAY
"""The longest time of one chart (ms)."""


class Shown(NamedTuple):
    """What a chart shows: `start` ≤ t < `end` (ms since 1970), and where one goes from there.

    `rolling`: it ends now and moves on. `back` and `forward` are days; None: nothing is there.
    """

    length: Length
    start: int
    end: int
    title: str
    rolling: bool
    back: dt.date
    forward: dt.date | None


def between(start: int, end: int, zone: ZoneInfo, now: int) -> Shown:
    """Return a time from when until when (ms) as what to show; one goes on by days."""
    first, last = (dt.datetime.fromtimestamp(one / 1000, zone) for one in (start, end))
    same = first.date() == last.date()
    title = f"{first:%a} {first.day} {first:%b %H:%M} to " + (
        f"{last:%H:%M}" if same else f"{last:%a} {last.day} {last:%b %H:%M}"
    )
    after = last.date() + dt.timedelta(days=1)
    return Shown(
        "day",
        start,
        end,
        title,
        rolling=False,
        back=first.date(),
        forward=after if after <= dt.datetime.fromtimestamp(now / 1000, zone).date() else None,
    )


class ZonePart(NamedTuple):
    """From `start` (ms) on, clocks there are `offset` (ms) ahead of UTC and say `sign`."""

    start: int
    offset: int
    sign: str


def shown(length: Length, day: dt.date | None, zone: ZoneInfo, now: int) -> Shown:
    """Return what to show. `now` is ms since 1970, UTC."""
    today = dt.datetime.fromtimestamp(now / 1000, zone).date()
    if day is None:
        size, title = ROLLING[length]
        back = _first(length, today) - dt.timedelta(days=1)
        return Shown(length, now - size, now, title, rolling=True, back=back, forward=None)
    first = _first(length, day)
    after = _after(length, first)
    back = _first(length, first - dt.timedelta(days=1))
    return Shown(
        length,
        midnight(first, zone),
        midnight(after, zone),
        _title(length, first, after - dt.timedelta(days=1)),
        rolling=False,
        back=back,
        forward=after if after <= today else None,
    )


def midnight(day: dt.date, zone: ZoneInfo) -> int:
    """Return when a day begins at a place (ms since 1970)."""
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)


def zone_parts(zone: ZoneInfo, start: int, end: int) -> list[ZonePart]:
    """Return how a place's clocks go in start ≤ t < end (ms): more than one part if they change.

    Browsers need it for the axis: they know the time where they are, and not always elsewhere.
    """
    parts = [_part(zone, start)]
    for moment in range(start, end, DAY):
        following = min(moment + DAY, end)
        if _part(zone, following)[1:] != parts[-1][1:]:
            parts.append(_part(zone, _change(zone, moment, following)))
    return parts


def _part(zone: ZoneInfo, moment: int) -> ZonePart:
    local = dt.datetime.fromtimestamp(moment / 1000, zone)
    offset = local.utcoffset() or dt.timedelta()
    return ZonePart(moment, int(offset.total_seconds() * 1000), f"{local:%Z}")


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """Return the first minute at which clocks go as they do at `after`."""
    low, high = before // MINUTE, -(-after // MINUTE)
    wanted = _part(zone, after)[1:]
    while high - low > 1:
        middle = (low + high) // 2
        if _part(zone, middle * MINUTE)[1:] == wanted:
            high = middle
        else:
            low = middle
    return high * MINUTE


def _first(length: Length, day: dt.date) -> dt.date:
    if length == "month":
        return day.replace(day=1)
    return day - dt.timedelta(days=day.weekday()) if length == "week" else day


def _after(length: Length, first: dt.date) -> dt.date:
    if length == "month":
        return (first + dt.timedelta(days=31)).replace(day=1)
    return first + dt.timedelta(days=7 if length == "week" else 1)


def _title(length: Length, first: dt.date, last: dt.date) -> str:
    if length == "day":
        return f"{first:%A} {first.day} {first:%B %Y}"
    if length == "month":
        return f"{first:%B %Y}"
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"
