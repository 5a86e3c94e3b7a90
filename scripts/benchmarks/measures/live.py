"""Readings that come live, at a pace: the bytes they make the disk write, and PUBACK in time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec

from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.drain import UNLIMITED
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.kernel import syncs, written
from scripts.benchmarks.measures.under_test import GatewayProcess, by_broker
from simulators.fleet import send
from simulators.load import messages
from tests.broker import Broker


def bytes_at_rate(bench: Bench) -> Group:
    """bytes_per_reading_1k: all the gateway writes until it has left, per reading."""
    rate, seconds = bench.size.live_rate, bench.size.live_seconds
    bench.tell(f"bytes_per_reading_1k: {rate:.0f} readings/s for {seconds:.0f} s")
    each = _bytes_per_reading(bench, round(rate * seconds), rate)
    return Group([figure("bytes_per_reading_1k", [each], at_most=700)], {})


def bytes_when_quiet(bench: Bench) -> Group:
    """bytes_per_reading_1hz: one reading a second."""
    seconds = bench.size.quiet_seconds
    bench.tell(f"bytes_per_reading_1hz: 1 reading/s for {seconds:.0f} s")
    each = _bytes_per_reading(bench, round(seconds), 1.0)
    return Group([figure("bytes_per_reading_1hz", [each])], {})


def _bytes_per_reading(bench: Bench, count: int, rate: float) -> float:
    with (
        Broker(bench.fresh("broker"), UNLIMITED) as broker,
        GatewayProcess(bench.fresh("gateway"), by_broker(broker.port), count) as gateway,
    ):
        gateway.join()
        before = written(gateway.pid)
        start = time.time_ns() // 1_000_000
        send(broker.port, messages(count, bench.size.devices, start, 1000 / rate), rate=rate)
        done = gateway.done()
        if done.stored != count or done.quarantined:
            raise RuntimeError(f"the gateway did not take all {count} readings: {done}")
        gateway.leave()
        return (written(gateway.pid) - before) / count


def puback(bench: Bench) -> Group:
    """sync_ms, puback_p50_ms and puback_p99_ms, by a stand-in broker."""
    count = round(bench.size.live_rate * bench.size.puback_seconds)
    return acknowledgements(bench, lambda: _puback_run(bench, count))


def acknowledgements(bench: Bench, once: Callable[[], list[float]]) -> Group:
    """Return sync_ms, puback_p50_ms and puback_p99_ms: from message to PUBACK, pooled over runs.

    `once` makes one run and returns its milliseconds.
    """
    runs: list[list[float]] = []
    disk: list[float] = []
    for number in range(bench.size.puback_runs):
        bench.tell(f"puback: run {number + 1} of {bench.size.puback_runs}")
        disk += syncs(bench.folder, bench.size.syncs)
        runs.append(once())
    disk += syncs(bench.folder, bench.size.syncs)
    pooled = [one for run in runs for one in run]
    sync = statistics.median(disk)
    medians = [statistics.median(run) for run in runs]
    tails = [percentile(run, 99) for run in runs]
    return Group(
        [
            figure("sync_ms", disk, value=sync),
            figure(
                "puback_p50_ms",
                medians,
                value=statistics.median(pooled),
                at_most=20 + 2 * sync,
            ),
            figure("puback_p99_ms", tails, value=percentile(pooled, 99), at_most=100),
        ],
        {
            "puback_ms": [
                {str(part): percentile(run, part) for part in (1, 25, 50, 75, 90, 99, 99.9, 100)}
                for run in runs
            ]
        },
    )


def _puback_run(bench: Bench, count: int) -> list[float]:
    program = "scripts.benchmarks.measures.standin"
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", program, str(count), str(bench.size.live_rate)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as standin:
        if standin.stdout is None:
            raise RuntimeError("the stand-in broker was started without a pipe")
        port = int(standin.stdout.readline())
        # It serves one connection: that which subscribes must not come behind one that publishes.
        source = by_broker(port) + "publish_alerts = false\n"
        with GatewayProcess(bench.fresh("gateway"), source, count) as gateway:
            gateway.drain()
            latencies = msgspec.json.decode(standin.stdout.readline(), type=list[float])
            gateway.leave()
    return latencies


def percentile(values: list[float], part: float) -> float:
    """Return the value that `part` percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))]
