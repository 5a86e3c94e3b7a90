"""Rules tried on the past: what they would have told, and how that differs from other rules.

Both are judged afresh over the same readings, with nothing known at their beginning, so that what
differs comes of the rules alone. What people were really told is on record elsewhere: it rests on
the rules of its time, and on what had arrived by then.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from devices.reading import IMPORTED, RETAINED, UNUSABLE_SHIFT, DeviceKey
from rules.alert import Alert
from rules.engine import Engine
from rules.lifecycle import Explanation
from rules.meter import MeterRule
from rules.revision import FAR, alert_of
from rules.rule import AbsenceRule, RuleVersion, SampleRule
from rules.summary import total
from rules.transition import Episode, alert_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import Layout, Reading
    from rules.plan import Intervals
    from rules.rule import Rule


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule would have done. Lengths are ms within the time that was looked at.

    `firing` is how long alerts of it fired in all. `breach` and `unknown` say how long a limit was
    passed and how long nobody knew, None for what is no limit of one channel's values. `heard` is
    False where no reading lets it judge, as a rule about contact has nothing to say of a file.
    """

    rule: str
    kind: str
    severity: str
    channel: str
    limit: str
    alerts: int
    firing: int
    breach: int | None
    unknown: int | None
    heard: bool


class Both(msgspec.Struct, frozen=True):
    """An alert that both make: by the rules that are tried, and by those they are held against."""

    now: Alert
    before: Alert

    @property
    def fired(self) -> int:
        """By how much later (ms) it fires; less than 0 is sooner."""
        return self.now.fired - self.before.fired

    @property
    def ended(self) -> int | None:
        """By how much later (ms) it ends, None where one of them does not."""
        if self.now.ended is None or self.before.ended is None:
            return None
        return self.now.ended - self.before.ended

    @property
    def same(self) -> bool:
        """Whether nothing of it changes that people would notice."""
        return _noticed(self.now) == _noticed(self.before)


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """Rules tried on `subject` over start ≤ t < end (ms): `tried`, and those of now, `standing`.

    Alerts are in order of firing. `added` only the tried rules make, `gone` only those of now. One
    without an end still fires at `end`; one that fired before `start` fires still then.
    """

    subject: DeviceKey
    start: int
    end: int
    readings: int
    tried: tuple[Tried, ...]
    standing: tuple[Tried, ...]
    added: tuple[Alert, ...]
    gone: tuple[Alert, ...]
    both: tuple[Both, ...]

    @property
    def alerts(self) -> list[Alert]:
        """All that the tried rules would have told."""
        return sorted((*self.added, *(one.now for one in self.both)), key=_fired)

    @property
    def differs(self) -> bool:
        """Whether people would have noticed that the rules are others."""
        return bool(self.added or self.gone or not all(one.same for one in self.both))


def lead(rules: Iterable[Rule], interval: int) -> int:
    """Return how long (ms) before the time to be looked at judging must begin.

    So long that what rules wait for, and windows that they look into, are full at its start. A
    total that never starts again counts from there on.
    """
    return max((_reach(part, interval) for rule in rules for part in rule.parts()), default=0)


def _reach(rule: Rule, interval: int) -> int:
    window = getattr(rule, "window", None) or 0
    if isinstance(rule, AbsenceRule):
        return rule.wait()
    if isinstance(rule, SampleRule):
        timing = rule.timing(interval)
        waits = timing.duration + timing.clear_duration + (timing.reset_after or 0)
        return int(window + waits + timing.hold)
    return 0


