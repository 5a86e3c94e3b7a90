"""Rules tried on the past: what they would have told, and how that differs from other rules.

Both are judged afresh over the same readings, with nothing known at their beginning, so that what
differs comes of the rules alone. What people were really told is on record elsewhere: it rests on
the rules of its time, and on what had arrived by then.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import msgspec

from devices.reading import IMPORTED, RETAINED, UNUSABLE_SHIFT, DeviceKey
from rules.alert import Alert
from rules.alike import Both, compare, fired
from rules.cargo.mix import channel_of
from rules.contact import Absence
from rules.engine import Engine
from rules.lifecycle import Explanation
from rules.meter import MeterRule
from rules.pick import counted
from rules.plan import FOREVER
from rules.revision import alert_of
from rules.rule import AbsenceRule, RuleVersion, SampleRule
from rules.summary import Samples, believed, total
from rules.transition import Episode, alert_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
        return sorted((*self.added, *(one.now for one in self.both)), key=fired)

    @property
    def differs(self) -> bool:
        """Whether people would have noticed that the rules are others."""
        return bool(self.added or self.gone or not all(one.same for one in self.both))


class Heard(NamedTuple):
    """When somebody was heard (ms, in order), and whether anybody had to hear them at a time."""

    times: Sequence[int]
    expected: Callable[[int], Absence] = lambda _when: Absence()


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
    heard: Heard | None = None,
) -> Backtest:
    """Judge a subject's readings by the `tried` rules and by the `standing` ones.

    `readings` are the subject's, sorted by `order()`, each once: from `lead` before `start`
    on, none from `end` on. All rules judge it, whichever devices they name. `heard` says when it
    was heard where its readings do not.
    """
    heard = heard or Heard(heard_at(readings))
    series = _Series(readings, fresh=bool(heard.times))
    alerts, accounts, sides = [], [], []
    for whole in (tried, standing):
        rules = [part for rule in whole for part in rule.parts()]
        found = _alerts(subject, readings, whole, intervals, end, heard)
        touching = [one for one in found if one.ended is None or one.ended > start]
        alerts.append(sorted(touching, key=fired))
        sides.append(partial(_side, {rule.name: rule for rule in rules}))
        accounts.append(tuple(_account(r, touching, series, intervals, start, end) for r in rules))
    both, added, gone = compare(alerts[0], alerts[1], sides[0], sides[1])
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


def _alerts(  # noqa: PLR0913, PLR0917 - what is judged, by what, and when it was heard
    subject: DeviceKey,
    readings: Sequence[Reading],
    rules: Sequence[Rule],
    intervals: Intervals,
    end: int,
    heard: Heard,
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
    for rule in rules:
        if isinstance(rule, AbsenceRule):
            found += _silences(subject, rule, heard, end)
    return [alert_of(one, retrospective=True) for one in found]


def heard_at(readings: Iterable[Reading]) -> list[int]:
    """Return when (ms) somebody was heard, in order: a file and a kept message do not say."""
    return sorted(one.received for one in readings if not one.flags & (IMPORTED | RETAINED))


def _silences(subject: DeviceKey, rule: AbsenceRule, heard: Heard, end: int) -> list[Episode]:
    """Return when nothing was heard for too long."""
    times = [one for one in heard.times if one < end]
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
            fired_at=fired_at,
            limit=rule.limit(),
            note=rule.note,
            explanation=Explanation(),
            ended_at=following if following < end else None,
            ended_how="resolved" if following < end else None,
        )
        for last, following in pairwise((*times, end))
        if following - last > rule.wait()
        and (fired_at := _missed(last, rule.wait(), heard.expected)) < following
    ]


def _missed(last: int, wait: int, expected: Callable[[int], Absence]) -> int:
    """Return when somebody is missed who was last heard at `last`, all times in ms."""
    due = last + wait
    while True:
        absence = expected(due)
        later = max(due, absence.since + wait, absence.until)
        if later == due or later >= FOREVER:
            return later
        due = later


class _Series:
    """What rules look at, a series (ms, value) for each channel; made when it is asked for."""

    def __init__(self, readings: Sequence[Reading], *, fresh: bool) -> None:
        self._readings = readings
        self._fresh = fresh
        # What of a layout is a channel: several places where a consignment has several sensors.
        self._places: dict[Layout, dict[str, list[int]]] = {}
        for shape in {one.layout for one in readings}:
            places = self._places[shape] = {}
            for index, name in enumerate(shape.channels):
                places.setdefault(channel_of(name), []).append(index)
        self._composed = any("@" in name for shape in self._places for name in shape.channels)
        self._known: dict[tuple[str, bool], Samples] = {}

    def hears(self, rule: Rule) -> bool:
        """Whether anything was heard that the rule judges."""
        if isinstance(rule, AbsenceRule):
            return self._fresh
        if not isinstance(rule, SampleRule):
            return False
        return any(rule.channel in {"*", *places} for places in self._places.values())

    def of(self, rule: SampleRule) -> Samples:
        """Return the values that count for a rule about one channel."""
        if self._composed:
            # What jumped was found by each sensor alone, before they were put together.
            return believed(self._counted(rule), [])
        key = rule.channel, rule.waits()
        if key not in self._known:
            self._known[key] = believed(self._samples(rule.channel), [rule])
        return self._known[key]

    def _samples(self, channel: str) -> list[tuple[int, float | None]]:
        found: list[tuple[int, float | None]] = []
        places = {shape: own.get(channel, [-1])[0] for shape, own in self._places.items()}
        for one in self._readings:
            index = places[one.layout]
            if index >= 0:
                unusable = one.flags >> (UNUSABLE_SHIFT + index) & 1
                found.append((one.when, None if unusable else one.values[index]))
        return found

    def _counted(self, rule: SampleRule) -> list[tuple[int, float | None]]:
        found: list[tuple[int, float | None]] = []
        for one in self._readings:
            places = self._places[one.layout].get(rule.channel)
            if places:
                value, usable = counted(rule, one, places)
                found.append((one.when, value if usable else None))
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
    if by_value(rule) and series.hears(rule):
        spent = total(series.of(rule), rule, intervals[-1][1], start=start, end=end)
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


def _side(rules: Mapping[str, Rule], alert: Alert) -> str:
    """Say on which side of its limit an alert is; "" where that is no matter of sides."""
    rule = rules[alert.rule]
    if not by_value(rule) or alert.worst is None:
        return ""
    low, high = rule.calm()
    return "below" if alert.worst <= low else "above" if alert.worst >= high else ""


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
