"""From a broker's packet to commit, verdict and history: speed, CPU, bytes, memory, PUBACK."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from scripts.benchmarks.measures.chart import week_chart
from scripts.benchmarks.measures.drain import (
    against_client,
    against_client_defaults,
    by_devices,
    memory,
    with_five_rules,
)
from scripts.benchmarks.measures.figure import stages
from scripts.benchmarks.measures.live import bytes_at_rate, bytes_when_quiet, puback
from scripts.benchmarks.measures.program import Measurements, run

MEASUREMENTS: Measurements = (
    (("broker_ratio", "cpu_cost", "bytes_per_reading_bulk"), against_client),
    (("broker_ratio_defaults",), against_client_defaults),
    (("cpu_cost_rules",), with_five_rules),
    (("devices_growth_20k", "devices_growth_100k"), by_devices),
    (("bytes_per_reading_1k",), bytes_at_rate),
    (("bytes_per_reading_1hz",), bytes_when_quiet),
    (("sync_ms", "puback_p50_ms", "puback_p99_ms"), puback),
    (("week_chart_ms",), week_chart),
    (("rss_idle_mb", "rss_loaded_mb"), memory),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    runs = run("ingest", "ten", MEASUREMENTS, given)
    spent = runs.get("stages_us")
    if spent is not None:
        shown = stages(msgspec.convert(spent, dict[str, float]), "CPU of one reading")
        Console().print(shown)


if __name__ == "__main__":
    main(sys.argv[1:])
