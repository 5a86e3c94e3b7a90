"""Which rules judge which values of a device: worked out once, shared by like devices."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from devices.reading import ARRIVAL, COUNTED, EXPIRED, UNUSABLE_SHIFT, DeviceKey, Layout
from rules.grace import Grace
from rules.jumps import Jump, jump_of
from rules.lifecycle import Timing
from rules.meter import MeterRule
from rules.rule import AbsenceRule, RuleVersion, SampleRule

FOREVER = 1 << 62
EVER = -(1 << 62)
"""Before all times."""
REPLACED = "another device has taken its place"
CHANGED = "its rule was changed"

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

    meter: MeterRule | None = None
    """The rule, if it is judged by a meter."""
    grace: Grace | None = None
    """What excuses a breach, if anything does."""
    inputs: tuple[str, ...] = ()
    """The channels that it looks at, its own first."""

    def applies(self, when: int) -> bool:
        """Whether the rule applies at this time: see `rules.only`."""
        only = self.rule.only
        return only is None or only.applies(when)

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
    """What of a layout is judged together, in one order of time: a channel and who judges it.

    A rule that looks at several channels is judged by itself: `key` names them, its own first.
    `places` are where each of them stands in the values: none where the message does not carry it,
    several where a consignment has several sensors. `jump` says how fast the channel may change,
    None where nobody minds.
    """

    key: str
    channels: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    judges: tuple[Judge, ...]
    jump: Jump | None
    composed: bool

    @property
    def channel(self) -> str:
        """The channel that is judged."""
        return self.channels[0]

    @property
    def index(self) -> int:
        """Where its one value stands; -1 where the message does not carry it."""
        own = self.places[0]
        return own[0] if own else -1


class CalmMeter(NamedTuple):
    """A meter that takes the value at `place`, and what it may be without any work to do.

    It differs by at most `jump` from the one before, and brings a level strictly between
    `low` and `high`. `hold`: how long the value before speaks at most, ms.
    """

    key: str
    place: int
    hold: int
    low: float
    high: float
    jump: float


class Calm(msgspec.Struct, frozen=True):
    """What a reading may be without any rule having work to do.

    No flag of `mask`, and each value of `band` (index, low, high) strictly between low and
    high. It holds for times before `until`, when a version begins or ends. `meters` take
    the values all the same. Where it is `never`, each reading is looked at in full.
    """

    layout: Layout
    mask: int
    band: tuple[tuple[int, float, float], ...]
    until: int
    keys: tuple[str, ...]
    meters: tuple[CalmMeter, ...] = ()
    never: bool = False


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


def _inputs(rule: SampleRule) -> tuple[str, ...]:
    """Return the channels that a rule looks at, its own first."""
    found = [rule.channel, *(rule.inputs() if isinstance(rule, MeterRule) else ())]
    if rule.grace is not None and rule.grace.channel is not None:
        found.append(rule.grace.channel)
    return tuple(dict.fromkeys(found))


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
        versions = sorted(versions, key=lambda one: one[0].since)
        changed = {(one.rule.name, one.since) for one, _ in versions}
        self.judges: dict[str, Judge] = {}
        self.watches: dict[str, Watch] = {}
        for version, windows in versions:
            number, rule = version.version, version.rule
            for key, since, until, reason, placed in _in_force(version, windows):
                if until == version.until and (rule.name, until) in changed:
                    reason = reason or CHANGED  # noqa: PLW2901 - that of the rule's own end
                if isinstance(rule, SampleRule):
                    timings = _timings(rule, intervals)
                    self.judges[key] = Judge(
                        key,
                        number,
                        rule,
                        timings,
                        since,
                        until,
                        reason,
                        rule.waits(),
                        rule if isinstance(rule, MeterRule) else None,
                        rule.grace,
                        _inputs(rule),
                    )
                elif isinstance(rule, AbsenceRule):
                    self.watches[key] = Watch(
                        key, number, rule, rule.wait(), since, until, reason, placed
                    )
                else:
                    raise TypeError(f"{type(rule).__name__} must extend SampleRule or AbsenceRule")
        self.wait = min((watch.wait for watch in self.watches.values()), default=FOREVER)
        boundaries = {t for judge in self.judges.values() for t in (judge.since, judge.until)}
        # How long a value speaks for is another from then on.
        boundaries |= {since for since, _ in intervals[1:]}
        self._boundaries = sorted(boundaries)
        self._judged: dict[tuple[str, ...], tuple[Judged, ...]] = {}
        self._calm: dict[tuple[tuple[str, ...], int], Calm] = {}

    def judged(self, layout: Layout) -> tuple[Judged, ...]:
        """Return the channels of a layout that any version judges at any time."""
        found = self._judged.get(layout.channels)
        if found is None:
            found = self._judged[layout.channels] = tuple(self._judging(layout))
        return found

    def calm(self, layout: Layout, when: int) -> Calm:
        """Return what is calm for messages of this layout at this time."""
        epoch = bisect_right(self._boundaries, when)
        found = self._calm.get((layout.channels, epoch))
        if found is None or found.layout is not layout:
            found = self._calm[layout.channels, epoch] = self._make_calm(layout, when, epoch)
        return found

    def successor(self, judge: Judge) -> Judge | None:
        """Return the version that judges the same values on, from the moment at which this ends."""
        if judge.reason != CHANGED:
            return None
        for one in self.judges.values():
            if one.since == judge.until and one.rule.name == judge.rule.name:
                same = one.inputs == judge.inputs and one.rule.channel == judge.rule.channel
                return one if same else None
        return None

    def _judging(self, layout: Layout) -> Iterator[Judged]:
        places = _places(layout)
        composed = any("@" in channel for channel in layout.channels)
        together: dict[tuple[str, ...], list[Judge]] = {}
        for judge in self.judges.values():
            every = judge.rule.channel == "*"
            for inputs in [(channel,) for channel in places] if every else [judge.inputs]:
                if not places.keys().isdisjoint(inputs):
                    together.setdefault(inputs, []).append(judge)
        for channels, judges in sorted(together.items()):
            jump = None
            if not composed and any(judge.waits for judge in judges):
                jump = jump_of(channels[0])
            yield Judged(
                "+".join(channels),
                channels,
                tuple(places.get(channel, ()) for channel in channels),
                tuple(judges),
                jump,
                composed,
            )

    def _make_calm(self, layout: Layout, when: int, epoch: int) -> Calm:
        mask = ~(COUNTED | ARRIVAL | EXPIRED)
        for index in range(len(layout.channels)):
            mask &= ~(1 << (UNUSABLE_SHIFT + index))
        band, keys, meters, never = [], [], [], False
        for judged in self.judged(layout):
            never = never or judged.composed or len(judged.channels) > 1
            if judged.index < 0:
                continue
            mask |= 1 << (UNUSABLE_SHIFT + judged.index)
            low, high = -math.inf, math.inf
            for judge in judged.judges:
                if not judge.since <= when < judge.until:
                    continue
                keys.append(judge.key)
                mask |= judge.rule.judges_flags
                least, most = judge.rule.calm()
                if judge.meter is None:
                    low, high = max(low, least), min(high, most)
                    continue
                never = never or judge.rule.only is not None
                base = math.inf if judged.jump is None else judged.jump.base
                hold = judge.timing(when).hold
                meters.append(CalmMeter(judge.key, judged.index, hold, least, most, base))
            if (low, high) != (-math.inf, math.inf):
                band.append((judged.index, low, high))
            never = never or low >= high
        boundaries = self._boundaries
        until = boundaries[epoch] if epoch < len(boundaries) else FOREVER
        return Calm(
            layout, mask, tuple(band), until, tuple(sorted(set(keys))), tuple(meters), never
        )


def _places(layout: Layout) -> dict[str, tuple[int, ...]]:
    """Return where each channel stands; in a composed layout that of each sensor's slot."""
    found: dict[str, list[int]] = {}
    for index, channel in enumerate(layout.channels):
        base, _, _ = channel.partition("@")
        found.setdefault(base.rstrip("."), []).append(index)
    return {channel: tuple(indexes) for channel, indexes in found.items()}


