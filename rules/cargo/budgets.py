"""Budgets: time out of range, or times frozen, that goods stand in all of their life.

Every rule that adds up without ever starting again is one. What was used is counted over the whole
voyage by the rule's own words: what is a breach, how fast its time counts, what a grace excuses.

Where nobody knows, nothing was used at best. At worst all of that time was, as fast as it ever
went, and at least as time passes.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from rules.cargo.consignment import FOREVER
from rules.cargo.verdict import Budget, Cases
from rules.cargo.voices import together
from rules.duration import DAY, HOUR, MINUTE
from rules.grace import Graced
from rules.kinds.budget import StabilityBudget
from rules.kinds.exposure import ExposureBand
from rules.kinds.freeze_thaw import FreezeThaw
from rules.kinds.threshold import Threshold
from rules.lifecycle import BREACH
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rules.cargo.voices import Booleans, Chorus, Floats
    from rules.grace import Grace
    from rules.rule import Rule

QUARTER = 15 * MINUTE


class Spent(NamedTuple):
    """A budget, and the rule that it is of."""

    budget: Budget
    rule: SampleRule

    def exceeded(self, case: Literal["known", "best", "worst"]) -> bool:
        """Whether it is used up, as the rule would tell it."""
        used = getattr(self.budget.used, case) + self.budget.carried
        if self.budget.unit == "cycles":
            return bool(used > self.budget.allowed)
        return bool(used > 0 and used >= self.budget.allowed)


class Extent(NamedTuple):
    """What a rule takes as well: `low` to `high`, infinite where it is open.

    `inclusive`: a value just there is a breach.
    """

    low: float
    high: float
    inclusive: bool


def extent(rule: SampleRule) -> Extent | None:
    """Return what a rule about values takes as well, None for one about something else."""
    if isinstance(rule, StabilityBudget):
        return Extent(*rule.limits(), inclusive=False)
    if isinstance(rule, Threshold):
        return Extent(*rule.limits(), inclusive=rule.inclusive)
    if isinstance(rule, ExposureBand):
        return Extent(*rule.calm(), inclusive=rule.band.inclusive)
    return None


def uses(rule: SampleRule, value: float) -> bool:
    """Say whether a rule is about such a value of its channel, so that time at it counts."""
    if isinstance(rule, FreezeThaw):
        return value <= rule.freezes
    return extent(rule) is not None and _breach(rule, value)


def summing(rules: Iterable[Rule]) -> Iterator[SampleRule]:
    """Yield the rules that are budgets: totals that never start again."""
    for rule in rules:
        for part in rule.parts():
            if isinstance(part, FreezeThaw):
                yield part
            elif isinstance(part, SampleRule) and extent(part) is not None:
                timing = part.timing(MINUTE)
                if timing.mode == "cumulative" and timing.reset_after is None:
                    yield part


def spent(rule: SampleRule, sung: Chorus, counts: str, doors: Chorus | None) -> Spent:
    """Return what of a rule's time was used. `doors`: the channel of its grace, if it has one."""
    levels, places = np.unique(sung.values, return_inverse=True)
    places = places.reshape(sung.values.shape)
    heard = together(sung, counts, _of_each(rule.badness, levels)[places])
    breach = _breaches(rule, heard.value)
    if rule.only is not None:
        breach &= _where(rule.only.applies, sung, breach)
    if rule.grace is not None:
        breach &= ~_excused(rule, sung, doors, breach)
    lengths = sung.lengths
    rates = _of_distinct(rule.rate, np.where(breach, heard.value, np.nan))
    fastest = max(1.0, float(rates[breach].max(initial=1.0)))
    used = float((lengths * np.where(breach, rates, 0.0)).sum())
    doubt = heard.unknown
    if heard.worse:
        doubt = doubt | (heard.partly & ~breach)
    if rule.only is not None:
        doubt &= _where(rule.only.applies, sung, doubt)
    worst = used + fastest * float(lengths[doubt].sum())
    sure = breach & ~heard.partly if heard.better else breach
    best = float((lengths * np.where(sure, rates, 0.0)).sum())
    timing = rule.timing(MINUTE)
    # A budget warns before it is used up.
    allowed = rule.allowed if isinstance(rule, StabilityBudget) else timing.duration
    left = allowed - timing.carried
    return Spent(
        Budget(
            rule=rule.name,
            unit="ms",
            allowed=allowed,
            carried=timing.carried,
            used=Cases(used, best, worst),
            left=Cases(left - used, left - best, left - worst),
        ),
        rule,
    )


