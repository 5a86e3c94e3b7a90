"""Where values and times stand in a chart, and which of them are written beside it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from rules.duration import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.consignments.wording import Times

STEPS = (
    *(MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY),
)
MOST_TICKS = 9
NARROWEST = 1.0
"""The least that a scale of values spans, in its unit."""


class Scale(NamedTuple):
    """A straight scale: `low`..`high` is drawn from `start` on over `size` points."""

    low: float
    high: float
    start: float
    size: float

    def at(self, value: float) -> float:
        """Return where a value stands; outside of the scale, at its end."""
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * self.size


def value_scale(values: Iterable[float], start: float, size: float) -> Scale:
    """Return a scale on which all these values have room."""
    found = list(values)
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if high - low < NARROWEST:
        middle = (low + high) / 2
        low, high = middle - NARROWEST / 2, middle + NARROWEST / 2
    room = (high - low) * 0.08
    return Scale(low - room, high + room, start, size)


def value_ticks(scale: Scale, most: int = 7) -> list[float]:
    """Return round values on a scale, at most so many."""
    rough = (scale.high - scale.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough)
    first = math.ceil(scale.low / step)
    last = math.floor(scale.high / step)
    return [round(one * step, 9) for one in range(first, last + 1)]


def time_ticks(times: Times, since: int, until: int) -> Iterator[tuple[int, str, str]]:
    """Yield round local times: each (ms) with its hour, and with its date where that is new.

    From one day to the next on, the date alone is said.
    """
    step = next((one for one in STEPS if (until - since) / one <= MOST_TICKS), STEPS[-1])
    before = None
    for moment in _round_times(times, since, until, step):
        local = times.local(moment)
        date = f"{local.day} {local:%b}"
        yield moment, "" if step >= DAY else f"{local:%H:%M}", "" if date == before else date
        before = date


def _round_times(times: Times, since: int, until: int, step: int) -> Iterator[int]:
    """Yield the times (ms) at which a local clock shows a multiple of a step."""
    zone = times.local(since).tzinfo
    first = times.local(since).replace(tzinfo=None)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= DAY:
        # Counted from a fixed Monday on, so that two charts of one voyage have the same.
        days = (midnight - datetime(1970, 1, 5)).days  # noqa: DTZ001 - a local date
        midnight -= timedelta(days=days % (step // DAY))
    wall = midnight
    seen = since - 1
    while True:
        moment = round(wall.replace(tzinfo=zone).astimezone(UTC).timestamp() * 1000)
        if moment > until:
            return
        if moment > seen:
            yield moment
            seen = moment
        wall += timedelta(milliseconds=step)