def backtest(  # noqa: PLR0913 - two sets of rules, a series, and what part of it to look at
    subject: DeviceKey,
    readings: Sequence[Reading],
    tried: Sequence[Rule],
    standing: Sequence[Rule],
    *,
    intervals: Intervals,
    start: int,
    end: int,
) -> Backtest:
    """Judge a subject's readings by the `tried` rules and by the `standing` ones.

    `readings` are the subject's, sorted by `order()`, each once: from `lead` before `start`
    on, none from `end` on. All rules judge it, whichever devices they name.
    """
    series = _Series(readings)
    alerts, accounts = [], []
    for whole in (tried, standing):
        rules = [part for rule in whole for part in rule.parts()]
        found = _alerts(subject, readings, whole, intervals, end)
        touching = [one for one in found if one.ended is None or one.ended > start]
        alerts.append(sorted(touching, key=_fired))
        accounts.append(tuple(_account(r, touching, series, intervals, start, end) for r in rules))
    both, added, gone = compare(*alerts)
    return Backtest(
        subject=subject,
        start=start,
        end=end,
        readings=sum(one.when >= start for one in readings),
        tried=accounts[0],
        standing=accounts[1],
        added=added,
        gone=gone,
        both=both,
    )


def compare(
    now: Sequence[Alert], before: Sequence[Alert]
) -> tuple[tuple[Both, ...], tuple[Alert, ...], tuple[Alert, ...]]:
    """Return the alerts that are the same on both sides, those only `now`, and only `before`.

    One is another if its rule has the same name, else if it is of the same kind of rule; and of
    the same channel. Of several it is the one with the same beginning, else the one with the
    longest overlap, as in `rules.revision`.
    """
    both: list[Both] = []
    added, gone = list(now), list(before)
    for akin in (_rule, _kind):
        for find in (_same_beginning, _longest_overlap):
            pairs = _pairs(added, gone, akin, find)
            both += pairs
            taken = {id(one) for pair in pairs for one in (pair.now, pair.before)}
            added = [one for one in added if id(one) not in taken]
            gone = [one for one in gone if id(one) not in taken]
    return tuple(sorted(both, key=lambda one: _fired(one.now))), tuple(added), tuple(gone)


def _rule(alert: Alert) -> tuple[object, ...]:
    return alert.subject


def _kind(alert: Alert) -> tuple[object, ...]:
    return alert.kind, alert.device, alert.channel


def _pairs(
    added: Sequence[Alert],
    gone: Sequence[Alert],
    akin: Callable[[Alert], tuple[object, ...]],
    find: Callable[[Alert, Sequence[Alert]], Alert | None],
) -> list[Both]:
    """Return which are the same, among those that are akin."""
    others: dict[tuple[object, ...], list[Alert]] = {}
    for one in sorted(gone, key=_began):
        others.setdefault(akin(one), []).append(one)
    pairs = []
    for one in added:
        like = others.get(akin(one), [])
        best = find(one, like)
        if best is not None:
            like.remove(best)
            pairs.append(Both(one, best))
    return pairs


def _same_beginning(one: Alert, others: Sequence[Alert]) -> Alert | None:
    place = bisect_left(others, one.began, key=_began)
    found = others[place] if place < len(others) else None
    return found if found is not None and found.began == one.began else None


def _longest_overlap(one: Alert, others: Sequence[Alert]) -> Alert | None:
    def overlap(other: Alert) -> int:
        return min(_over(one), _over(other)) - max(one.began, other.began)

    # Others begin in order: none from there on can overlap.
    before = bisect_left(others, _over(one), key=_began)
    best = max(others[:before], key=overlap, default=None)
    return best if best is not None and overlap(best) > 0 else None


def _began(alert: Alert) -> int:
    return alert.began


def _over(alert: Alert) -> int:
    return FAR if alert.ended is None else alert.ended


def _noticed(alert: Alert) -> tuple[object, ...]:
    return alert.rule, alert.severity, alert.fired, alert.ended


def _fired(alert: Alert) -> tuple[int, str]:
    return alert.fired, alert.id


