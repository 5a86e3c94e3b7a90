"""The front door: sensors that connect to the gateway itself, and the same ones to Mosquitto."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time

import msgspec

from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.drain import DEBIAN
from scripts.benchmarks.measures.figure import Figure, Group, figure
from scripts.benchmarks.measures.kernel import cpu
from scripts.benchmarks.measures.live import acknowledgements
from scripts.benchmarks.measures.publisher import Order, Publisher
from scripts.benchmarks.measures.under_test import TOPIC, Done, GatewayProcess, by_listener
from simulators.load import messages, publish
from tests.broker import Broker, free_port

FLIGHT = 10_000
"""Messages unacknowledged over all connections, and at most WIDE over one: with 1,000 over each
of 4 and 20 over each of 500 Mosquitto is at its best."""
WIDE = 1_000
PATIENCE = 300.0
"""Seconds that the client behind the broker may take."""


class Through(msgspec.Struct, frozen=True):
    """One load through the gateway. `seconds` until the last PUBACK; `cpu` of the gateway, µs.

    `caught_up` is how many seconds later an InfluxDB had everything, 0 where there is none.
    """

    seconds: float
    cpu: float
    done: Done
    caught_up: float


class Past(msgspec.Struct, frozen=True):
    """One load through the broker to its subscriber.

    `seconds` until the subscriber had everything. The publisher had its last PUBACK after
    `acknowledged` seconds; where that is later, it is by the 40 ms that the system may hold back
    a last small packet, and not counted. `cpu` of the broker for a message, µs.
    """

    seconds: float
    acknowledged: float
    cpu: float


def order(bench: Bench, connections: int, *, paced: bool = False) -> Order:
    """Return what is published over so many connections."""
    size = bench.size
    return Order(
        count=round(size.live_rate * size.front_seconds) if paced else size.backlog,
        devices=max(size.devices, connections),
        connections=connections,
        window=min(WIDE, FLIGHT // connections),
        rate=size.live_rate if paced else None,
    )


def through_gateway(bench: Bench, load: Order, influxdb: str = "") -> Through:
    """Publish to a gateway that has never run before: rules, history and all.

    `influxdb` is what makes it copy to one, `by_influxdb(…)`; that is waited for.
    """
    folder, port = bench.fresh("gateway"), free_port()
    with GatewayProcess(folder, by_listener(port) + influxdb, load.count) as gateway:
        gateway.join()
        with Publisher(port, load) as publisher:
            before = cpu(gateway.pid)
            sent = publisher.go()
        done = gateway.done()
        spent = cpu(gateway.pid) - before
        check(done, load)
        caught_up = gateway.copied() - done.seconds if influxdb else 0.0
        gateway.leave()
    shutil.rmtree(folder)
    return Through(sent.ended - sent.began, spent / load.count * 1e6, done, caught_up)


def past_broker(bench: Bench, load: Order) -> Past:
    """Publish to a fresh Mosquitto with one `mosquitto_sub` behind it."""
    folder = bench.fresh("broker")
    with Broker(folder, DEBIAN) as broker:
        # It comes at the start of a wait of a second: the publisher makes its packets first. One
        # message that it missed, and it would never end.
        subscriber = subprocess.Popen(  # noqa: S603 - the broker's own client
            [
                *("mosquitto_sub", "-p", str(broker.port), "-i", "bench-sub", "-q", "1"),
                *("-t", TOPIC, "-C", str(load.count)),
            ],
            stdout=subprocess.DEVNULL,
        )
        ended: list[float] = []

        def wait() -> None:
            subscriber.wait()
            ended.append(time.monotonic())

        waiting = threading.Thread(target=wait)
        waiting.start()
        try:
            with Publisher(broker.port, load) as publisher:
                before = cpu(broker.pid)
                sent = publisher.go()
            waiting.join(PATIENCE)
            spent = cpu(broker.pid) - before
        finally:
            subscriber.kill()
            waiting.join()
        if subscriber.returncode != 0:
            raise RuntimeError("mosquitto_sub did not get the whole load")
    shutil.rmtree(folder)
    delivered, acknowledged = ended[0] - sent.began, sent.ended - sent.began
    return Past(delivered, acknowledged, spent / load.count * 1e6)


def check(done: Done, load: Order) -> None:
    """Raise RuntimeError if the gateway did not take every message as a reading."""
    if done.quarantined or done.stored != load.count:
        raise RuntimeError(f"the gateway did not take the whole load as readings: {done}")


def against_broker(bench: Bench) -> Group:
    """listener_ratio, and the ratios and rates over few and over many connections behind it."""
    ratios: list[Figure] = []
    rates: list[Figure] = []
    runs: dict[str, object] = {"mosquitto": DEBIAN}
    for name, connections in (("4", bench.size.few), ("500", bench.size.many)):
        load = order(bench, connections)
        ours: list[Through] = []
        theirs: list[Past] = []
        for number in range(bench.size.pairs):
            bench.tell(f"listener_ratio_{name}: pair {number + 1} of {bench.size.pairs}")
            if number % 2:
                theirs.append(past_broker(bench, load))
            ours.append(through_gateway(bench, load))
            if not number % 2:
                theirs.append(past_broker(bench, load))
        pairs = zip(ours, theirs, strict=True)
        ratios.append(figure(f"listener_ratio_{name}", [b.seconds / a.seconds for a, b in pairs]))
        rates += [
            figure(f"listener_rate_{name}", [load.count / one.seconds for one in ours]),
            figure(f"mosquitto_rate_{name}", [load.count / one.seconds for one in theirs]),
        ]
        runs |= {
            f"listener_{name}": ours,
            f"mosquitto_{name}": theirs,
            f"publisher_{name}": load,
        }
    lower = min(ratios, key=lambda one: one.value)
    lowest = msgspec.structs.replace(lower, name="listener_ratio", at_least=1.5)
    return Group([lowest, *ratios, *rates], runs)


def publisher_alone(bench: Bench) -> Group:
    """publisher_rate: the publisher into a sink, over few and many connections; the lower."""
    size = len(publish(next(messages(1, 1, 0, 1.0)), 1))
    rates: dict[int, list[float]] = {bench.size.few: [], bench.size.many: []}
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "scripts.benchmarks.measures.sink", str(size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as sink:
        try:
            if sink.stdout is None:
                raise RuntimeError("the sink was started without a pipe")
            port = int(sink.stdout.readline())
            for number in range(bench.size.pairs):
                bench.tell(f"publisher_rate: run {number + 1} of {bench.size.pairs}")
                for connections, those in rates.items():
                    with Publisher(port, order(bench, connections)) as publisher:
                        sent = publisher.go()
                    those.append(sent.acknowledged / (sent.ended - sent.began))
        finally:
            sink.kill()
    figures = [figure("publisher_rate", those, at_least=150_000) for those in rates.values()]
    return Group([min(figures, key=lambda one: one.value)], {"publisher_rates": rates})


def puback(bench: Bench) -> Group:
    """sync_ms, puback_p50_ms and puback_p99_ms, of readings that come live over many."""
    load = order(bench, bench.size.many, paced=True)
    return acknowledgements(bench, lambda: _live(bench, load))


def _live(bench: Bench, load: Order) -> list[float]:
    port = free_port()
    with GatewayProcess(bench.fresh("gateway"), by_listener(port), load.count) as gateway:
        gateway.join()
        with Publisher(port, load) as publisher:
            sent = publisher.go()
        check(gateway.done(), load)
        gateway.leave()
    return [latency * 1000 for latency in sent.latencies]
