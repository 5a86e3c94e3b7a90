"""What is new since the version that was signed before: what came, what was stated, what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.consignments.report import WORDS
from gateway.consignments.report_pdf.look import Column, paragraph, section, table
from gateway.consignments.report_pdf.tables import sensor_name
from gateway.consignments.saying import fact_words
from gateway.consignments.since import changes
from gateway.consignments.wording import NONE, minus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable

    from gateway.consignments.report import Came, Report, Since
    from gateway.consignments.wording import Times


def since(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield what is new since the version before, nothing where there was none."""
    one = report.since
    if one is None:
        return
    yield from section(f"Since version {one.version}")
    decided = next((each.decision for each in report.earlier if each.version == one.version), None)
    signed = f", and {WORDS[decided.meaning]} by {decided.name}" if decided is not None else ""
    yield paragraph(f"Version {one.version} was made {times.second(one.made)}{signed}.")
    yield from _otherwise(report, one)
    yield from _late(report, one, times)
    yield from _stated(report, one, times)


def _otherwise(report: Report, one: Since) -> Iterator[Flowable]:
    if one.verdict is None:
        yield paragraph(
            f"Version {one.version} cannot be read any more: nobody knows which figures are others."
        )
        return
    found = changes(one.verdict, report.verdict)
    if not found:
        yield paragraph("No figure is another.")
        return
    columns = [
        *(Column("What is another", 30), Column(f"Version {one.version}", 35)),
        Column("This report", 35),
    ]
    yield table(columns, [list(each) for each in found])


def _late(report: Report, one: Since, times: Times) -> Iterator[Flowable]:
    before = {each.key: each.readings for each in one.sensors}
    now = {each.key: each.readings for each in report.sensors}
    came = {each.sensor: each for each in one.came}
    rows = [
        [
            sensor_name(report, key),
            f"{before[key]:,}" if key in before else NONE,
            f"{now.get(key, 0):,}",
            *_arrived(came.get(key), times),
        ]
        for key in dict.fromkeys((*now, *before))
        if key in came or before.get(key, 0) != now.get(key, 0)
    ]
    if not rows:
        yield paragraph("No reading came that counts.")
        return
    columns = [
        *(Column("Sensor", 18), Column(f"Readings in version {one.version}", 12, number=True)),
        *(Column("Now", 9, number=True), Column("Came since then", 21)),
        *(Column("Measured", 20), Column("Received", 20)),
    ]
    yield table(columns, rows)


def _arrived(one: Came | None, times: Times) -> tuple[str, str, str]:
    if one is None:
        return NONE, NONE, NONE
    how = f"{one.readings:,}"
    if one.imported == one.readings:
        how += ", imported from a logger"
    elif one.imported:
        how += f", {one.imported:,} of them imported from a logger"
    return how, times.span(one.first, one.last), times.span(one.received, one.until)


def _stated(report: Report, one: Since, times: Times) -> Iterator[Flowable]:
    new = [each for each in report.facts if each.number in one.facts]
    if not new:
        yield paragraph("Nothing was stated.")
        return
    columns = [
        *(Column("No.", 5, number=True), Column("Stated since then", 42)),
        *(Column("True time", 16), Column("Entered", 16), Column("By", 12)),
    ]
    yield table(
        columns,
        [
            [
                str(each.number),
                minus(fact_words(each.kind, each.fact, times.minute))
                + ("\nwithdrawn" if each.withdrawn else ""),
                times.minute(each.at),
                times.minute(each.entered),
                each.who,
            ]
            for each in new
        ],
    )
