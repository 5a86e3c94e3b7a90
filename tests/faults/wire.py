"""Just enough MQTT for an oracle that shares nothing with the gateway's own codec."""

from __future__ import annotations

import struct
from typing import NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 12, 13, 14


class Packet(NamedTuple):
    """A packet: its kind, the four flags beside it, and what follows the length."""

    kind: int
    flags: int
    body: bytes


class Stream:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Packet]:
        self._buffer += data
        packets = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        return packets

    def _next(self) -> Packet | None:
        if not any(byte < 128 for byte in self._buffer[1:5]):
            return None
        length, place = skip_varint(self._buffer, 1)
        if len(self._buffer) < place + length:
            return None
        head, body = self._buffer[0], self._buffer[place : place + length]
        self._buffer = self._buffer[place + length :]
        return Packet(head >> 4, head & 15, body)


class Message(NamedTuple):
    """A PUBLISH at QoS 1."""

    topic: str
    packet_id: int
    payload: bytes
    retain: bool


def varint(value: int) -> bytes:
    found = bytearray()
    while True:
        value, byte = value >> 7, value & 127
        found.append(byte | (128 if value else 0))
        if not value:
            return bytes(found)


def skip_varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def string(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def publish(
    topic: str, packet_id: int, payload: bytes, version: int, *, dup: bool = False, qos: int = 1
) -> bytes:
    """A PUBLISH; at QoS 0 there is no packet id."""
    head = string(topic) + (struct.pack(">H", packet_id) if qos else b"")
    properties = b"\0" if version == 5 else b""
    return packet(PUBLISH, head + properties + payload, qos << 1 | (8 if dup else 0))


def answer(kind: int, packet_id: int) -> bytes:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return packet(kind, struct.pack(">H", packet_id), 2 if kind == PUBREL else 0)


def subscribe(packet_id: int, topic_filter: str, qos: int, version: int) -> bytes:
    properties = b"\0" if version == 5 else b""
    body = struct.pack(">H", packet_id) + properties + string(topic_filter) + bytes([qos])
    return packet(SUBSCRIBE, body, 2)


def login(
    client_id: str,
    version: int,
    *,
    user: str | None = None,
    password: str | bytes | None = None,
    clean: bool = False,
    keep_alive: int = 0,
) -> bytes:
    """A CONNECT. With MQTT 5 its session lasts an hour."""
    flags = 2 * clean | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    properties = b"\x05\x11" + struct.pack(">I", 3600) if version == 5 else b""
    body = string("MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive) + properties
    body += string(client_id)
    body += b"".join(string(one) for one in (user, password) if one is not None)
    return packet(CONNECT, body)


def message(found: Packet, version: int) -> Message:
    """Read a PUBLISH at QoS 0 or 1."""
    (length,) = struct.unpack_from(">H", found.body)
    topic = found.body[2 : 2 + length].decode()
    place = 2 + length
    packet_id = 0
    if found.flags & 6:
        (packet_id,) = struct.unpack_from(">H", found.body, place)
        place += 2
    if version == 5:
        properties, place = skip_varint(found.body, place)
        place += properties
    return Message(topic, packet_id, found.body[place:], bool(found.flags & 1))


def packet_id(found: Packet) -> int:
    """The id of a PUBACK and its like."""
    (number,) = struct.unpack_from(">H", found.body)
    return int(number)


class Connect(NamedTuple):
    """What a CONNECT says of interest here."""

    version: int
    client_id: str
    clean: bool


def connect(found: Packet) -> Connect:
    version, flags = found.body[6], found.body[7]
    place = 10
    if version == 5:
        properties, place = skip_varint(found.body, place)
        place += properties
    (length,) = struct.unpack_from(">H", found.body, place)
    client_id = found.body[place + 2 : place + 2 + length].decode()
    return Connect(version, client_id, bool(flags & 2))
