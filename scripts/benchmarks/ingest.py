"""From a broker's packet to commit, verdict and history: speed, CPU, bytes, memory, PUBACK."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.measures.chart import week_chart
from scripts.benchmarks.measures.drain import (
    against_client,
    against_client_defaults,
    by_devices,
    memory,
)
from scripts.benchmarks.measures.live import bytes_at_rate, bytes_when_quiet, puback
from scripts.benchmarks.measures.program import Measurements, run

MEASUREMENTS: Measurements = (
    (("broker_ratio", "cpu_cost", "bytes_per_reading_bulk"), against_client),
    (("broker_ratio_defaults",), against_client_defaults),
    (("devices_growth_20k", "devices_growth_100k"), by_devices),
    (("bytes_per_reading_1k",), bytes_at_rate),
    (("bytes_per_reading_1hz",), bytes_when_quiet),
    (("sync_ms", "puback_p50_ms", "puback_p99_ms"), puback),
    (("week_chart_ms",), week_chart),
    (("rss_idle_mb", "rss_loaded_mb"), memory),
)


def _stages(stages: dict[str, float]) -> Table:
    shown = Table(title="CPU of one reading")
    shown.add_column("stage")
    shown.add_column("µs", justify="right")
    for name, spent in stages.items():
        shown.add_row(name, f"{spent:.2f}")
    shown.add_section()
    shown.add_row("together", f"{sum(stages.values()):.2f}")
    return shown


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    runs = run("ingest", "ten", MEASUREMENTS, given)
    spent = runs.get("stages_us")
    if spent is not None:
        Console().print(_stages(msgspec.convert(spent, dict[str, float])))


if __name__ == "__main__":
    main(sys.argv[1:])
