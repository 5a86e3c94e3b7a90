"""What a trial on the past is drawn from: lines, limits, and when alerts would have fired.

Pure: readings, rules and alerts in, charts out. They travel as JSON; `braille.py` draws them on a
terminal, `backtest_picture.py` as a picture.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from devices.reading import QUANTITIES, UNUSABLE_SHIFT
from gateway.downsample import downsample
from rules.backtest import by_value
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devices.reading import Reading
    from rules.alert import Alert
    from rules.backtest import Backtest
    from rules.rule import Rule

POINTS = 1_200
"""Points of a line: as many as a wide picture has room for."""


class Line(msgspec.Struct, frozen=True):
    """One sensor's values, in the chart's unit: `t` in ms, rising; None where nobody knows."""

    name: str
    t: list[int]
    v: list[float | None]


class Limit(msgspec.Struct, frozen=True):
    """A value that a rule does not allow to be passed; `upper`: values above it are bad.

    `tried`: of the rules that are tried, else of those now in force.
    """

    value: float
    upper: bool
    rule: str
    tried: bool


class Bar(msgspec.Struct, frozen=True):
    """When an alert would have fired, ms. `same`: the other rules have it too, at these times."""

    start: int
    end: int
    severity: str
    same: bool


class Lane(msgspec.Struct, frozen=True):
    """The alerts of one rule, in order."""

    rule: str
    tried: bool
    bars: list[Bar]

    @property
    def label(self) -> str:
        """What stands beside it: of a rule of now, that it is one."""
        return self.rule if self.tried else f"{self.rule} (now)"


class Chart(msgspec.Struct, frozen=True):
    """One channel with its limits, and the alerts of all rules about it, start ≤ t < end (ms)."""

    channel: str
    unit: str
    start: int
    end: int
    lines: list[Line]
    limits: list[Limit]
    lanes: list[Lane]


def charts(
    found: Backtest,
    tried: Sequence[Rule],
    standing: Sequence[Rule],
    lines: Mapping[str, Sequence[Reading]],
    hold: int,
) -> list[Chart]:
    """Return a chart for each channel that a rule looks at and that was heard, tried ones first.

    `lines` are the readings of each sensor by its name. After `hold` ms without one nobody knows.
    Alerts about contact stand under the first chart.
    """
    channels = dict.fromkeys(
        one.channel
        for one in (*tried, *standing)
        if isinstance(one, SampleRule) and one.channel != "*"
    )
    drawn: list[Chart] = []
    for channel in channels:
        own = [_line(name, channel, readings, found, hold) for name, readings in lines.items()]
        own = [line for line in own if line.t]
        if not own:
            continue
        wanted = {channel} | ({"", "*"} if not drawn else set())
        drawn.append(
            Chart(
                channel=channel,
                unit=QUANTITIES[channel.partition(".")[0]].unit,
                start=found.start,
                end=found.end,
                lines=own,
                limits=[*_limits(tried, channel, True), *_limits(standing, channel, False)],  # noqa: FBT003 - which of both
                lanes=_lanes(found, wanted),
            )
        )
    return drawn


def _line(name: str, channel: str, readings: Sequence[Reading], found: Backtest, hold: int) -> Line:
    when, values, usable = [], [], []
    for one in readings:
        index = one.layout.index(channel)
        if index is not None:
            when.append(one.when)
            values.append(one.values[index])
            usable.append(not one.flags >> (UNUSABLE_SHIFT + index) & 1)
    points = downsample(
        np.array(when, np.int64),
        np.array(values, np.float64),
        np.array(usable, np.bool_),
        found.start,
        found.end,
        POINTS,
        silence=hold,
    )
    shown = [None if math.isnan(value) else value for value in points.v.tolist()]
    return Line(name, points.t.tolist(), shown)


def _limits(rules: Iterable[Rule], channel: str, tried: bool) -> list[Limit]:  # noqa: FBT001 - which of both
    return [
        Limit(value, upper, part.name, tried)
        for rule in rules
        for part in rule.parts()
        if by_value(part) and part.channel == channel
        for value, upper in zip(part.calm(), (False, True), strict=True)
        if math.isfinite(value)
    ]


def _lanes(found: Backtest, channels: set[str]) -> list[Lane]:
    same = {one.now.id for one in found.both if one.same}
    lanes: dict[tuple[str, bool], list[Bar]] = {}
    both = found.both
    for tried, alerts in (
        (True, found.alerts),
        (False, sorted((*found.gone, *(one.before for one in both)), key=lambda a: a.fired)),
    ):
        for alert in alerts:
            if _base(alert) in channels:
                bars = lanes.setdefault((alert.rule, tried), [])
                bars.append(_bar(alert, found, same=alert.id in same))
    return [Lane(rule, tried, bars) for (rule, tried), bars in lanes.items()]


def _base(alert: Alert) -> str:
    """Return the channel without the sensor that a consignment's has."""
    return alert.channel.partition("@")[0].removesuffix(".")


def _bar(alert: Alert, found: Backtest, *, same: bool) -> Bar:
    end = found.end if alert.ended is None else min(alert.ended, found.end)
    return Bar(max(alert.fired, found.start), max(end, found.start), alert.severity, same)
