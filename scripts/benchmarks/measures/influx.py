"""Debian's InfluxDB, started for a measurement, with a fresh database for each run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.kernel import cpu
from tests.influxdb import RunningInflux

LOOK = 0.5
"""Seconds between two looks at whether it has work to do."""
IDLE = 0.02
"""Share of one processor that it may take meanwhile, and is idle."""
PATIENCE = 30.0
"""Seconds after which a run begins all the same."""
COUNT = 'SELECT count("temperature") FROM "readings"'


@contextmanager
def influxdb(bench: Bench) -> Iterator[RunningInflux]:
    """Run one on a port of its own, over a folder of the benchmark."""
    with RunningInflux(bench.fresh("influxdb")) as running:
        yield running


@contextmanager
def database(server: RunningInflux, count: int) -> Iterator[str]:
    """Give a fresh database, once the server has nothing else to do.

    Afterwards it must hold `count` readings, each once, or RuntimeError; and it is dropped.
    """
    _rest(server.pid)
    name = server.database()
    yield name
    held = sum(row["count"] for row in server.rows(name, COUNT))
    if held != count:
        raise RuntimeError(f"InfluxDB holds {held} of {count} readings")
    server.query("", f'DROP DATABASE "{name}"')


def _rest(pid: int) -> None:
    """Wait until the server has packed away what it got in the run before."""
    end = time.monotonic() + PATIENCE
    spent = cpu(pid)
    while time.monotonic() < end:
        time.sleep(LOOK)
        before, spent = spent, cpu(pid)
        if spent - before < IDLE * LOOK:
            return
