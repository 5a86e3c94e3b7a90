"""Rules tried on what was measured: of a device, of a consignment, or of a logger's file.

For the gateway and the page's process alike: what it reads are the files, and nothing is stored.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.reading import IMPORTED, WRONG_CLOCK
from gateway.backtest.chart import Chart, charts
from gateway.refusal import ControlError
from rules.backtest import Backtest, Heard, backtest, heard_at, lead
from rules.cargo.absence import absence
from rules.cargo.compose import Composer, compose
from rules.cargo.consignment import slots
from rules.cargo.versions import over, versions
from rules.duration import DAY
from rules.kinds.threshold import HOLDS
from rules.plan import EVER
from rules.subject import order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devices.loggers.file import LoggerFile
    from devices.reading import DeviceKey, Reading
    from gateway.consignments.book import Book
    from gateway.goods import Goods
    from gateway.journal import Cursor
    from gateway.past import Past
    from gateway.registry.known import Known
    from gateway.registry.registry import Registry
    from rules.cargo.compose import Speaks
    from rules.cargo.consignment import Consignment
    from rules.plan import Intervals
    from rules.profile import Profile
    from rules.rule import Rule

USUAL = 30 * DAY
"""What is looked at where nobody says from when."""
PART = 30 * DAY
"""How much is read at a time, ms: the intake has its turn in between."""


class Span(NamedTuple):
    """What was asked for: start ≤ t < end (ms), None where nobody said."""

    start: int | None = None
    end: int | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Rules tried on one subject. `name` is what people call it, `against` the rules of now."""

    name: str
    against: str
    found: Backtest
    charts: list[Chart]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read and judged: `devices` from `since` on, looked at in start ≤ t < end."""

    subject: DeviceKey
    name: str
    against: str
    devices: tuple[DeviceKey, ...]
    since: int
    start: int
    end: int
    intervals: Intervals
    tried: tuple[Rule, ...]
    standing: tuple[Rule, ...]
    consignment: Consignment | None = None
    """Whose sensors the devices are, where a consignment is judged."""
    speaks: Speaks | None = None

    def parts(self) -> Iterator[tuple[DeviceKey, int, int]]:
        """Yield what is read at a time: whose, from when, until when (ms)."""
        for device in self.devices:
            for since in range(self.since, self.end, PART):
                yield device, since, min(since + PART, self.end)


class Backtests:
    """Tries rules on the past. `head` says up to where in the journal there is something."""

    def __init__(  # noqa: PLR0913 - it reads all that is known
        self,
        past: Past,
        head: Callable[[], Cursor],
        registry: Registry,
        known: Known,
        rules: Callable[[], Sequence[Rule]],
        *,
        book: Book,
        goods: Goods,
    ) -> None:
        """`rules` returns those of the settings."""
        self._past = past
        self._head = head
        self._registry = registry
        self._known = known
        self._rules = rules
        self._book = book
        self._goods = goods

    # -- what is to be done --------------------------------------------------------------------

    def of_device(
        self,
        device: DeviceKey,
        tried: Sequence[Rule],
        asked: Span,
        now: int,
        *,
        against: Profile | None = None,
    ) -> Plan:
        """Return what is to be done to try rules on a device.

        They are held against the rules that judge it now, or against those of a profile.
        Raises ControlError, NoReadingsError.
        """
        found = self._past.known(device, self._head())
        if found is None:
            raise ControlError(
                f"nothing is known of {device}",
                "See `holdwatch device list` for the devices that were heard",
            )
        standing = self.in_force(device) if against is None else against.rules
        intervals = self._known.intervals(device)
        last = found.last.when
        # Nobody waits to hear more of a file; of a sensor that fell silent its silence counts.
        until = last + int(HOLDS * intervals[-1][1]) if found.last.flags & IMPORTED else now
        end = max(until if asked.end is None else min(asked.end, max(now, until)), 0)
        start = end - USUAL if asked.start is None else asked.start
        start = max(start, found.first)
        if start >= end or start > last:
            raise NoReadingsError(str(device), found.first, last)
        return Plan(
            subject=device,
            name=str(device),
            against="the settings" if against is None else against.version(),
            devices=(device,),
            since=max(start - lead((*tried, *standing), intervals[-1][1]), 0),
            start=start,
            end=end,
            intervals=intervals,
            tried=tuple(tried),
            standing=tuple(standing),
        )

    def of_consignment(
        self,
        one: Consignment,
        tried: Sequence[Rule],
        asked: Span,
        now: int,
        against: Profile | None = None,
    ) -> Plan:
        """Return what is to be done to try rules on a consignment, over all of its voyage.

        They are held against the rules that it is judged by, or against those of `against`. It is
        judged from its beginning on, since budgets are. Raises ControlError, NoReadingsError.
        """
        sensors = tuple(slots(one))
        if not sensors:
            raise ControlError(
                f"{one.id} has no sensor", "Assign one: holdwatch consignment assign"
            )
        profile = against or self._goods.version(one.version) or self._goods.profile(one.goods)
        if profile is None:
            raise ControlError(
                f"the profile {one.goods} of {one.id} is not there", "See: holdwatch goods list"
            )
        since = min(assigned.since for assigned in one.assignments)
        ends = over(one)
        end = min(moment for moment in (now, ends, asked.end) if moment is not None)
        start = since if asked.start is None else max(asked.start, since)
        if start >= end:
            raise NoReadingsError(one.id, since, now if ends is None else ends)
        intervals = {sensor: self._known.intervals(sensor) for sensor in sensors}
        longest = max(interval for own in intervals.values() for _, interval in own)
        return Plan(
            subject=one.subject,
            name=one.id,
            against=profile.version(),
            devices=sensors,
            since=since - int(HOLDS * longest),
            start=start,
            end=end,
            intervals=((EVER, longest),),
            tried=_bound(one, profile, tried),
            standing=_bound(one, profile, profile.rules),
            consignment=one,
            speaks=partial(_speaks, intervals),
        )

    def of_goods(self, profile: Profile, before: Profile, since: int, now: int) -> list[Plan]:
        """Return what is to be done to try a profile on all of its goods since then (ms).

        Each consignment is held against the version that it is judged by, or against the profile
        `before` where that is the same.
        """
        plans = []
        for one in self._book.all():
            ends = over(one)
            if one.goods != before.name or (ends is not None and ends <= since):
                continue
            against = self._goods.version(one.version)
            if against is None or against.version() == profile.version():
                against = before
            try:
                plans.append(self.of_consignment(one, profile.rules, Span(since), now, against))
            except (ControlError, NoReadingsError):
                continue  # nothing was measured of it then
        return plans

    def before(self, profile: Profile, extends: str = "") -> Profile:
        """Return what a changed profile is held against. Raises ControlError.

        That is what is in force of its name; where that is itself, the version before it; where
        nobody knows the name yet, the profile that it extends.
        """
        known = self._goods.profile(profile.name)
        if known is not None and known.version() != profile.version():
            return known
        before = self._goods.before(profile.name, profile.version())
        if before is None:
            before = self._goods.profile(extends)
        if before is None:
            raise ControlError(
                f"no other version of {profile.name} was ever in force",
                "Try it by itself: holdwatch rules backtest FILE, with --device or --consignment",
            )
        return before

    def in_force(self, device: DeviceKey) -> list[Rule]:
        """Return the rules of the settings that judge a device now."""
        places = self._registry.stands_for(device)
        return [rule for rule in self._rules() if any(map(rule.matches, places))]

    def read(self, device: DeviceKey, since: int, before: int) -> list[Reading]:
        """Return a device's readings of since ≤ when < before (ms) as they count, in order."""
        found = self._past.readings(device, since, self._head(), before)
        return self._registry.corrections.apply(found)

    def of_file(
        self, file: LoggerFile, tried: Sequence[Rule], asked: Span
    ) -> tuple[Plan, list[Reading]]:
        """Return what is to be done to try rules on a logger's file, and its readings.

        They are held against the rules that would judge it if it were imported. Raises
        ControlError, NoReadingsError.
        """
        readings = sorted(file.readings, key=order)
        if not readings:
            raise ControlError("the file holds no readings", "Export the data again")
        device = readings[0].device
        intervals = self._known.intervals(device)
        first, last = readings[0].when, readings[-1].when
        ends = last + int(HOLDS * intervals[-1][1])
        start = first if asked.start is None else max(asked.start, first)
        end = ends if asked.end is None else min(asked.end, ends)
        if start >= end or start > last:
            raise NoReadingsError("the file", first, last)
        plan = Plan(
            subject=device,
            name=str(device),
            against="the settings",
            devices=(),
            since=first,
            start=start,
            end=end,
            intervals=intervals,
            tried=tuple(tried),
            standing=tuple(self.in_force(device)),
        )
        return plan, [one for one in readings if one.when < end]


