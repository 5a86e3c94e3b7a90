"""The dashboard of the gateway itself: whether it takes in, stores and passes on."""

# ruff: noqa: S608 - the queries are put together from what stands in this file alone

from __future__ import annotations

from scripts.grafana.panels import (
    GREEN,
    ORANGE,
    RED,
    Json,
    chart,
    choice,
    dashboard,
    number,
    query,
    row,
    says,
    steps,
)

THIS = '$timeFilter AND "box" =~ /^${box:regex}$/'
GROUPS = 'GROUP BY time($__interval), "box"'
GAUGES = {
    "waiting_monitor": "not judged yet",
    "waiting_history": "not in the history yet",
    "waiting_influxdb": "not in InfluxDB yet",
}


def _newest(field: str) -> Json:
    return query(f'SELECT last("{field}") FROM "gateway" WHERE {THIS}')


def _mean(fields: dict[str, str]) -> list[Json]:
    """Return a query for each field; its series is named by words, and by the box."""
    return [
        query(
            f'SELECT mean("{field}") FROM "gateway" WHERE {THIS} {GROUPS} fill(null)',
            letter=letter,
            alias=f"{words}, $tag_box",
        )
        for letter, (field, words) in zip("ABCDEF", fields.items(), strict=False)
    ]


def _more(field: str, words: str) -> Json:
    """Return a query of how much a counter grew; it begins anew with the gateway's start."""
    return query(
        f'SELECT non_negative_difference(max("{field}")) FROM "gateway" '
        f"WHERE {THIS} {GROUPS} fill(none)",
        alias=f"{words}, $tag_box",
    )


def _a_second(field: str, words: str) -> Json:
    return query(
        f'SELECT non_negative_derivative(max("{field}"), 1s) FROM "gateway" '
        f"WHERE {THIS} {GROUPS} fill(none)",
        alias=f"{words}, $tag_box",
    )


def _numbers() -> list[Json]:
    fine = steps(GREEN, (1, RED))
    return [
        number(
            "Last heard",
            "When the gateway last told how it is. It does each minute; what it says while "
            "InfluxDB is away comes afterwards.",
            query(
                f'SELECT "problems" FROM "gateway" WHERE {THIS} ORDER BY time DESC LIMIT 1',
                table=True,
            ),
            field="/^Time$/",
            unit="dateTimeFromNow",
            empty="never",
        ),
        number(
            "Problems",
            "Alerts about the gateway itself: holdwatch status says which.",
            _newest("problems"),
            thresholds=fine,
            empty="?",
        ),
        number("Open alerts", "About devices.", _newest("alerts_open"), thresholds=fine, empty="?"),
        number("Devices", "That it has ever heard.", _newest("devices"), empty="?"),
        number(
            "Rows that no InfluxDB takes",
            "Kept, with the reason: holdwatch influx rejected.",
            _newest("dead_letters"),
            thresholds=steps(GREEN, (1, ORANGE)),
            empty="?",
        ),
        number(
            "Clock",
            "Whether its own clock can be trusted.",
            _newest("clock_trusted"),
            unit="none",
            thresholds=steps(RED, (1, GREEN)),
            mappings=says({"0": ("cannot be trusted", RED), "1": ("trusted", GREEN)}),
            empty="?",
        ),
        number(
            "Room on the disk",
            "Below minimum_free, by default 64 MB, nothing is received.",
            _newest("disk_free"),
            unit="decbytes",
            thresholds=steps(RED, (500e6, ORANGE), (2e9, GREEN)),
            empty="?",
        ),
        number(
            "Memory", "Of the gateway's process.", _newest("memory"), unit="decbytes", empty="?"
        ),
    ]


def gateway() -> Json:
    """Return the dashboard."""
    return dashboard(
        "holdwatch-gateway",
        "Holdwatch: gateway",
        "The gateway itself: whether it takes in, stores and passes on, and what it needs.",
        [
            *_numbers(),
            row("Intake"),
            chart(
                "Readings a second",
                "Taken in, stored and acknowledged. No bar: nothing was taken in, or nothing told.",
                [_a_second("received", "readings")],
                unit="suffix:/s",
                draw="bars",
                least=0,
                calcs=("mean", "max"),
            ),
            chart(
                "Duplicates",
                "Readings that came again and were stored once.",
                [_more("duplicates", "duplicates")],
                unit="none",
                draw="bars",
                least=0,
                size=(6, 8),
                calcs=("sum",),
            ),
            chart(
                "In the quarantine",
                "Messages that could not be understood: holdwatch quarantine list.",
                _mean({"quarantined": "messages"}),
                unit="none",
                least=0,
                size=(6, 8),
            ),
            row("Backlogs"),
            chart(
                "What waits",
                "Readings that a follower of the journal has still to come to. InfluxDB's grow "
                "while it is away, and shrink afterwards.",
                _mean(GAUGES),
                unit="short",
                least=0,
                size=(16, 8),
            ),
            chart(
                "Rows that no InfluxDB takes",
                "Kept, with the reason: holdwatch influx rejected.",
                _mean({"dead_letters": "rows"}),
                unit="none",
                least=0,
                size=(8, 8),
            ),
            row("The machine"),
            chart(
                "Files",
                "Journal (what arrived, for days), history (for years) and state.",
                _mean(
                    {"journal_size": "journal", "history_size": "history", "state_size": "state"}
                ),
                unit="decbytes",
                least=0,
            ),
            chart(
                "Room on the disk",
                "Below minimum_free, by default 64 MB, nothing is received.",
                _mean({"disk_free": "free"}),
                unit="decbytes",
                least=0,
            ),
            chart(
                "Memory",
                "Of the gateway's process.",
                _mean({"memory": "memory"}),
                unit="decbytes",
                least=0,
            ),
            chart(
                "Processor",
                "100 % is one core, all the time.",
                [_a_second("cpu_seconds", "processor")],
                unit="percentunit",
                draw="bars",
                least=0,
                calcs=("mean", "max"),
            ),
            row("Watch"),
            chart(
                "Alerts, devices, problems",
                "Open alerts, devices that were ever heard, and alerts about the gateway itself.",
                _mean(
                    {
                        "alerts_open": "open alerts",
                        "devices": "devices",
                        "problems": "problems of the gateway",
                    }
                ),
                unit="none",
                least=0,
                draw="step",
                size=(24, 8),
            ),
        ],
        since="24h",
        variables=[choice("box", "Gateway", 'SHOW TAG VALUES FROM "gateway" WITH KEY = "box"')],
        marks=[],
    )
