"""Mean kinetic temperature (Haynes): the one temperature that does what a varying one has done.

`T = (H/R) / -ln(mean of e^(-H/(R*T)))`, in kelvin, weighted by time (USP <1079.2>). Between two
samples that are no further apart than a sample speaks, the mean of both exponentials counts
(Tong and Lock 2015); else the first speaks as long as it does, and the rest is unknown and not in
the mean.

A window is kept as sums of `BUCKETS` buckets at most, each 1/47 of the window. The oldest counts by
the share of it that is still in the window, as if what it holds were spread evenly over it. So the
mean of the exponentials is wrong by at most a quarter of one bucket:

    |error| <= window / 47 / 4 / known time * (highest - lowest exponential in that bucket)

For a window that is known throughout, and about 25 °C, that is 0.07 °C at most where the oldest
bucket saw 15 and 30 °C, and 0.21 °C where it saw 20 and 40 °C; where it was steady it is nothing.
"""

from __future__ import annotations

import math
from itertools import islice
from math import exp, log

import msgspec

GAS = 8.3144
"""Gas constant as the pharmacopoeia rounds it, J/mol/K: with 83.144 kJ/mol, H/R is 10,000 K."""
ENERGY = 83.144
"""Activation energy that counts where no other is known, kJ/mol (USP)."""
ZERO = 273.15
"""0 °C in kelvin."""
BUCKETS = 48
_WHOLE = BUCKETS - 1
_FOREVER = 1 << 62
_REFERENCE = 1 / (25.0 + ZERO)
"""Exponentials are told against those at 25 °C, so that no energy makes them too small to hold."""


def factor(energy: float) -> float:
    """Return H/R in kelvin for an activation energy in kJ/mol."""
    return energy * 1000 / GAS


def acceleration(value: float, reference: float, energy: float) -> float:
    """Return how much faster goods age at `value` than at `reference`, both °C (Arrhenius)."""
    return exp(factor(energy) * (1 / (reference + ZERO) - 1 / (value + ZERO)))


class Kinetic(msgspec.Struct, array_like=True, gc=False):
    """The mean kinetic temperature (°C) of a window, or of all there was. Times in ms.

    `need` is how much of the window must be known before it shows a level; with 0 it is half of the
    window, or of what has passed since the first sample where that is less. `rate` is the
    exponential at the last sample, at `when`. The bucket that is being filled ends at `ends`;
    `areas` and `spans` are those before it, oldest first: exponentials times time, and the time
    that is known. `whole_…` are their sums without the oldest, which is about to leave.
    """

    factor: float
    window: int
    width: int
    need: int
    level: float = math.nan
    when: int = 0
    rate: float = math.nan
    first: int = 0
    ends: int = 0
    area: float = 0.0
    span: int = 0
    whole_area: float = 0.0
    whole_span: int = 0
    old_area: float = 0.0
    old_span: int = 0
    areas: list[float] = []
    spans: list[int] = []

    def take(self, when: int, value: float, hold: int) -> float:
        """Take a temperature (°C, NaN where unknown) and return the level: see `rules.meter`."""
        before = self.rate
        now = exp(self.factor * (_REFERENCE - 1.0 / (value + ZERO)))
        span = 0
        mean = before
        if before == before:  # noqa: PLR0124 - NaN alone differs from itself
            span = when - self.when
            if span > hold:
                span = hold
            elif now == now:  # noqa: PLR0124 - NaN alone differs from itself
                mean = (before + now) * 0.5
        if when < self.ends:
            if span:
                self.area += mean * span
                self.span += span
        else:
            self._across(when, span, mean)
        self.when = when
        self.rate = now
        share = (self.ends - when) / self.width
        known = self.whole_span + self.span + share * self.old_span
        passed = when - self.first
        need = self.need or (min(self.window, passed)) * 0.5
        if known < need or not known:
            self.level = level = math.nan
            return level
        area = self.whole_area + self.area + share * self.old_area
        self.level = level = self.factor / (self.factor * _REFERENCE - log(area / known)) - ZERO
        return level

    def _across(self, when: int, span: int, mean: float) -> None:
        """Take a span (ms) from the last sample on, and go on to the bucket of `when`."""
        width = self.width
        if not self.ends:
            self.first = when
            self.ends = when - when % width + width
            return
        place, end = self.when, self.when + span
        while self.ends <= when:
            part = min(end, self.ends) - place
            if part > 0:
                self.area += mean * part
                self.span += part
                place += part
            if when - self.ends >= self.window + width and place >= end:
                # So long a silence that nothing before it is left.
                self.areas, self.spans = [], []
                self.area, self.span = 0.0, 0
                self.ends = when - when % width + width
                break
            self._next()
        if end > place:
            self.area += mean * (end - place)
            self.span += end - place
        self._add_up()

    def _next(self) -> None:
        self.areas.append(self.area)
        self.spans.append(self.span)
        if len(self.areas) > _WHOLE:
            del self.areas[0], self.spans[0]
        self.area, self.span = 0.0, 0
        self.ends += self.width

    def _add_up(self) -> None:
        """Add up anew what is whole, so that no error grows with the years."""
        full = len(self.areas) == _WHOLE
        self.old_area = self.areas[0] if full else 0.0
        self.old_span = self.spans[0] if full else 0
        self.whole_area = math.fsum(islice(self.areas, int(full), None))
        self.whole_span = sum(islice(self.spans, int(full), None))


def kinetic(energy: float, window: int | None, need: int = 0) -> Kinetic:
    """Return a meter of a window (ms), None for all there was; `energy` in kJ/mol."""
    if window is None:
        return Kinetic(factor(energy), _FOREVER, _FOREVER, need)
    return Kinetic(factor(energy), window, -(-window // _WHOLE), need)
