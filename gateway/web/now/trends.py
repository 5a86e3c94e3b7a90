"""Where values are going: the last hours of each device, as a small line and a word."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

import msgspec

from gateway.excess import NOTABLE
from rules.duration import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.web.now.watched import Limits

STEP = 5 * MINUTE
"""One point of the line."""
STEPS = 36
SPAN = STEPS * STEP
"""How far back the line reaches, ms."""
RECENT = HOUR // 2 // STEP
"""Steps back to the value that tells where it is going."""
WIDTH, HEIGHT = 2 * (STEPS - 1), 24
"""Of the line, in its own units."""
FEWEST = 3
"""Points of a line: fewer show no way."""
MOST = 20_000
"""Devices whose trend is kept."""


class Trend(msgspec.Struct, frozen=True):
    """A line within WIDTH x HEIGHT, y downwards, and the word for where it is going."""

    points: str
    """As an SVG polyline has them."""
    word: str
    """"rising", "falling" or "steady"."""
    limits: tuple[int, ...] = ()
    """At what heights the limits are, as far as they are near."""


class _Track:
    """The newest value in each of the last steps; older steps are written over."""

    __slots__ = ("drawn", "newest", "values")

    def __init__(self) -> None:
        self.values = array("f", [math.nan]) * STEPS
        self.newest = -1
        self.drawn: Trend | None = None

    def put(self, step: int, value: float) -> None:
        if step > self.newest:
            for one in range(max(self.newest + 1, step - STEPS + 1), step + 1):
                self.values[one % STEPS] = math.nan
            # Drawn again with each new step, and not with each value: nobody sees less of it.
            self.newest, self.drawn = step, None
        elif step < self.newest:
            # Older than the line, or than what is known of that step.
            if step <= self.newest - STEPS or not math.isnan(self.values[step % STEPS]):
                return
            self.drawn = None
        self.values[step % STEPS] = value

    def points(self) -> list[tuple[int, float]]:
        """Return (steps since the oldest, value), oldest first."""
        first = self.newest - STEPS + 1
        found = ((step - first, self.values[step % STEPS]) for step in range(first, first + STEPS))
        return [(place, value) for place, value in found if not math.isnan(value)]


class Trends:
    """The last hours of every device."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[DeviceKey, str], _Track] = {}

    def note(
        self,
        device: DeviceKey,
        when: int,
        channels: Sequence[str],
        values: Sequence[float | None],
        wanted: Sequence[str],
    ) -> None:
        """Take in a reading, of `channels` those that are `wanted`; the order does not matter."""
        for channel in wanted:
            value = values[channels.index(channel)] if channel in channels else None
            if value is None:
                continue
            track = self._tracks.get((device, channel))
            if track is None:
                if len(self._tracks) >= MOST:
                    return
                track = self._tracks[device, channel] = _Track()
            track.put(when // STEP, value)

    def forget(self, device: DeviceKey) -> None:
        """Forget the hours of a device: they counted otherwise than it was thought."""
        for key in [one for one in self._tracks if one[0] == device]:
            del self._tracks[key]

    def of(self, device: DeviceKey, channel: str, limits: Limits | None) -> Trend | None:
        """Return the trend of a channel, None while too little is known."""
        track = self._tracks.get((device, channel))
        if track is None:
            return None
        if track.drawn is None:
            track.drawn = _draw(track.points(), channel, limits)
        return track.drawn


def _draw(points: Sequence[tuple[int, float]], channel: str, limits: Limits | None) -> Trend | None:
    if len(points) < FEWEST:
        return None
    values = [value for _, value in points]
    notable = NOTABLE.get(channel.partition(".")[0]) or max(map(abs, values)) * 0.02
    low, high = min(values), max(values)
    # A line that hardly moves is drawn so: not as mountains.
    reach = max(high - low, 4 * notable)
    sides = (limits.low, limits.high) if limits else ()
    near = [one for one in sides if low - reach <= one <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    middle, half = (low + high) / 2, max(high - low, reach) / 2 or 1.0

    def height(value: float) -> int:
        return round(1 + (HEIGHT - 2) * (0.5 - (value - middle) / half / 2))

    line = " ".join(f"{2 * place},{height(value)}" for place, value in points)
    return Trend(line, _word(points, notable), tuple(map(height, near)))


def _word(points: Sequence[tuple[int, float]], notable: float) -> str:
    place, newest = points[-1]
    before = next((value for one, value in points if one >= place - RECENT), newest)
    if abs(newest - before) < notable:
        return "steady"
    return "rising" if newest > before else "falling"
