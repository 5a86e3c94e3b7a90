"""Draws 38 days of a real vaccine refrigerator, judged by us and by its own logger.

Everything in the picture comes from a report, as anybody can ask for one; the device's own
verdict comes from its file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from devices.loggers import read  # noqa: E402 - found through the line above
from gateway.report import Report, longest_hold, report  # noqa: E402
from rules.alert import Alert  # noqa: E402
from rules.engine import Engine  # noqa: E402
from rules.kinds.threshold import Threshold  # noqa: E402
from rules.plan import always  # noqa: E402
from rules.rule import current  # noqa: E402

try:
    from matplotlib import pyplot as plt

    from scripts.paper import FAINT, GRID, INK, PAPER, paper
except ModuleNotFoundError:
    sys.exit("This draws with matplotlib. Install it with: .venv/bin/pip install matplotlib")

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from devices.loggers.file import DailyVerdict
    from rules.transition import Episode

NAME = "fridgetag-2l_130500109088.txt"
TARGET = ROOT / "docs" / "img" / "fridge-38-days.svg"
MINUTE = 60_000
LOW, HIGH = 2.0, 8.0
# An orange and a blue that people with any colour vision tell apart; signs repeat them.
WELL, WARM, COLD = "#8fae9b", "#d9603b", "#2f6fb0"
BAND = "#e6f0e8"


class Day(NamedTuple):
    """One local day: what the report says, and what the device said."""

    date: dt.date
    readings: int
    lowest: float
    highest: float
    cold: float
    warm: float
    fired: dict[str, bool]
    """Rule → whether it fired on this day; False if it went on from the day before."""
    device_cold: int
    device_warm: int
    device_fired: dict[str, bool]


def main(arguments: Sequence[str]) -> int:
    """Draw to the file named, or to docs/img."""
    folder = Path(os.environ.get("HOLDWATCH_TEST_VECTORS") or ROOT / "../shared/vectors")
    source = folder / "loggers" / NAME
    if not source.exists():
        return complain(f"{source} is not here: set HOLDWATCH_TEST_VECTORS to its folder")
    target = Path(arguments[0]) if arguments else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    draw(judged(source), target)
    print(target)
    return 0


def complain(problem: str) -> int:
    """Print to standard error; return the exit code."""
    print(problem, file=sys.stderr)
    return 1


def judged(source: Path) -> list[Day]:
    """Read the file, judge it, and lay our report beside the device's."""
    zone = ZoneInfo("UTC")  # the file's own clock: the picture is in its local time
    file = read(NAME, source.read_bytes(), received=1_700_000_000_000, zone=zone)
    settings = {"kind": "threshold", "channel": "temperature", "for": "60 min", "hold": "10 min"}
    rules = (
        Threshold.model_validate({"name": "too-cold", "below": LOW, **settings}),
        Threshold.model_validate({"name": "too-warm", "above": HIGH, **settings}),
    )
    interval = 5 * MINUTE
    episodes = Engine(current(rules), always(interval)).judge(file.readings)
    told = report(
        file.readings[0].device,
        file.readings,
        rules=rules,
        alerts=[as_alert(one) for one in episodes],
        zone=zone,
        interval=interval,
        start=file.readings[0].when,
        end=file.readings[-1].when + longest_hold(rules, interval),
    )
    return beside(told, {one.day: one for one in file.verdicts})


def as_alert(one: Episode) -> Alert:
    """Return the alert that the gateway would keep of this episode."""
    return Alert(
        id=one.id,
        rule=one.rule,
        version=one.version,
        kind=one.rule_kind,
        severity=one.severity,
        device=one.device,
        channel=one.channel,
        state=one.ended_how or "firing",
        reason="",
        began=one.begin,
        fired=one.fired_at,
        ended=one.ended_at,
        retrospective=True,
    )


def beside(told: Report, verdicts: dict[dt.date, DailyVerdict]) -> list[Day]:
    """Put the device's verdict beside each day of the report."""
    days = []
    for day in told.days:
        cold, warm = day.minutes
        fired: dict[str, bool] = {}
        for alert in day.alerts:
            # A day that goes on from the day before stands as such, even if it fired again.
            fired.setdefault(alert.rule, alert.time is not None)
        own = verdicts[day.date].alarms
        days.append(
            Day(
                date=day.date,
                readings=day.readings,
                lowest=day.ranges["temperature"].lowest,
                highest=day.ranges["temperature"].highest,
                cold=cold.below,
                warm=warm.above,
                fired=fired,
                device_cold=own[0].minutes,
                device_warm=own[1].minutes,
                device_fired={
                    rule: own[number].triggered != "00:00"
                    for number, rule in ((0, "too-cold"), (1, "too-warm"))
                    if own[number].triggered is not None
                },
            )
        )
    return days


