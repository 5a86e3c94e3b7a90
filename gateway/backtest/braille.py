"""A chart on a terminal: lines in braille dots, limits, and when alerts would have fired.

A character holds two by four dots. Of all values that fall on one column of dots the lowest and the
highest are drawn, so that no short excursion is lost. Colour only repeats what the signs say.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.text import Text

from rules.duration import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.backtest.chart import Chart, Lane, Line

HEIGHT = 12
"""Lines of text that the values take."""
BLANK = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character: by column, from above."""
LIMIT, BAR, SAME, STANDING = "┈", "█", "▒", "▄"
LEGEND = "█ fires by the rules tried  ▄ by those of now  ▒ by both alike"
STEPS = [
    *(MINUTE * each for each in (1, 5, 10, 30)),
    *(HOUR * each for each in (1, 2, 3, 6, 12)),
    *(DAY * each for each in (1, 2, 7, 14, 30, 60, 90, 180, 365)),
]
"""From one mark of the time axis to the next, ms."""
LABEL = 14
"""Characters that a mark of the time axis takes, with the room around it."""


def plotted(chart: Chart, width: int, zone: str) -> list[Text]:
    """Return the chart as lines of text of at most `width` characters."""
    low, high = _range(chart)
    labels = _labels(chart, low, high)
    margin = max(*map(len, labels.values()), *(len(one.label) for one in chart.lanes), 4)
    margin = min(margin, width // 3)
    columns = max(width - margin - 2, 10)
    cells, beyond = _canvas(chart, columns, low, high)
    limits = {_row(one.value, low, high) // 4 for one in chart.limits}
    lines = []
    for row in range(HEIGHT):
        text = Text(f"{labels.get(row, ''):>{margin}} ", "dim").append(
            "│" if row not in limits else "┤"
        )
        for column in range(columns):
            dots = cells[row][column]
            if dots:
                text.append(chr(BLANK + dots), "bold red" if beyond[row][column] else "cyan")
            else:
                text.append(LIMIT if row in limits else " ", "yellow")
        lines.append(text)
    lines += _axis(chart, columns, margin, ZoneInfo(zone))
    lines += [_lane(one, chart, columns, margin) for one in chart.lanes]
    return lines


def _range(chart: Chart) -> tuple[float, float]:
    """Return the values at the lower and upper edge: all of the lines, and limits near them."""
    values = [value for line in chart.lines for value in line.v if value is not None] or [0.0]
    low, high = min(values), max(values)
    reach = max(high - low, 1.0)
    for limit in chart.limits:
        if low - 2 * reach < limit.value < high + 2 * reach:
            low, high = min(low, limit.value), max(high, limit.value)
    room = max((high - low) * 0.05, 0.1)
    return low - room, high + room


def _row(value: float, low: float, high: float) -> int:
    """Return the row of dots of a value, from above; it may lie outside."""
    rows = HEIGHT * 4
    return math.floor((high - value) / (high - low) * (rows - 1) + 0.5)


def _labels(chart: Chart, low: float, high: float) -> dict[int, str]:
    """Return what stands beside the lines of text: the limits, the highest and the lowest."""
    found = {0: f"{high:.1f} {chart.unit}".rstrip(), HEIGHT - 1: f"{low:.1f}"}
    for limit in chart.limits:
        row = _row(limit.value, low, high) // 4
        if 0 <= row < HEIGHT:
            found[row] = f"{limit.value:g} {chart.unit}".rstrip()
    return found


def _canvas(
    chart: Chart, columns: int, low: float, high: float
) -> tuple[list[list[int]], list[list[bool]]]:
    """Return the braille bits of each character, and which of them lie beyond a limit."""
    cells = [[0] * columns for _ in range(HEIGHT)]
    beyond = [[False] * columns for _ in range(HEIGHT)]
    upper = min((one.value for one in chart.limits if one.upper), default=math.inf)
    lower = max((one.value for one in chart.limits if not one.upper), default=-math.inf)
    for line in chart.lines:
        for column, (least, most) in _columns(line, chart, columns * 2):
            top, bottom = _row(most, low, high), _row(least, low, high)
            for row in range(max(top, 0), min(bottom, HEIGHT * 4 - 1) + 1):
                cells[row // 4][column // 2] |= DOTS[column % 2][row % 4]
            if most > upper or least < lower:
                rows = (
                    (top, _row(upper, low, high))
                    if most > upper
                    else (_row(lower, low, high), bottom)
                )
                for row in range(max(rows[0], 0) // 4, min(rows[1], HEIGHT * 4 - 1) // 4 + 1):
                    beyond[row][column // 2] = True
    return cells, beyond


def _columns(line: Line, chart: Chart, count: int) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield for each column of dots with a value the lowest and the highest that it shows.

    Between two values that follow each other a line is drawn; where nobody knows, none is.
    """
    length = max(chart.end - chart.start, 1)
    found: dict[int, tuple[float, float]] = {}

    def note(column: int, value: float) -> None:
        least, most = found.get(column, (value, value))
        found[column] = min(least, value), max(most, value)

    before: tuple[int, float] | None = None
    for when, value in zip(line.t, line.v, strict=True):
        if value is None:
            before = None
            continue
        column = min((when - chart.start) * count // length, count - 1)
        if before is not None:
            gone = column - before[0]
            for each in range(1, gone + 1):
                note(before[0] + each, before[1] + (value - before[1]) * each / gone)
        note(column, value)
        before = column, value
    yield from found.items()


def _axis(chart: Chart, columns: int, margin: int, zone: ZoneInfo) -> list[Text]:
    """Return the time axis: a line with marks, and their dates or times below."""
    length = chart.end - chart.start
    step = next((one for one in STEPS if length / one * LABEL <= columns), STEPS[-1])
    line, words = ["─"] * columns, [" "] * (columns + LABEL)
    free = 0
    for moment in marks(chart.start, chart.end, step, zone):
        column = (moment - chart.start) * columns // length
        text = label(moment, step, zone)
        line[column] = "┬"
        place = max(0, column - 1)
        if place >= free and place + len(text) <= columns:
            words[place : place + len(text)] = text
            free = place + len(text) + 1
    indent = " " * (margin + 1)
    return [
        Text(f"{indent}└{''.join(line)}", "dim"),
        Text(f"{indent} {''.join(words).rstrip()}", "dim"),
    ]


def marks(start: int, end: int, step: int, zone: ZoneInfo) -> Iterator[int]:
    """Yield the times (ms) of a time axis: round ones by the clock on the wall."""
    local = dt.datetime.fromtimestamp(start / 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= DAY:
        day = midnight.date()
        while (moment := _midnight(day, zone)) < end:
            if moment >= start:
                yield moment
            day += dt.timedelta(days=step // DAY if moment >= start else 1)
        return
    first = int(midnight.timestamp() * 1000)
    for moment in range(first + (start - first + step - 1) // step * step, end, step):
        yield moment


def _midnight(day: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)


def label(moment: int, step: int, zone: ZoneInfo) -> str:
    """Return what stands at a mark: a day, or a time of day."""
    local = dt.datetime.fromtimestamp(moment / 1000, zone)
    if step < DAY:
        return f"{local:%H:%M}" if local.hour or local.minute else f"{local.day} {local:%b}"
    return f"{local.day} {local:%b %Y}" if step >= 30 * DAY else f"{local.day} {local:%b}"


def _lane(lane: Lane, chart: Chart, columns: int, margin: int) -> Text:
    """Return a line with a bar for each alert of a rule."""
    length = max(chart.end - chart.start, 1)
    signs = [" "] * columns
    for bar in lane.bars:
        first = min((bar.start - chart.start) * columns // length, columns - 1)
        last = max(first, -(-(bar.end - chart.start) * columns // length) - 1)
        sign = SAME if bar.same else BAR if lane.tried else STANDING
        for column in range(first, min(last, columns - 1) + 1):
            signs[column] = sign
    name = lane.label if len(lane.label) <= margin else f"{lane.label[: margin - 1]}…"
    text = Text(f"{name:>{margin}} ", "" if lane.tried else "dim")
    return text.append("│", "dim").append("".join(signs).rstrip(), "red" if lane.tried else "blue")


def legend(lanes: Sequence[Lane]) -> str:
    """Return what the signs of these lanes mean; "" without any."""
    return LEGEND if any(one.bars for one in lanes) else ""
