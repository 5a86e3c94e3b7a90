"""A trial on the past as a picture: SVG, written by hand, so that no library is needed for it.

It says the same as the chart on a terminal: values, limits, what lies beyond them, and a line of
bars for each rule. Bars differ in shape and not in colour alone.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.backtest.braille import STEPS, label, marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.backtest.chart import Bar, Chart, Lane, Line

WIDTH, LEFT, RIGHT = 1000, 140, 150
PLOT, LANE, AXIS, TITLE, GAP = 240, 22, 24, 56, 34
"""Heights: of the values, a rule's line of bars, the time axis, the title, between charts."""
MARK = 70
"""Between two marks of the time axis, at least."""
FINE, BAD, QUIET, TEXT = "#2c5f8a", "#b3261e", "#6b7280", "#1f2937"
OTHERS = (FINE, "#2e7d5b", "#7a4a9e", "#8a5a1c")
"""Of the lines of several sensors."""
_TICKS = (1.0, 2.0, 2.5, 5.0)
_STYLE = f"""
text {{ font: 12px system-ui, "DejaVu Sans", sans-serif; fill: {TEXT}; }}
.title {{ font-size: 16px; font-weight: 600; }}
.quiet {{ fill: {QUIET}; }}
.end {{ text-anchor: end; }}
.middle {{ text-anchor: middle; }}
.grid {{ stroke: #e5e7eb; stroke-width: 1; }}
.edge {{ stroke: #9ca3af; stroke-width: 1; fill: none; }}
.line {{ fill: none; stroke-width: 1.2; stroke-linejoin: round; }}
.limit {{ stroke: {BAD}; stroke-width: 1; stroke-dasharray: 5 4; }}
.limit.now {{ stroke: {QUIET}; }}
.tried {{ fill: {BAD}; }}
.same {{ fill: url(#same); stroke: {BAD}; }}
.standing {{ fill: #ffffff; stroke: {QUIET}; stroke-width: 1.5; }}
"""
_STRIPES = (
    '<defs><pattern id="same" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/>'
    f'<rect width="3" height="6" fill="{BAD}"/></pattern></defs>'
)


