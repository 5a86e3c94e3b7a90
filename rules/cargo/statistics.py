"""A channel in numbers: extremes, mean, mean kinetic temperature, and the time in each band.

Nothing is guessed where nobody knows. `known` is what was heard; best and worst are what it can
be: at best all was well meanwhile, and at worst it was as bad as can be:

- time in a band: at worst all unknown time is in it; of its range, none;
- mean kinetic temperature: at best the range's aim, else its middle, else its limit; at worst the
  highest value that any sensor said in the whole voyage, or the range's upper limit where that is
  higher. Nothing bounds a temperature that nobody measured: this worst case is an assumption, and
  by it alone nothing is proposed.

With several sensors of which any counts, time in which some are heard and others are not is no
gap, but it may have been worse than what was heard.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from devices.reading import QUANTITIES
from rules.cargo.budgets import extent
from rules.cargo.verdict import Band, Cases, Extreme, Statistic
from rules.cargo.voices import JOINTLY, mean_of, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.cargo.voices import Booleans, Chorus, Floats, Together, Voice
    from rules.rule import SampleRule

GAS = 8.3144e-3
"""R, kJ/mol/K."""
KELVIN = 273.15


class Limits(NamedTuple):
    """What a channel should be: within `low` ≤ value ≤ `high`, infinite where it is open."""

    low: float = -math.inf
    high: float = math.inf
    aim: float | None = None

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return self.low > -math.inf or self.high < math.inf

    def beyond(self, values: Floats) -> Floats:
        """Return how far values are out of it; below zero within it. NaN stays."""
        return np.maximum(self.low - values, values - self.high)

    def below(self, values: Floats) -> Booleans:
        """Return which values are too low."""
        return values < self.low

    def above(self, values: Floats) -> Booleans:
        """Return which values are too high."""
        return values > self.high


def statistic(
    sung: Chorus, heard: Together, counts: str, limits: Limits, energy: float | None
) -> Statistic:
    """Return a channel's numbers. `energy` is in kJ/mol, None where no MKT is asked for.

    The mean is over time, of all sensors that spoke, or of the one that counts.
    """
    lengths = sung.lengths
    unknown = heard.unknown
    voices = _counting(sung, counts)
    value = mean_of(sung.values) if counts in JOINTLY else heard.value
    time = lengths[~unknown]
    total = int(time.sum())
    quantity = sung.channel.partition(".")[0]
    return Statistic(
        channel=sung.channel,
        unit=QUANTITIES[quantity].unit,
        readings=sum(int(np.count_nonzero(inside(one, sung))) for one in voices),
        lowest=_extreme(sung, voices, lowest=True),
        highest=_extreme(sung, voices, lowest=False),
        mean=float((value[~unknown] * time).sum() / total) if total else None,
        known=total,
        unknown=int(lengths[unknown].sum()),
        partly=int(lengths[heard.partly].sum()),
        mkt=None if energy is None else _mkt(sung, heard, counts, limits, energy),
        **({} if energy is None else {"energy": energy}),
    )


def inside(one: Voice, sung: Chorus) -> Booleans:
    """Return which samples of a voice count and can be true."""
    begin, end = sung.edges[0], sung.edges[-1]
    usable: Booleans = (one.when >= begin) & (one.when < end) & ~np.isnan(one.value)
    return usable


def _counting(sung: Chorus, counts: str) -> list[Voice]:
    if counts in JOINTLY:
        return sung.voices
    row = row_of(sung, counts)
    return [] if row is None else [sung.voices[row]]


def _extreme(sung: Chorus, voices: list[Voice], *, lowest: bool) -> Extreme | None:
    found = []
    for one in voices:
        rows = np.flatnonzero(inside(one, sung))
        if len(rows):
            values = one.value[rows]
            row = rows[int(values.argmin() if lowest else values.argmax())]
            found.append(Extreme(float(one.value[row]), int(one.when[row]), one.sensor))
    if not found:
        return None
    sign = 1 if lowest else -1
    return min(found, key=lambda one: (sign * one.value, one.when, one.sensor))


# -- mean kinetic temperature ----------------------------------------------------------------------


def rate_of(celsius: Floats, energy: float) -> Floats:
    """Return e^(-H/RT): how fast goods age at a temperature (°C), up to a constant."""
    return np.exp(-energy / GAS / (celsius + KELVIN))


def kinetic_mean(mean_rate: float, energy: float) -> float:
    """Return the temperature (°C) at which goods age at a rate: see `rate_of`.

    Of the mean rate over time, it is Haynes' mean kinetic temperature.
    """
    return energy / GAS / -math.log(mean_rate) - KELVIN


def _mkt(sung: Chorus, heard: Together, counts: str, limits: Limits, energy: float) -> Cases | None:
    """Return the mean kinetic temperature, None if nothing is known.

    Of several sensors of which any counts it is that of the warmest at each time, of all that of
    the coldest.
    """
    lengths = sung.lengths
    known = ~heard.unknown
    time, gap = float(lengths[known].sum()), float(lengths[~known].sum())
    if not time:
        return None
    begins, ends = _rates(sung, energy)
    rates = (_pick(sung, begins, counts) + _pick(sung, ends, counts)) / 2
    total = float((rates[known] * lengths[known]).sum())
    now = kinetic_mean(total / time, energy)
    if not gap:
        return Cases(now, now, now)

    def filled(celsius: float) -> float:
        with_gap = total + gap * float(rate_of(np.array(celsius), energy))
        return kinetic_mean(with_gap / (time + gap), energy)

    highest = max(
        float(np.nanmax(one.value, initial=-math.inf, where=inside(one, sung)))
        for one in sung.voices
    )
    if limits.high < math.inf:
        highest = max(highest, limits.high)
    well = _well(limits)
    best = now if well is None else min(now, filled(well))
    return Cases(now, best, max(now, filled(highest)))


def _well(limits: Limits) -> float | None:
    """Return the temperature that is taken as well, None without any limit."""
    if limits.aim is not None:
        return limits.aim
    ends = [one for one in (limits.low, limits.high) if math.isfinite(one)]
    return sum(ends) / len(ends) if ends else None


def _rates(sung: Chorus, energy: float) -> tuple[Floats, Floats]:
    """Return the rates of all voices at the beginning and the end of each stretch.

    From sample to sample they go straight (the trapezoid of Tong and Lock, for uneven sampling).
    That leaves out half an interval before the first sample and after the last: the time for which
    the last speaks is given in halves to both, so that of even samples each weighs the same, as in
    Haynes' formula and as loggers have it.
    """
    shape = sung.values.shape
    begins, ends = np.full(shape, np.nan), np.full(shape, np.nan)
    starts, stops = sung.edges[:-1], sung.edges[1:]
    for row, one in enumerate(sung.voices):
        if not len(one.when):
            continue
        rate = rate_of(one.value, energy)
        known = ~np.isnan(rate)
        joined = np.zeros(len(rate), np.bool_)
        joined[:-1] = known[:-1] & known[1:] & (one.until[:-1] == one.when[1:])
        opens = np.append(True, ~joined[:-1])
        first = np.maximum.accumulate(np.where(opens, np.arange(len(rate)), 0))
        level = np.where(joined, rate, (rate[first] + rate) / 2)
        gains = np.zeros(len(rate))
        gains[:-1] = np.where(joined[:-1], np.diff(rate), 0.0)
        gains /= np.maximum(one.until - one.when, 1)
        place = sung.samples[row]
        speaks = ~np.isnan(sung.values[row])
        for found, moment in ((begins, starts), (ends, stops)):
            passed = moment - one.when[place]
            found[row] = np.where(speaks, level[place] + gains[place] * passed, np.nan)
    return begins, ends


def _pick(sung: Chorus, rates: Floats, counts: str) -> Floats:
    known = ~np.isnan(rates)
    if counts == "any":
        warmest: Floats = np.max(np.where(known, rates, -np.inf), axis=0)
        return warmest
    if counts == "all":
        coldest: Floats = np.min(np.where(known, rates, np.inf), axis=0)
        return coldest
    row = None if counts in JOINTLY else row_of(sung, counts)
    return mean_of(rates) if row is None else rates[row]


# -- bands -----------------------------------------------------------------------------------------


class Edge(NamedTuple):
    """Where one band ends and the next begins."""

    value: float
    upper: bool
    """Whether a value just there belongs to the band above it."""


def edges(limits: Limits, rules: Iterable[SampleRule]) -> list[Edge]:
    """Return the edges of a channel's bands, rising: its range's, and those of its rules."""
    found: dict[float, Edge] = {}
    if math.isfinite(limits.low):
        found[limits.low] = Edge(limits.low, upper=True)
    if math.isfinite(limits.high):
        found[limits.high] = Edge(limits.high, upper=False)
    for rule in rules:
        reach = extent(rule)
        if reach is None:
            continue
        low, high, inclusive = reach
        if math.isfinite(low):
            found.setdefault(low, Edge(low, upper=not inclusive))
        if math.isfinite(high):
            found.setdefault(high, Edge(high, upper=inclusive))
    return [found[value] for value in sorted(found)]


def bands(sung: Chorus, heard: Together, limits: Limits, cuts: list[Edge]) -> list[Band]:
    """Return how long the channel was in each band, from the lowest to the highest.

    One without any edge has no bands.
    """
    if not cuts:
        return []
    points = np.array(
        [one.value if one.upper else np.nextafter(one.value, np.inf) for one in cuts], np.float64
    )
    lengths, unknown = sung.lengths, heard.unknown
    which = np.where(unknown, -1, np.searchsorted(points, heard.value, side="right"))
    gap, half = int(lengths[unknown].sum()), int(lengths[heard.partly].sum())
    bounds = [None, *(one.value for one in cuts), None]
    found = []
    for number in range(len(cuts) + 1):
        low, high = bounds[number], bounds[number + 1]
        known = int(lengths[which == number].sum())
        here = int(lengths[heard.partly & (which == number)].sum())
        well = ((low is not None and low >= limits.low) or limits.low == -math.inf) and (
            (high is not None and high <= limits.high) or limits.high == math.inf
        )
        more, fewer = known + gap + half - here, known - here
        if well:
            best = more if heard.better else known + gap
            time = Cases(known, best, fewer if heard.worse else known)
        else:
            time = Cases(known, fewer if heard.better else known, more)
        label = _label(sung.channel, low, high, cuts, number)
        found.append(Band(sung.channel, label, low, high, time, well and limits.any))
    return found


def _label(
    channel: str, low: float | None, high: float | None, cuts: list[Edge], number: int
) -> str:
    unit = QUANTITIES[channel.partition(".")[0]].unit
    space = f" {unit}" if unit else ""
    if low is not None and high is not None:
        return f"{low:g} to {high:g}{space}"
    if low is not None:
        return f"{low:g}{space} or above" if cuts[number - 1].upper else f"above {low:g}{space}"
    return f"below {high:g}{space}" if cuts[number].upper else f"{high:g}{space} or below"
