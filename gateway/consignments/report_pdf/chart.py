"""The chart: one channel over the voyage, with its range, excursions, gaps, and whose it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reportlab.lib.colors import white
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

from gateway.consignments.report_pdf.axes import Scale, time_ticks, value_scale, value_ticks
from gateway.consignments.report_pdf.look import (
    BOLD,
    FAINT,
    GREEN,
    GREEN_PALE,
    GREY_PALE,
    INK,
    LINE,
    LINES,
    PALE,
    PLAIN,
    RED,
    RED_PALE,
    WIDTH,
    showable,
)
from gateway.consignments.wording import channel_words, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.lib.colors import Color
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.pdfgen.pathobject import PDFPathObject

    from gateway.consignments.report import Chart, Line, Report
    from gateway.consignments.wording import Times

LOW, HIGH = 40 * mm, 90 * mm
"""How high the drawing itself may be; title, legend, scale and custody come on top."""
LEFT = 11 * mm
STRIP = 5.2 * mm
IN_LEGEND = 8
"""Sensors that the legend names; all are in the table of sensors."""
DASHES: tuple[tuple[float, ...], ...] = ((), (3, 1.5), (1, 1.2), (5, 1.5, 1, 1.5))
SIZE = 6.4
"""Of letters in a chart, points."""


class Limits(NamedTuple):
    """The range that a channel should be in; None: open."""

    low: float | None
    high: float | None


class ChartFlowable(Flowable):
    """One channel, drawn as wide as the page."""

    def __init__(self, report: Report, chart: Chart, times: Times, below: float = 0.0) -> None:
        """With `below` it is as high as there is room, but for so many points; else LOW."""
        super().__init__()
        self._report, self._chart, self._times = report, chart, times
        self._legend = list(_legend(report, chart))
        self._rows = max((row for row, *_ in self._legend), default=0) + 1
        self._below = below
        self._limits = limits_of(report, chart.channel)
        self._values = [
            *(one for one in self._limits if one is not None),
            *(v for line in chart.lines for v in line.values if v is not None),
        ]
        self._drawn = LOW

    def wrap(self, _width: float, height: float) -> tuple[float, float]:
        """Return how large it is where there is so much room, points."""
        beside = STRIP + 11 * mm + 3.6 * mm * self._rows
        if self._below and any(line.times for line in self._chart.lines):
            self._drawn = min(HIGH, max(LOW, height - beside - self._below))
        self.width, self.height = WIDTH, self._drawn + beside
        return self.width, self.height

    def draw(self) -> None:
        """Draw it, from its lower left corner on."""
        canvas, verdict = self.canv, self._report.verdict
        until = max(verdict.until, verdict.since + 1)
        bottom = STRIP + 7.5 * mm
        across = Scale(verdict.since, until, LEFT, WIDTH - LEFT)
        limits = self._limits
        up = value_scale(self._values, bottom, self._drawn)
        self._title(canvas, bottom + self._drawn)
        self._ground(canvas, across, up, limits)
        self._scales(canvas, across, up)
        self._lines(canvas, across, up)
        self._edges(canvas, up, limits)
        self._custody(canvas, across)

    def _title(self, canvas: Canvas, top: float) -> None:
        chart = self._chart
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 8)
        unit = f", {chart.unit}" if chart.unit else ""
        canvas.drawString(0, self.height - 8, showable(channel_words(chart.channel) + unit))
        canvas.setFont(PLAIN, SIZE)
        for row, x, index, text in self._legend:
            y = top + 4 + (self._rows - 1 - row) * 3.6 * mm
            if index is not None:
                _pen(canvas, index)
                canvas.line(x, y + 2.2, x + 14, y + 2.2)
                canvas.setDash()
            canvas.setFillColor(FAINT)
            canvas.drawString(x + (17 if index is not None else 0), y, showable(text))

    def _ground(self, canvas: Canvas, across: Scale, up: Scale, limits: Limits) -> None:
        """Draw what lies behind the lines: the range, excursions, and where nobody knows."""
        canvas.setFillColor(white)
        canvas.rect(across.start, up.start, across.size, up.size, stroke=0, fill=1)
        if limits.low is not None or limits.high is not None:
            low = up.at(up.low if limits.low is None else limits.low)
            high = up.at(up.high if limits.high is None else limits.high)
            canvas.setFillColor(GREEN_PALE)
            canvas.rect(across.start, low, across.size, high - low, stroke=0, fill=1)
        canvas.setFillColor(RED_PALE)
        for one in self._report.verdict.excursions:
            if _same(one.channel, self._chart.channel):
                left = across.at(one.begin)
                right = across.at(across.high if one.end is None else one.end)
                width = max(right - left, 0.8)
                canvas.rect(left, up.start, width, up.size, stroke=0, fill=1)
                canvas.setFillColor(RED)
                canvas.rect(left, up.start + up.size - 1.6, width, 1.6, stroke=0, fill=1)
                canvas.setFillColor(RED_PALE)
        for since, until in self._chart.unknown:
            left, right = across.at(since), across.at(until)
            hatch(canvas, left, up.start, max(right - left, 0.6), up.size)

    def _scales(self, canvas: Canvas, across: Scale, up: Scale) -> None:
        canvas.setLineWidth(0.3)
        canvas.setFont(PLAIN, SIZE)
        for value in value_ticks(up) if self._values else ():
            y = up.at(value)
            canvas.setStrokeColor(LINE)
            canvas.line(across.start, y, across.start + across.size, y)
            canvas.setFillColor(FAINT)
            canvas.drawRightString(across.start - 3, y - 2.2, number(value))
        free = across.start
        verdict = self._report.verdict
        for moment, hour, date in time_ticks(self._times, verdict.since, verdict.until):
            x = across.at(moment)
            canvas.setStrokeColor(LINE)
            canvas.line(x, up.start - 2, x, up.start + up.size)
            for text, below in ((hour, 8.2), (date, 15.4 if hour else 8.2)):
                wide = stringWidth(text, PLAIN, SIZE)
                if not text or x + wide / 2 > WIDTH + 1 or (below > 8.2 and x - wide / 2 < free):
                    continue
                canvas.setFillColor(FAINT)
                canvas.drawCentredString(x, up.start - below, text)
                if below > 8.2:
                    free = x + wide / 2 + 4
        canvas.setStrokeColor(FAINT)
        canvas.setLineWidth(0.5)
        canvas.rect(across.start, up.start, across.size, up.size, stroke=1, fill=0)

    def _lines(self, canvas: Canvas, across: Scale, up: Scale) -> None:
        if not any(line.times for line in self._chart.lines):
            canvas.setFillColor(FAINT)
            canvas.setFont(PLAIN, 8)
            text = "Nothing was measured"
            wide = stringWidth(text, PLAIN, 8)
            x, y = across.start + across.size / 2, up.start + up.size / 2
            canvas.setFillColor(white)
            canvas.roundRect(x - wide / 2 - 6, y - 6, wide + 12, 17, 3, stroke=0, fill=1)
            canvas.setFillColor(INK)
            canvas.drawCentredString(x, y, text)
            return
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(across.start, up.start, across.size, up.size)
        canvas.clipPath(frame, stroke=0, fill=0)
        for index, line in enumerate(self._chart.lines):
            _pen(canvas, index)
            canvas.setLineWidth(0.9)
            canvas.setLineJoin(1)
            canvas.setLineCap(1)
            path, dots = _path(canvas, across, up, line)
            canvas.drawPath(path, stroke=1, fill=0)
            canvas.setFillColor(LINES[index % len(LINES)])
            for x, y in dots:
                canvas.circle(x, y, 1.5, stroke=0, fill=1)
        canvas.restoreState()

    def _edges(self, canvas: Canvas, up: Scale, limits: Limits) -> None:
        canvas.setStrokeColor(GREEN)
        canvas.setLineWidth(0.8)
        canvas.setDash(4, 2)
        for value in limits:
            if value is not None:
                canvas.line(LEFT, up.at(value), WIDTH, up.at(value))
        canvas.setDash()

    def _custody(self, canvas: Canvas, across: Scale) -> None:
        """Draw who was answerable, below the same times; hatched where that is unconfirmed."""
        canvas.setFillColor(FAINT)
        canvas.setFont(PLAIN, SIZE)
        canvas.drawString(0, STRIP / 2 - 2, "Custody")
        if not self._report.consignment.custody:
            canvas.drawString(LEFT, STRIP / 2 - 2, "nobody is named")
        for place, one in enumerate(self._report.consignment.custody):
            until = across.high if one.until is None else one.until
            if until <= across.low or one.since >= across.high:
                continue
            left, right = across.at(one.since), across.at(until)
            canvas.setFillColor(GREY_PALE if place % 2 else PALE)
            canvas.rect(left, 0, right - left, STRIP, stroke=0, fill=1)
            if not one.confirmed:
                hatch(canvas, left, 0, right - left, STRIP)
            canvas.setStrokeColor(FAINT)
            canvas.setLineWidth(0.4)
            canvas.rect(left, 0, right - left, STRIP, stroke=1, fill=0)
            text = _fitting(showable(one.custodian), right - left - 5)
            if text and not one.confirmed:
                canvas.setFillColor(white)
                wide = stringWidth(text, PLAIN, SIZE)
                canvas.rect(left + 1.5, 3, wide + 3, STRIP - 6, stroke=0, fill=1)
            canvas.setFillColor(INK)
            canvas.drawString(left + 3, STRIP / 2 - 2.2, text)


def limits_of(report: Report, channel: str) -> Limits:
    """Return the range of the profile for a channel."""
    for one in report.profile.get("ranges", ()):
        if _same(one["channel"], channel):
            return Limits(one.get("low"), one.get("high"))
    return Limits(None, None)


def hatch(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """Fill a rectangle with slanted lines: nobody knows, or nobody has confirmed it."""
    canvas.saveState()
    frame = canvas.beginPath()
    frame.rect(x, y, width, height)
    canvas.clipPath(frame, stroke=0, fill=0)
    canvas.setFillColor(GREY_PALE)
    canvas.rect(x, y, width, height, stroke=0, fill=1)
    canvas.setStrokeColor(FAINT)
    canvas.setLineWidth(0.35)
    # From a fixed raster on, so that neighbours make one pattern.
    step = 3.2
    first = int((x - height) // step)
    last = int((x + width) // step) + 1
    for slant in range(first, last + 1):
        canvas.line(slant * step, y, slant * step + height, y + height)
    canvas.restoreState()


def _same(one: str, other: str) -> bool:
    """Whether two channels are of one quantity, and of one place if both name one."""
    return (
        one == other
        or one.rstrip(".") == other.partition(".")[0]
        or (other.rstrip(".") == one.partition(".")[0])
    )


def _pen(canvas: Canvas, index: int) -> None:
    colour: Color = LINES[index % len(LINES)]
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(1.1)
    canvas.setDash([*DASHES[index // len(LINES) % len(DASHES)]])


def _path(
    canvas: Canvas, across: Scale, up: Scale, line: Line
) -> tuple[PDFPathObject, list[tuple[float, float]]]:
    """Return the line through what is known, and where a value alone between two gaps stands."""
    path, dots = canvas.beginPath(), []
    drawing = False
    for place, (when, value) in enumerate(zip(line.times, line.values, strict=True)):
        if value is None:
            drawing = False
            continue
        x, y = across.at(when), up.at(value)
        if drawing:
            path.lineTo(x, y)
            continue
        path.moveTo(x, y)
        drawing = True
        if place + 1 == len(line.times) or line.values[place + 1] is None:
            dots.append((x, y))
    return path, dots


def _legend(report: Report, chart: Chart) -> Iterator[tuple[int, float, int | None, str]]:
    """Yield what the legend says: its row, where it begins, and of which line it is."""
    names = {one.key: one.name for one in report.sensors}
    texts: list[tuple[int | None, str]] = [
        (index, _fitting(names.get(line.sensor) or line.sensor.id, 44 * mm))
        for index, line in enumerate(chart.lines[:IN_LEGEND])
    ]
    if len(chart.lines) > IN_LEGEND:
        texts.append((None, f"and {len(chart.lines) - IN_LEGEND} more, see Sensors"))
    row, x = 0, 42 * mm
    for index, text in texts:
        wide = stringWidth(showable(text), PLAIN, SIZE) + (17 if index is not None else 0)
        if x + wide > WIDTH:
            row, x = row + 1, LEFT
        yield row, x, index, text
        x += wide + 9


def _fitting(text: str, room: float) -> str:
    """Return as much of a text as there is room for, points; it stands elsewhere in full."""
    if stringWidth(text, PLAIN, SIZE) <= room:
        return text
    while text and stringWidth(text + "…", PLAIN, SIZE) > room:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""
