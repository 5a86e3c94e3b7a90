"""How good a reading is, by itself and among its neighbours in time: remarks, each with a name.

They inform people. Verdicts rest on other things: what is out of range is kept out of them by the
reading itself, and what jumps by the rules (`rules.jumps`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from devices.model import Model
from devices.reading import (
    ARRIVAL,
    COUNTED,
    RETAINED,
    WRONG_CLOCK,
    Layout,
    Reading,
)
from rules import remark as words
from rules.alone import LATE, Limits, alone, limits_of, lowest
from rules.frozen import READINGS, least_patience, patience
from rules.jumps import confirms, jump_of
from rules.remark import MAINTENANCE, Remark
from rules.sequence import DENSE, FULL, Range, step
from rules.subject import order

ONLY_LATE = (words.LATE,)
"""What there is to remark on most readings of a backlog: this very tuple."""
LAYOUTS = 8
"""Sets of channels of one device whose last values are remembered."""

_CARE = ~(COUNTED | ARRIVAL)
"""Flags that want a closer look, among them those of values that cannot be true."""


class Check(NamedTuple):
    """What lets a value pass at once.

    Not under `low`, moved by no more than `most`, and the same for less than `patience` (ms).
    `place` is the value's, `run` that of its run: see `Trace`.
    """

    place: int
    run: int
    low: float
    most: float
    patience: int


_CHECKS: dict[tuple[Layout, Limits], tuple[Check, ...]] = {}
_NEVER = 1 << 62


def checks(layout: Layout, limits: Limits) -> tuple[Check, ...]:
    """Return them for a set of channels, made once."""
    found = _CHECKS.get((layout, limits))
    if found is None:
        made = []
        for place, channel in enumerate(layout.channels):
            quantity = channel.partition(".")[0]
            low, jump = lowest(quantity, limits), jump_of(channel)
            longest = least_patience(quantity)
            if (low, jump, longest) != (None, None, None):
                made.append(
                    Check(
                        place,
                        2 * place,
                        -math.inf if low is None else low,
                        math.inf if jump is None else jump.base,
                        _NEVER if longest is None else longest,
                    )
                )
        found = _CHECKS[layout, limits] = tuple(made)
    return found


class Trace(msgspec.Struct, gc=False):
    """What is known of one set of channels: its last reading, and since when its values are so.

    `runs` holds for each channel when (ms) it came to its value, and the count of readings then.
    `before` holds, by place, the last value that was believed where the last one is not.
    """

    last: Reading
    runs: list[int]
    checks: tuple[Check, ...]
    before: dict[int, tuple[int, float]] | None = None


class Watcher(msgspec.Struct, gc=False):
    """What is known of one device between two readings.

    `remark` is given its readings as they come, or sorted by `rules.subject.order`. One that is
    older than the newest is looked at by itself. `missed` are the numbers of the last
    `sequence-gap`, `missed_after` the time (ms) of the reading before them.
    """

    limits: Limits = Limits()
    trace: Trace | None = None
    count: int = 0
    newest: int = -(1 << 62)
    sequence: int = -1
    steady: int = 0
    missed: tuple[Range, ...] = ()
    missed_after: int = 0
    others: dict[Layout, Trace] | None = None

    def remark(self, reading: Reading) -> tuple[Remark, ...]:
        """Return what there is to remark on a reading; nothing on most."""
        trace, flags = self.trace, reading.flags
        if trace is not None and trace.before is None and not flags & _CARE:
            last, at, number = trace.last, reading.at, reading.identity
            if (
                reading.layout is last.layout
                and at > self.newest
                and (not flags & COUNTED or number == self.sequence + 1)
            ):
                values, before, runs = reading.values, last.values, trace.runs
                count = self.count + 1
                for place, run, low, most, longest in trace.checks:
                    value, old = values[place], before[place]
                    if value != old:
                        if not -most <= value - old <= most or value < low:
                            break
                        runs[run] = at
                        runs[run + 1] = count
                    elif value < low or at - runs[run] >= longest:
                        break
                else:
                    trace.last, self.count, self.newest = reading, count, at
                    if flags & COUNTED:
                        self.sequence = number
                        if self.steady < FULL:
                            self.steady += 2
                    return () if reading.received - at < LATE else ONLY_LATE
        return self._look(reading)

    def _look(self, reading: Reading) -> tuple[Remark, ...]:
        """Look at everything."""
        found = alone(reading, self.limits)
        trace = self._turn_to(reading)
        last = trace.last
        if reading.flags & RETAINED and reading.flags & (ARRIVAL | WRONG_CLOCK):
            return tuple(found)  # nobody knows when that was
        if last is not reading and order(reading) <= order(last):
            return tuple(found)
        self.count += 1
        if last is not reading:
            self._values(trace, reading, found)
        trace.last = reading
        if reading.flags & COUNTED and reading.when >= self.newest:
            self._count_on(reading, found)
        self.newest = max(self.newest, reading.when)
        return tuple(found)

    def _turn_to(self, reading: Reading) -> Trace:
        """Return what is known of a reading's channels; it begins with the reading itself."""
        layout, trace = reading.layout, self.trace
        if trace is not None and trace.last.layout is layout:
            return trace
        others = self.others
        if trace is not None:
            if others is None:
                others = self.others = {}
            others[trace.last.layout] = trace
        found = None if others is None else others.pop(layout, None)
        if others is not None and len(others) >= LAYOUTS:
            del others[next(iter(others))]
        if found is None:
            runs = [reading.when, self.count + 1] * len(layout.channels)
            found = Trace(reading, runs, checks(layout, self.limits))
        self.trace = found
        return found

    def _values(self, trace: Trace, reading: Reading, found: list[Remark]) -> None:
        """Hold the values against those before."""
        before = trace.before or {}
        for place in range(len(reading.values)):
            self._rests(trace, reading, place, found)
            _moves(trace, reading, place, before, found)
        trace.before = before or None

    def _rests(self, trace: Trace, reading: Reading, place: int, found: list[Remark]) -> None:
        """Note since when a value is the same; remark where that is too long."""
        value, when, runs = reading.values[place], reading.when, trace.runs
        if value != trace.last.values[place]:
            runs[2 * place], runs[2 * place + 1] = when, self.count
            return
        if self.count - runs[2 * place + 1] + 1 < READINGS:
            return
        channel, length = reading.layout.channels[place], when - runs[2 * place]
        longest = patience(channel.partition(".")[0], value)
        low, high = reading.layout.limits[place]
        if longest is not None and length >= longest and low <= value <= high:
            found.append(words.frozen(channel, value, length))

    def _count_on(self, reading: Reading, found: list[Remark]) -> None:
        """Hold its number against the last one."""
        number, last = reading.identity, self.sequence
        if last < 0:
            self.sequence = number
            return
        kind, missing = step(last, number)
        if kind in {"late", "same"}:
            return
        self.sequence = number
        if kind == "next":
            self.steady = min(FULL, self.steady + 2)
        elif kind == "gap":
            if self.steady >= DENSE:
                self.missed, self.missed_after = missing, self.newest
                count = sum(until - first + 1 for first, until in missing)
                found.append(words.sequence_gap(count, missing[0][0], missing[-1][1]))
            self.steady = max(0, self.steady - 1)

    def frozen(self) -> dict[str, int]:
        """Return the channels that seem to be stuck, with the time (ms) since when."""
        if self.trace is None:
            return {}
        last, runs = self.trace.last, self.trace.runs
        stuck = {}
        for place, (channel, value) in enumerate(
            zip(last.layout.channels, last.values, strict=True)
        ):
            longest = patience(channel.partition(".")[0], value)
            enough = self.count - runs[2 * place + 1] + 1 >= READINGS
            if enough and longest is not None and last.when - runs[2 * place] >= longest:
                stuck[channel] = runs[2 * place]
        return stuck


