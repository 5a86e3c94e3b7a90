"""The tables behind the first page: every figure of the verdict, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportlab.platypus import Spacer

from gateway.consignments.report_pdf.chart import ChartFlowable
from gateway.consignments.report_pdf.look import (
    Column,
    paragraph,
    section,
    table,
)
from gateway.consignments.wording import (
    NONE,
    PARTLY,
    budget_amount,
    budget_cases,
    channel_words,
    length,
    mean_words,
    minus,
    number,
    numbers,
    out_words,
    with_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable

    from devices.reading import DeviceKey
    from gateway.consignments.report import Report
    from gateway.consignments.wording import Times
    from rules.cargo.verdict import Band, Excursion, Extreme


def excursions(report: Report, times: Times) -> Iterator[Flowable]:
    """Yield every time out of range: how long, how far, where, and in whose custody."""
    yield from section("Excursions")
    found = report.verdict.excursions
    if not found:
        yield paragraph("No value was seen out of range.")
        return
    columns = [
        *(Column("No.", 4, number=True), Column("Channel", 10), Column("From, to", 15)),
        *(Column("Out of range", 11), Column("Worst", 13.5), Column("Custody", 12)),
        *(Column("Place", 15), Column("Explanation, alerts", 22)),
    ]
    yield table(columns, [_excursion(one, report, times) for one in found])


def _excursion(one: Excursion, report: Report, times: Times) -> list[str]:
    unit = _unit(report, one.channel)
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
        out_words(one),
        "\n".join(
            (
                with_unit(one.worst, unit),
                times.minute(one.worst_at),
                sensor_name(report, one.worst_sensor),
            )
        ),
        shares,
        one.place,
        minus(one.explanation) + alerts,
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
                    mean_words(one.mean, one.unit),
                    NONE
                    if one.mkt is None
                    else f"{numbers(one.mkt, one.unit)}, {number(one.energy, 3)} kJ/mol",
                    length(one.known),
                    length(one.unknown)
                    + (f"\nand {length(one.partly)} {PARTLY}" if one.partly else ""),
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
                minus(one.label) + (" (should be)" if one.inside else ""),
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


def _edges(band: Band, unit: str) -> str:
    if band.low is None:
        return f"up to {with_unit(band.high, unit)}" if band.high is not None else "all"
    if band.high is None:
        return f"from {with_unit(band.low, unit)}"
    return f"{number(band.low)} to {with_unit(band.high, unit)}"


def _extreme(report: Report, one: Extreme | None, unit: str, times: Times) -> str:
    if one is None:
        return NONE
    return (
        f"{with_unit(one.value, unit)}\n{times.minute(one.when)}\n{sensor_name(report, one.sensor)}"
    )


def sensor_name(report: Report, key: DeviceKey) -> str:
    """Return what people call a sensor, else its key."""
    name = next((one.name for one in report.sensors if one.key == key), "")
    return name or str(key)


def _unit(report: Report, channel: str) -> str:
    quantity = channel.partition(".")[0]
    for one in report.verdict.statistics:
        if one.channel.partition(".")[0] == quantity:
            return one.unit
    return ""
