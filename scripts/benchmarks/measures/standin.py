"""A stand-in broker: `python -m scripts.benchmarks.measures.standin COUNT RATE`.

It speaks as much MQTT 5 as the gateway needs, sends COUNT messages at RATE per second to the
first that subscribes, and notes when each PUBACK arrives. It is a process of its own, so that
its clock does not wait for the gateway. It prints its port, and at the end the milliseconds
from each message to its PUBACK.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Iterator

import msgspec

from gateway.mqtt.codec import V5, PacketReader, encode
from gateway.mqtt.packets import Connack, Connect, Puback, Publish, Suback, Subscribe
from gateway.mqtt.properties import integer, parse
from simulators.load import messages

PATIENCE = 60.0
"""Seconds to wait for the gateway."""
LARGEST = 1 << 20
FULL_WINDOW = 65_535
"""Messages in flight where the client names no number (MQTT 5, 3.1.2.11.3)."""


class Late(Exception):  # noqa: N818 - what happened, in a word
    """The gateway does not speak or acknowledge any more."""


class Peer:
    """The gateway's connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.latencies: list[float] = []
        self.window = FULL_WINDOW
        self.subscribed = False
        self._connection = connection
        self._reader = PacketReader(V5, LARGEST)
        self._sent: dict[int, float] = {}

    def send(self, packet_id: int, packet: bytes, due: float) -> None:
        """Send a message that was due; where the window held it back, that counts too."""
        held = len(self._sent) >= self.window
        while len(self._sent) >= self.window:
            self.read(PATIENCE)
        self._sent[packet_id] = due if held else time.perf_counter()
        self._connection.sendall(packet)

    def read(self, patience: float) -> None:
        """Wait up to `patience` seconds for the gateway, and take what it says."""
        readable, _, _ = select.select([self._connection], [], [], patience)
        if not readable:
            if patience >= PATIENCE:
                raise Late(f"nothing came from the gateway for {PATIENCE:.0f} s")
            return
        data = self._connection.recv(LARGEST)
        now = time.perf_counter()
        if not data:
            raise Late("the gateway closed the connection")
        for packet in self._reader.feed(data):
            match packet:
                case Puback():
                    self.latencies.append((now - self._sent.pop(packet.packet_id)) * 1000)
                case Connect():
                    properties = parse(packet.properties, "connect")
                    self.window = integer(properties, "receive_maximum", FULL_WINDOW)
                    self._connection.sendall(encode(Connack(), V5))
                case Subscribe():
                    codes = (1,) * len(packet.subscriptions)
                    self._connection.sendall(encode(Suback(packet.packet_id, codes), V5))
                    self.subscribed = True
                case _:
                    raise Late(f"the stand-in knows no {type(packet).__name__}")


def _packets(count: int, rate: float) -> Iterator[tuple[int, bytes]]:
    # Made now and not before, but a device's clock says when it measured.
    start = time.time_ns() // 1_000_000
    for number, message in enumerate(messages(count, 1000, start, 1000 / rate)):
        packet_id = number % 65_535 + 1
        yield packet_id, encode(Publish(message.topic, message.payload, packet_id, 1), V5)


def main(count: int, rate: float) -> list[float]:
    """Serve one gateway; return the milliseconds to each PUBACK, in the order of arrival."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
        with connection:
            peer = Peer(connection)
            while not peer.subscribed:
                peer.read(PATIENCE)
            began = time.perf_counter()
            for number, (packet_id, packet) in enumerate(_packets(count, rate)):
                due = began + number / rate
                while (rest := due - time.perf_counter()) > 0:
                    peer.read(rest)
                peer.send(packet_id, packet, due)
            while len(peer.latencies) < count:
                peer.read(PATIENCE)
            print(msgspec.json.encode(peer.latencies).decode(), flush=True)
            # The gateway leaves first; a broker that is gone would be its own story.
            connection.settimeout(PATIENCE)
            while connection.recv(LARGEST):
                pass
    return peer.latencies


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
