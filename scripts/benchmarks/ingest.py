"""From a broker's packet to commit, verdict and history: speed, CPU, bytes, memory, PUBACK."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.measures.bench import QUICK, Bench, Size
from scripts.benchmarks.measures.chart import week_chart
from scripts.benchmarks.measures.drain import (
    against_client,
    against_client_defaults,
    by_devices,
    memory,
)
from scripts.benchmarks.measures.figure import Figure, Group, table
from scripts.benchmarks.measures.live import bytes_at_rate, bytes_when_quiet, puback
from scripts.benchmarks.measures.machine import machine

MEASUREMENTS: tuple[tuple[tuple[str, ...], Callable[[Bench], Group]], ...] = (
    (("broker_ratio", "cpu_cost", "bytes_per_reading_bulk"), against_client),
    (("broker_ratio_defaults",), against_client_defaults),
    (("devices_growth_20k", "devices_growth_100k"), by_devices),
    (("bytes_per_reading_1k",), bytes_at_rate),
    (("bytes_per_reading_1hz",), bytes_when_quiet),
    (("sync_ms", "puback_p50_ms", "puback_p99_ms"), puback),
    (("week_chart_ms",), week_chart),
    (("rss_idle_mb", "rss_loaded_mb"), memory),
)
"""Which figures come from which measurement, in the order in which they are made."""

NAMES = tuple(name for names, _ in MEASUREMENTS for name in names)
REAL_DISK = Path("/var/tmp")  # noqa: S108 - a new folder of a random name is made in it
"""Survives a restart by its definition, so it lies on a disk, which /tmp may not."""


def _names(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    unknown = ", ".join(sorted(names - set(NAMES)))
    if unknown:
        raise argparse.ArgumentTypeError(f"no figure {unknown}. There are: {', '.join(NAMES)}")
    return names


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench ingest",
        description="Measures Holdwatch on this machine. The full run takes about ten "
        "minutes. Everything stays on this machine, in a folder that is removed at the end.",
    )
    parser.add_argument(
        "--only", type=_names, metavar="NAME,…", help=f"only these figures: {', '.join(NAMES)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="show that it works; its figures mean nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--folder", type=Path, default=REAL_DISK, help="where to work: on the disk to be measured"
    )
    return parser.parse_args(given)


def measure(bench: Bench, wanted: frozenset[str]) -> tuple[list[Figure], dict[str, object]]:
    """Measure the wanted figures; return them and every run behind them."""
    figures: list[Figure] = []
    runs: dict[str, object] = {}
    for names, measurement in MEASUREMENTS:
        if wanted.isdisjoint(names):
            continue
        group = measurement(bench)
        figures += [one for one in group.figures if one.name in wanted]
        runs |= group.runs
    return figures, runs


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
    arguments = _arguments(given)
    console, progress = Console(), Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="holdwatch-bench-", dir=arguments.folder))
    began = time.monotonic()
    runs: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(folder),
        "quick": arguments.quick,
    }
    try:
        with progress.status("starting") as status:

            def tell(line: str) -> None:
                status.update(line)
                if not progress.is_terminal:
                    progress.print(f"{time.monotonic() - began:6.0f} s  {line}", highlight=False)

            bench = Bench(folder, QUICK if arguments.quick else Size(), tell)
            figures, more = measure(bench, arguments.only or frozenset(NAMES))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    runs |= more
    quick = " --quick: these figures mean nothing" if arguments.quick else ""
    console.print(table(figures, f"scripts/bench ingest{quick}"))
    spent = runs.get("stages_us")
    if spent is not None:
        console.print(_stages(msgspec.convert(spent, dict[str, float])))
    if arguments.json:
        content = {
            "figures": {one.name: one.value for one in figures},
            "table": figures,
            "runs": runs,
        }
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
