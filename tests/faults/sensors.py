"""Sensors that connect straight to the gateway, and note what it acknowledged.

Each keeps what is not acknowledged, and sends it again after a reconnect, first and in the same
order, marked as a repetition: as MQTT asks. One more client watches the alerts.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.faults import wire
from tests.faults.standin import STEP, Sent, payload

RETRY = 0.05
"""Seconds between attempts to connect."""
ALERTS = "holdwatch/box/alerts/#"
TOGETHER = 100
"""Messages that a sensor without a clock sends at once: more than packet ids alone tell apart."""
SLOW = 0.2
"""Seconds that an answer is on its way to such a sensor."""


class Kind(NamedTuple):
    """How a sensor speaks."""

    qos: int
    version: int
    clock: bool = True
    """Whether it says when it measured. If not, only QoS 2 tells a repetition for certain; it
    sends many at once over a slow line, so that there are repetitions."""


KINDS = (
    Kind(1, 4), Kind(1, 5), Kind(1, 4), Kind(2, 4), Kind(1, 5), Kind(2, 5), Kind(1, 4),
    Kind(2, 4, clock=False),
)  # fmt: skip
"""One connection each."""


class Connected:
    """A client that connects again and again, with one session."""

    def __init__(self, port: int, name: str, version: int) -> None:
        self.name = name
        self._port = port
        self._version = version
        self._line = 0.0
        """Seconds that answers take. What is on its way when the line breaks is lost."""
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(RETRY)
                continue
            self._writer = writer
            speaking: asyncio.Task[None] | None = None
            stream = wire.Stream()
            try:
                writer.write(wire.login(self.name, self._version))
                while data := await reader.read(65536):
                    if self._line and speaking is not None:
                        await asyncio.sleep(self._line)
                        # Nothing public tells that the end has come before all is read.
                        if reader._eof or reader.exception():  # type: ignore[attr-defined]
                            break
                    for packet in stream.feed(data):
                        if packet.kind == wire.CONNACK:
                            assert packet.body[1] == 0, f"{self.name} is refused: {packet}"
                            speaking = asyncio.create_task(self.speak(present=packet.body[0] == 1))
                        else:
                            self.told(packet)
            except ConnectionError:
                continue
            finally:
                if speaking is not None:
                    speaking.cancel()
                    await asyncio.wait([speaking])
                writer.close()

    def write(self, data: bytes) -> None:
        assert self._writer is not None
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        assert self._writer is not None
        await self._writer.drain()

    async def speak(self, *, present: bool) -> None:
        """Say what there is to say, from the CONNACK on: whether it knew our session."""
        raise NotImplementedError

    def told(self, packet: wire.Packet) -> None:
        """Take a packet."""
        raise NotImplementedError


class Sensor(Connected):
    """Sends the readings of its devices at a pace."""

    def __init__(self, sensors: Sensors, number: int, kind: Kind, devices: list[str]) -> None:
        super().__init__(sensors.port, f"sensor-{number}", kind.version)
        self.kind = kind
        self.sent = 0
        self.on_their_way: dict[int, Sent] = {}
        """By packet id: what neither PUBACK nor PUBREC was seen for."""
        self.released: dict[int, None] = {}
        """Packet ids whose PUBCOMP was not seen."""
        self._line = 0.0 if kind.clock else SLOW
        self._moments: dict[int, float] = {}
        self._sensors = sensors
        self._devices = devices

    async def speak(self, *, present: bool) -> None:  # noqa: ARG002 - like many, it sends again in any case
        for packet_id in self.released:
            self.write(wire.answer(wire.PUBREL, packet_id))
        for packet_id, sent in self.on_their_way.items():
            self.write(self._publish(packet_id, sent, dup=True))
        rate = self._sensors.rate
        together = 1 if self.kind.clock else TOGETHER
        due, before = float(together), time.monotonic()
        while True:
            now = time.monotonic()
            due, before = min(due + (now - before) * rate, rate), now
            while self._sensors.sending and due >= together:
                free = self._sensors.window - len(self.on_their_way) - len(self.released)
                if free < together:
                    break
                due -= together
                for _ in range(together):
                    self._new()
            await self.drain()
            await asyncio.sleep(STEP)

    def _new(self) -> None:
        number, self.sent = self.sent, self.sent + 1
        device = self._devices[number % len(self._devices)]
        sent = Sent(device, number // len(self._devices))
        packet_id = number % 60_000 + 1
        self.on_their_way[packet_id] = sent
        self._moments[packet_id] = time.monotonic()
        self.write(self._publish(packet_id, sent, dup=False))

    def _publish(self, packet_id: int, sent: Sent, *, dup: bool) -> bytes:
        if self.kind.clock:
            body = payload(sent, self._sensors.began)
        else:
            body = json.dumps({"temperature": 4.0, "seq": sent.sequence}).encode()
        topic = f"cargo/site/{sent.device}/readings"
        return wire.publish(topic, packet_id, body, self._version, dup=dup, qos=self.kind.qos)

    def told(self, packet: wire.Packet) -> None:
        assert packet.kind in {wire.PUBACK, wire.PUBREC, wire.PUBCOMP}, packet
        packet_id = wire.packet_id(packet)
        if packet.kind == wire.PUBCOMP:
            # One that was sent again may be answered twice.
            self.released.pop(packet_id, None)
            return
        sent = self.on_their_way.pop(packet_id, None)
        if packet.kind == wire.PUBREC:
            self.released[packet_id] = None
            self.write(wire.answer(wire.PUBREL, packet_id))
        if sent is not None:
            self._sensors.acknowledged.append(sent)
            now = self._sensors.last_acknowledged = time.monotonic()
            self._sensors.latencies.append(now - self._moments.pop(packet_id))


class Watcher(Connected):
    """Subscribes to all alerts, and keeps what is retained."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "watcher", 4)
        self.alerts: dict[str, bytes] = {}
        self.changes: list[tuple[str, str]] = []

    async def speak(self, *, present: bool) -> None:
        if not present:
            self.alerts.clear()
            self.write(wire.subscribe(1, ALERTS, 1, self._version))

    def told(self, packet: wire.Packet) -> None:
        if packet.kind != wire.PUBLISH:
            return
        alert = wire.message(packet, self._version)
        self.alerts[alert.topic] = alert.payload
        state = json.loads(alert.payload)["state"] if alert.payload else ""
        self.changes.append((alert.topic, state))
        if alert.packet_id:
            self.write(wire.answer(wire.PUBACK, alert.packet_id))


