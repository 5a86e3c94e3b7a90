"""What a person asks of the past: a device's days, by the clock on the wall.

Pure: readings, rules and alerts in, a Report out. A Report travels as JSON; report_table.py
shows it on a terminal.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import msgspec

from rules.kinds.threshold import Threshold
from rules.summary import by_day, by_hour, local_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from devices.reading import DeviceKey, Reading
    from rules.alert import Alert
    from rules.rule import Rule
    from rules.summary import LocalDay


class Minutes(msgspec.Struct, frozen=True):
    """How long a day was well, in breach and unknown for one rule.

    They add up to the part of the day that the report speaks of.
    """

    rule: str
    ok: float
    below: float
    above: float
    unknown: float

    @property
    def breach(self) -> float:
        """Minutes below or above the limits."""
        return self.below + self.above


class Range(msgspec.Struct, frozen=True):
    """One channel's usable values of a day, in its unit. `mean` is over the readings."""

    lowest: float
    highest: float
    mean: float


class Ringing(msgspec.Struct, frozen=True):
    """An alert that fired on a day, or went on from the day before.

    `time` is when it fired, local, HH:MM; None if it went on. `began`, `fired` and `ended` are
    ms since 1970; `ended` is None while it is open. `worst` is the worst value of all its days,
    None where there is none, as when nothing is heard. `retrospective`: nobody was warned in
    time by it.
    """

    id: str
    rule: str
    severity: str
    time: str | None
    retrospective: bool
    channel: str
    unit: str
    began: int
    fired: int
    ended: int | None
    worst: float | None


class ReportDay(msgspec.Struct, frozen=True):
    """One local day. `hours` has a sign for each of 24 hours, for each channel with a limit."""

    date: dt.date
    readings: int
    ranges: dict[str, Range]
    minutes: list[Minutes]
    hours: dict[str, str]
    alerts: list[Ringing]


class Limit(msgspec.Struct, frozen=True):
    """A rule that the report counts minutes of; `words` such as "above 8.0 °C for 60 min".

    `heard` is False if no reading of the report had its channel.
    """

    rule: str
    severity: str
    channel: str
    words: str
    lowest: float | None
    highest: float | None
    heard: bool


class Report(msgspec.Struct, frozen=True):
    """A device's past by local days, `start` ≤ t < `end` (ms since 1970).

    `zone` is the name of its time zone. Every day in between is there, heard or not.
    """

    device: str
    zone: str
    start: int
    end: int
    limits: list[Limit]
    days: list[ReportDay]

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_json` takes it back."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def from_json(plain: object) -> Report:
    """Take back what `as_json` returned. Raises msgspec.ValidationError."""
    return msgspec.convert(plain, Report)


def longest_hold(rules: Iterable[Rule], interval: int) -> int:
    """Return how long (ms) a reading may speak for when no other follows, 0 without a limit."""
    return max(
        (one.timing(interval).hold for one in rules if isinstance(one, Threshold)), default=0
    )


def report(  # noqa: PLR0913 - all that a report is made of
    device: DeviceKey,
    readings: Sequence[Reading],
    *,
    rules: Iterable[Rule],
    alerts: Iterable[Alert],
    zone: ZoneInfo,
    interval: int,
    start: int,
    end: int,
) -> Report:
    """Report on start ≤ t < end (ms), of which there must be some.

    `readings` are the device's, sorted by `when`, each once. Those before `start` count for
    what they hold after it: give them from `longest_hold` before. `rules` are those that apply
    to it; minutes are counted for the thresholds among them. `alerts` are the device's.
    `interval` is how often it sends (ms).
    """
    limits = [rule for rule in rules if isinstance(rule, Threshold)]
    series = {rule.channel: _series(readings, rule.channel) for rule in limits}
    counted: dict[dt.date, list[Minutes]] = {}
    for rule in limits:
        for day in by_day(series[rule.channel], rule, zone, interval, start=start, end=end):
            minutes = Minutes(rule.name, day.ok, day.below, day.above, day.unknown)
            counted.setdefault(day.date, []).append(minutes)
    hours = {}
    for channel, samples in series.items():
        own = [rule for rule in limits if rule.channel == channel]
        hours[channel] = by_hour(samples, own, zone, interval, start=start, end=end)
    days = local_days(start, end, zone)
    inside = [one for one in readings if start <= one.when < end]
    heard = _by_date(inside, zone)
    ringing = _ringing(alerts, zone, days, end)
    return Report(
        str(device),
        zone.key,
        start,
        end,
        [_limit(rule, heard=bool(series[rule.channel])) for rule in limits],
        [
            ReportDay(
                date=day.date,
                readings=len(heard.get(day.date, [])),
                ranges=_ranges(heard.get(day.date, [])),
                minutes=counted.get(day.date, []),
                hours={channel: strips[day.date] for channel, strips in hours.items()},
                alerts=ringing[day.date],
            )
            for day in days
        ],
    )


def _local(moment: int, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment / 1000, zone)


def _by_date(readings: Iterable[Reading], zone: dt.tzinfo) -> dict[dt.date, list[Reading]]:
    found: dict[dt.date, list[Reading]] = {}
    for one in readings:
        found.setdefault(_local(one.when, zone).date(), []).append(one)
    return found


def _series(readings: Iterable[Reading], channel: str) -> list[tuple[int, float | None]]:
    return [
        (one.when, one.value(channel)) for one in readings if one.layout.index(channel) is not None
    ]


def _limit(rule: Threshold, *, heard: bool) -> Limit:
    low, high = rule.limits()
    return Limit(
        rule.name,
        rule.severity,
        rule.channel,
        rule.limit(),
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
        heard,
    )


def _ranges(readings: Iterable[Reading]) -> dict[str, Range]:
    values: dict[str, list[float]] = {}
    for one in readings:
        for channel in one.layout.channels:
            value = one.value(channel)
            if value is not None:
                values.setdefault(channel, []).append(value)
    return {
        channel: Range(min(usable), max(usable), sum(usable) / len(usable))
        for channel, usable in sorted(values.items())
    }


def _ringing(
    alerts: Iterable[Alert], zone: dt.tzinfo, days: Sequence[LocalDay], end: int
) -> dict[dt.date, list[Ringing]]:
    found: dict[dt.date, list[Ringing]] = {day.date: [] for day in days}
    for alert in sorted(alerts, key=lambda one: (one.fired, one.id)):
        for day in days:
            over = alert.ended is not None and alert.ended <= day.start
            if alert.fired >= min(day.end, end) or (over and alert.fired < day.start):
                continue
            fired_here = alert.fired >= day.start
            found[day.date].append(
                Ringing(
                    id=alert.id,
                    rule=alert.rule,
                    severity=alert.severity,
                    time=f"{_local(alert.fired, zone):%H:%M}" if fired_here else None,
                    retrospective=alert.retrospective,
                    channel=alert.channel,
                    unit=alert.unit,
                    began=alert.began,
                    fired=alert.fired,
                    ended=alert.ended,
                    worst=alert.worst,
                )
            )
    return found
