"""Copies to InfluxDB: a backlog's speed, what the intake keeps beside it, and an outage."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from scripts.benchmarks.measures.attached import live
from scripts.benchmarks.measures.copying import against_loop
from scripts.benchmarks.measures.figure import stages
from scripts.benchmarks.measures.outage import acknowledgements, memory
from scripts.benchmarks.measures.program import Measurements, run

MEASUREMENTS: Measurements = (
    (
        (
            *("drain_ratio", "drain_per_s", "loop_per_s"),
            *("drain_ratio_4", "loop_per_s_4", "drain_rss_mb"),
        ),
        against_loop,
    ),
    (("live_ratio", "live_rate", "live_rate_without", "catch_up_s"), live),
    (
        (
            *("outage_p99_ratio", "outage_p99_ratio_refused", "outage_p99_ratio_frozen"),
            *("puback_p99_ms_without", "puback_p99_ms_refused", "puback_p99_ms_frozen"),
        ),
        acknowledgements,
    ),
    (
        (
            *("outage_rss_growth_mb", "growth_mb_outage", "growth_mb_without"),
            *("rss_peak_mb_outage", "rss_peak_mb_without"),
        ),
        memory,
    ),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    runs = run("influxdb", "nine", MEASUREMENTS, given)
    spent = runs.get("copy_stages_us")
    if spent is not None:
        title = "A reading on its way, one batch after the other"
        Console().print(stages(msgspec.convert(spent, dict[str, float]), title))


if __name__ == "__main__":
    main(sys.argv[1:])