class NoReadingsError(Exception):
    """Nothing is in the time that was asked about, but from `first` to `last` (ms; None: ever)."""

    def __init__(self, name: str, first: int | None = None, last: int | None = None) -> None:
        super().__init__(f"{name} has no readings in that time")
        self.name = name
        self.first = first
        self.last = last


def judge(plan: Plan, readings: Sequence[Reading], *, drawn: bool = True) -> Trial:
    """Judge what was read: pure. Charts are made if they are to be `drawn`.

    Raises NoReadingsError where nothing of it is in the time that was asked for.
    """
    series = _once(readings)
    heard = None
    lines: dict[str, Sequence[Reading]] = {plan.name: series}
    if plan.consignment is not None and plan.speaks is not None:
        speaking = Composer(plan.consignment, plan.speaks).concerns
        own = [one for one in series if speaking(one)]
        expected = partial(absence, plan.consignment)
        heard = Heard(heard_at(own), expected)
        lines = {str(key): [one for one in own if one.device == key] for key in plan.devices}
        made = compose(plan.consignment, own, plan.speaks, until=plan.end)
        series = [one for one in made if one.when < plan.end]
    if not any(one.when >= plan.start for one in series):
        raise NoReadingsError(plan.name, *((series[0].when, series[-1].when) if series else ()))
    found = backtest(
        plan.subject,
        series,
        plan.tried,
        plan.standing,
        intervals=plan.intervals,
        start=plan.start,
        end=plan.end,
        heard=heard,
    )
    hold = int(HOLDS * plan.intervals[-1][1])
    shown = charts(found, plan.tried, plan.standing, lines, hold) if drawn else []
    return Trial(name=plan.name, against=plan.against, found=found, charts=shown)


