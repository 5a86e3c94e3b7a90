"""Clients that keep a gateway busy with nothing: half open, slow to speak, or never listening.

Whoever is closed comes back after a second or so.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random

from tests.faults import wire

CONNECT = wire.login("crowd", 4)
A_SECOND = 1.0
DEAF = 100
"""One in so many never reads an answer: it makes work, where the others only hold a place."""
NEVER_READ = 20
"""Messages a second of a client that reads no answers."""
PINGS = 2_000
"""PINGREQ packets that it sends at a time, each second."""


class Crowd:
    """`count` clients of all kinds."""

    def __init__(self, port: int, tls_port: int, count: int) -> None:
        self.lasted: dict[str, list[float]] = {}
        """By kind: how many seconds half-open connections lasted that were closed."""
        self.open: dict[int, tuple[str, float]] = {}
        """Half-open connections that last: their kind, and since when."""
        self.ends: Counter[str] = Counter()
        self._random = Random(count)  # noqa: S311 - a fault must come again
        self._port = port
        self._tls_port = tls_port
        self._hello = client_hello()
        kinds: list[Callable[[int], Coroutine[None, None, None]]] = [
            self._says_nothing, self._half_a_connect, self._drips_its_connect,
            self._tls_nothing, self._tls_half_a_hello, self._tls_no_more_than_a_hello,
            self._drips_a_message,
        ]  # fmt: skip
        self._all = [
            kinds[number % len(kinds)](number) if number % DEAF else self._never_reads(number)
            for number in range(count)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(one) for one in self._all]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        done, _ = await asyncio.wait(self._tasks)
        for task in done:
            if not task.cancelled():
                task.result()

    async def _says_nothing(self, number: int) -> None:
        await self._half_open(number, "says nothing", self._port, b"")

    async def _half_a_connect(self, number: int) -> None:
        half = CONNECT[: len(CONNECT) // 2]
        await self._half_open(number, "half a CONNECT", self._port, half)

    async def _drips_its_connect(self, number: int) -> None:
        # A client id so long that it takes longer than anybody waits.
        long = wire.login("crowd" * 40, 4)
        await self._half_open(number, "a CONNECT byte by byte", self._port, long[:1], drip=long[1:])

    async def _tls_nothing(self, number: int) -> None:
        await self._half_open(number, "TLS: says nothing", self._tls_port, b"")

    async def _tls_half_a_hello(self, number: int) -> None:
        half = self._hello[: len(self._hello) // 2]
        await self._half_open(number, "TLS: half a hello", self._tls_port, half)

    async def _tls_no_more_than_a_hello(self, number: int) -> None:
        await self._half_open(number, "TLS: a hello and no more", self._tls_port, self._hello)

    async def _half_open(
        self, number: int, kind: str, port: int, first: bytes, drip: bytes = b""
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            reader, writer = await self._connect(port)
            began = loop.time()
            self.open[number] = kind, began
            dripping = asyncio.create_task(_drip(writer, drip))
            try:
                writer.write(first)
                await reader.read()
            except ConnectionError:
                self.ends[f"{kind}: reset"] += 1
            finally:
                dripping.cancel()
                writer.close()
            del self.open[number]
            self.lasted.setdefault(kind, []).append(loop.time() - began)
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * A_SECOND)

    async def _drips_a_message(self, number: int) -> None:
        """Enter, and send a message at one byte a second: it is slow, and may stay."""
        message = wire.publish(f"cargo/site/slow-{number}/readings", 1, bytes(500), 4)
        while True:
            reader, writer = await self._connect(self._port)
            writer.write(wire.login(f"slow-{number}", 4, clean=True))
            dripping = asyncio.create_task(_drip(writer, message))
            try:
                await reader.read()
            except ConnectionError:
                self.ends["slow: reset"] += 1
            finally:
                dripping.cancel()
                writer.close()

    async def _never_reads(self, number: int) -> None:
        """Enter, send messages and pings, and leave all answers unread."""
        topic = f"cargo/site/deaf-{number}/readings"
        packet_id = 0
        while True:
            _, writer = await self._connect(self._port)
            writer.write(wire.login(f"deaf-{number}", 4, clean=True))
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # any socket has it
            try:
                while not writer.is_closing():
                    for _ in range(NEVER_READ):
                        packet_id = packet_id % 65_535 + 1
                        writer.write(wire.publish(topic, packet_id, b'{"temperature": 4}', 4))
                    writer.write(wire.packet(wire.PINGREQ, b"") * PINGS)
                    await writer.drain()
                    await asyncio.sleep(A_SECOND)
            except ConnectionError:
                self.ends["deaf: reset"] += 1
            finally:
                writer.close()

    @staticmethod
    async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.1)


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        await asyncio.sleep(A_SECOND)
        if writer.is_closing():
            return
        writer.write(bytes([byte]))


def client_hello() -> bytes:
    """The first flight of a TLS handshake."""
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake that needs nobody")
