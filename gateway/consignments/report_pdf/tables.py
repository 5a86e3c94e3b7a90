"""The tables behind the first page: every figure of the verdict, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportlab.platypus import Spacer

from gateway.consignments.report_pdf.chart import ChartFlowable
from gateway.consignments.report_pdf.look import (
    MONOSPACED,
    SMALL,
    Column,
    paragraph,
    section,
    table,
)
from gateway.consignments.wording import (
    NONE,
    STILL,
    UNKNOWN,
    budget_amount,
    budget_cases,
    channel_words,
    length,
    number,
    numbers,
    with_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable, Paragraph

    from devices.reading import DeviceKey
    from gateway.consignments.report import Alerted, Report, Sensor
    from gateway.consignments.wording import Times
    from rules.cargo.consignment import Leg
    from rules.cargo.verdict import Band, Excursion, Extreme

MOMENTS = frozenset({"until"})
LENGTHS = frozenset({"ignore", "carried", "wait"})
"""Fields of facts that are times, and lengths of time, ms."""


def excursions(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield every time out of range: how long, how far, where, and in whose custody."""
    yield from section("Excursions")
    found = report.verdict.excursions
    if not found:
        yield paragraph("No value was seen out of range.")
        return
    columns = [
        *(Column("No.", 4, number=True), Column("Channel", 11), Column("From, to", 16)),
        *(Column("Out of range", 11), Column("Worst", 15), Column("Custody", 14)),
        *(Column("Place", 10), Column("Explanation, alerts", 22)),
    ]
    yield table(columns, [_excursion(one, report, times) for one in found])


def _excursion(one: Excursion, report: Report, times: Times) -> list[str]:
    unit = _unit(report, one.channel)
    unknown = f"\nand {length(one.unknown)} {UNKNOWN}" if one.unknown else ""
    shares = "\n".join(
        f"{share.custodian}: {length(share.time)}"
        + (f", leg {share.leg}" if share.leg is not None else "")
        + ("" if share.confirmed else ", unconfirmed")
        for share in one.shares
    )
    alerts = f"\nAlerts: {', '.join(one.alerts)}" if one.alerts else ""
    return [
        str(one.number),
        f"{channel_words(one.channel)}\n{one.side}",
        times.span(one.begin, one.end),
        length(one.out) + unknown,
        "\n".join(
            (
                with_unit(one.worst, unit),
                times.minute(one.worst_at),
                _sensor(report, one.worst_sensor),
            )
        ),
        shares,
        one.place,
        one.explanation + alerts,
    ]


def statistics(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield lowest, highest and mean of every channel, and time in each band."""
    yield from section("What was measured")
    if not report.verdict.statistics:
        yield paragraph("Nothing was measured.")
    else:
        columns = [
            *(Column("Channel", 14), Column("Readings", 8, number=True), Column("Lowest", 17)),
            *(Column("Highest", 17), Column("Mean by time", 11, number=True)),
            *(Column("Mean kinetic temperature", 20), Column("Known", 11), Column("Unknown", 11)),
        ]
        yield table(
            columns,
            [
                [
                    channel_words(one.channel),
                    f"{one.readings:,}",
                    _extreme(report, one.lowest, one.unit, times),
                    _extreme(report, one.highest, one.unit, times),
                    with_unit(one.mean, one.unit),
                    NONE
                    if one.mkt is None
                    else f"{numbers(one.mkt, one.unit)}, {number(one.energy, 3)} kJ/mol",
                    length(one.known),
                    length(one.unknown)
                    + (f"\nand {length(one.partly)} known in part" if one.partly else ""),
                ]
                for one in report.verdict.statistics
            ],
        )
    for chart in report.charts[1:]:
        yield ChartFlowable(report, chart, times)
        yield Spacer(0, 6)


def bands(report: Report, _times: Times) -> Iterator[Flowable]:
    """Yield how long each channel was in which band."""
    if not report.verdict.bands:
        return
    yield from section("Time in bands")
    columns = [
        *(Column("Channel", 14), Column("Band", 22), Column("From, to", 16)),
        *(Column("Known", 16), Column("At best", 16), Column("At worst", 16)),
    ]
    yield table(
        columns,
        [
            [
                channel_words(one.channel),
                one.label + (" (should be)" if one.inside else ""),
                _edges(one, _unit(report, one.channel)),
                *(length(case) for case in (one.time.known, one.time.best, one.time.worst)),
            ]
            for one in report.verdict.bands
        ],
    )


def budgets(report: Report, _times: Times) -> Iterator[Flowable]:
    """Yield what of each budget is used and left."""
    if not report.verdict.budgets:
        return
    yield from section("Budgets")
    columns = [
        *(Column("Rule", 22), Column("Allowed", 12), Column("Used before", 14)),
        *(Column("Used in all", 26), Column("Left", 26)),
    ]
    yield table(
        columns,
        [
            [
                one.rule,
                budget_amount(one, one.allowed),
                budget_amount(one, one.carried),
                budget_cases(one, one.used),
                budget_cases(one, one.left),
            ]
            for one in report.verdict.budgets
        ],
    )


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
        "SHA-256 over a line of time and identity for each reading that counts.",
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
        named + (f"\n{one.model}" if one.model else ""),
        spans,
        certificates or "none is stated",
        f"{one.readings:,}",
        paragraph(one.digest, MONOSPACED),
    ]


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
                    f"{one.kind}{', withdrawn' if one.withdrawn else ''}\n{_fact(one.fact, times)}",
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
                    _sensor(report, one.sensor),
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
    what = f"{channel_words(alert.channel)} {alert.limit}"
    late = ", found afterwards" if alert.retrospective else ""
    return [
        f"{alert.id}\n{alert.rule} ({alert.version})",
        f"{alert.severity}, {alert.state}{late}\n{what}\n{alert.reason}",
        times.span(alert.began, alert.ended),
        with_unit(alert.worst, alert.unit),
        acts or NONE,
    ]


def _fact(fact: dict[str, object], times: Times) -> str:
    """Return what a fact says, in few words; it is whole in the report's data."""
    told = ((name, _value(name, value, times)) for name, value in fact.items())
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in told if text)


def _value(name: str, value: object, times: Times) -> str:
    """Return a field of a fact as people read it, "" where it says nothing."""
    if isinstance(value, int) and name in MOMENTS:
        return times.minute(value)
    if isinstance(value, int) and name in LENGTHS:
        return length(value) if value else ""
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if isinstance(value, list | tuple):
        if name == "sensor":
            return "/".join(str(one) for one in value if one)
        parts = (one.get("id", "") if isinstance(one, dict) else str(one) for one in value)
        named = ", ".join(filter(None, parts))
        return named or (f"({len(value)})" if value else "")
    return str(value) if value else ""


def _edges(band: Band, unit: str) -> str:
    if band.low is None:
        return f"up to {with_unit(band.high, unit)}" if band.high is not None else "all"
    if band.high is None:
        return f"from {with_unit(band.low, unit)}"
    return f"{number(band.low)} to {with_unit(band.high, unit)}"


def _extreme(report: Report, one: Extreme | None, unit: str, times: Times) -> str:
    if one is None:
        return NONE
    return f"{with_unit(one.value, unit)}\n{times.minute(one.when)}\n{_sensor(report, one.sensor)}"


def _sensor(report: Report, key: DeviceKey) -> str:
    name = next((one.name for one in report.sensors if one.key == key), "")
    return name or str(key)


def _unit(report: Report, channel: str) -> str:
    quantity = channel.partition(".")[0]
    for one in report.verdict.statistics:
        if one.channel.partition(".")[0] == quantity:
            return one.unit
    return ""
