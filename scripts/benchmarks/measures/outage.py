"""While an InfluxDB is away: PUBACK in time, and memory."""

from __future__ import annotations

import shutil

import msgspec

from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Figure, Group, figure
from scripts.benchmarks.measures.front import WIDE, check, order
from scripts.benchmarks.measures.influx import influxdb
from scripts.benchmarks.measures.kernel import resident, resident_peak
from scripts.benchmarks.measures.live import percentile
from scripts.benchmarks.measures.publisher import Order, Publisher
from scripts.benchmarks.measures.under_test import (
    Done,
    GatewayProcess,
    by_influxdb,
    by_listener,
)
from tests.broker import free_port
from tests.influxdb import RunningInflux

WAYS = ("without", "refused", "frozen")
"""No InfluxDB in the settings; one on a port where nobody listens; one that hangs."""
MORE_MS, TIMES = 10.0, 1.2
"""A PUBACK may come later by so many ms, or so many times as late, whichever is more."""


class Memory(msgspec.Struct, frozen=True):
    """Resident memory of a gateway, MB: before a load, after it, and the most it ever had."""

    before: float
    after: float
    peak: float

    @property
    def growth(self) -> float:
        """By what it has grown."""
        return self.after - self.before


def acknowledgements(bench: Bench) -> Group:
    """outage_p99_ratio, and the p99 behind it: without an InfluxDB, refused, and frozen."""
    load = order(bench, bench.size.many, paced=True)
    runs: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    with influxdb(bench) as server:
        for number in range(bench.size.outage_runs):
            bench.tell(f"outage_p99_ratio: round {number + 1} of {bench.size.outage_runs}")
            for way in WAYS[:: -1 if number % 2 else 1]:
                runs[way].append(_latencies(bench, load, way, server))
    tails = {way: [percentile(run, 99) for run in those] for way, those in runs.items()}
    pooled = {
        way: percentile([one for run in those for one in run], 99) for way, those in runs.items()
    }
    at_most = max(TIMES, 1 + MORE_MS / pooled["without"])
    ratios: list[Figure] = []
    for way in WAYS[1:]:
        values = [b / a for a, b in zip(tails["without"], tails[way], strict=True)]
        ratios.append(figure(f"outage_p99_ratio_{way}", values))
    worse = max(ratios, key=lambda one: one.value)
    return Group(
        [
            msgspec.structs.replace(worse, name="outage_p99_ratio", at_most=at_most),
            *ratios,
            *(figure(f"puback_p99_ms_{way}", tails[way], value=pooled[way]) for way in WAYS),
        ],
        {
            "outage_puback_ms": {
                way: [
                    {str(part): percentile(run, part) for part in (50, 90, 99, 99.9, 100)}
                    for run in those
                ]
                for way, those in runs.items()
            }
        },
    )


def _latencies(bench: Bench, load: Order, way: str, server: RunningInflux) -> list[float]:
    """Return the milliseconds to each PUBACK of readings that come live."""
    folder, port, source = bench.fresh("gateway"), free_port(), ""
    if way == "refused":
        source = _nobody()
    elif way == "frozen":
        source = by_influxdb(server.url, server.database())
    with GatewayProcess(folder, by_listener(port) + source, load.count) as gateway:
        gateway.join()
        with Publisher(port, load) as publisher:
            # Only now: it was there at the start, and has said which version it is.
            if way == "frozen":
                server.freeze()
            try:
                sent = publisher.go()
                _check(gateway.done(), load, away=bool(source))
            finally:
                server.thaw()
        gateway.leave()
    shutil.rmtree(folder)
    return [latency * 1000 for latency in sent.latencies]


def memory(bench: Bench) -> Group:
    """outage_rss_growth_mb: by what the gateway grows more where its InfluxDB is away."""
    outage: list[Memory] = []
    without: list[Memory] = []
    for number in range(bench.size.outage_runs):
        bench.tell(f"outage_rss_growth_mb: pair {number + 1} of {bench.size.outage_runs}")
        if number % 2:
            without.append(_memory(bench))
        outage.append(_memory(bench, _nobody()))
        if not number % 2:
            without.append(_memory(bench))
    more = [a.growth - b.growth for a, b in zip(outage, without, strict=True)]
    return Group(
        [
            figure("outage_rss_growth_mb", more, at_most=20),
            figure("growth_mb_outage", [one.growth for one in outage]),
            figure("growth_mb_without", [one.growth for one in without]),
            figure("rss_peak_mb_outage", [one.peak for one in outage]),
            figure("rss_peak_mb_without", [one.peak for one in without]),
        ],
        {"memory_outage": outage, "memory_without": without},
    )


def _memory(bench: Bench, source: str = "") -> Memory:
    """Let a gateway take in many readings, as fast as it can."""
    size = bench.size
    folder, port = bench.fresh("gateway"), free_port()
    load = Order(count=size.outage, devices=size.devices, connections=size.few, window=WIDE)
    with GatewayProcess(folder, by_listener(port) + source, load.count) as gateway:
        gateway.join()
        with Publisher(port, load) as publisher:
            before = resident(gateway.pid)
            publisher.go()
        _check(gateway.done(), load, away=bool(source))
        found = Memory(before, resident(gateway.pid), resident_peak(gateway.pid))
        gateway.leave()
    shutil.rmtree(folder)
    return found


def _nobody() -> str:
    """Return the section of an InfluxDB that is not there: connections are refused."""
    return by_influxdb(f"http://127.0.0.1:{free_port()}", "holdwatch")


def _check(done: Done, load: Order, *, away: bool) -> None:
    check(done, load)
    if done.waiting != (load.count if away else 0):
        raise RuntimeError(f"this was no outage: {done.waiting} of {load.count} readings waited")
