"""Draining a backlog from a real broker: against a client that stores nothing, and by devices."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import threading
import time
from types import TracebackType
from typing import Self

import msgspec

from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.five import FIVE
from scripts.benchmarks.measures.kernel import cpu, printed, resident, resident_peak, written
from scripts.benchmarks.measures.stages import stages
from scripts.benchmarks.measures.under_test import TOPIC, Done, GatewayProcess, by_broker
from simulators.fleet import send
from simulators.load import messages
from tests.broker import Broker

UNLIMITED = "max_queued_messages 0\nmax_inflight_messages 0"
DEBIAN = "max_queued_messages 0"
"""Debian's defaults, but for the queue: with its 1,000 messages it could not hold the backlog."""
MINUTE = 60_000
PATIENCE = 300
"""Seconds that the other client may take."""
LOOK = 0.004
"""Seconds between two looks at a drain."""
IDLE = 0.5
"""Seconds without work after which a broker has no more of it."""
BUFFER = 8192
"""Bytes that a client may hold back before it prints them; a handful of messages."""


class Drain(msgspec.Struct, frozen=True):
    """One drain by the gateway. `parse` is one json.loads of the same payloads just after, µs.

    `seconds` until the broker had every acknowledgement; `memory` in MB.
    """

    done: Done
    seconds: float
    bytes_written: int
    memory: float
    parse: float

    @property
    def cpu(self) -> float:
        """CPU per reading, µs."""
        return self.done.cpu / self.done.stored * 1e6


class Watch:
    """Tells how long a broker is busy with a drain that happens inside `with`.

    A drain has ended when the broker has sent everything and read every acknowledgement, and
    then it has nothing to do. That is seen from outside, in the same way for every client: the
    broker's CPU clock stands still.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._samples: list[tuple[float, float]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._ending.wait(LOOK):
            self._samples.append((time.perf_counter(), cpu(self._pid)))

    @property
    def seconds(self) -> float:
        """From the beginning until the broker's last work, but for a millisecond of it."""
        _, last = self._samples[-1]
        return next(when for when, spent in self._samples if spent >= last - 0.001) - self._began

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            time.sleep(IDLE)
        self._ending.set()
        self._thread.join()


def one_parse(payloads: list[bytes]) -> float:
    """Return the CPU time of one json.loads, µs: the median of five passes."""
    passes = []
    for _ in range(5):
        began = time.process_time()
        for payload in payloads:
            json.loads(payload)
        passes.append((time.process_time() - began) / len(payloads) * 1e6)
    return statistics.median(passes)


def subscribe(bench: Bench, broker: Broker) -> None:
    """Make the gateway's session known to the broker, so that it keeps a backlog."""
    with GatewayProcess(bench.fresh("subscribe"), by_broker(broker.port), 0) as gateway:
        gateway.drain()
        gateway.leave()


