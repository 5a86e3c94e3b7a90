"""How the report looks: fonts, colours, styles, and the tables that all of it is made of."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Table, TableStyle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FONTS = Path(__file__).parents[2] / "web/static/vendor/ttf"
"""Put there by the build, as what browsers need is: see scripts/browser_parts.py."""
PLAIN, BOLD, MONO = "Report", "Report-Bold", "Report-Mono"
FILES = {
    PLAIN: "DejaVuSansCondensed.ttf",
    BOLD: "DejaVuSansCondensed-Bold.ttf",
    MONO: "DejaVuSansMono.ttf",
}

PAGE = A4
HIGHEST = 30
"""Lines that a row of a table may have."""
A_SIGN = 4.5
"""Width of a letter in a table, points, rather too wide than too narrow."""
MARGIN = 16 * mm
TOP, BOTTOM = 17 * mm, 19 * mm
WIDTH = PAGE[0] - 2 * MARGIN
"""What is between the margins, points."""

INK, FAINT, LINE, PALE = map(HexColor, ("#16202a", "#566370", "#c9d1d9", "#f3f5f7"))
GREEN, AMBER, RED, GREY = map(HexColor, ("#17692f", "#8a5300", "#ad1f17", "#47525d"))
GREEN_PALE, AMBER_PALE, RED_PALE, GREY_PALE = map(
    HexColor, ("#e4f3e8", "#fdf1d8", "#fbe3e0", "#e9ecef")
)
LINES = tuple(
    map(HexColor, ("#0b57a4", "#b3470a", "#5b3d9e", "#00727a", "#8c1d5b", "#5f6b00", "#333d47"))
)
"""Colours of sensors; dashes tell apart those that share one."""


class Tone(NamedTuple):
    """The colours of a verdict."""

    strong: Color
    pale: Color


TONES = {
    "release": Tone(GREEN, GREEN_PALE),
    "released": Tone(GREEN, GREEN_PALE),
    "hold": Tone(AMBER, AMBER_PALE),
    "held": Tone(AMBER, AMBER_PALE),
    "reject": Tone(RED, RED_PALE),
    "rejected": Tone(RED, RED_PALE),
    "indeterminate": Tone(GREY, GREY_PALE),
    "": Tone(GREY, GREY_PALE),
}


@cache
def register_fonts() -> None:
    """Make the fonts known to the library; once in a process."""
    for name, file in FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(FONTS / file)))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


@cache
def _known(name: str) -> frozenset[int]:
    register_fonts()
    font = pdfmetrics.getFont(name)
    if not isinstance(font, TTFont):
        raise TypeError(f"{name} is no font of ours")
    return frozenset(font.face.charToGlyph)


def showable(text: str, font: str = PLAIN) -> str:
    """Return text as the font can show it: a sign that it lacks is written as its number."""
    known = _known(font)
    return "".join(
        sign if ord(sign) in known and sign.isprintable() else _named(sign) for sign in text
    )


def _named(sign: str) -> str:
    return " " if sign.isspace() else f"[U+{ord(sign):04X}]"


def words(text: str, font: str = PLAIN) -> str:
    """Return text as a paragraph takes it: nothing in it is markup; lines stay lines."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "<br/>".join(escape(showable(line, font)) for line in lines)


def _style(name: str, size: float, lead: float, **more: Any) -> ParagraphStyle:  # noqa: ANN401 - whatever a style has
    base: dict[str, Any] = {"fontName": PLAIN, "textColor": INK, "splitLongWords": 1}
    return ParagraphStyle(name, fontSize=size, leading=lead, **{**base, **more})


BODY = _style("body", 8.2, 10.6)
SMALL = _style("small", 7.2, 9.2, textColor=FAINT)
CELL = _style("cell", 7.4, 9.2)
CELL_RIGHT = _style("cell right", 7.4, 9.2, alignment=TA_RIGHT)
CELL_BOLD = _style("cell bold", 7.4, 9.2, fontName=BOLD)
HEADING = _style("heading", 6.7, 8.2, textColor=FAINT)
HEADING_RIGHT = _style("heading right", 6.7, 8.2, textColor=FAINT, alignment=TA_RIGHT)
MONOSPACED = _style("mono", 6.6, 8.6, fontName=MONO)
TITLE = _style("title", 17, 20, fontName=BOLD)
SECTION = _style("section", 11, 14, fontName=BOLD, spaceBefore=11, spaceAfter=3)
BELOW_HEADING = 80
"""Points that must be free for a section to begin on a page."""
LABEL = _style("label", 6.7, 8.4, textColor=FAINT)
FIGURE = _style("figure", 12, 14.5, fontName=BOLD)


def paragraph(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """Return text, in which nothing is markup, as a paragraph."""
    return Paragraph(words(text, style.fontName), style)


def section(text: str) -> tuple[Flowable, Flowable]:
    """Return a heading that never stands alone at the foot of a page."""
    return CondPageBreak(BELOW_HEADING), paragraph(text, SECTION)


def bold_first(bold: str, rest: str, style: ParagraphStyle = BODY) -> Paragraph:
    """Return a paragraph that begins with bold words."""
    return Paragraph(f'<font name="{BOLD}">{words(bold, BOLD)}</font> {words(rest)}', style)


Cell = str | Paragraph
"""What stands in a table: text, or what is set already and not long."""


class Column(NamedTuple):
    """A column of a table: its heading, its part of the width, and whether it holds numbers."""

    heading: str
    part: float
    number: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Table:
    """Return a table over the whole width, whose head is repeated on each page."""
    whole = sum(one.part for one in columns)
    head = [paragraph(one.heading, HEADING_RIGHT if one.number else HEADING) for one in columns]
    widths = [WIDTH * one.part / whole for one in columns]
    cells = [
        [_set(cell, column) for column, cell in zip(columns, short, strict=True)]
        for row in rows
        for short in _short_rows(row, widths)
    ]
    made = Table(
        [head, *cells],
        colWidths=widths,
        repeatRows=1,
        splitByRow=1,
        spaceBefore=2,
        spaceAfter=4,
    )
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.7, FAINT),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-2, -1), 6),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2.2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
            ]
        )
    )
    return made


def _set(cell: Cell, column: Column) -> Paragraph:
    if isinstance(cell, str):
        return paragraph(cell, CELL_RIGHT if column.number else CELL)
    return cell


def _short_rows(row: Sequence[Cell], widths: Sequence[float]) -> Iterator[tuple[Cell, ...]]:
    """Yield a row as rows of which each has room on a page: who writes much is read in full."""
    parts = [
        _parts(cell, width) if isinstance(cell, str) else [cell]
        for cell, width in zip(row, widths, strict=True)
    ]
    yield from zip_longest(*parts, fillvalue="")


def _parts(text: str, width: float) -> list[Cell]:
    """Return a text in parts of which each has about HIGHEST lines in so wide a column."""
    a_line = max(1, int(width / A_SIGN))
    lines = [part for one in text.split("\n") for part in (wrap(one, a_line) or [""])]
    if len(lines) <= HIGHEST:
        return [text]
    return [" ".join(lines[first : first + HIGHEST]) for first in range(0, len(lines), HIGHEST)]
