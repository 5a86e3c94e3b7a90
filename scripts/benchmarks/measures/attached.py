"""A saturated intake with an InfluxDB attached, and without one."""

from __future__ import annotations

from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.front import WIDE, Through, through_gateway
from scripts.benchmarks.measures.influx import database, influxdb
from scripts.benchmarks.measures.publisher import Order
from scripts.benchmarks.measures.under_test import by_influxdb
from tests.influxdb import RunningInflux


def live(bench: Bench) -> Group:
    """live_ratio and its rates; catch_up_s: how long after the load everything is copied."""
    size = bench.size
    load = Order(count=size.attached, devices=size.devices, connections=size.few, window=WIDE)
    attached: list[Through] = []
    without: list[Through] = []
    with influxdb(bench) as server:
        for number in range(size.pairs):
            bench.tell(f"live_ratio: pair {number + 1} of {size.pairs}")
            if number % 2:
                without.append(through_gateway(bench, load))
            attached.append(_attached(bench, server, load))
            if not number % 2:
                without.append(through_gateway(bench, load))
    pairs = zip(attached, without, strict=True)
    return Group(
        [
            figure("live_ratio", [b.seconds / a.seconds for a, b in pairs], at_least=0.85),
            figure("live_rate", [load.count / one.seconds for one in attached]),
            figure("live_rate_without", [load.count / one.seconds for one in without]),
            figure("catch_up_s", [one.caught_up for one in attached]),
        ],
        {"attached": attached, "not_attached": without, "attached_load": load},
    )


def _attached(bench: Bench, server: RunningInflux, load: Order) -> Through:
    with database(server, load.count) as name:
        return through_gateway(bench, load, by_influxdb(server.url, name))
