"""What the charts of a consignment draw: lines, range, excursions, gaps, alerts and custody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.consignments.wording import channel_words
from gateway.web.pages.sensor_range import ZonePart, zone_parts

if TYPE_CHECKING:
    from gateway.consignments.report import Chart, Report


class Plot(msgspec.Struct, frozen=True):
    """One chart. Times are ms since 1970, UTC."""

    channel: str
    name: str
    unit: str
    start: int
    end: int
    low: float | None
    """The range that the goods should be in; None: open."""
    high: float | None
    lines: list[dict[str, Any]]
    """Of each sensor its name, times and values; None where nobody knows."""
    gaps: list[tuple[int, int]]
    excursions: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    custody: list[dict[str, Any]]
    clock: list[ZonePart]
    thinned: bool

    def text(self) -> str:
        """Return it as JSON, for the browser."""
        return msgspec.json.encode(self).decode()


def plots(report: Report, zone: str, now: int) -> list[Plot]:
    """Return a chart of each channel, those first of which the goods have a range."""
    return [_plot(report, one, zone, now) for one in report.charts]


def _plot(report: Report, chart: Chart, zone: str, now: int) -> Plot:
    verdict = report.verdict
    start, end = verdict.since, max(verdict.until, verdict.since + 60_000)
    names = {one.key: one.name or str(one.key) for one in report.sensors}
    low, high = _range(report, chart.channel)
    return Plot(
        channel=chart.channel,
        name=channel_words(chart.channel),
        unit=chart.unit,
        start=start,
        end=end,
        low=low,
        high=high,
        lines=[
            {
                "name": names.get(line.sensor, str(line.sensor)),
                "times": line.times,
                "values": line.values,
            }
            for line in chart.lines
            if line.times
        ],
        gaps=list(chart.unknown),
        excursions=[
            {"number": one.number, "from": one.begin, "to": one.end or end}
            for one in verdict.excursions
            if _same(one.channel, chart.channel)
        ],
        alerts=[
            {
                "id": one.alert.id,
                "rule": one.alert.rule,
                "severity": one.alert.severity,
                "from": one.alert.began,
                "to": one.alert.ended or now,
            }
            for one in report.alerts
            if not one.alert.channel or _same(one.alert.channel, chart.channel)
        ],
        custody=[
            {
                "name": one.custodian,
                "from": max(one.since, start),
                "to": end if one.until is None else min(one.until, end),
                "confirmed": one.confirmed,
            }
            for one in report.consignment.custody
            if one.since < end and (one.until is None or one.until > start)
        ],
        clock=zone_parts(ZoneInfo(zone), start, end),
        thinned=any(one.thinned for one in chart.lines),
    )


def _range(report: Report, channel: str) -> tuple[float | None, float | None]:
    """Return the range of the profile for a channel."""
    for one in report.profile.get("ranges", ()):
        if _same(one["channel"], channel):
            return one.get("low"), one.get("high")
    return None, None


def _same(one: str, other: str) -> bool:
    """Whether two channels are of one quantity, and of one place if both name one."""
    quantity, _, place = one.partition(".")
    other_quantity, _, other_place = other.partition(".")
    return quantity == other_quantity and (not place or not other_place or place == other_place)