def preload(bench: Bench, broker: Broker, devices: int) -> list[bytes]:
    """Fill the queues: each device a reading a minute until now. Return some of the payloads."""
    count = bench.size.backlog
    step = MINUTE / devices
    backlog = list(messages(count, devices, int(time.time() * 1000 - count * step), step))
    send(broker.port, backlog)
    return [message.payload for message in backlog[:: max(1, count // 20_000)]]


def by_gateway(
    bench: Bench, broker: Broker, payloads: list[bytes], rules: str | None = None
) -> Drain:
    """Drain the backlog by a gateway that has never run before; `rules` are others than usual."""
    folder, source = bench.fresh("gateway"), by_broker(broker.port)
    more = () if rules is None else (rules,)
    with GatewayProcess(folder, source, bench.size.backlog, *more) as gateway:
        with Watch(broker.pid) as watch:
            done = gateway.drain()
        if done.quarantined or done.stored != bench.size.backlog:
            raise RuntimeError(f"the gateway did not take the whole backlog as readings: {done}")
        memory = resident_peak(gateway.pid)
        gateway.leave()
        bytes_written = written(gateway.pid)
    shutil.rmtree(folder)
    return Drain(done, watch.seconds, bytes_written, memory, one_parse(payloads))


def _client(broker: Broker, *more: str) -> list[str]:
    return [
        *("mosquitto_sub", "-V", "mqttv5", "-p", str(broker.port), "-i", "bench-sub"),
        *("-c", "-x", "86400", "-q", "1", "-t", TOPIC, *more),
    ]


def by_client(bench: Bench, broker: Broker, payloads: list[bytes]) -> float:
    """Drain the backlog by `mosquitto_sub`, which stores nothing; return the seconds."""
    # It prints a line for each, and its last buffer only when it ends. Told to end by itself
    # after so many (-C), it would leave with acknowledgements that the broker has not read.
    enough = bench.size.backlog * (len(payloads[0]) + 1) - BUFFER
    with Watch(broker.pid) as watch:
        client = subprocess.Popen(_client(broker), stdout=subprocess.DEVNULL)  # noqa: S603 - the broker's own client
        end = time.monotonic() + PATIENCE
        while printed(client.pid) < enough:
            if client.poll() is not None or time.monotonic() > end:
                raise RuntimeError("mosquitto_sub did not take the whole backlog")
            time.sleep(LOOK)
    client.terminate()
    client.wait(PATIENCE)
    return watch.seconds


def _pairs(bench: Bench, configuration: str, name: str) -> tuple[list[Drain], list[float]]:
    """Drain the same backlog by both in alternating order, pair after pair."""
    drains, clients = [], []
    with Broker(bench.fresh("broker"), configuration) as broker:
        subscribe(bench, broker)
        subprocess.run(_client(broker, "-E"), check=True, timeout=PATIENCE)  # noqa: S603 - as above
        for number in range(bench.size.pairs):
            bench.tell(f"{name}: pair {number + 1} of {bench.size.pairs}")
            payloads = preload(bench, broker, bench.size.devices)
            if number % 2:
                clients.append(by_client(bench, broker, payloads))
            drains.append(by_gateway(bench, broker, payloads))
            if not number % 2:
                clients.append(by_client(bench, broker, payloads))
    return drains, clients


def against_client(bench: Bench) -> Group:
    """broker_ratio, and from the same drains cpu_cost and bytes_per_reading_bulk."""
    drains, clients = _pairs(bench, UNLIMITED, "broker_ratio")
    ratios = [client / one.seconds for one, client in zip(drains, clients, strict=True)]
    costs = [one.cpu / one.parse for one in drains]
    bulk = [one.bytes_written / one.done.stored for one in drains]
    bench.tell("cpu_cost: each stage alone")
    batch = round(statistics.median(one.done.stored / one.done.commits for one in drains))
    each = stages(bench, batch, bench.size.devices)
    total = statistics.median(one.cpu for one in drains)
    return Group(
        [
            figure("broker_ratio", ratios, at_least=0.9),
            figure("cpu_cost", costs, at_most=4),
            figure("bytes_per_reading_bulk", bulk),
        ],
        {
            "drains": drains,
            "client_seconds": clients,
            "stages_us": {**each, "rest": total - sum(each.values())},
            "batch": batch,
        },
    )


def against_client_defaults(bench: Bench) -> Group:
    """broker_ratio_defaults."""
    drains, clients = _pairs(bench, DEBIAN, "broker_ratio_defaults")
    ratios = [client / one.seconds for one, client in zip(drains, clients, strict=True)]
    return Group(
        [figure("broker_ratio_defaults", ratios)],
        {"drains_defaults": drains, "client_seconds_defaults": clients},
    )


def with_five_rules(bench: Bench) -> Group:
    """cpu_cost_rules: the drains of cpu_cost, with five rules of five kinds for each device."""
    drains = []
    with Broker(bench.fresh("broker"), UNLIMITED) as broker:
        subscribe(bench, broker)
        for number in range(bench.size.pairs):
            bench.tell(f"cpu_cost_rules: run {number + 1} of {bench.size.pairs}")
            payloads = preload(bench, broker, bench.size.devices)
            drains.append(by_gateway(bench, broker, payloads, FIVE))
    costs = [one.cpu / one.parse for one in drains]
    return Group([figure("cpu_cost_rules", costs, at_most=8)], {"drains_rules": drains})


def by_devices(bench: Bench) -> Group:
    """devices_growth_20k and devices_growth_100k: CPU per reading, by the number of devices."""
    sizes = (bench.size.devices, *bench.size.growth)
    spent: dict[int, list[float]] = {size: [] for size in sizes}
    with Broker(bench.fresh("broker"), UNLIMITED) as broker:
        subscribe(bench, broker)
        for number in range(bench.size.growth_rounds):
            bench.tell(f"devices_growth: round {number + 1} of {bench.size.growth_rounds}")
            for size in sizes:
                payloads = preload(bench, broker, size)
                spent[size].append(by_gateway(bench, broker, payloads).cpu)
    batch = bench.size.backlog // 20
    alone = {}
    for size in sizes:
        for known in (False, True):
            name = f"{size} known" if known else f"{size} new"
            bench.tell(f"devices_growth: {name} devices, stage by stage")
            alone[name] = stages(bench, batch, size, known=known)
    few, many, most = (spent[size] for size in sizes)
    by_20k = [more / base for more, base in zip(many, few, strict=True)]
    by_100k = [more / base for more, base in zip(most, few, strict=True)]
    return Group(
        [
            figure("devices_growth_20k", by_20k, at_most=1.3),
            figure("devices_growth_100k", by_100k, at_most=2),
        ],
        {
            "cpu_us_by_devices": {str(size): values for size, values in spent.items()},
            "stages_us_by_devices": alone,
        },
    )


def memory(bench: Bench) -> Group:
    """rss_loaded_mb, at a full drain; rss_idle_mb, once started again with those devices."""
    loaded, idle = [], []
    with Broker(bench.fresh("broker"), UNLIMITED) as broker:
        subscribe(bench, broker)
        for number in range(bench.size.memory_runs):
            bench.tell(f"rss: run {number + 1} of {bench.size.memory_runs}")
            preload(bench, broker, bench.size.memory_devices)
            folder = bench.fresh("gateway")
            with GatewayProcess(folder, by_broker(broker.port), bench.size.backlog) as gateway:
                gateway.drain()
                loaded.append(resident_peak(gateway.pid))
                gateway.leave()
            with GatewayProcess(folder, by_broker(broker.port), 0) as gateway:
                gateway.drain()
                time.sleep(2)
                idle.append(resident(gateway.pid))
                gateway.leave()
            shutil.rmtree(folder)
    return Group(
        [
            figure("rss_idle_mb", idle, at_most=110),
            figure("rss_loaded_mb", loaded, at_most=200),
        ],
        {},
    )
