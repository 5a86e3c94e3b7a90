"""The lowest and the highest value within a window, however many samples there are in it.

Kept are only samples that may yet be the lowest or the highest, and of those that are closer
together than 1/47 of the window only the more extreme one, with the time of the later one. So it is
exact where samples are further apart than that; else an extreme counts at most 1/47 of the window
longer than it should, and never shorter.
"""

from __future__ import annotations

import math

import msgspec

PARTS = 47


class Extremes(msgspec.Struct, array_like=True, gc=False):
    """The lowest and highest of a window of `length` ms. A sample as old as the window counts.

    Times (ms) and values run parallel; from the first on, lows rise and highs fall.
    """

    length: int
    low_at: list[int] = []
    lows: list[float] = []
    high_at: list[int] = []
    highs: list[float] = []

    def add(self, when: int, value: float) -> None:
        """Take a usable value; `when` (ms) is not before the last."""
        part = self.length // PARTS or 1
        lows, times = self.lows, self.low_at
        while lows and lows[-1] >= value:
            del lows[-1], times[-1]
        _append(times, lows, when, value, part)
        highs, times = self.highs, self.high_at
        while highs and highs[-1] <= value:
            del highs[-1], times[-1]
        _append(times, highs, when, value, part)

    def pass_to(self, when: int) -> None:
        """Forget what is older than the window at `when` (ms)."""
        since = when - self.length
        _forget(self.low_at, self.lows, since)
        _forget(self.high_at, self.highs, since)

    @property
    def lowest(self) -> float:
        """The lowest value, NaN where there is none."""
        return self.lows[0] if self.lows else math.nan

    @property
    def highest(self) -> float:
        """The highest value, NaN where there is none."""
        return self.highs[0] if self.highs else math.nan


def _append(times: list[int], values: list[float], when: int, value: float, part: int) -> None:
    if times and when // part == times[-1] // part:
        times[-1] = when  # the more extreme one stays, as long as the later one would
    else:
        times.append(when)
        values.append(value)


def _forget(times: list[int], values: list[float], since: int) -> None:
    while times and times[0] < since:
        del times[0], values[0]
