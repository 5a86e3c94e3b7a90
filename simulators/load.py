"""A load of plain-JSON readings as many devices would send them, in MQTT 3.1.1 packets at QoS 1.

It writes its few packets itself, because a client library takes longer to make a message than
the gateway takes to receive one. fleet.py sends them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

MOST = 2_000_000
"""Messages in one load."""
WARM = 100
"""Every so many devices one is too warm, so that rules have something to do."""

DISCONNECT = b"\xe0\x00"
_CONNECT = 0x10
_PUBLISH_QOS_1 = 0x32
_CLEAN, _PASSWORD, _USER = 0x02, 0x40, 0x80
_PACKET_IDS = 65_535


class Message(NamedTuple):
    """A message as a device would send it."""

    topic: bytes
    payload: bytes


class Share(NamedTuple):
    """What one connection sends: its packets one after the other, and where each ends."""

    client_id: str
    packets: bytearray
    ends: array[int]


class Load(NamedTuple):
    """The shares of all connections, and whose turn it is for each message."""

    shares: list[Share]
    turns: array[int]


class Login(NamedTuple):
    """Who the clients say they are."""

    user: str
    password: str


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


def split(load: Iterable[Message], connections: int, name: str = "fleet") -> Load:
    """Make the packets of a load. Each device stays with one connection, the devices in turn.

    Raises ValueError beyond MOST.
    """
    shares = [Share(f"{name}-{number}", bytearray(), array("Q")) for number in range(connections)]
    turns = array("L")
    owner: dict[bytes, int] = {}
    for message in load:
        if len(turns) == MOST:
            raise ValueError(f"more than {MOST} messages: send fewer at a time")
        turn = owner.setdefault(message.topic, len(owner) % connections)
        share = shares[turn]
        share.packets.extend(publish(message, packet_id(len(share.ends))))
        share.ends.append(len(share.packets))
        turns.append(turn)
    return Load(shares, turns)


def packet_id(number: int) -> int:
    """Return the packet id of a connection's message: 1 to 65535 in turn. `number` is from 0."""
    return number % _PACKET_IDS + 1


def publish(message: Message, identifier: int) -> bytes:
    """Return the PUBLISH at QoS 1 for a message. `identifier` is 1 to 65535."""
    topic, payload = message
    size = 4 + len(topic) + len(payload)
    identity = identifier.to_bytes(2, "big")
    return b"".join((_head(_PUBLISH_QOS_1, size), _text(topic), identity, payload))


def pubacks(count: int) -> bytes:
    """Return the PUBACKs of a connection's first `count` messages, in their order."""
    return b"".join(b"\x40\x02" + packet_id(number).to_bytes(2, "big") for number in range(count))


def connect(client_id: str, login: Login | None = None, *, keep_alive: int = 0) -> bytes:
    """Return the CONNECT for a clean session. `keep_alive` is in seconds, 0 for none."""
    flags, fields = _CLEAN, [_text(client_id.encode())]
    if login is not None:
        flags |= _USER | _PASSWORD
        fields += [_text(login.user.encode()), _text(login.password.encode())]
    head = _text(b"MQTT") + struct.pack(">BBH", 4, flags, keep_alive)
    body = head + b"".join(fields)
    return _head(_CONNECT, len(body)) + body


def _head(kind: int, size: int) -> bytes:
    if size >= 128 * 128:
        raise ValueError(f"a packet of {size} bytes is longer than the load needs: at most 16 kB")
    return bytes([kind, size] if size < 128 else [kind, size % 128 | 128, size // 128])


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