def _alerts(
    subject: DeviceKey,
    readings: Sequence[Reading],
    rules: Sequence[Rule],
    intervals: Intervals,
    end: int,
) -> list[Alert]:
    """Return what the rules would have told, however long ago."""
    versions = [
        RuleVersion(rule.model_copy(update={"devices": ("*",)}), rule.version())
        for rule in rules
        if isinstance(rule, SampleRule)
    ]
    found: list[Episode] = []
    if versions:
        found += Engine(versions, lambda _subject: intervals).judge(readings)
    fresh = (one.received for one in readings if not one.flags & (IMPORTED | RETAINED))
    heard = sorted(received for received in fresh if received < end)
    for rule in rules:
        if isinstance(rule, AbsenceRule):
            found += _silences(subject, rule, heard, end)
    return [alert_of(one, retrospective=True) for one in found]


def _silences(
    subject: DeviceKey, rule: AbsenceRule, heard: Sequence[int], end: int
) -> list[Episode]:
    """Return when nothing was heard for too long, by the times (ms) at which it was."""
    wait = rule.wait()
    return [
        Episode(
            id=alert_id(rule.name, subject, "", last),
            rule=rule.name,
            version=rule.version(),
            rule_kind=rule.kind,
            severity=rule.severity,
            device=subject,
            channel="",
            begin=last,
            fired_at=last + wait,
            limit=rule.limit(),
            note=rule.note,
            explanation=Explanation(),
            ended_at=following if following < end else None,
            ended_how="resolved" if following < end else None,
        )
        for last, following in pairwise((*heard, end))
        if following - last > wait
    ]


class _Series:
    """Each channel's samples, made when they are asked for."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self.fresh = any(not one.flags & (IMPORTED | RETAINED) for one in readings)
        self.layouts = {one.layout for one in readings}
        self._known: dict[str, list[tuple[int, float | None]]] = {}

    def __getitem__(self, channel: str) -> list[tuple[int, float | None]]:
        found = self._known.get(channel)
        if found is None:
            found = self._known[channel] = self._samples(channel)
        return found

    def hears(self, rule: Rule) -> bool:
        """Whether anything was heard that the rule judges."""
        if isinstance(rule, AbsenceRule):
            return self.fresh
        if not isinstance(rule, SampleRule):
            return False
        channel = rule.channel
        return any(
            channel == "*" or one.partition("@")[0].removesuffix(".") == channel
            for layout in self.layouts
            for one in layout.channels
        )

    def _samples(self, channel: str) -> list[tuple[int, float | None]]:
        places: dict[Layout, int | None] = {one: one.index(channel) for one in self.layouts}
        found: list[tuple[int, float | None]] = []
        for one in self.readings:
            index = places[one.layout]
            if index is not None:
                unusable = one.flags >> (UNUSABLE_SHIFT + index) & 1
                found.append((one.when, None if unusable else one.values[index]))
        return found


def _account(  # noqa: PLR0913, PLR0917 - a rule, what it found, in what and when
    rule: Rule,
    alerts: Sequence[Alert],
    series: _Series,
    intervals: Intervals,
    start: int,
    end: int,
) -> Tried:
    own = [one for one in alerts if one.rule == rule.name]
    channel = rule.channel if isinstance(rule, SampleRule) else ""
    breach = unknown = None
    if by_value(rule) and series[channel]:
        spent = total(series[channel], rule, intervals[-1][1], start=start, end=end)
        breach, unknown = spent.breach, spent.unknown
    return Tried(
        rule=rule.name,
        kind=rule.kind,
        severity=rule.severity,
        channel=channel,
        limit=rule.limit(),
        alerts=len(own),
        firing=sum(within(one, start, end) for one in own),
        breach=breach,
        unknown=unknown,
        heard=series.hears(rule),
    )


def by_value(rule: Rule) -> TypeGuard[SampleRule]:
    """Say whether a rule judges the values of one channel, each by itself."""
    return (
        isinstance(rule, SampleRule)
        and not isinstance(rule, MeterRule)
        and rule.channel != "*"
        and not rule.judges_flags
    )


def within(alert: Alert, start: int, end: int) -> int:
    """Return how long (ms) an alert fires in start ≤ t < end."""
    over = end if alert.ended is None else min(alert.ended, end)
    return max(0, over - max(alert.fired, start))
