"""What a person asks of the past: a device's days, by the clock on the wall.

Pure: readings, rules and alerts in, a Report out. A Report travels as JSON and is shown as a
table in which each day is a strip of its hours, to be looked at rather than read; colour only
repeats what the signs say.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table
from rich.text import Text

from devices.reading import QUANTITIES
from rules.lifecycle import BREACH, UNKNOWN
from rules.summary import by_day
from rules.threshold import Threshold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from devices.reading import DeviceKey, Reading
    from rules.alert import Alert
    from rules.rule import Rule

HOUR = 3_600_000

OK, BELOW, ABOVE, BOTH, NOBODY_KNOWS, OUTSIDE = "-v^x? "
"""Signs of an hour, the worst of it: in JSON as they are here."""


class Minutes(msgspec.Struct, frozen=True):
    """How long a day was well, in breach and unknown for one rule.

    They add up to the part of the day between the first reading and the end of what the last
    one speaks for.
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

    `time` is when it fired, local, HH:MM; None if it went on. `retrospective`: nobody was
    warned in time by it.
    """

    id: str
    rule: str
    severity: str
    time: str | None
    retrospective: bool


class ReportDay(msgspec.Struct, frozen=True):
    """One local day. `hours` has a sign for each of 24 hours, for each channel with a limit."""

    date: dt.date
    readings: int
    ranges: dict[str, Range]
    minutes: list[Minutes]
    hours: dict[str, str]
    alerts: list[Ringing]


class Limit(msgspec.Struct, frozen=True):
    """A rule that the report counts minutes of; `words` such as "above 8.0 °C for 60 min"."""

    rule: str
    channel: str
    words: str
    lowest: float | None
    highest: float | None


class Report(msgspec.Struct, frozen=True):
    """A device's past by local days. `zone` is the name of its time zone."""

    device: str
    zone: str
    limits: list[Limit]
    days: list[ReportDay]

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_json` takes it back."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def as_table(self) -> Table:
        """Return a table for a terminal of 100 columns or more."""
        return _table(self)


def from_json(plain: object) -> Report:
    """Take back what `as_json` returned. Raises msgspec.ValidationError."""
    return msgspec.convert(plain, Report)


def report(  # noqa: PLR0913 - all that a report is made of
    device: DeviceKey,
    readings: Sequence[Reading],
    *,
    rules: Iterable[Rule],
    alerts: Iterable[Alert],
    zone: ZoneInfo,
    interval: int,
) -> Report:
    """Report on a device's readings, sorted by `when`, each once.

    `rules` are those that apply to it; minutes are counted for the thresholds among them.
    `alerts` are the device's. `interval` is how often it sends (ms).
    """
    thresholds = [rule for rule in rules if isinstance(rule, Threshold)]
    by_date: dict[dt.date, list[Reading]] = {}
    for one in readings:
        by_date.setdefault(_local(one.when, zone).date(), []).append(one)
    minutes: dict[dt.date, list[Minutes]] = {}
    for rule in thresholds:
        for day in by_day(_series(readings, rule.channel), rule, zone, interval):
            counted = Minutes(rule.name, day.ok, day.below, day.above, day.unknown)
            minutes.setdefault(day.date, []).append(counted)
    hours = {
        channel: _hours(
            _series(readings, channel),
            [rule for rule in thresholds if rule.channel == channel],
            zone,
            interval,
        )
        for channel in dict.fromkeys(rule.channel for rule in thresholds)
    }
    ringing = _ringing(alerts, zone, sorted(by_date.keys() | minutes.keys()))
    days = [
        ReportDay(
            date=date,
            readings=len(by_date.get(date, [])),
            ranges=_ranges(by_date.get(date, [])),
            minutes=minutes.get(date, []),
            hours={channel: strips.get(date, OUTSIDE * 24) for channel, strips in hours.items()},
            alerts=ringing.get(date, []),
        )
        for date in sorted(by_date.keys() | minutes.keys())
    ]
    return Report(str(device), zone.key, [_limit(rule) for rule in thresholds], days)


def _local(moment: int, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment / 1000, zone)


def _series(readings: Iterable[Reading], channel: str) -> list[tuple[int, float | None]]:
    return [
        (one.when, one.value(channel)) for one in readings if one.layout.index(channel) is not None
    ]


def _limit(rule: Threshold) -> Limit:
    low, high = rule.limits()
    return Limit(
        rule.name,
        rule.channel,
        rule.limit(),
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
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


def _hours(
    series: Sequence[tuple[int, float | None]],
    rules: Sequence[Threshold],
    zone: dt.tzinfo,
    interval: int,
) -> dict[dt.date, str]:
    """Give each local hour the sign of the worst that was seen or held in it."""
    seen: dict[dt.date, list[set[str]]] = {}
    hold = max(rule.timing(interval).hold for rule in rules)
    for index, (when, value) in enumerate(series):
        sign = _sign(value, rules)
        following = series[index + 1][0] if index + 1 < len(series) else when + hold
        spoken = min(following, when + hold)
        for moment in _touched(when, spoken):
            local = _local(moment, zone)
            seen.setdefault(local.date(), [set() for _ in range(24)])[local.hour].add(sign)
        for moment in _touched(spoken, following):
            local = _local(moment, zone)
            seen.setdefault(local.date(), [set() for _ in range(24)])[local.hour].add(NOBODY_KNOWS)
    return {date: "".join(map(_worst, signs)) for date, signs in seen.items()}


def _touched(start: int, end: int) -> list[int]:
    """Return a moment in each hour that start ≤ t < end touches."""
    return [start, *range(start - start % HOUR + HOUR, end, HOUR)] if start < end else []


def _sign(value: float | None, rules: Iterable[Threshold]) -> str:
    if value is None:
        return NOBODY_KNOWS
    found = OK
    for rule in rules:
        condition = rule.condition(value, usable=True)
        if condition == UNKNOWN:
            return NOBODY_KNOWS
        if condition == BREACH:
            found = BELOW if value <= rule.limits()[0] else ABOVE
    return found


def _worst(signs: set[str]) -> str:
    if {BELOW, ABOVE} <= signs:
        return BOTH
    return next((sign for sign in (BELOW, ABOVE, NOBODY_KNOWS, OK) if sign in signs), OUTSIDE)


def _ringing(
    alerts: Iterable[Alert], zone: dt.tzinfo, dates: Sequence[dt.date]
) -> dict[dt.date, list[Ringing]]:
    found: dict[dt.date, list[Ringing]] = {}
    for alert in sorted(alerts, key=lambda one: (one.fired, one.id)):
        fired = _local(alert.fired, zone)
        ended = None if alert.ended is None else _local(alert.ended, zone)
        for date in dates:
            midnight = dt.datetime.combine(date, dt.time(), zone)
            if date < fired.date() or (ended is not None and ended <= midnight):
                continue
            time = f"{fired:%H:%M}" if date == fired.date() else None
            found.setdefault(date, []).append(
                Ringing(alert.id, alert.rule, alert.severity, time, alert.retrospective)
            )
    return found


# --- shown on a terminal

_SIGNS = {
    OK: ("─", "green"),
    BELOW: ("▼", "bold blue"),
    ABOVE: ("▲", "bold red"),
    BOTH: ("◆", "bold magenta"),
    NOBODY_KNOWS: ("?", "yellow"),
    OUTSIDE: (" ", ""),
}
_LEGEND = "─ well   ▼ below   ▲ above   ◆ both   ? nobody knows   ● alert   ○ goes on"


def _table(report: Report) -> Table:
    channels = list(dict.fromkeys(limit.channel for limit in report.limits))
    units = {channel: QUANTITIES[channel.partition(".")[0]].unit for channel in channels}
    limits = "; ".join(f"{limit.rule}: {limit.channel} {limit.words}" for limit in report.limits)
    table = Table(
        title=_title(report),
        caption=f"{limits}\n{_LEGEND}" if limits else None,
        box=None,
        pad_edge=False,
        header_style="dim",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("day", no_wrap=True)
    for channel in channels:
        table.add_column(f"{channel}\n0     6     12    18", no_wrap=True)
        table.add_column(f"lowest\n{units[channel]}", justify="right")
        table.add_column(f"highest\n{units[channel]}", justify="right")
        table.add_column(f"mean\n{units[channel]}", justify="right")
    for limit in report.limits:
        table.add_column(f"{limit.rule}\nmin", justify="right")
    table.add_column("unknown\nmin", justify="right")
    table.add_column("readings\n", justify="right")
    table.add_column("alerts\n")
    for day in report.days:
        table.add_row(*_row(report, day, channels))
    return table


def _row(report: Report, day: ReportDay, channels: Sequence[str]) -> list[Text]:
    row = [Text(f"{day.date:%a %d %b}")]
    for channel in channels:
        row.append(Text.assemble(*(_SIGNS[sign] for sign in day.hours[channel])))
        found = day.ranges.get(channel)
        low, high = _bounds(report, channel)
        row += (
            [Text("")] * 3
            if found is None
            else [
                _value(found.lowest, low, high),
                _value(found.highest, low, high),
                _value(found.mean, low, high),
            ]
        )
    counted = {one.rule: one for one in day.minutes}
    for limit in report.limits:
        one = counted.get(limit.rule)
        row.append(_minutes(one.breach if one else 0.0, "bold red"))
    unknown = max((one.unknown for one in day.minutes), default=0.0)
    row += [_minutes(unknown, "yellow"), Text(str(day.readings), "dim")]
    row.append(_alerts(day.alerts))
    return row


def _bounds(report: Report, channel: str) -> tuple[float, float]:
    own = [limit for limit in report.limits if limit.channel == channel]
    low = max((limit.lowest for limit in own if limit.lowest is not None), default=-math.inf)
    high = min((limit.highest for limit in own if limit.highest is not None), default=math.inf)
    return low, high


def _value(value: float, low: float, high: float) -> Text:
    if value < low:
        return Text(f"▼ {value:.1f}", _SIGNS[BELOW][1])
    if value > high:
        return Text(f"▲ {value:.1f}", _SIGNS[ABOVE][1])
    return Text(f"{value:.1f}")


def _minutes(minutes: float, style: str) -> Text:
    return Text(f"{minutes:.0f}", style) if minutes >= 0.5 else Text("·", "dim")


def _alerts(alerts: Sequence[Ringing]) -> Text:
    """Say what went on from the day before, then each rule's first alert and how many more."""
    words = [Text(f"○ {one.rule}", "red") for one in alerts if one.time is None]
    fired: dict[str, list[str]] = {}
    for one in alerts:
        if one.time is not None:
            fired.setdefault(one.rule, []).append(one.time)
    for rule, times in fired.items():
        more = f" (+{len(times) - 1})" if len(times) > 1 else ""
        words.append(Text(f"● {times[0]}{more} {rule}", "bold red"))
    return Text("  ").join(words)


def _title(report: Report) -> str:
    if not report.days:
        return f"{report.device}: no readings"
    first, last = report.days[0].date, report.days[-1].date
    return f"{report.device} · {first:%d %b %Y} to {last:%d %b %Y} · {report.zone}"
