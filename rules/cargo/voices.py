"""What the sensors of a consignment said, as arrays: who counts when, and what they say together.

A sensor's samples of one channel are a *voice*. A sample speaks until the next one, at most as long
as its sensor's readings do; that holds where the sensor is taken away meanwhile, since it was true
of the goods. A value that is missing, cannot be true, or has jumped as nothing real does speaks
too: it says that nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.reading import UNUSABLE_SHIFT, DeviceKey
from rules.cargo.verdict import Excluded
from rules.jumps import jump_of, settled
from rules.subject import order, undated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from devices.reading import Reading
    from rules.cargo.consignment import Consignment

    Speaks = Callable[[DeviceKey, int], int]
    """How long (ms) a reading of this sensor and time (ms) speaks for, when no other follows."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

JOINTLY = frozenset({"any", "all", "mean"})
"""How several sensors count together; anything else is the id of the one that counts."""
START_UP = "left out at its start"
NOT_ASSIGNED = "not assigned to it then"
JUMPED = "jumped as nothing real does"


class Window(NamedTuple):
    """A time (ms) in which a sensor speaks for the goods; `asked` is since when it could have.

    It begins with the first reading where that is no longer in coming than a reading speaks.
    """

    since: int
    until: int
    asked: int


class Spoken(NamedTuple):
    """What counts of one sensor: its readings, in order, and when it was to speak."""

    sensor: DeviceKey
    readings: list[Reading]
    windows: list[Window]


class Voice(NamedTuple):
    """One sensor's samples of one channel: arrays of equal length, by time (ms).

    Each speaks from `when` until `until`; a value that nobody knows is NaN.
    """

    sensor: DeviceKey
    when: Integers
    value: Floats
    until: Integers
    windows: list[Window]


class Chorus(NamedTuple):
    """All voices of a channel side by side, cut where any of them changes.

    Between `edges[i]` and `edges[i + 1]` (ms) nothing changes: there the voice `v` says
    `values[v, i]`, its sample number `samples[v, i]`; NaN where it is silent. `expected` is whether
    it was to speak.
    """

    channel: str
    voices: list[Voice]
    edges: Integers
    values: Floats
    samples: Integers
    expected: Booleans

    @property
    def lengths(self) -> Integers:
        """How long each stretch is, ms."""
        return np.diff(self.edges)


class Together(NamedTuple):
    """What the voices say together in each stretch of a chorus: arrays of equal length.

    `value` is NaN where nobody knows. `voice` is which one's value it is, of a mean the worst.
    `partly`: some speak, and others that were to are silent; what they would have said could make
    it `worse`, or `better`.
    """

    value: Floats
    voice: Integers
    partly: Booleans
    worse: bool
    better: bool

    @property
    def unknown(self) -> Booleans:
        """Where nobody knows."""
        return np.isnan(self.value)


# -- who counts when -----------------------------------------------------------------------------


def spoken(
    consignment: Consignment,
    readings: Mapping[DeviceKey, Sequence[Reading]],
    speaks: Speaks,
    until: int,
) -> tuple[list[Spoken], list[Excluded]]:
    """Return what counts of each sensor that was assigned, and what does not and why."""
    found: list[Spoken] = []
    excluded: list[Excluded] = []
    for sensor in dict.fromkeys([*(a.sensor for a in consignment.assignments), *sorted(readings)]):
        own = _in_order(readings.get(sensor, ()), until)
        times = np.array([one.when for one in own], np.int64)
        assigned = [one for one in consignment.assignments if one.sensor == sensor]
        counted = np.zeros(len(own), np.bool_)
        started = np.zeros(len(own), np.bool_)
        windows = []
        for one in assigned:
            end = until if one.until is None else min(one.until, until)
            asked = min(max(one.since, one.ignore_until), end)
            before, first, last = np.searchsorted(times, (one.since, asked, end))
            counted[first:last] = True
            started[before:first] = True
            since = asked
            if first < last and times[first] - asked <= speaks(sensor, asked):
                since = int(times[first])
            windows.append(Window(since, end, asked))
        excluded += _excluded(sensor, times, started & ~counted, START_UP)
        excluded += _excluded(sensor, times, ~started & ~counted, NOT_ASSIGNED)
        if assigned:
            kept = [one for one, counts in zip(own, counted, strict=True) if counts]
            found.append(Spoken(sensor, kept, windows))
    return found, excluded


def _in_order(readings: Sequence[Reading], until: int) -> list[Reading]:
    """Return what can be judged, sorted, each once."""
    found = sorted((one for one in readings if one.when < until and not undated(one)), key=order)
    keys = [(one.at, one.identity) for one in found]
    if len(set(keys)) == len(keys):
        return found
    return list(dict(zip(keys, found, strict=True)).values())


def _excluded(
    sensor: DeviceKey, times: Integers, left_out: Booleans, reason: str
) -> Iterator[Excluded]:
    """Yield each stretch of readings that are left out."""
    rows = np.flatnonzero(left_out)
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        if len(run):
            since, last = int(times[run[0]]), int(times[run[-1]])
            yield Excluded(sensor, since, last + 1, len(run), reason)


# -- what they say -------------------------------------------------------------------------------


