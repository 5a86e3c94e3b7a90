"""A subscriber at work, an intake that remembers, and a broker that does as it is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V311, PacketReader, encode
from gateway.mqtt.subscriber import BrokerSettings, Subscriber

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.mqtt.codec import Publish
    from gateway.mqtt.link import Link

WITHIN = 10.0
"""Seconds that a test waits for what must come."""


class Soon(Random):
    """Chooses the shortest delay, so that tests need not wait."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - random's own signature
        return a + 0.01


class Notes:
    """A list that can be waited for."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str]] = []
        self._changed = asyncio.Event()

    def __call__(self, state: str, detail: str) -> None:
        self.items.append((state, detail))
        self._changed.set()

    async def until(self, wanted: Callable[[list[tuple[str, str]]], bool]) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while not wanted(self.items):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"it did not come; there was {self.items}") from None

    async def state(self, state: str, times: int = 1) -> str:
        """Wait for the n-th time of a state; return its sentence."""
        await self.until(lambda items: [name for name, _ in items].count(state) >= times)
        return [detail for name, detail in self.items if name == state][times - 1]


class Kept:
    """An intake that keeps everything, and acknowledges at once if told."""

    def __init__(self, *, acknowledge: bool = True) -> None:
        self.messages: list[Publish] = []
        self.generations: list[int] = []
        self.acknowledge = acknowledge
        self._changed = asyncio.Event()

    def receive(self, link: Link, publishes: list[Publish]) -> int:
        self.messages += publishes
        self.generations += [link.generation] * len(publishes)
        if self.acknowledge:
            link.acknowledge(link.generation, [one.packet_id for one in publishes])
        self._changed.set()
        return len(publishes)

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    async def count(self, number: int) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while len(self.messages) < number:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.messages)} of {number} messages came") from None


def settings(port: int, **changes: Any) -> BrokerSettings:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "name": "quay",
        "host": "127.0.0.1",
        "port": port,
        "topics": ("cargo/#",),
        "client_id": "box-7",
        "owner": "acme",
    }
    return BrokerSettings(**(fields | changes))


@asynccontextmanager
async def joined(
    chosen: BrokerSettings, intake: Kept, notes: Notes | None = None, *, wait: bool = True
) -> AsyncIterator[Subscriber]:
    """A subscriber that runs meanwhile."""
    notes = notes or Notes()
    subscriber = Subscriber(chosen, intake, notes, random=Soon())
    task = asyncio.create_task(subscriber.run())
    try:
        if wait:
            await notes.state("connected")
        yield subscriber
    finally:
        subscriber.stop()
        await asyncio.wait_for(task, WITHIN)


async def publish(port: int, payloads: list[bytes], *, retain: bool = False) -> None:
    """Publish at QoS 1 on cargo/1, and return when the broker has all of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    packets = PacketReader(V311, 1 << 20)
    writer.write(encode(p.Connect("publisher", version=V311, clean_start=True), V311))
    due = 1 + len(payloads)
    for number, payload in enumerate(payloads, 1):
        message = p.Publish(b"cargo/1", payload, number, 1, retain)
        writer.write(encode(message, V311))
    while due:
        data = await asyncio.wait_for(reader.read(65_536), WITHIN)
        assert data, "the broker closed the publisher's connection"
        due -= len(packets.feed(data))
    writer.close()
    await writer.wait_closed()


class StandIn:
    """Answers as `answer(packet)` says: bytes, or None to close. One call for each packet."""

    def __init__(self, answer: Callable[[p.Packet], bytes | None]) -> None:
        self._answer = answer
        self.seen: list[p.Packet] = []
        self.port = 0
        self._asked = asyncio.Event()

    async def asked(self) -> None:
        """Return when the first packet is here."""
        await asyncio.wait_for(self._asked.wait(), WITHIN)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets = PacketReader(V311, 1 << 20)
        open_ = True
        while open_ and (data := await reader.read(65_536)):
            for packet in packets.feed(data):
                self.seen.append(packet)
                self._asked.set()
                answer = None if packet == p.Disconnect() else self._answer(packet)
                if answer is None:
                    open_ = False
                    break
                writer.write(answer)
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[StandIn]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
