"""The whole document: pages, with what stands on each of them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate

from gateway.consignments.report import WORDS
from gateway.consignments.report_pdf import look, notes, records, since, tables
from gateway.consignments.report_pdf.front import front
from gateway.consignments.report_pdf.look import (
    BOTTOM,
    FAINT,
    LINE,
    MARGIN,
    MONO,
    PAGE,
    PLAIN,
    TOP,
    WIDTH,
    showable,
)
from gateway.consignments.wording import Times, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable

    from gateway.consignments.report import Version

DRAFT = Color(0.42, 0.45, 0.5, alpha=0.13)
"""So pale that everything behind the word can be read."""
LONGEST_NAME = 70


def make_pdf(version: Version) -> bytes:
    """Return a report as a PDF: of the same version the same bytes, whenever it is made."""
    look.register_fonts()
    times = Times(version.report)
    # Once to see how many pages there are, and then with their number on each.
    counted = _build(version, times, None)[1]
    return _build(version, times, counted)[0]


def _build(version: Version, times: Times, pages: int | None) -> tuple[bytes, int]:
    report = version.report
    told = BytesIO()
    document = BaseDocTemplate(
        told,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=TOP,
        bottomMargin=BOTTOM,
        title=f"{report.consignment.id}: {_state(version)}",
        author=f"Holdwatch {report.software}",
        subject=f"sha256:{version.digest}",
        creator="Holdwatch",
        lang="en",
        invariant=1,
        pageCompression=1,
    )
    frame = Frame(
        MARGIN,
        BOTTOM,
        WIDTH,
        PAGE[1] - TOP - BOTTOM,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )

    def furnish(canvas: Canvas, _document: BaseDocTemplate) -> None:
        _furnish(canvas, version, pages)

    # At a page's end: what is drawn last is seen, whatever else there is.
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPageEnd=furnish)])
    document.build(list(_story(version, times)))
    return told.getvalue(), document.page


def _story(version: Version, times: Times) -> Iterator[Flowable]:
    report = version.report
    yield from front(version, times)
    yield PageBreak()
    for part in (
        since.since,
        *(tables.excursions, tables.statistics, tables.bands, tables.budgets),
        *(records.custody, records.sensors, records.entries, records.alerts, notes.criteria),
    ):
        yield from part(report, times)
    yield from notes.methods(version, times)


def _state(version: Version) -> str:
    """Return what kind of report it is."""
    if version.decision is None:
        return "draft, not signed"
    return f"report version {version.number}, {WORDS[version.decision.meaning]}"


def _furnish(canvas: Canvas, version: Version, pages: int | None) -> None:
    """Put on a page what each of them has: whose it is, its number, the digest."""
    canvas.saveState()
    if version.decision is None:
        canvas.saveState()
        canvas.setFillColor(DRAFT)
        canvas.translate(PAGE[0] / 2, PAGE[1] / 2)
        canvas.rotate(52)
        canvas.setFont(look.BOLD, 150)
        canvas.drawCentredString(0, -50, "DRAFT")
        canvas.restoreState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, BOTTOM - 10, PAGE[0] - MARGIN, BOTTOM - 10)
    canvas.setFillColor(FAINT)
    canvas.setFont(PLAIN, 7)
    name = cut(version.report.consignment.id, LONGEST_NAME)
    canvas.drawString(MARGIN, BOTTOM - 20, showable(f"{name} · {_state(version)}"))
    of = f" of {pages}" if pages is not None else ""
    canvas.drawRightString(PAGE[0] - MARGIN, BOTTOM - 20, f"page {canvas.getPageNumber()}{of}")
    canvas.setFont(MONO, 6.2)
    canvas.drawString(MARGIN, BOTTOM - 30, f"sha256 {version.digest}")
    canvas.restoreState()
