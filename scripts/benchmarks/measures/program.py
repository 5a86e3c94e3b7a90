"""What every benchmark does alike: its arguments, its folder, its table, its JSON."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from scripts.benchmarks.measures.bench import QUICK, Bench, Size
from scripts.benchmarks.measures.figure import Figure, Group, table
from scripts.benchmarks.measures.machine import machine

Measurements = Sequence[tuple[tuple[str, ...], Callable[[Bench], Group]]]
"""Which figures come from which measurement, in the order in which they are made."""

REAL_DISK = Path("/var/tmp")  # noqa: S108 - a new folder of a random name is made in it
"""Survives a restart by its definition, so it lies on a disk, which /tmp may not."""


def _arguments(
    name: str, minutes: str, known: Sequence[str], given: Sequence[str]
) -> argparse.Namespace:
    def names(text: str) -> frozenset[str]:
        wanted = frozenset(text.split(","))
        unknown = ", ".join(sorted(wanted - set(known)))
        if unknown:
            raise argparse.ArgumentTypeError(f"no figure {unknown}. There are: {', '.join(known)}")
        return wanted

    parser = argparse.ArgumentParser(
        prog=f"scripts/bench {name}",
        description=f"Measures Holdwatch on this machine. The full run takes about {minutes} "
        "minutes. Everything stays on this machine, in a folder that is removed at the end.",
    )
    parser.add_argument(
        "--only", type=names, metavar="NAME,…", help=f"only these figures: {', '.join(known)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="show that it works; its figures mean nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--folder", type=Path, default=REAL_DISK, help="where to work: on the disk to be measured"
    )
    return parser.parse_args(given)


def _measure(
    bench: Bench, measurements: Measurements, wanted: frozenset[str]
) -> tuple[list[Figure], dict[str, object]]:
    """Measure the wanted figures; return them and every run behind them."""
    figures: list[Figure] = []
    runs: dict[str, object] = {}
    for names, measurement in measurements:
        if wanted.isdisjoint(names):
            continue
        group = measurement(bench)
        figures += [one for one in group.figures if one.name in wanted]
        runs |= group.runs
    return figures, runs


def run(
    name: str, minutes: str, measurements: Measurements, given: Sequence[str]
) -> dict[str, object]:
    """Measure what the arguments ask for, show it, write it; return every run behind it.

    `minutes` says how long a full run takes.
    """
    known = [one for names, _ in measurements for one in names]
    arguments = _arguments(name, minutes, known, given)
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
            figures, more = _measure(bench, measurements, arguments.only or frozenset(known))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    runs |= more
    quick = " --quick: these figures mean nothing" if arguments.quick else ""
    console.print(table(figures, f"scripts/bench {name}{quick}"))
    if arguments.json:
        content = {
            "figures": {one.name: one.value for one in figures},
            "table": figures,
            "runs": runs,
        }
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    return runs