def _once(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Return what was read in parts, each reading once.

    One is in two parts only where it came twice, on two days, from a device without a right clock.
    """
    if not any(one.flags & WRONG_CLOCK for one in readings):
        return readings
    once: dict[tuple[DeviceKey, int, int], Reading] = {}
    for one in readings:
        once.setdefault((one.device, one.at, one.identity), one)
    return sorted(once.values(), key=order)


def _bound(one: Consignment, profile: Profile, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules as they judge a consignment."""
    given = profile.model_copy(update={"rules": tuple(rules)})
    return tuple(version.rule for version in versions(one, given))


def _speaks(intervals: Mapping[DeviceKey, Intervals], sensor: DeviceKey, when: int) -> int:
    """Return how long (ms) a reading of a sensor speaks for that is of this time."""
    found = intervals[sensor]
    interval = next((one for since, one in reversed(found) if since <= when), found[0][1])
    return int(HOLDS * interval)


def changes(profile: Profile, before: Profile) -> list[str]:
    """Say in words what of the rules is otherwise in a profile than it was before."""
    old = {part.name: part for rule in before.rules for part in rule.parts()}
    new = {part.name: part for rule in profile.rules for part in rule.parts()}
    told = [f"+ {name}: {one.limit()}" for name, one in new.items() if name not in old]
    told += [f"- {name}: {one.limit()}" for name, one in old.items() if name not in new]
    for name, one in new.items():
        was = old.get(name)
        if was is None or was.settings() == one.settings():
            continue
        limit = f"{was.limit()} -> {one.limit()}" if was.limit() != one.limit() else one.limit()
        keys = was.settings() | one.settings()
        other = sorted(key for key in keys if was.settings().get(key) != one.settings().get(key))
        told.append(f"~ {name}: {limit} ({', '.join(other)})")
    return told
