"""The tables of what the figures rest on: sensors, custody, late entries, alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.consignments.report_pdf.look import (
    MONOSPACED,
    SMALL,
    Column,
    paragraph,
    section,
    table,
)
from gateway.consignments.report_pdf.tables import sensor_name
from gateway.consignments.saying import fact_words
from gateway.consignments.wording import (
    NONE,
    STILL,
    channel_words,
    length,
    minus,
    number,
    with_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable, Paragraph

    from gateway.consignments.report import Alerted, Report, Sensor
    from gateway.consignments.wording import Times
    from rules.cargo.consignment import Leg


def sensors(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield the sensors, how they were calibrated, and which readings count."""
    yield from section("Sensors and readings")
    if not report.sensors:
        yield paragraph("No sensor was assigned.")
        return
    columns = [
        *(Column("Sensor", 20), Column("Assigned", 22), Column("Calibration", 26)),
        *(Column("Readings", 9, number=True), Column("Digest of their identities", 26)),
    ]
    yield table(columns, [_sensor_row(one, report, times) for one in report.sensors])
    yield paragraph(
        f"Read up to position {report.head:,} of the journal of {report.box}. The digest is the "
        "SHA-256 over a line of time and identity for each reading that counts. A reading speaks "
        "for two and a half of its sensor's intervals.",
        SMALL,
    )


def _sensor_row(one: Sensor, report: Report, times: Times) -> list[str | Paragraph]:
    named = f"{one.name}\n{one.key}" if one.name else str(one.key)
    assigned = [a for a in report.consignment.assignments if a.sensor == one.key]
    spans = "\n".join(
        times.span(a.since, a.until) + (f"\n{a.where}" if a.where else "") for a in assigned
    )
    certificates = "\n".join(
        f"{channel_words(c.channel)}: {c.certificate or 'no certificate'}, "
        f"{times.day(c.since + 1)}, "
        + (f"good until {times.day(c.expires)}" if c.expires is not None else "no end given")
        + (f", corrected by {number(c.offset, 3)}" if c.offset else "")
        + ("" if c.good else ", was NOT within its tolerance")
        for c in one.calibrations
    )
    return [
        "\n".join(filter(None, (named, one.model, _intervals(one, times)))),
        spans,
        certificates or "none is stated",
        f"{one.readings:,}",
        paragraph(one.digest, MONOSPACED),
    ]


def _intervals(one: Sensor, times: Times) -> str:
    """Return how often a sensor is taken to send."""
    told = [
        length(each.length) + (f" since {times.minute(each.since)}" if place else "")
        for place, each in enumerate(one.intervals)
    ]
    return f"interval {', '.join(told)}" if told else ""


def custody(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield who was answerable, and the legs as planned and as they were."""
    yield from section("Custody and legs")
    if report.consignment.custody:
        columns = [Column("Custodian", 40), Column("From", 20), Column("To", 20), Column("", 20)]
        yield table(
            columns,
            [
                [
                    one.custodian,
                    times.minute(max(one.since, report.consignment.created)),
                    times.minute(one.until) if one.until is not None else STILL,
                    ("confirmed" if one.confirmed else "handover not confirmed")
                    + (f", leg {one.leg}" if one.leg is not None else ""),
                ]
                for one in report.consignment.custody
            ],
        )
    if not report.consignment.legs:
        yield paragraph("No legs are planned.")
        return
    columns = [
        *(Column("Leg", 4, number=True), Column("By", 22), Column("From, to", 30)),
        *(Column("Departed", 22), Column("Arrived", 22)),
    ]
    yield table(columns, [_leg(one, report, times) for one in report.consignment.legs])


def _leg(leg: Leg, report: Report, times: Times) -> list[str]:
    real = next((one for one in report.consignment.travelled if one.leg == leg.number), None)
    departed, arrived = (real.departed, real.arrived) if real else (None, None)
    by = f"{leg.custodian}, {leg.mode}" + (f", {leg.vehicle}" if leg.vehicle else "")
    via = f" by way of {', '.join(one.name for one in leg.via)}" if leg.via else ""
    return [
        str(leg.number),
        by + ("" if leg.heard else "\nsensors are not heard on it"),
        f"{leg.origin.name} → {leg.destination.name}{via}",
        _planned(times, leg.departs, departed),
        _planned(times, leg.arrives, arrived),
    ]


def _planned(times: Times, planned: int | None, real: int | None) -> str:
    if real is None:
        return f"planned {times.minute(planned)}" if planned is not None else NONE
    more = f"\nplanned {times.minute(planned)}" if planned not in {None, real} else ""
    return times.minute(real) + more


def entries(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield what was entered late or withdrawn, and which readings do not count."""
    late = [one for one in report.facts if one.late or one.withdrawn]
    yield from section("Late entries, excluded readings")
    if late:
        columns = [
            *(Column("No.", 5, number=True), Column("What", 26), Column("True time", 15)),
            *(Column("Entered", 15), Column("By", 13), Column("Reason", 26)),
        ]
        yield table(
            columns,
            [
                [
                    str(one.number),
                    fact_words(one.kind, one.fact, times.minute)
                    + ("\nwithdrawn" if one.withdrawn else ""),
                    times.minute(one.at),
                    times.minute(one.entered),
                    one.who,
                    one.reason or NONE,
                ]
                for one in late
            ],
        )
    else:
        yield paragraph(f"None of {len(report.facts):,} entries came late or was withdrawn.")
    if report.verdict.excluded:
        columns = [
            *(Column("Sensor", 28), Column("From", 17), Column("To", 17)),
            *(Column("Readings", 9, number=True), Column("Why they do not count", 29)),
        ]
        yield table(
            columns,
            [
                [
                    sensor_name(report, one.sensor),
                    times.minute(one.since),
                    times.minute(one.until),
                    f"{one.readings:,}",
                    one.reason,
                ]
                for one in report.verdict.excluded
            ],
        )
    else:
        yield paragraph("No reading is excluded.")


def alerts(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield the alerts, and what people did about them."""
    yield from section("Alerts")
    if not report.alerts:
        yield paragraph("There was no alert.")
        return
    columns = [
        *(Column("Alert", 18), Column("What", 28), Column("Began, ended", 16)),
        *(Column("Worst", 9, number=True), Column("What people did", 29)),
    ]
    yield table(columns, [_alert(one, times) for one in report.alerts])


def _alert(one: Alerted, times: Times) -> list[str]:
    alert = one.alert
    acts = "\n".join(
        f"{times.minute(act.at)} {act.who}: {act.kind}"
        + (f" to {act.to}" if act.to else "")
        + (f", {act.reason}" if act.reason else "")
        for act in one.acts
    )
    what = f"{channel_words(alert.channel)} {minus(alert.limit)}"
    late = ", found afterwards" if alert.retrospective else ""
    return [
        f"{alert.id}\n{alert.rule} ({alert.version})",
        f"{alert.severity}, {alert.state}{late}\n{what}\n{minus(alert.reason)}",
        times.span(alert.began, alert.ended),
        with_unit(alert.worst, alert.unit),
        acts or NONE,
    ]
