"""Which rules judge which values of a device: worked out once, shared by like devices."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from devices.reading import ARRIVAL, COUNTED, UNUSABLE_SHIFT, DeviceKey, Layout
from rules.jumps import Jump, jump_of
from rules.lifecycle import Timing
from rules.rule import AbsenceRule, RuleVersion, SampleRule

FOREVER = 1 << 62
EVER = -(1 << 62)
"""Before all times."""
REPLACED = "another device has taken its place"

Intervals = tuple[tuple[int, int], ...]
"""Since when (ms) a device sends how often (ms), oldest first; the first counts before as well."""
Windows = tuple[tuple[int, int], ...]
"""From when until when (ms), apart and in order."""


class Stand(NamedTuple):
    """Whose place a device has from `since` until `until` (ms): whose rules judge it then.

    Its own is one too: it ends when another device takes it.
    """

    whom: DeviceKey
    since: int = EVER
    until: int = FOREVER


def always(interval: int) -> Callable[[DeviceKey], Intervals]:
    """Return what says of every device that it sends at this interval (ms) at all times."""
    intervals = ((EVER, interval),)
    return lambda _device: intervals


class Judge(msgspec.Struct, frozen=True):
    """One version of a sample rule, for as long as it judges this device without a break.

    `timings` are its timings for the device's intervals, each with since when (ms). `reason` says
    why it ends at `until` where that is not the rule's own end.
    """

    key: str
    version: str
    rule: SampleRule
    timings: tuple[tuple[int, Timing], ...]
    since: int
    until: int
    reason: str = ""
    waits: bool = False
    """Whether a value that jumped waits for the next one: see `rules.jumps`."""

    def in_force(self, when: int) -> bool:
        """Whether it judges a sample of this time."""
        return self.since <= when < self.until

    def timing(self, when: int) -> Timing:
        """Return the timing for a sample of this time (ms): how long it speaks, above all.

        A sample speaks as long as it does by the interval of its own time. So what is stated of
        the time after it changes nothing that was judged before.
        """
        for since, timing in reversed(self.timings):
            if since <= when:
                return timing
        return self.timings[0][1]


class Watch(msgspec.Struct, frozen=True):
    """One version of an absence rule, for as long as it watches this device without a break.

    It waits from `placed` (ms) on at the earliest: where the device was before, nobody missed it.
    """

    key: str
    version: str
    rule: AbsenceRule
    wait: int
    since: int
    until: int
    reason: str = ""
    placed: int = EVER


class Judged(msgspec.Struct, frozen=True):
    """One channel of a layout, its place in the values, and who judges it.

    `jump` says how fast it may change, None where nobody minds.
    """

    channel: str
    index: int
    judges: tuple[Judge, ...]
    jump: Jump | None


class Calm(msgspec.Struct, frozen=True):
    """What a reading may be without any rule having work to do.

    No flag of `mask`, and each value of `band` (index, low, high) strictly between low and
    high. It holds for times before `until`, when a version begins or ends.
    """

    layout: Layout
    mask: int
    band: tuple[tuple[int, float, float], ...]
    until: int
    keys: tuple[str, ...]


class _Force(NamedTuple):
    """When a version is in force on a device without a break. `key` is what stored state calls it.

    `placed` is since when the device has stood where the version judges it.
    """

    key: str
    since: int
    until: int
    reason: str
    placed: int


def _in_force(version: RuleVersion, windows: Windows) -> Iterator[_Force]:
    """Return when a version judges a device that stands where it judges in these windows."""
    name = f"{version.rule.name} {version.version}"
    ends = FOREVER if version.until is None else version.until
    for placed, left in windows:
        since, until, reason = max(version.since, placed), ends, ""
        if left < ends:
            # It may have gone before the version began: what that found all the same ends there.
            until, reason = max(since, left), REPLACED
        if placed < ends:
            yield _Force(f"{name} {since}", since, until, reason, placed)


def _timings(rule: SampleRule, intervals: Intervals) -> tuple[tuple[int, Timing], ...]:
    """Return a rule's timings for these intervals, each where it is another than before."""
    found: list[tuple[int, Timing]] = []
    for since, interval in intervals:
        timing = rule.timing(interval)
        if not found or found[-1][1] != timing:
            found.append((since, timing))
    return tuple(found)


