"""A report on a terminal: each day a strip of its hours, to be looked at rather than read.

It fits in 80 columns. Each channel with a limit has a table of its own, the others share one;
alerts stand below. Colour only repeats what the signs say.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.table import Table
from rich.text import Text

from devices.reading import QUANTITIES
from rules.duration import DAY, HOUR, MINUTE, SECOND, format_duration
from rules.summary import ABOVE, BELOW, BOTH, NOBODY_KNOWS, OK, OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from gateway.report import Report, ReportDay, Ringing

SIGNS = {
    OK: ("─", "green"),
    BELOW: ("▼", "bold blue"),
    ABOVE: ("▲", "bold red"),
    BOTH: ("◆", "bold magenta"),
    NOBODY_KNOWS: ("?", "yellow"),
    OUTSIDE: (" ", ""),
}
LEGEND = "─ well  ▼ below  ▲ above  ◆ both  ? nobody knows  · none"
ALERT_LEGEND = "● an alert fired  ○ it goes on from the day before"
ABREAST, WIDTHS = 3, (6, 7, 7)
"""Channels without a limit that stand beside each other, and how wide each of their numbers is:
both so that they fit."""


def shown(report: Report) -> RenderableType:
    """Return all of it: title, tables, alerts, what the limits are and what the signs mean."""
    limited = list(dict.fromkeys(limit.channel for limit in report.limits))
    others = sorted({channel for day in report.days for channel in day.ranges} - {*limited})
    parts: list[RenderableType] = [Text(_title(report), "italic")]
    parts += [_limited(report, channel) for channel in limited]
    parts += [
        _unlimited(report, others[first : first + ABREAST])
        for first in range(0, len(others), ABREAST)
    ]
    if not parts[1:]:
        parts.append(_unlimited(report, []))
    alerts = list({one.id: one for day in report.days for one in day.alerts}.values())
    if alerts:
        parts.append(_alerts(report, alerts))
    words = _limits(report)
    if report.limits:
        words.append(LEGEND)
    else:
        words += ["No limit in the settings watches this device.", "? nobody knows"]
    if alerts:
        words.append(ALERT_LEGEND)
    # An empty line before each part but the title's own table.
    spaced = [piece for part in parts[2:] for piece in (Text(), part)]
    return Group(*parts[:2], *spaced, Text(), *(Text(line, "dim") for line in words))


def _limits(report: Report) -> list[str]:
    words = [
        f"{limit.rule}: {limit.channel} {limit.words} ({limit.severity})" for limit in report.limits
    ]
    if any(day.readings for day in report.days):
        words += [
            f"rule {limit.rule}: no {limit.channel} was heard"
            for limit in report.limits
            if not limit.heard
        ]
    return words


def _title(report: Report) -> str:
    first, last = report.days[0].date, report.days[-1].date
    days = f"{first:%d %b %Y}" if first == last else f"{first:%d %b %Y} to {last:%d %b %Y}"
    return f"{report.device} · {days} · {report.zone}"


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


def _limited(report: Report, channel: str) -> Table:
    """Return the days of a channel with one limit or more."""
    unit = _unit(channel)
    table = _table()
    table.add_column("\nday", no_wrap=True)
    table.add_column(f"{channel}\n0     6     12    18", no_wrap=True, min_width=24)
    for name in ("low", "high", "mean"):
        table.add_column(f"{name}\n{unit}", justify="right", no_wrap=True)
    for name in ("breach", "unknown"):
        table.add_column(f"{name}\nmin", justify="right", no_wrap=True)
    table.add_column("heard\n", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    bounds = _bounds(report, channel)
    rules = {limit.rule for limit in report.limits if limit.channel == channel}
    for day in report.days:
        own = [one for one in day.minutes if one.rule in rules]
        # Several limits on one side: the tightest holds the others.
        breach = max(one.below for one in own) + max(one.above for one in own)
        table.add_row(
            _date(report, day),
            Text.assemble(*(SIGNS[sign] for sign in day.hours[channel])),
            *_range(day, channel, bounds),
            _minutes(breach, "bold red"),
            _minutes(max(one.unknown for one in own), "yellow"),
            Text(str(day.readings) if day.readings else "·", "dim"),
            _marks([one for one in day.alerts if one.channel in {channel, ""}]),
        )
    return table


def _unlimited(report: Report, channels: Sequence[str]) -> Table:
    """Return the days of channels that no limit watches, side by side."""
    table = _table()
    places = any("." in channel for channel in channels)
    above = "\n\n" if places else "\n"
    table.add_column(f"{above}day", no_wrap=True)
    table.add_column(f"{above}heard", justify="right", no_wrap=True)
    names = _side_by_side([Text("low"), Text("high"), Text("mean")])
    for channel in channels:
        quantity, _, place = channel.partition(".")
        # One column for all three, so that its name can stand over them.
        lines = [f" {quantity} {_unit(channel)}", *([f" {place}"] if places else []), f"{names}"]
        table.add_column("\n".join(lines), no_wrap=True)
    for day in report.days:
        heard = Text(str(day.readings)) if day.readings else _nobody_knows()
        cells = [_side_by_side(_range(day, channel)) for channel in channels]
        table.add_row(_date(report, day), heard, *cells)
    return table


def _alerts(report: Report, alerts: Sequence[Ringing]) -> Table:
    """Return the alerts that rang on these days, each once, first fired first."""
    table = _table()
    table.padding = (0, 2, 0, 0)
    table.add_column("alert")
    for name in ("began", "fired", "ended", "lasted"):
        table.add_column(name, no_wrap=True)
    table.add_column("worst", justify="right", no_wrap=True)
    for one in alerts:
        mark = "○" if one.fired < report.start else "●"
        ended = Text("open", "bold red") if one.ended is None else _moment(report, one.ended)
        lasted = (report.end if one.ended is None else one.ended) - one.began
        table.add_row(
            Text(f"{mark} {one.rule}", "bold red" if one.ended is None else "red"),
            _moment(report, one.began, year=_several_years(report)),
            _moment(report, one.fired),
            ended,
            _length(lasted),
            "" if one.worst is None else f"{_number(one.worst)} {one.unit}".rstrip(),
        )
    return table


def _unit(channel: str) -> str:
    return QUANTITIES[channel.partition(".")[0]].unit


def _several_years(report: Report) -> bool:
    return report.days[0].date.year != report.days[-1].date.year


def _date(report: Report, day: ReportDay) -> str:
    return f"{day.date:%d %b %Y}" if _several_years(report) else f"{day.date:%a %d %b}"


def _moment(report: Report, moment: int, *, year: bool = False) -> str:
    local = dt.datetime.fromtimestamp(moment / 1000, ZoneInfo(report.zone))
    return f"{local:%d %b %Y %H:%M}" if year else f"{local:%d %b %H:%M}"


def _length(length: int) -> str:
    """Say how long it lasted, in at most two units."""
    step = SECOND if length < MINUTE else MINUTE if length < DAY else HOUR
    return format_duration(max(length, 0) // step * step)


def _bounds(report: Report, channel: str) -> tuple[float, float]:
    own = [limit for limit in report.limits if limit.channel == channel]
    low = max((limit.lowest for limit in own if limit.lowest is not None), default=-math.inf)
    high = min((limit.highest for limit in own if limit.highest is not None), default=math.inf)
    return low, high


def _range(
    day: ReportDay, channel: str, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> list[Text]:
    """Return the lowest, highest and mean value of a day."""
    found = day.ranges.get(channel)
    if found is None:
        return [_nobody_knows() for _ in range(3)]
    return [_value(value, *bounds) for value in (found.lowest, found.highest, found.mean)]


def _side_by_side(cells: Sequence[Text]) -> Text:
    found = Text()
    for cell, width in zip(cells, WIDTHS, strict=True):
        found.append(" " * (width - cell.cell_len)).append_text(cell)
    return found


def _nobody_knows() -> Text:
    return Text(*SIGNS[NOBODY_KNOWS])


def _value(value: float, low: float, high: float) -> Text:
    if value < low:
        return Text(f"▼{_number(value)}", SIGNS[BELOW][1])
    if value > high:
        return Text(f"▲{_number(value)}", SIGNS[ABOVE][1])
    return Text(_number(value))


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def _minutes(minutes: float, style: str) -> Text:
    return Text(f"{minutes:.0f}", style) if minutes >= 0.5 else Text("·", "dim")


def _marks(alerts: Sequence[Ringing]) -> Text:
    """Say whether an alert fired on the day, and how many did, or whether one goes on."""
    fired = sum(one.time is not None for one in alerts)
    if fired:
        return Text(f"●{fired if fired > 1 else ''}", "bold red")
    return Text("○" if alerts else "", "red")
