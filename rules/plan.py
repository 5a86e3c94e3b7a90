"""Which rules judge which values of a device: worked out once, shared by like devices."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence

import msgspec

from devices.reading import ARRIVAL, COUNTED, UNUSABLE_SHIFT, DeviceKey, Layout
from rules.jumps import Jump, jump_of
from rules.lifecycle import Timing
from rules.rule import AbsenceRule, RuleVersion, SampleRule

FOREVER = 1 << 62
REPLACED = "another device has taken its place"


class Judge(msgspec.Struct, frozen=True):
    """One version of a sample rule, with its timing for this device's interval.

    `reason` says why it ends at `until` where that is not the rule's own end.
    """

    key: str
    version: str
    rule: SampleRule
    timing: Timing
    since: int
    until: int
    reason: str = ""
    waits: bool = False
    """Whether a value that jumped waits for the next one: see `rules.jumps`."""

    def in_force(self, when: int) -> bool:
        """Whether it judges a sample of this time."""
        return self.since <= when < self.until


class Watch(msgspec.Struct, frozen=True):
    """One version of an absence rule."""

    key: str
    version: str
    rule: AbsenceRule
    wait: int
    since: int
    until: int
    reason: str = ""


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


def version_key(version: RuleVersion) -> str:
    """Return the name that stored state knows a rule version by."""
    return f"{version.rule.name} {version.version} {version.since}"


class Plan:
    """The rules of devices that are watched by the same versions at the same interval."""

    def __init__(self, versions: Sequence[RuleVersion], interval: int, gone: int = FOREVER) -> None:
        """Compile. `interval` is the devices' usual time between readings, in milliseconds.

        From `gone` (ms) on nothing judges: another device has taken its place.
        """
        judges, watches = [], []
        for version in sorted(versions, key=lambda version: version.since):
            key, rule, since = version_key(version), version.rule, version.since
            until, reason = FOREVER if version.until is None else version.until, ""
            if gone < until:
                until, reason = max(since, gone), REPLACED
            if isinstance(rule, SampleRule):
                timing = rule.timing(interval)
                judges.append(
                    Judge(key, version.version, rule, timing, since, until, reason, rule.waits())
                )
            elif isinstance(rule, AbsenceRule):
                wait = rule.wait()
                watches.append(Watch(key, version.version, rule, wait, since, until, reason))
            else:
                raise TypeError(f"{type(rule).__name__} must extend SampleRule or AbsenceRule")
        self.judges = {judge.key: judge for judge in judges}
        self.watches = {watch.key: watch for watch in watches}
        self.wait = min((watch.wait for watch in watches), default=FOREVER)
        self._boundaries = sorted({t for judge in judges for t in (judge.since, judge.until)})
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
        self._alike = tuple(sorted(everywhere)) if len(everywhere) == len(self._versions) else None
        self._plans: dict[tuple[tuple[int, ...], int, int], Plan] = {}

    def plan(
        self,
        device: DeviceKey,
        interval: int,
        stands_for: Callable[[DeviceKey], Sequence[DeviceKey]],
        gone: int | None,
    ) -> Plan:
        """Return the shared plan of all devices watched by the same versions.

        A rule watches a device when it matches any of those that it stands for. `gone` is
        since when (ms) another device stands in its place, None if none does.
        """
        chosen = self._alike
        if chosen is None:
            keys = stands_for(device)
            chosen = tuple(
                index
                for index, version in enumerate(self._versions)
                if any(version.rule.matches(key) for key in keys)
            )
        until = FOREVER if gone is None else gone
        plan = self._plans.get((chosen, interval, until))
        if plan is None:
            plan = Plan([self._versions[index] for index in chosen], interval, until)
            self._plans[chosen, interval, until] = plan
        return plan