class Plan:
    """The rules of devices that are watched by the same versions at the same intervals."""

    def __init__(
        self, versions: Iterable[tuple[RuleVersion, Windows]], intervals: Intervals
    ) -> None:
        """Compile versions, each with when the devices stand where it judges them."""
        self.judges: dict[str, Judge] = {}
        self.watches: dict[str, Watch] = {}
        for version, windows in sorted(versions, key=lambda one: one[0].since):
            number, rule = version.version, version.rule
            for key, since, until, reason, placed in _in_force(version, windows):
                if isinstance(rule, SampleRule):
                    timings = _timings(rule, intervals)
                    self.judges[key] = Judge(
                        key, number, rule, timings, since, until, reason, rule.waits()
                    )
                elif isinstance(rule, AbsenceRule):
                    self.watches[key] = Watch(
                        key, number, rule, rule.wait(), since, until, reason, placed
                    )
                else:
                    raise TypeError(f"{type(rule).__name__} must extend SampleRule or AbsenceRule")
        self.wait = min((watch.wait for watch in self.watches.values()), default=FOREVER)
        self._boundaries = sorted(
            {t for judge in self.judges.values() for t in (judge.since, judge.until)}
        )
        self._judged: dict[tuple[str, ...], tuple[Judged, ...]] = {}
        self._calm: dict[tuple[tuple[str, ...], int], Calm] = {}

    def judged(self, layout: Layout) -> tuple[Judged, ...]:
        """Return the channels of a layout that any version judges at any time."""
        found = self._judged.get(layout.channels)
        if found is None:
            found = self._judged[layout.channels] = tuple(
                Judged(channel, index, judges, _jump(channel, judges))
                for index, channel in enumerate(layout.channels)
                if (judges := self._judging(channel))
            )
        return found

    def calm(self, layout: Layout, when: int) -> Calm:
        """Return what is calm for messages of this layout at this time."""
        epoch = bisect_right(self._boundaries, when)
        found = self._calm.get((layout.channels, epoch))
        if found is None or found.layout is not layout:
            found = self._calm[layout.channels, epoch] = self._make_calm(layout, when, epoch)
        return found

    def _judging(self, channel: str) -> tuple[Judge, ...]:
        return tuple(j for j in self.judges.values() if j.rule.channel in {"*", channel})

    def _make_calm(self, layout: Layout, when: int, epoch: int) -> Calm:
        mask = ~(COUNTED | ARRIVAL)
        for index in range(len(layout.channels)):
            mask &= ~(1 << (UNUSABLE_SHIFT + index))
        band, keys = [], []
        for judged in self.judged(layout):
            mask |= 1 << (UNUSABLE_SHIFT + judged.index)
            low, high = -math.inf, math.inf
            for judge in judged.judges:
                if judge.since <= when < judge.until:
                    least, most = judge.rule.calm()
                    low, high = max(low, least), min(high, most)
                    keys.append(judge.key)
            if (low, high) != (-math.inf, math.inf):
                band.append((judged.index, low, high))
        boundaries = self._boundaries
        until = boundaries[epoch] if epoch < len(boundaries) else FOREVER
        return Calm(layout, mask, tuple(band), until, tuple(sorted(set(keys))))


def _jump(channel: str, judges: tuple[Judge, ...]) -> Jump | None:
    return jump_of(channel) if any(judge.waits for judge in judges) else None


class Plans:
    """Finds the plan of a device, and makes each plan once."""

    def __init__(self, versions: Sequence[RuleVersion]) -> None:
        """Keep the versions; nothing is compiled before a device needs it."""
        self._versions = tuple(versions)
        everywhere = {
            index for index, version in enumerate(self._versions) if "*" in version.rule.devices
        }
        # With rules for all devices alone, which is common, nothing is looked up for each.
        self._alike = len(everywhere) == len(self._versions)
        self._plans: dict[tuple[tuple[tuple[int, Windows], ...], Intervals], Plan] = {}

    def plan(self, device: DeviceKey, intervals: Intervals, stands: Sequence[Stand]) -> Plan:
        """Return the shared plan of all devices watched by the same versions.

        A rule watches a device while it stands for one that the rule matches.
        """
        if self._alike:
            windows = _union(one for one in stands if one.whom == device)
            chosen = tuple((index, windows) for index in range(len(self._versions)))
        else:
            chosen = tuple(
                (index, windows)
                for index, version in enumerate(self._versions)
                if (windows := _union(one for one in stands if version.rule.matches(one.whom)))
            )
        plan = self._plans.get((chosen, intervals))
        if plan is None:
            versions = [(self._versions[index], windows) for index, windows in chosen]
            plan = self._plans[chosen, intervals] = Plan(versions, intervals)
        return plan


def _union(stands: Iterable[Stand]) -> Windows:
    """Return when any of these stands, without breaks where one follows the other at once."""
    windows: list[tuple[int, int]] = []
    for _, since, until in sorted(stands, key=lambda one: one.since):
        if windows and since <= windows[-1][1]:
            windows[-1] = windows[-1][0], max(windows[-1][1], until)
        else:
            windows.append((since, until))
    return tuple(windows)
