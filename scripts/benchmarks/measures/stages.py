"""Where the CPU time of a reading goes: each stage's own function, alone, on the same messages.

The gateway's parts are put together as always but joined to no broker, and called one after
another from here, batch by batch, with the process's CPU time (user and system, all threads)
read between them. What the real drain takes beyond their sum is the rest: reading the socket,
the event loop, threads, the other tasks.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devices.device import Origin
from gateway.app import Gateway
from gateway.gathered import Gathered
from gateway.mqtt.codec import V5, PacketReader, Publish, Topics, encode, pubacks
from gateway.mqtt.connection import MAXIMUM_PACKET
from gateway.settings import parse
from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.under_test import by_broker, settings
from simulators.load import messages

MINUTE = 60_000
"""Milliseconds between two readings of a device."""


class _Sink:
    """A Link that goes nowhere, and a socket behind it to acknowledge to."""

    name = "stages"
    window = 65_536
    generation = 0
    origin = Origin("", "site")

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)  # noqa: FBT003 - it takes no keyword

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> None:  # noqa: ARG002 - there is only one
        self.near.send(pubacks(packet_ids))

    def empty(self) -> None:
        self.far.recv(1 << 20)

    def pause(self) -> None:
        """Nothing is read here."""

    def resume(self) -> None:
        """Nothing is read here."""

    def close(self) -> None:
        self.near.close()
        self.far.close()


class _Stages:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - began


def stages(bench: Bench, batch: int, devices: int, *, known: bool = False) -> dict[str, float]:
    """Return CPU per reading by stage, µs. `batch` messages are committed at a time.

    With `known`, every device was heard before in the same run, and that is not counted.
    """
    spent = asyncio.run(_run(bench, batch, devices, known=known))
    return {name: seconds / bench.size.backlog * 1e6 for name, seconds in spent.items()}


async def _run(bench: Bench, batch: int, devices: int, *, known: bool) -> dict[str, float]:
    data = bench.fresh("stages") / "data"
    gateway = Gateway(parse(settings(data, by_broker(1883))), join=False)
    await gateway.compose()
    sink = _Sink()
    reader = PacketReader(V5, MAXIMUM_PACKET, maximum_qos=1, topics=Topics())
    taken = _Stages()
    count = bench.size.backlog
    now, length = int(time.time() * 1000), count * MINUTE // devices
    if known:
        for data_read in _streams(count, devices, now - 2 * length, batch):
            await _one_batch(gateway, sink, reader, data_read, taken)
        await gateway.archivist.store()
        taken.spent.clear()
    for data_read in _streams(count, devices, now - length, batch):
        await _one_batch(gateway, sink, reader, data_read, taken)
    with taken.stage("history"):
        await gateway.archivist.store()
    gateway.close()
    sink.close()
    return taken.spent


async def _one_batch(
    gateway: Gateway, sink: _Sink, reader: PacketReader, data: bytes, taken: _Stages
) -> None:
    """Do with one commit's worth of messages what the gateway does with it."""
    ingest, journal = gateway.ingest, gateway.journal
    with taken.stage("mqtt parse"):
        packets = [one for one in reader.feed(data) if isinstance(one, Publish)]
    with taken.stage("decode"):
        ingest.receive(sink, packets)
    # The stages lie inside ingest, and its own loop is not running.
    gathered, ingest._gathered = ingest._gathered, Gathered()  # noqa: SLF001 - see above
    with taken.stage("journal rows and insert"):
        journal.append(gathered.readings)
    with taken.stage("commit"):
        journal.commit()
        journal.publish()
    with taken.stage("acknowledge"):
        for (link, generation), packet_ids in gathered.acknowledgements.items():
            link.acknowledge(generation, packet_ids)
    sink.empty()
    with taken.stage("monitor"):
        while gateway.monitor.cursor < journal.head:
            await gateway.monitor.handle(
                *ingest.read(gateway.monitor.cursor, gateway.monitor.limit)
            )
    with taken.stage("freight"):
        freight = gateway.freight.monitor
        while freight.cursor < journal.head:
            await freight.handle(*ingest.read(freight.cursor, freight.limit))
    with taken.stage("history"):
        while gateway.archivist.cursor < journal.head:
            await gateway.archivist.handle(
                *ingest.read(gateway.archivist.cursor, gateway.archivist.limit)
            )


def _streams(count: int, devices: int, start: int, batch: int) -> Iterator[bytes]:
    """Yield the bytes of a backlog as they come from a broker, one commit's worth at a time."""
    packets: list[bytes] = []
    for number, message in enumerate(messages(count, devices, start, MINUTE / devices)):
        one = Publish(message.topic, message.payload, packet_id=number % 65_535 + 1, qos=1)
        packets.append(encode(one, V5))
        if len(packets) == batch:
            yield b"".join(packets)
            packets.clear()
    if packets:
        yield b"".join(packets)