def cycles(rule: FreezeThaw, sung: Chorus, counts: str) -> Spent:
    """Return how often it was frozen and has thawed. At worst each gap hides one more time."""
    # Of several sensors the coldest counts as the worst.
    heard = together(sung, counts, -sung.values)
    silent: Booleans = heard.unknown | heard.partly
    # The meter is told when that changes which it looks at: cold enough, thawed, or unknown.
    cold, thawed = heard.value <= rule.freezes, heard.value >= rule.thaws
    state = np.select([silent, cold, thawed], [1, 2, 3], 0)
    changes = np.flatnonzero(np.diff(state, prepend=-1))
    meter, level = rule.meter(), rule.cycles
    for row in changes.tolist():
        value = math.nan if silent[row] else float(heard.value[row])
        meter.take(int(sung.edges[row]), value, FOREVER)
        level = max(level, meter.count)
    gaps = int(np.count_nonzero(np.diff(silent.astype(np.int8), prepend=0) > 0))
    used, left = level - rule.cycles, rule.allowed - level
    return Spent(
        Budget(
            rule=rule.name,
            unit="cycles",
            allowed=rule.allowed,
            carried=rule.cycles,
            used=Cases(used, used, used + gaps),
            left=Cases(left, left, left - gaps),
        ),
        rule,
    )


def _breach(rule: SampleRule, value: float) -> bool:
    # A budget that was used up before takes every value as a breach, to be told at once.
    return rule.condition(value, True) == BREACH and rule.rate(value) > 0  # noqa: FBT003 - as the engine calls it


def _breaches(rule: SampleRule, values: Floats) -> Booleans:
    found: Booleans = _of_distinct(lambda value: _breach(rule, value), values) == 1.0
    return found


def _of_distinct(ask: Callable[[float], float], values: Floats) -> Floats:
    """Return what is said of each value: sensors repeat themselves, so each is asked of once."""
    levels, places = np.unique(values, return_inverse=True)
    return _of_each(ask, levels)[places.reshape(values.shape)]


def _of_each(ask: Callable[[float], float], levels: Floats) -> Floats:
    return np.array([np.nan if np.isnan(one) else ask(float(one)) for one in levels], np.float64)


def _where(ask: Callable[[int], bool], sung: Chorus, wanted: Booleans) -> Booleans:
    """Return which of the stretches that are wanted begin at a time of which it is true."""
    found = np.zeros(len(wanted), np.bool_)
    for row in np.flatnonzero(wanted):
        found[row] = ask(int(sung.edges[row]))
    return found


def _excused(rule: SampleRule, sung: Chorus, doors: Chorus | None, breach: Booleans) -> Booleans:
    """Return which breaches a grace excuses."""
    grace, state = rule.grace, Graced()
    found = np.zeros(len(breach), np.bool_)
    if grace is None:
        return found
    if grace.at:
        return breach & _at_times(grace, sung)
    opened = [] if doors is None else list(_opened(doors))
    opened.reverse()
    for row in np.flatnonzero(breach):
        begin = int(sung.edges[row])
        while opened and opened[-1][0] <= begin:
            grace.begins(state, *opened.pop())
        found[row] = grace.excuses(state, begin)
    return found


def _opened(doors: Chorus) -> Iterator[tuple[int, float]]:
    """Yield when doors are heard of, and how far the widest is open then, as the rules take it."""
    known = ~np.isnan(doors.values)
    widest = np.where(known, doors.values, -np.inf).max(axis=0, initial=-np.inf)
    for row in np.flatnonzero(known.any(axis=0)).tolist():
        yield int(doors.edges[row]), float(widest[row])


def _at_times(grace: Grace, sung: Chorus) -> Booleans:
    """Return which stretches begin in a grace that begins at a time of day: see `Grace.excuses`."""
    starts = sung.edges[:-1]
    # Clocks are changed on a quarter of an hour, so one look at the zone does for each.
    quarters, places = np.unique(starts // QUARTER, return_inverse=True)
    zone = ZoneInfo(grace.timezone)
    offsets = np.array([_offset(int(one) * QUARTER, zone) for one in quarters], np.int64)
    clocks = (starts + offsets[places]) % DAY
    found = np.zeros(len(starts), np.bool_)
    for text in grace.at:
        hours, minutes = map(int, text.split(":"))
        found |= (clocks - (hours * HOUR + minutes * MINUTE)) % DAY < grace.duration
    return found


def _offset(when: int, zone: ZoneInfo) -> int:
    offset = dt.datetime.fromtimestamp(when / 1000, zone).utcoffset() or dt.timedelta()
    return int(offset.total_seconds() * 1000)
