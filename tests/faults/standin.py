"""A broker that notes what was acknowledged: it keeps one session, and sends at a pace.

What is not acknowledged is sent again after a reconnect, first and in the same order, as MQTT
asks. Alerts that the gateway publishes are kept by topic.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple

from tests.faults import wire
from tests.faults.listening import Listening

STEP = 0.01
"""Seconds between bursts."""
WARM, CYCLE = 20, 60
"""Of each CYCLE readings of a device, WARM are too warm, a second apart: one alert."""


class Sent(NamedTuple):
    """A reading on its way: which device, and its number there."""

    device: str
    sequence: int


def payload(sent: Sent, began: int) -> bytes:
    """A reading as plain JSON; `began` is ms since 1970."""
    moment = datetime.fromtimestamp(began / 1000 + sent.sequence, UTC)
    told = {
        "time": moment.isoformat(timespec="milliseconds"),
        "temperature": 9.0 if sent.sequence % CYCLE < WARM else 4.0,
        "seq": sent.sequence,
    }
    return json.dumps(told).encode()


class StandIn(Listening):
    """Sends `rate` messages a second of `devices` devices, at most `window` unacknowledged."""

    def __init__(self, rate: int, devices: int, window: int = 500) -> None:
        super().__init__()
        self.acknowledged: list[Sent] = []
        self.sent = 0
        self.alerts: dict[str, bytes] = {}
        self.told: list[tuple[str, str]] = []
        """What was published about alerts, in order: topic, and state ("" where it is cleared)."""
        self.last_acknowledged = 0.0
        """When, by the monotonic clock."""
        self.sending = True
        self._rate = rate
        self._devices = devices
        self._window = window
        # Not so long ago that the gateway doubts it, and not ahead of it either.
        self._began = time.time_ns() // 1_000_000 - 7 * 24 * 3600 * 1000
        self._waiting: deque[tuple[int, Sent]] = deque()
        self._on_their_way: dict[int, Sent] = {}

    @property
    def unacknowledged(self) -> int:
        return len(self._on_their_way)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream, version, pace = wire.Stream(), 5, None
        try:
            while data := await reader.read(65536):
                for packet in stream.feed(data):
                    if packet.kind == wire.CONNECT:
                        version = wire.connect(packet).version
                        writer.write(self._welcome(version))
                    elif packet.kind == wire.SUBSCRIBE:
                        properties = b"\0" if version == 5 else b""
                        suback = packet.body[:2] + properties + b"\x01"
                        writer.write(wire.packet(wire.SUBACK, suback))
                        pace = asyncio.create_task(self._send(writer, version))
                    else:
                        self._other(packet, writer, version)
        except ConnectionError:
            return
        finally:
            if pace is not None:
                pace.cancel()
            writer.close()

    def _welcome(self, version: int) -> bytes:
        present = b"\x01" if self.sent else b"\0"
        return wire.packet(wire.CONNACK, present + b"\0" + (b"\0" if version == 5 else b""))

    def _other(self, packet: wire.Packet, writer: asyncio.StreamWriter, version: int) -> None:
        if packet.kind == wire.PUBACK:
            sent = self._on_their_way.pop(wire.packet_id(packet))
            self.acknowledged.append(sent)
            self.last_acknowledged = time.monotonic()
        elif packet.kind == wire.PUBLISH:
            said = wire.message(packet, version)
            if "/alerts/" in said.topic:  # and not whether the gateway is there
                self.alerts[said.topic] = said.payload
                state = json.loads(said.payload)["state"] if said.payload else ""
                self.told.append((said.topic, state))
            if packet.flags & 6:
                writer.write(wire.packet(wire.PUBACK, said.packet_id.to_bytes(2, "big")))
        elif packet.kind == wire.PINGREQ:
            writer.write(wire.packet(wire.PINGRESP, b""))

    async def _send(self, writer: asyncio.StreamWriter, version: int) -> None:
        for packet_id, sent in self._on_their_way.items():
            writer.write(self._publish(packet_id, sent, version, dup=True))
        due, before = 0.0, time.monotonic()
        while True:
            now = time.monotonic()
            due, before = min(due + (now - before) * self._rate, 0.1 * self._rate), now
            while self.sending and due >= 1 and len(self._on_their_way) < self._window:
                due -= 1
                number, self.sent = self.sent, self.sent + 1
                sent = Sent(f"d-{number % self._devices}", number // self._devices)
                packet_id = number % 60_000 + 1
                self._on_their_way[packet_id] = sent
                writer.write(self._publish(packet_id, sent, version, dup=False))
            await writer.drain()
            await asyncio.sleep(STEP)

    def _publish(self, packet_id: int, sent: Sent, version: int, *, dup: bool) -> bytes:
        topic = f"cargo/site/{sent.device}/readings"
        return wire.publish(topic, packet_id, payload(sent, self._began), version, dup=dup)
