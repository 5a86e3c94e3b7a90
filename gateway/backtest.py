"""Rules tried on what was measured: of a device, of a consignment, or of a logger's file.

For the gateway and the page's process alike: what it reads are the files, and nothing is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.reading import IMPORTED
from gateway.backtest_chart import Chart, charts
from gateway.control import ControlError
from rules.backtest import Backtest, backtest, lead
from rules.duration import DAY
from rules.kinds.threshold import HOLDS
from rules.subject import order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devices.loggers.file import LoggerFile
    from devices.reading import DeviceKey, Reading
    from gateway.journal import Cursor
    from gateway.past import Past
    from gateway.registry.known import Known
    from gateway.registry.registry import Registry
    from rules.plan import Intervals
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

    def parts(self) -> Iterator[tuple[DeviceKey, int, int]]:
        """Yield what is read at a time: whose, from when, until when (ms)."""
        for device in self.devices:
            for since in range(self.since, self.end, PART):
                yield device, since, min(since + PART, self.end)


class Backtests:
    """Tries rules on the past. `head` says up to where in the journal there is something."""

    def __init__(
        self,
        past: Past,
        head: Callable[[], Cursor],
        registry: Registry,
        known: Known,
        rules: Sequence[Rule],
    ) -> None:
        """`rules` are those of the settings."""
        self._past = past
        self._head = head
        self._registry = registry
        self._known = known
        self._rules = rules

    def of_device(  # noqa: PLR0913 - what is tried, on what, when, and against what
        self,
        device: DeviceKey,
        tried: Sequence[Rule],
        asked: Span,
        now: int,
        *,
        standing: Sequence[Rule] | None = None,
        against: str = "the settings",
    ) -> Plan:
        """Return what is to be done to try rules on a device.

        They are held against the rules that judge it now, or against those of `standing`.
        Raises ControlError, NoReadingsError.
        """
        found = self._past.known(device, self._head())
        if found is None:
            raise ControlError(
                f"nothing is known of {device}",
                "See `holdwatch device list` for the devices that were heard",
            )
        if standing is None:
            standing = self.in_force(device)
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
            against=against,
            devices=(device,),
            since=max(start - lead((*tried, *standing), intervals[-1][1]), 0),
            start=start,
            end=end,
            intervals=intervals,
            tried=tuple(tried),
            standing=tuple(standing),
        )

    def in_force(self, device: DeviceKey) -> list[Rule]:
        """Return the rules of the settings that judge a device now."""
        places = self._registry.stands_for(device)
        return [rule for rule in self._rules if any(map(rule.matches, places))]

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
    """There is nothing in the time that was asked about, but from `first` to `last` (ms)."""

    def __init__(self, name: str, first: int, last: int) -> None:
        super().__init__(f"{name} has no readings in that time")
        self.name = name
        self.first = first
        self.last = last


def judge(plan: Plan, readings: Sequence[Reading], *, drawn: bool = True) -> Trial:
    """Judge what was read: pure. Charts are made if they are to be `drawn`."""
    once: dict[tuple[int, int], Reading] = {}
    for one in readings:
        once.setdefault((one.at, one.identity), one)
    series = list(once.values()) if len(once) == len(readings) else sorted(once.values(), key=order)
    found = backtest(
        plan.subject,
        series,
        plan.tried,
        plan.standing,
        intervals=plan.intervals,
        start=plan.start,
        end=plan.end,
    )
    hold = int(HOLDS * plan.intervals[-1][1])
    shown = charts(found, plan.tried, plan.standing, {plan.name: series}, hold) if drawn else []
    return Trial(name=plan.name, against=plan.against, found=found, charts=shown)