def expanded(versions: Iterable[RuleVersion]) -> tuple[RuleVersion, ...]:
    """Return versions of the parts that rules are made of."""
    return tuple(
        version if part is version.rule else msgspec.structs.replace(version, rule=part)
        for version in versions
        for part in version.rule.parts()
    )


class _Name(NamedTuple):
    """What a version is told apart by, in one life of a data folder."""

    rule: str
    version: str
    since: int
    until: int | None
    part: int


class Plans:
    """Finds the plan of a device, and makes each plan once."""

    def __init__(self, versions: Sequence[RuleVersion]) -> None:
        """Keep the versions; nothing is compiled before a device needs it."""
        self._plans: dict[tuple[tuple[tuple[_Name, Windows], ...], Intervals], Plan] = {}
        self.use(versions)

    def use(self, versions: Sequence[RuleVersion]) -> None:
        """Take other versions. Whoever the same ones judge as before has the same plan."""
        self._versions = expanded(versions)
        self._names = _names(self._versions)
        known = set(self._names)
        self._plans = {
            key: plan
            for key, plan in self._plans.items()
            if known.issuperset(name for name, _ in key[0])
        }
        everywhere = {
            index for index, version in enumerate(self._versions) if "*" in version.rule.devices
        }
        # With rules for all devices alone, which is common, nothing is looked up for each.
        self._alike = len(everywhere) == len(self._versions)

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
        key = tuple((self._names[index], windows) for index, windows in chosen), intervals
        plan = self._plans.get(key)
        if plan is None:
            versions = [(self._versions[index], windows) for index, windows in chosen]
            plan = self._plans[key] = Plan(versions, intervals)
        return plan


def _names(versions: Iterable[RuleVersion]) -> list[_Name]:
    """Return what tells versions apart; parts of one rule by their place in it."""
    found: list[_Name] = []
    for one in versions:
        name = _Name(one.rule.name, one.version, one.since, one.until, 0)
        if found and found[-1][:4] == name[:4]:
            name = name._replace(part=found[-1].part + 1)
        found.append(name)
    return found


def _union(stands: Iterable[Stand]) -> Windows:
    """Return when any of these stands, without breaks where one follows the other at once."""
    windows: list[tuple[int, int]] = []
    for _, since, until in sorted(stands, key=lambda one: one.since):
        if windows and since <= windows[-1][1]:
            windows[-1] = windows[-1][0], max(windows[-1][1], until)
        else:
            windows.append((since, until))
    return tuple(windows)