def draw(days: Sequence[Day], target: Path) -> None:
    """Draw three panels over the same days: temperature, hours outside, alerts."""
    figure = paper(6.6, "holdwatch")
    grid = figure.add_gridspec(
        3,
        1,
        height_ratios=(5, 3.3, 1.5),
        left=0.135,
        right=0.965,
        top=0.815,
        bottom=0.07,
        hspace=0.36,
    )
    temperature = figure.add_subplot(grid[0])
    hours = figure.add_subplot(grid[1], sharex=temperature)
    alerts = figure.add_subplot(grid[2], sharex=temperature)
    for axes in (temperature, hours, alerts):
        plain(axes)
    draw_temperature(temperature, days)
    draw_hours(hours, days)
    draw_alerts(alerts, days)
    name_days(alerts, days)
    figure.text(0.035, 0.948, "38 days of a vaccine refrigerator", fontsize=14, weight="bold")
    figure.text(
        0.035,
        0.928,
        summary(days),
        color=FAINT,
        va="top",
        linespacing=1.5,
    )
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)
    plt.close(figure)


def summary(days: Sequence[Day]) -> str:
    """Say how far apart the two verdicts are."""
    apart = max(
        max(abs(day.cold - day.device_cold), abs(day.warm - day.device_warm)) for day in days
    )
    same = sum(day.fired == day.device_fired for day in days)
    return (
        f"{sum(day.readings for day in days):,} readings. Holdwatch and the refrigerator's own "
        f"logger never differ by more than {apart:.0f} minutes a day,\n"
        f"and agree on {same} of {len(days)} days about which alerts there were."
    )


def plain(axes: Axes) -> None:
    """Leave out all that is not data."""
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelcolor=FAINT)
    axes.tick_params(axis="x", labelbottom=False)


def draw_temperature(axes: Axes, days: Sequence[Day]) -> None:
    """Each day from its lowest to its highest, coloured where it is outside the limits."""
    axes.axhspan(LOW, HIGH, color=BAND, zorder=0)
    for number, day in enumerate(days):
        for bottom, top, colour in (
            (day.lowest, min(day.highest, LOW), COLD),
            (max(day.lowest, LOW), min(day.highest, HIGH), WELL),
            (max(day.lowest, HIGH), day.highest, WARM),
        ):
            if top > bottom:
                axes.bar(number, top - bottom, bottom=bottom, color=colour, width=0.62)
    axes.set_yticks([-10, 2, 8, 20, 30], ["\N{MINUS SIGN}10", "2", "8", "20", "30 °C"])
    axes.set_ylim(-11, 32)
    head(axes, "Temperature", "from the lowest to the highest of each day")


def draw_hours(axes: Axes, days: Sequence[Day]) -> None:
    """Hours outside: above the limits upwards, below them downwards; the device's as a line."""
    axes.axhline(0, color=GRID, linewidth=1)
    for number, day in enumerate(days):
        axes.bar(number, day.warm / 60, color=WARM, width=0.62)
        axes.bar(number, -day.cold / 60, color=COLD, width=0.62)
        for own in (day.device_warm / 60, -day.device_cold / 60):
            if own:
                axes.plot([number - 0.42, number + 0.42], [own, own], color=INK, linewidth=1.6)
    axes.set_yticks([-24, 0, 24], ["24 h", "0", "24 h"])
    axes.set_ylim(-26, 26)
    head(axes, "Hours outside 2 to 8 °C", "bars: Holdwatch;  black lines: the logger's own count")
    axes.text(-0.4, 13, "above 8 °C", color=WARM, va="center", weight="bold")
    axes.text(-0.4, -13, "below 2 °C", color=COLD, va="center", weight="bold")


def draw_alerts(axes: Axes, days: Sequence[Day]) -> None:
    """Two rows of signs: ours and the device's."""
    for row, who in ((1, "fired"), (0, "device_fired")):
        for number, day in enumerate(days):
            fired: dict[str, bool] = getattr(day, who)
            for rule, fresh in fired.items():
                warm = rule == "too-warm"
                colour = WARM if warm else COLD
                axes.scatter(
                    number,
                    row + (0.2 if warm else -0.2) * (len(fired) > 1),
                    marker="^" if warm else "v",
                    s=26,
                    facecolor=colour if fresh else PAPER,
                    edgecolor=colour,
                    linewidth=1.1,
                )
    axes.set_yticks([1, 0], ["Holdwatch", "logger"])
    axes.set_ylim(-0.6, 1.6)
    head(
        axes,
        "Alerts after 60 minutes",
        "filled: fired that day;  open: goes on from the day before",
    )


def head(axes: Axes, title: str, explanation: str) -> None:
    """Name a panel above its left edge, and say how to read it."""
    name = axes.annotate(
        title,
        (0, 1),
        xytext=(-57.6, 11),
        xycoords="axes fraction",
        textcoords="offset points",
        weight="bold",
        va="baseline",
    )
    axes.annotate(
        explanation,
        (1, 0),
        xytext=(8, 0),
        xycoords=name,
        textcoords="offset points",
        color=FAINT,
        va="bottom",
    )


def name_days(axes: Axes, days: Sequence[Day]) -> None:
    """Name Mondays, under the lowest panel."""
    mondays = [number for number, day in enumerate(days) if day.date.weekday() == 0]
    axes.set_xlim(-0.7, len(days) - 0.3)
    axes.set_xticks(mondays, [f"{days[number].date:%-d %B}" for number in mondays])
    axes.tick_params(axis="x", labelbottom=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
