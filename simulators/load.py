"""Sends many plain-JSON readings at QoS 1 to a broker on this machine: at once, or at a pace.

It is bounded in number and time and speaks to 127.0.0.1 alone, so that it can flood nobody. It
writes its few MQTT 3.1.1 packets itself, because a client library takes longer to send a
message than the gateway takes to receive one.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

MOST = 2_000_000
"""Messages in one call."""
LONGEST = 900.0
"""Seconds that one call may take."""
WINDOW = 2_000
"""Messages that may be unacknowledged."""
CHUNK = 64 * 1024
"""Bytes written at a time, when there is no pace."""
WARM = 100
"""Every so many devices one is too warm, so that rules have something to do."""

_PUBLISH_QOS_1 = 0x32
_CONNACK = b"\x20\x02\x00\x00"
_PUBACK = 4
"""Bytes of a PUBACK."""


class Message(NamedTuple):
    """A message as a device would send it."""

    topic: bytes
    payload: bytes


class BrokerError(Exception):
    """The broker does not take the load: why, and what to do."""


def messages(count: int, devices: int, start: int, step: float) -> Iterator[Message]:
    """Yield `count` readings of `devices` devices in turn, `step` ms apart from `start` on.

    `start` is ms since 1970, UTC. Each payload has 113 bytes and three channels; one device in
    WARM is near 9 °C, the others between 4 and 6.
    """
    topics = [b"cargo/site-1/dev-%06d/readings" % device for device in range(devices)]
    for number in range(count):
        rounds, device = divmod(number, devices)
        measured = datetime.fromtimestamp((start + int(number * step)) / 1000, UTC)
        moment = measured.isoformat(timespec="milliseconds")[:23]
        temperature = 4 + (rounds + 7 * device) % 40 / 20
        if device % WARM == WARM - 1:
            temperature = 9 + rounds % 10 / 20
        payload = (
            f'{{"time":"{moment}Z","temperature":{temperature:.2f},'
            f'"humidity":{60 + device % 13 / 10:.2f},"battery":3.012,'
            f'"seq":{10_000_000 + rounds},"rssi":-71}}'
        )
        yield Message(topics[device], payload.encode())


def publish(message: Message, packet_id: int) -> bytes:
    """Return the PUBLISH at QoS 1 for a message. `packet_id` is 1 to 65535."""
    topic, payload = message
    size = 4 + len(topic) + len(payload)
    if size >= 128 * 128:
        raise ValueError(f"a message of {size} bytes is longer than the load needs: at most 16 kB")
    length = bytes([size]) if size < 128 else bytes([size % 128 | 128, size // 128])
    head = struct.pack(">H", len(topic))
    identifier = struct.pack(">H", packet_id)
    return b"".join((bytes([_PUBLISH_QOS_1]), length, head, topic, identifier, payload))


def send(port: int, load: Iterable[Message], *, rate: float | None = None) -> int:
    """Send messages to the broker on this machine's `port`; return how many it acknowledged.

    Returns once all are acknowledged. `rate` is in messages per second, None for as fast as
    the broker takes them. Raises BrokerError, ValueError beyond MOST, TimeoutError beyond
    LONGEST.
    """
    with socket.create_connection(("127.0.0.1", port), 10) as broker:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broker.sendall(_connect("holdwatch-load"))
        answer = broker.recv(4)
        if answer != _CONNACK:
            raise BrokerError(
                f"the broker answers {answer.hex()} to CONNECT. It must let anonymous clients in"
            )
        sender = _Sender(broker)
        sender.all(load, rate)
        broker.sendall(b"\xe0\x00")
        return sender.acknowledged


class _Sender:
    """One connection's count of what is sent and acknowledged."""

    def __init__(self, broker: socket.socket) -> None:
        self.sent = 0
        self.acknowledged = 0
        self._broker = broker
        self._bytes = 0
        self._began = time.monotonic()

    def all(self, load: Iterable[Message], rate: float | None) -> None:
        waiting = bytearray()
        for message in load:
            if self.sent == MOST:
                raise ValueError(f"more than {MOST} messages: send fewer at a time")
            if rate is not None:
                self._read_until(self._began + self.sent / rate)
            waiting += publish(message, self.sent % 65_535 + 1)
            self.sent += 1
            if rate is not None or len(waiting) >= CHUNK:
                self._write(waiting)
        self._write(waiting)
        while self.acknowledged < self.sent:
            self._read(self._left())

    def _write(self, waiting: bytearray) -> None:
        self._broker.sendall(waiting)
        waiting.clear()
        while self.sent - self.acknowledged >= WINDOW:
            self._read(self._left())

    def _left(self) -> float:
        left = self._began + LONGEST - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the broker did not take the load within {LONGEST:.0f} s")
        return left

    def _read_until(self, due: float) -> None:
        self._left()
        while (rest := due - time.monotonic()) > 0:
            self._read(rest)

    def _read(self, patience: float) -> None:
        readable, _, _ = select.select([self._broker], [], [], patience)
        if not readable:
            return
        data = self._broker.recv(CHUNK)
        if not data:
            raise BrokerError("the broker closed the connection in the middle of the load")
        # Nothing but PUBACKs comes here, since nothing is subscribed.
        self._bytes += len(data)
        self.acknowledged = self._bytes // _PUBACK


def _connect(client_id: str) -> bytes:
    """Return the CONNECT of MQTT 3.1.1 for a clean session without keep-alive."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name
    return bytes([0x10, len(body)]) + body