class Sensors:
    """Together they send `rate` messages a second of some `devices` devices."""

    def __init__(
        self,
        port: int,
        rate: float,
        devices: int,
        *,
        window: int = 150,
        kinds: Sequence[Kind] = KINDS,
    ) -> None:
        self.port = port
        self.rate = rate / len(kinds)
        """Of each."""
        self.window = window
        self.acknowledged: list[Sent] = []
        self.last_acknowledged = 0.0
        """When, by the monotonic clock."""
        self.sending = True
        # Not so long ago that the gateway doubts it, and not ahead of it either.
        self.began = time.time_ns() // 1_000_000 - 7 * 24 * 3600 * 1000
        self.latencies: list[float] = []
        """Seconds from the sending of each message to its PUBACK or PUBREC."""
        each = max(1, devices // len(kinds))
        self._sensors = [
            Sensor(self, number, kind, [f"d-{number}-{one}" for one in range(each)])
            for number, kind in enumerate(kinds)
        ]
        self._watcher = Watcher(port)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self._sensors)

    @property
    def unacknowledged(self) -> int:
        return sum(len(one.on_their_way) + len(one.released) for one in self._sensors)

    @property
    def alerts(self) -> dict[str, bytes]:
        return self._watcher.alerts

    @property
    def told(self) -> list[tuple[str, str]]:
        """What was told about alerts, in order: topic, and state ("" where it is cleared)."""
        return self._watcher.changes

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(one.run()) for one in [*self._sensors, self._watcher]]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        done, _ = await asyncio.wait(self._tasks) if self._tasks else (set(), set())
        for task in done:
            if not task.cancelled():
                task.result()
