"""The first page: the verdict in one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

from gateway.consignments.report import WORDS, short, standing
from gateway.consignments.report_pdf.chart import ChartFlowable, limits_of
from gateway.consignments.report_pdf.look import (
    BODY,
    BOLD,
    FIGURE,
    LABEL,
    LINE,
    PALE,
    SMALL,
    TITLE,
    TONES,
    WIDTH,
    bold_first,
    paragraph,
    words,
)
from gateway.consignments.wording import (
    NONE,
    PARTLY,
    budget_amount,
    budget_cases,
    channel_words,
    cut,
    length,
    mean_words,
    minus,
    number,
    with_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable

    from gateway.consignments.report import Decision, Report, Version
    from gateway.consignments.wording import Times
    from rules.cargo.verdict import Statistic

REASONS = 5
"""Of the proposal, as many as the first page has room for; the criteria name all."""
LONG_TITLE = 34
IN_ROW = 6
"""Key figures in a row, at most."""
LONGEST = 220
"""Letters of a text on the first page that stands in full further back."""
BELOW = 44
"""Points that the lines below the chart take."""
LEGEND = (
    "Green: the range that the goods should be in. Red: an excursion. "
    "Hatched: nobody knows; below, custody that is not confirmed."
)


def front(version: Version, times: Times) -> Iterator[Flowable]:
    """Yield what stands on the first page."""
    report = version.report
    yield from _head(report, times)
    yield _boxes(version, times)
    yield Spacer(0, 7)
    yield _figures(report)
    yield Spacer(0, 6)
    if report.charts:
        yield ChartFlowable(report, report.charts[0], times, BELOW)
        yield paragraph(LEGEND, SMALL)
    yield Spacer(0, 4)
    yield Paragraph(
        f"Digest of this report (SHA-256), in short "
        f'<font name="{BOLD}">{short(version.digest)}</font>: in full below on each page; '
        f'of its figures alone <font name="{BOLD}">{short(version.substance)}</font>. '
        f"{words(times.note)}.",
        SMALL,
    )


def _head(report: Report, times: Times) -> Iterator[Flowable]:
    one, verdict = report.consignment, report.verdict
    size = 17 if len(one.id) <= LONG_TITLE else 12
    style = TITLE.clone("title here", fontSize=size, leading=size * 1.2)
    yield paragraph("Consignment report", LABEL)
    yield paragraph(one.id, style)
    if one.description:
        yield paragraph(cut(one.description, LONGEST))
    yield Spacer(0, 3)
    title = str(report.profile.get("title", one.goods))
    facts = [("Goods", f"{title} ({verdict.version})")]
    if one.quantity is not None:
        worth = f", worth {number(one.value)} {one.currency}" if one.value is not None else ""
        facts.append(("Quantity", f"{number(one.quantity, 3)} {one.unit}{worth}"))
    elif one.value is not None:
        facts.append(("Value", f"{number(one.value)} {one.currency}"))
    origin, destination = one.origin.name or NONE, one.destination.name or NONE
    facts.append(("Route", cut(f"{origin} → {destination}", LONGEST)))
    spent = length(verdict.until - verdict.since)
    facts.append(
        ("Judged", f"{times.minute(verdict.since)} to {times.minute(verdict.until)}, {spent}")
    )
    facts.append(("Stage", standing(one)))
    cells = [[paragraph(name, LABEL), paragraph(text)] for name, text in facts]
    made = Table(cells, colWidths=[46, WIDTH - 46], spaceAfter=5)
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0.6),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.6),
                ("TOPPADDING", (0, 0), (0, -1), 2),
            ]
        )
    )
    yield made


def _boxes(version: Version, times: Times) -> Table:
    """Return proposal and decision side by side, each in its colour and in words."""
    verdict, decision = version.report.verdict, version.decision
    proposal, decided = TONES[verdict.proposal], TONES[decision.meaning if decision else ""]
    half = (WIDTH - 8) / 2
    made = Table(
        [[_proposal(version.report), "", _decision(version, times)]], colWidths=[half, 8, half]
    )
    style: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ("RIGHTPADDING", (0, 0), (-1, -1), 7),
        ("TOPPADDING", (0, 0), (-1, -1), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    for column, tone in ((0, proposal), (2, decided)):
        style += [
            ("BACKGROUND", (column, 0), (column, 0), tone.pale),
            ("LINEBEFORE", (column, 0), (column, 0), 3, tone.strong, "butt"),
        ]
    made.setStyle(TableStyle(style))
    return made


def _proposal(report: Report) -> list[Flowable]:
    verdict = report.verdict
    tone = TONES[verdict.proposal]
    style = FIGURE.clone("proposal", textColor=tone.strong, fontSize=15, leading=19)
    found: list[Flowable] = [
        paragraph("Proposed by the profile's criteria", LABEL),
        paragraph(verdict.proposal.upper(), style),
    ]
    bullet = BODY.clone("reason", leftIndent=8, bulletIndent=0, spaceBefore=1)
    found += [
        Paragraph(words(cut(minus(one), LONGEST)), bullet, bulletText="•")
        for one in verdict.reasons[:REASONS]
    ]
    if len(verdict.reasons) > REASONS:
        found.append(paragraph(f"and {len(verdict.reasons) - REASONS} more: see Criteria", SMALL))
    return found


def _decision(version: Version, times: Times) -> list[Flowable]:
    decision = version.decision
    tone = TONES[decision.meaning if decision else ""]
    style = FIGURE.clone("decision", textColor=tone.strong, fontSize=15, leading=19)
    if decision is None:
        return [
            paragraph("Decision", LABEL),
            paragraph("NOT DECIDED", style),
            paragraph("This is a draft: nobody has signed it."),
            *_earlier(version.report, times),
        ]
    return [
        paragraph(f"Decision, report version {version.number}", LABEL),
        paragraph(WORDS[decision.meaning].upper(), style),
        *_signature(decision, times),
        *_earlier(version.report, times),
    ]


def _signature(decision: Decision, times: Times) -> Iterator[Flowable]:
    yield bold_first(decision.name, f"({decision.login})")
    yield paragraph(f"signed {times.second(decision.at)}, by password")
    if decision.reason:
        yield bold_first("Reason:", decision.reason)
    yield paragraph(f"for the report {short(decision.digest)}", SMALL)


def _earlier(report: Report, times: Times) -> Iterator[Flowable]:
    for one in report.earlier[-2:]:
        decision = one.decision
        yield paragraph(
            f"Before: version {one.version}, {WORDS[decision.meaning]} by {decision.login}, "
            f"{times.minute(decision.at)}",
            SMALL,
        )


def _figures(report: Report) -> Table:
    """Return the key figures as cards, in rows of equal length."""
    cards = list(_cards(report))
    count = -(-len(cards) // -(-len(cards) // IN_ROW))
    rows = [cards[first : first + count] for first in range(0, len(cards), count)]
    cells = [[*row, *[""] * (count - len(row))] for row in rows]
    made = Table(cells, colWidths=[WIDTH / count] * count)
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (-1, -1), PALE),
                ("LINEAFTER", (0, 0), (-2, -1), 0.5, LINE),
                ("LINEBELOW", (0, 0), (-1, -2), 0.5, LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 6),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 4),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
            ]
        )
    )
    return made


def _cards(report: Report) -> Iterator[list[Flowable]]:
    verdict = report.verdict
    # That of the first chart: what the goods have a range for comes first there.
    leading = report.charts[0].channel if report.charts else ""
    statistics = sorted(verdict.statistics, key=lambda one: one.channel != leading)
    if statistics:
        yield from _measured(report, statistics[0])
    out = sum(one.out for one in verdict.excursions)
    still = any(one.end is None for one in verdict.excursions)
    count = len(verdict.excursions)
    yield _card(
        "Excursions",
        str(count),
        f"{length(out)} out of range" + (", still lasting" if still else "")
        if count
        else "none was seen",
    )
    share = verdict.unknown / max(1, verdict.until - verdict.since) * 100
    partly = f"; {length(verdict.partly)} {PARTLY}" if verdict.partly else ""
    told = f"{number(share, 1)} % of the time{partly}"
    yield _card("Nobody knows", length(verdict.unknown), told)
    for one in verdict.budgets[:3]:
        yield _card(
            f"Budget left: {cut(one.rule, 40)}",
            budget_amount(one, one.left.known),
            f"of {budget_amount(one, one.allowed)}, used {budget_cases(one, one.used)}",
        )


def _measured(report: Report, one: Statistic) -> Iterator[list[Flowable]]:
    limits = limits_of(report, one.channel)
    name = channel_words(one.channel)
    for label, extreme, limit, words_of in (
        (f"{name}, lowest", one.lowest, limits.low, "not below"),
        (f"{name}, highest", one.highest, limits.high, "not above"),
    ):
        allowed = "no limit" if limit is None else f"{words_of} {with_unit(limit, one.unit)}"
        yield _card(label, with_unit(extreme.value if extreme else None, one.unit), allowed)
    yield _card("Mean, by time", mean_words(one.mean, one.unit), f"{one.readings:,} readings")
    if one.mkt is not None:
        cases = one.mkt
        more = (
            f"{mean_words(cases.best, '')} to {mean_words(cases.worst, '')} with gaps"
            if cases.best != cases.worst
            else f"at {number(one.energy, 3)} kJ/mol"
        )
        yield _card("Mean kinetic", mean_words(cases.known, one.unit), more)


def _card(label: str, figure: str, more: str) -> list[Flowable]:
    style = FIGURE.clone("figure", fontSize=12 if len(figure) <= 11 else 9)
    return [paragraph(label, LABEL), paragraph(figure, style), paragraph(more, SMALL)]