def picture(title: str, subtitle: str, charts: Sequence[Chart], zone: str) -> str:
    """Return the charts one below the other, as the text of an SVG file."""
    body: list[str] = []
    top = TITLE
    for number, chart in enumerate(charts):
        body += _Drawing(chart, top, number, ZoneInfo(zone)).parts()
        top += PLOT + AXIS + LANE * len(chart.lanes) + GAP
    height = top + LANE
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img">'
    )
    parts = [
        head,
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        _STRIPES,
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text class="title" x="16" y="24">{escape(title)}</text>',
        f'<text class="quiet" x="16" y="43">{escape(subtitle)}</text>',
        *body,
        *_legend(height - 14),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


class _Drawing:
    """One chart, at its place in the picture."""

    def __init__(self, chart: Chart, top: int, number: int, zone: ZoneInfo) -> None:
        self.chart, self.top, self.number, self.zone = chart, top + 16, number, zone
        self.floor = self.top + PLOT - 16
        self.low, self.high, self.step = _scale(chart)

    def x(self, when: float) -> float:
        chart = self.chart
        share = (when - chart.start) / max(chart.end - chart.start, 1)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.floor - share * (self.floor - self.top), 1)

    def parts(self) -> Iterator[str]:
        chart = self.chart
        yield (
            f'<text x="{LEFT}" y="{self.top - 6}">{escape(chart.channel)}'
            f"{escape(f', {chart.unit}' if chart.unit else '')}</text>"
        )
        yield from self._grid()
        yield from self._lines()
        yield from self._limits()
        for place, lane in enumerate(chart.lanes):
            yield from self._lane(lane, self.floor + AXIS + place * LANE)

    def _grid(self) -> Iterator[str]:
        right = WIDTH - RIGHT
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            y = self.y(value)
            yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
            yield f'<text class="quiet end" x="{LEFT - 8}" y="{y + 4}">{value:g}</text>'
        length = self.chart.end - self.chart.start
        most = (right - LEFT) // MARK
        step = next((one for one in STEPS if length / one <= most), STEPS[-1])
        for moment in marks(self.chart.start, self.chart.end, step, self.zone):
            x = self.x(moment)
            yield f'<line class="grid" x1="{x}" x2="{x}" y1="{self.top}" y2="{self.floor + 4}"/>'
            yield (
                f'<text class="quiet middle" x="{x}" y="{self.floor + 17}">'
                f"{label(moment, step, self.zone)}</text>"
            )
        yield (
            f'<rect class="edge" x="{LEFT}" y="{self.top}" width="{right - LEFT}" '
            f'height="{self.floor - self.top}"/>'
        )

    def _lines(self) -> Iterator[str]:
        """Draw the lines, and what of them lies beyond a limit once more over it."""
        chart = self.chart
        upper = min((one.value for one in chart.limits if one.upper), default=self.high)
        lower = max((one.value for one in chart.limits if not one.upper), default=self.low)
        clip, bad = f"in{self.number}", f"bad{self.number}"
        width = WIDTH - RIGHT - LEFT
        top, low = self.y(min(upper, self.high)), self.y(max(lower, self.low))
        yield (
            f'<clipPath id="{clip}"><rect x="{LEFT}" y="{self.top}" width="{width}" '
            f'height="{self.floor - self.top}"/></clipPath>'
            f'<clipPath id="{bad}"><rect x="{LEFT}" y="{self.top}" width="{width}" '
            f'height="{max(top - self.top, 0):g}"/><rect x="{LEFT}" y="{low}" width="{width}" '
            f'height="{max(self.floor - low, 0):g}"/></clipPath>'
        )
        for place, line in enumerate(chart.lines):
            path = self._path(line)
            colour = OTHERS[place % len(OTHERS)]
            yield f'<path class="line" stroke="{colour}" clip-path="url(#{clip})" d="{path}"/>'
            yield (
                f'<path class="line" stroke="{BAD}" stroke-width="2" clip-path="url(#{bad})" '
                f'd="{path}"/>'
            )
        if len(chart.lines) > 1:
            yield from self._names(chart.lines)

    def _names(self, lines: Sequence[Line]) -> Iterator[str]:
        x = LEFT + 180
        for place, line in enumerate(lines):
            colour = OTHERS[place % len(OTHERS)]
            yield f'<rect x="{x}" y="{self.top - 14}" width="14" height="4" fill="{colour}"/>'
            yield f'<text x="{x + 20}" y="{self.top - 6}">{escape(line.name)}</text>'
            x += 40 + 7 * len(line.name)

    def _path(self, line: Line) -> str:
        """Return the line, with a break wherever nobody knows; a value alone is a dot."""
        points, up = [], True
        for when, value in zip(line.t, line.v, strict=True):
            if value is None:
                up = True
                continue
            points.append(f"{'M' if up else 'L'}{self.x(when):g} {self.y(value):g}")
            if up:
                points.append("h.1")
            up = False
        return "".join(points)

    def _limits(self) -> Iterator[str]:
        """Draw the limits; those of one value as one, named by all their rules."""
        names: dict[float, list[str]] = {}
        tried: set[float] = set()
        for limit in self.chart.limits:
            if self.low <= limit.value <= self.high:
                own = names.setdefault(limit.value, [])
                own += [limit.rule] if limit.rule not in own else []
                tried |= {limit.value} if limit.tried else set()
        taken: list[float] = []
        for value in sorted(names, reverse=True):
            y = self.y(value)
            now = "" if value in tried else " now"
            yield f'<line class="limit{now}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            place = max(y, taken[-1] + 15) if taken else y
            taken.append(place)
            words = ", ".join(names[value])
            words = words if len(words) <= 18 else f"{words[:17]}…"
            yield f'<text x="{WIDTH - RIGHT + 6}" y="{place + 4}">{value:g} {escape(words)}</text>'

    def _lane(self, lane: Lane, top: float) -> Iterator[str]:
        name = lane.label if len(lane.label) <= 20 else f"{lane.label[:19]}…"
        quiet = "" if lane.tried else " quiet"
        yield f'<text class="end{quiet}" x="{LEFT - 8}" y="{top + 14}">{escape(name)}</text>'
        y = top + LANE - 2
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        for bar in lane.bars:
            yield self._bar(bar, lane, top)

    def _bar(self, bar: Bar, lane: Lane, top: float) -> str:
        x = self.x(bar.start)
        width = max(self.x(bar.end) - x, 3)
        what = "same" if bar.same else "tried" if lane.tried else "standing"
        return f'<rect class="{what}" x="{x}" y="{top + 4}" width="{width:g}" height="12"/>'


def _scale(chart: Chart) -> tuple[float, float, float]:
    """Return the lowest and highest value of the axis, and the step between its marks."""
    values = [value for line in chart.lines for value in line.v if value is not None] or [0.0]
    low, high = min(values), max(values)
    reach = max(high - low, 1.0)
    for limit in chart.limits:
        if low - 2 * reach < limit.value < high + 2 * reach:
            low, high = min(low, limit.value), max(high, limit.value)
    rough = max(high - low, 0.5) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((each * power for each in _TICKS if each * power >= rough), 10 * power)
    return math.floor(low / step - 0.2) * step, math.ceil(high / step + 0.2) * step, step


def _legend(y: int) -> Iterator[str]:
    x = LEFT
    for what, words in (
        ("tried", "fires by the rules tried"),
        ("standing", "fires by the rules of now"),
        ("same", "fires by both alike"),
    ):
        yield f'<rect class="{what}" x="{x}" y="{y - 10}" width="22" height="11"/>'
        yield f'<text class="quiet" x="{x + 30}" y="{y}">{words}</text>'
        x += 220