def _moves(
    trace: Trace,
    reading: Reading,
    place: int,
    before: dict[int, tuple[int, float]],
    found: list[Remark],
) -> None:
    """Remark where a value moved faster than anything real from the last one that was believed."""
    channel, value, last = reading.layout.channels[place], reading.values[place], trace.last
    jump = jump_of(channel)
    if jump is None:
        return
    (low, high), old = reading.layout.limits[place], last.values[place]
    believed, passed = before.get(place), reading.when - last.when
    if low <= old <= high and (believed is None or confirms(jump, believed[1], old, value, passed)):
        believed = (last.when, old)
    if believed is None:
        return
    if not low <= value <= high:
        before[place] = believed
        return
    before.pop(place, None)
    length = reading.when - believed[0]
    if not jump.allows(value - believed[1], length):
        before[place] = believed
        found.append(words.jump(channel, believed[1], value, length))


def remarks(
    readings: Iterable[Reading],
    model: Model | None = None,
    *,
    maintained: Callable[[int], bool] = lambda _: False,
) -> list[tuple[Remark, ...]]:
    """Return the remarks on each of a device's readings, sorted by `rules.subject.order`.

    The same whichever way they came: what lies before the first is not known. `maintained` says
    whether the device was in maintenance at a time (ms).
    """
    watcher = Watcher(limits_of(model))
    return [
        (*watcher.remark(one), *((MAINTENANCE,) if maintained(one.when) else ()))
        for one in readings
    ]
