"""A site on which hardly anything happens: 100 sensors that send once a minute, and nobody looks.

The gateway runs as it is installed, `holdwatch run` with its page: all its processes count.
What is written includes what it writes when it stops, so a day is rather told too high.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.kernel import cpu, resident, written
from simulators.fleet import LONGEST, BrokerError, send
from simulators.load import messages
from tests.broker import free_port

SENSORS = 100
INTERVAL = 60.0
"""Seconds from one reading of a sensor to its next."""
CONNECTIONS = 20
DAY = 86_400.0
PATIENCE = 60.0

SETTINGS = """\
[gateway]
box = "quiet"
data = "{folder}/data"

[[listeners]]
port = {mqtt}
anonymous = true

[web]
port = {web}

[journal]
commit_interval = "{commit}"

[[devices]]
match = "*"
interval = "1 min"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"

[[rules]]
name = "too-cold"
kind = "threshold"
channel = "temperature"
below = 2.0
for = "60 min"

[[rules]]
name = "gone"
kind = "lost_contact"
after = "10 min"
"""


class Spent(NamedTuple):
    """What all processes of a gateway have used: CPU seconds, bytes written, MB resident."""

    cpu: float
    written: int
    memory: float


class Used(NamedTuple):
    """What a quiet site costs: percent of a core, bytes a day, MB."""

    percent: float
    a_day: float
    memory: float


def as_it_comes(bench: Bench) -> Group:
    """quiet_cpu_percent, quiet_written_gb_day and quiet_memory_mb, with the default settings."""
    bench.tell(f"quiet: {SENSORS} sensors for {bench.size.site_seconds:.0f} s, commits after 20 ms")
    used = _watched(bench, "20 ms")
    return Group(
        [
            figure("quiet_cpu_percent", [used.percent], at_most=2.0),
            figure("quiet_written_gb_day", [used.a_day / 1e9], at_most=2.5),
            figure("quiet_memory_mb", [used.memory]),
        ],
        {},
    )


def sparing(bench: Bench) -> Group:
    """quiet_spared_mb_day: where commit and PUBACK may wait 5 s."""
    bench.tell(f"quiet: {SENSORS} sensors for {bench.size.site_seconds:.0f} s, commits after 5 s")
    return Group(
        [figure("quiet_spared_mb_day", [_watched(bench, "5 s").a_day / 1e6], at_most=500)], {}
    )


def _watched(bench: Bench, commit: str) -> Used:
    folder = bench.fresh("quiet")
    port, web = free_port(), free_port()
    file = folder / "holdwatch.toml"
    text = SETTINGS.format(folder=folder, mqtt=port, web=web, commit=commit)
    file.write_text(text, encoding="utf-8")
    seconds, rate = bench.size.site_seconds, SENSORS / INTERVAL
    program = "from gateway.cli.main import main; main()"
    with (
        (folder / "gateway.log").open("ab") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", program, "run", "-c", file], cwd=ROOT, stderr=log
        ) as gateway,
    ):
        try:
            _send(port, SENSORS, None)  # everybody is known, and all parts have started
            time.sleep(bench.size.site_settled)
            before, began = _spent(gateway.pid), time.monotonic()
            for length in _stretches(seconds):
                _send(port, round(length * rate), rate)
            after, took = _spent(gateway.pid), time.monotonic() - began
            gateway.terminate()
            closing = written(gateway.pid)
            while gateway.poll() is None:
                # The last count that can be read is of all but its very end.
                with suppress(ProcessLookupError, FileNotFoundError, PermissionError):
                    closing = max(closing, written(gateway.pid))
                time.sleep(0.001)
        finally:
            gateway.kill()
    bytes_ = after.written - before.written + max(0, closing - after.written)
    return Used(
        (after.cpu - before.cpu) / took * 100,
        bytes_ / took * DAY,
        after.memory,
    )


def _stretches(seconds: float) -> Iterator[float]:
    """Divide a time into parts that one load may take."""
    while seconds > 0:
        yield min(seconds, LONGEST / 2)
        seconds -= LONGEST / 2


def _send(port: int, count: int, rate: float | None) -> None:
    start = time.time_ns() // 1_000_000
    step = 1 if rate is None else 1000 / rate
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            load = messages(count, SENSORS, start, step)
            send(port, load, connections=CONNECTIONS, rate=rate)
        except BrokerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _spent(pid: int) -> Spent:
    family = _family(pid)
    return Spent(sum(map(cpu, family)), sum(map(written, family)), sum(map(resident, family)))


def _family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]