def voice(one: Spoken, channel: str, speaks: Speaks, *, waits: bool) -> Voice | None:
    """Return what a sensor said of a channel, None if it never said anything of it.

    Where the rules wait for what jumped to be confirmed (`waits`), it is unknown until it was.
    """
    series = _series(one.readings, channel)
    if not series:
        return None
    jump = jump_of(channel)
    if waits and jump is not None and _jumps(series, jump.base):
        series = settled(series, jump)
    when = np.array([time for time, _ in series], np.int64)
    value = np.array([np.nan if v is None else v for _, v in series], np.float64)
    holds = np.array([speaks(one.sensor, time) for time, _ in series], np.int64)
    until = when + holds
    until[:-1] = np.minimum(until[:-1], when[1:])
    return Voice(one.sensor, when, value, until, one.windows)


def doubted(one: Spoken, channel: str, heard: Voice) -> Iterator[Excluded]:
    """Yield what a voice leaves out of a sensor's values because it jumped."""
    said = np.array(
        [np.nan if v is None else v for _, v in _series(one.readings, channel)], np.float64
    )
    count = int(np.count_nonzero(np.isnan(heard.value) & ~np.isnan(said)))
    if count:
        rows = np.flatnonzero(np.isnan(heard.value) & ~np.isnan(said))
        since, last = int(heard.when[rows[0]]), int(heard.when[rows[-1]])
        yield Excluded(one.sensor, since, last + 1, count, f"{channel}: {JUMPED}")


def _series(readings: Iterable[Reading], channel: str) -> list[tuple[int, float | None]]:
    # As `Reading.value`, which is too slow for a year of readings.
    places: dict[int, int | None] = {}
    series: list[tuple[int, float | None]] = []
    for one in readings:
        layout = one.layout
        key = id(layout)
        place = places[key] if key in places else places.setdefault(key, layout.index(channel))
        if place is not None:
            usable = not one.flags >> (UNUSABLE_SHIFT + place) & 1
            series.append((one.when, one.values[place] if usable else None))
    return series


def _jumps(series: Sequence[tuple[int, float | None]], base: float) -> bool:
    """Whether any value lies further from the one before than a jump begins at."""
    known = np.array([v for _, v in series if v is not None], np.float64)
    return bool(np.any(np.abs(np.diff(known)) > base))


def chorus(
    channel: str, voices: list[Voice], since: int, until: int, also: Sequence[int] = ()
) -> Chorus:
    """Put voices side by side, from `since` until `until` (ms); `also`: cut at these times too."""
    cuts = [np.array([since, until, *also], np.int64)]
    for one in voices:
        bounds = [bound for window in one.windows for bound in window[:2]]
        cuts += [one.when, one.until, np.array(bounds, np.int64)]
    edges = np.unique(np.concatenate(cuts))
    edges = edges[(edges >= since) & (edges <= until)]
    starts = edges[:-1]
    shape = (len(voices), len(starts))
    values, samples = np.full(shape, np.nan), np.zeros(shape, np.int64)
    expected = np.zeros(shape, np.bool_)
    for row, one in enumerate(voices):
        place = np.searchsorted(one.when, starts, side="right") - 1
        speaks = (place >= 0) & (starts < one.until[place])
        values[row] = np.where(speaks, one.value[place], np.nan)
        samples[row] = place
        for window in one.windows:
            expected[row] |= (window.since <= starts) & (starts < window.until)
    return Chorus(channel, voices, edges, values, samples, expected)


def together(sung: Chorus, counts: str, badness: Floats) -> Together:
    """Return what the voices of a chorus say together.

    `counts`: any (the worst by `badness`, an array like `values`), all (the least bad: what is true
    of it is true of each), mean (unknown where one is that was to speak), or the id of one sensor.
    """
    values = sung.values
    length = values.shape[1]
    known = ~np.isnan(values)
    nobody, first = np.zeros(length, np.bool_), np.zeros(length, np.int64)
    if not len(values):
        return Together(np.full(length, np.nan), first, nobody, worse=False, better=False)
    if counts not in JOINTLY:
        row = row_of(sung, counts)
        value = np.full(length, np.nan) if row is None else values[row]
        return Together(value, first + (row or 0), nobody, worse=False, better=False)
    silent: Booleans = np.any(sung.expected & ~known, axis=0)
    partly: Booleans = np.any(known, axis=0) & silent
    column = np.arange(length)
    if counts == "all":
        place = np.where(known, badness, np.inf).argmin(axis=0)
        return Together(values[place, column], place, partly, worse=False, better=True)
    place = np.where(known, badness, -np.inf).argmax(axis=0)
    if counts == "mean":
        mean = np.where(silent, np.nan, mean_of(values))
        return Together(mean, place, nobody, worse=False, better=False)
    return Together(values[place, column], place, partly, worse=True, better=False)


def row_of(sung: Chorus, sensor: str) -> int | None:
    """Return which voice is that of a sensor, by its id."""
    named = (
        row for row, one in enumerate(sung.voices) if sensor in {one.sensor.id, str(one.sensor)}
    )
    return next(named, None)


def mean_of(values: Floats) -> Floats:
    """Return the mean of those that speak in each column; NaN where none does."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
