"""A client that says who it is, truly or not, and is asked what came of it."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import Self

from tests.faults import wire
from tests.faults.running import PATIENCE


class Peer:
    """One connection. `code` is that of its CONNACK, None if it was closed without one."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int
    ) -> None:
        self.code: int | None = None
        self.present = False
        self.version = version
        self._reader = reader
        self._writer = writer
        self._stream = wire.Stream()
        self._came: list[wire.Packet] = []

    @classmethod
    async def connect(
        cls,
        port: int,
        *,
        version: int = 4,
        client_id: str = "peer",
        user: str | None = None,
        password: str | None = None,
        clean: bool = True,
        here: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        at_once: bytes = b"",
    ) -> Self | None:
        """Connect from an address of this machine; None where not even TLS came about.

        `at_once` goes out behind the CONNECT, before its answer is known.
        """
        name = "localhost" if tls else None
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(here, 0), ssl=tls, server_hostname=name
            )
        except (ssl.SSLError, ConnectionError):
            return None
        peer = cls(reader, writer, version)
        peer.send(
            wire.login(client_id, version, user=user, password=password, clean=clean) + at_once
        )
        answer = await peer.get()
        if answer is not None:
            assert answer.kind == wire.CONNACK
            peer.present, peer.code = answer.body[0] == 1, answer.body[1]
        return peer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def get(self) -> wire.Packet | None:
        """The next packet; None if there is none and the connection is closed."""
        async with asyncio.timeout(PATIENCE):
            while not self._came:
                try:
                    data = await self._reader.read(65536)
                except (ssl.SSLError, ConnectionError):
                    return None
                if not data:
                    return None
                self._came += self._stream.feed(data)
        return self._came.pop(0)

    async def ask(self, data: bytes, kind: int) -> list[wire.Packet]:
        """Send, and take all that comes, until an answer of this kind, which is the last."""
        self.send(data)
        found: list[wire.Packet] = []
        while not found or found[-1].kind != kind:
            packet = await self.get()
            assert packet is not None, f"closed instead of an answer of kind {kind}"
            found.append(packet)
        return found

    async def publish(self, topic: str, body: bytes, qos: int = 1, packet_id: int = 1) -> None:
        """Publish, and wait until that is answered; at QoS 2 the id is not released."""
        kind = (wire.PINGRESP, wire.PUBACK, wire.PUBREC)[qos]
        ping = b"" if qos else wire.packet(wire.PINGREQ, b"")
        message = wire.publish(topic, packet_id, body, self.version, qos=qos)
        await self.ask(message + ping, kind)

    def close(self) -> None:
        self._writer.close()


def topic(device: str) -> str:
    return f"cargo/site/{device}/readings"


def warm(count: int, value: float = 9.0) -> bytes:
    """Readings a second apart until now: twelve and more of them are an alert."""
    now = time.time_ns() // 1_000_000
    readings = [
        {"time": now - 1000 * (count - number), "temperature": value} for number in range(count)
    ]
    return json.dumps(readings).encode()
