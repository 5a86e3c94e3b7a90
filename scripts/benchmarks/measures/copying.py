"""A backlog of the journal into InfluxDB, against a bare loop that posts ready-made lines."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from devices.reading import Reading
from gateway.influxdb.lines import Lines
from gateway.influxdb.server import Server, Verdict
from gateway.influxdb.sink import Sink
from gateway.journal import Journal
from gateway.settings import parse
from gateway.settings.influxdb import InfluxDB
from gateway.tagging import Tagging
from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.front import WIDE, check
from scripts.benchmarks.measures.influx import database, influxdb
from scripts.benchmarks.measures.kernel import cpu, resident_peak
from scripts.benchmarks.measures.poster import BATCH
from scripts.benchmarks.measures.publisher import Order, Publisher
from scripts.benchmarks.measures.under_test import (
    GatewayProcess,
    by_influxdb,
    by_listener,
    settings,
)
from tests.broker import free_port
from tests.influxdb import RunningInflux


class Drain(msgspec.Struct, frozen=True):
    """One backlog by the gateway. `seconds` from its start until the server had everything.

    `cpu` of the gateway and `server_cpu` of InfluxDB for a reading, µs; `memory` is the most that
    the gateway ever had, MB.
    """

    seconds: float
    cpu: float
    server_cpu: float
    memory: float


class Loop(msgspec.Struct, frozen=True):
    """The same lines by the bare loop. `server_cpu` as above."""

    seconds: float
    server_cpu: float


def against_loop(bench: Bench) -> Group:
    """drain_ratio, drain_per_s, and the same against a loop over a few connections."""
    count = bench.size.copied
    bench.tell("drain_ratio: a backlog")
    folder = backlog(bench)
    lines = bench.fresh("lines") / "lines"
    _write_lines(folder, lines)
    drains: list[Drain] = []
    loops: dict[int, list[Loop]] = {1: [], bench.size.few: []}
    with influxdb(bench) as server:
        for number in range(bench.size.pairs):
            bench.tell(f"drain_ratio: pair {number + 1} of {bench.size.pairs}")
            if number % 2:
                by_loops(server, lines, count, loops)
            drains.append(by_gateway(bench, server, folder))
            if not number % 2:
                by_loops(server, lines, count, loops)
        bench.tell("drain_ratio: each stage alone")
        spent = stages(server, folder, count)
    alone, parallel = loops[1], loops[bench.size.few]
    pairs, pairs_4 = zip(drains, alone, strict=True), zip(drains, parallel, strict=True)
    return Group(
        [
            figure("drain_ratio", [b.seconds / a.seconds for a, b in pairs], at_least=0.6),
            figure("drain_per_s", [count / one.seconds for one in drains], at_least=20_000),
            figure("loop_per_s", [count / one.seconds for one in alone]),
            figure("drain_ratio_4", [b.seconds / a.seconds for a, b in pairs_4]),
            figure("loop_per_s_4", [count / one.seconds for one in parallel]),
            figure("drain_rss_mb", [one.memory for one in drains]),
        ],
        {
            "copies": drains,
            "loops": alone,
            "loops_4": parallel,
            "line_bytes": lines.stat().st_size / count,
            "copy_stages_us": spent,
        },
    )


def backlog(bench: Bench) -> Path:
    """Return the folder of a gateway that took readings in before it had an InfluxDB.

    They are committed, judged and in the history: all that is left to do is to copy them.
    """
    size = bench.size
    folder, port = bench.fresh("backlog"), free_port()
    load = Order(count=size.copied, devices=size.devices, connections=size.few, window=WIDE)
    with GatewayProcess(folder, by_listener(port), load.count) as gateway:
        gateway.join()
        with Publisher(port, load) as publisher:
            publisher.go()
        check(gateway.done(), load)
        gateway.leave()
    return folder


def by_gateway(bench: Bench, server: RunningInflux, backlog_folder: Path) -> Drain:
    """Start a gateway on a copy of the backlog, with an empty database to copy it to."""
    folder, count = bench.fresh("gateway"), bench.size.copied
    shutil.copytree(backlog_folder / "data", folder / "data")
    with database(server, count) as name:
        source = by_listener(free_port()) + by_influxdb(server.url, name)
        with GatewayProcess(folder, source, count) as gateway:
            before, server_before = cpu(gateway.pid), cpu(server.pid)
            gateway.drain()
            seconds = gateway.copied()
            spent, server_spent = cpu(gateway.pid) - before, cpu(server.pid) - server_before
            memory = resident_peak(gateway.pid)
            gateway.leave()
    shutil.rmtree(folder)
    return Drain(seconds, spent / count * 1e6, server_spent / count * 1e6, memory)


def by_loops(server: RunningInflux, lines: Path, count: int, loops: dict[int, list[Loop]]) -> None:
    """Post the lines over each number of connections, each time to an empty database."""
    for connections, those in loops.items():
        with database(server, count) as name:
            before = cpu(server.pid)
            answer = subprocess.run(  # noqa: S603 - our own program
                [
                    *(sys.executable, "-m", "scripts.benchmarks.measures.poster"),
                    *(str(server.port), name, lines, str(connections)),
                ],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
            )
            spent = cpu(server.pid) - before
        those.append(Loop(float(answer.stdout), spent / count * 1e6))


def stages(server: RunningInflux, folder: Path, count: int) -> dict[str, float]:
    """Return what a reading costs in each stage on the clock, µs: each by itself, in turn.

    "HTTP" is CPU of this side; the rest of a request is waiting for the server.
    """
    spent = dict.fromkeys(("journal", "lines", "HTTP", "waiting for the server"), 0.0)
    with database(server, count) as name:
        section = _section(folder, server, name)
        client, lines = Server(section), Lines(section.names, Tagging([]))
        moment = time.perf_counter()
        for readings in _batches(folder):
            read = time.perf_counter()
            body = b"\n".join(lines.of_readings(readings))
            encoded, used = time.perf_counter(), time.thread_time()
            answer = client.write(body)
            if answer.verdict is not Verdict.WRITTEN:
                raise RuntimeError(f"InfluxDB answers {answer}")
            used, sent = time.thread_time() - used, time.perf_counter()
            parts = (read - moment, encoded - read, used, sent - encoded - used)
            for stage, seconds in zip(spent, parts, strict=True):
                spent[stage] += seconds
            moment = time.perf_counter()
        client.close()
    return {stage: seconds / count * 1e6 for stage, seconds in spent.items()}


def _section(folder: Path, server: RunningInflux, name: str) -> InfluxDB:
    return parse(settings(folder, by_influxdb(server.url, name))).influxdb[0]


def _batches(folder: Path) -> Iterator[Sequence[Reading]]:
    """Yield the backlog from the journal's file as the sink takes it."""
    journal = Journal(folder / "data" / "journal.db", looking=True)
    cursor, waiting = 0, list[Reading]()
    while cursor < journal.head:
        readings, cursor = journal.read(cursor, Sink.limit)
        waiting += readings
        if len(waiting) >= BATCH or cursor == journal.head:
            yield waiting
            waiting = []
    journal.close()


def _write_lines(folder: Path, file: Path) -> None:
    """Write the lines that the gateway will send."""
    names = parse(settings(folder, by_influxdb("http://127.0.0.1:1", "none"))).influxdb[0].names
    lines = Lines(names, Tagging([]))
    made = [line for readings in _batches(folder) for line in lines.of_readings(readings)]
    file.write_bytes(b"\n".join(made))
