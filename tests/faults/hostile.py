"""Hostile clients: they send a gateway what no client should.  hostile PORT SEED COUNT RATE

In a process of its own, so that neighbours who are measured do not wait for it. Each visit is a
connection from another address of this machine. Half of them connect well and send payloads that
were right until they were changed; all then send such packets, and see what comes of it. RATE is
of packets and payloads a second, 0 for as many as the gateway takes.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from contextlib import suppress
from random import Random

from tests.faults import wire

TOGETHER = 16
"""Visits at a time."""
PATIENCE = 30.0
"""Seconds that a visit may take."""
TOPICS = (
    "cargo/site/h-1/readings",
    "cargo/site/h-2/readings",
    "application/1/device/0102030405060708/event/up",
    "v3/app@ttn/devices/h-3/up",
    "h/nobody/knows",
)
READING = {"time": "2026-11-22T10:00:00Z", "temperature": 4.5, "humidity": 61.5, "seq": 7}
UPLINK = {
    "deviceInfo": {"devEui": "0102030405060708", "deviceName": "h"},
    "time": "2026-11-22T10:00:00+00:00",
    "fCnt": 1,
    "fPort": 2,
    "data": "AWcA4gJoUA==",
    "object": {"temperature": 4.5, "nested": [{"a": 1}]},
}
STACK = {
    "end_device_ids": {"device_id": "h-3", "application_ids": {"application_id": "app"}},
    "received_at": "2026-11-22T10:00:00Z",
    "uplink_message": {"f_cnt": 1, "f_port": 2, "decoded_payload": {"temperature": 4.5}},
}
PAYLOADS = (
    *(json.dumps(one).encode() for one in (READING, UPLINK, STACK, [READING] * 5, {}, [], 1, None)),
    b"",
    b"[" * 5_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"temperature": 1e999, "seq": 1}',
    b'{"temperature": NaN}',
    b'{"temperature": 4, "temperature": 5}',
    b'{"seq": ' + b"9" * 5_000 + b"}",
    b'{"time": "9999-99-99T99:99:99Z", "temperature": 4}',
    b'{"time": -1e308, "temperature": 4}',
    b"\xff\xfe{\x00}\x00",
    b'{"\\ud800": 1, "temperature": 4}',
    bytes(2_000),
)
TELLING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
"""Bytes at which lengths and flags turn over."""


def base(random: Random, version: int) -> bytes:
    """A packet as it should be."""
    number = random.randrange(1, 65_536)
    ends = b"\0" if version == 5 else b""
    topic, payload = random.choice(TOPICS), random.choice(PAYLOADS)
    return random.choice(
        (
            wire.login("h", version, user="h", password="h", clean=True, keep_alive=60),
            wire.login("h", version),
            wire.publish(topic, number, payload, version, qos=random.randrange(3)),
            wire.publish(topic, number, payload, version, qos=1, dup=True),
            wire.answer(random.choice((4, 5, 6, 7)), number),
            wire.subscribe(
                number, random.choice(("#", "holdwatch/box/alerts/#", "+/+")), 1, version
            ),
            wire.packet(10, struct.pack(">H", number) + ends + wire.string("#"), 2),
            wire.packet(wire.PINGREQ, b""),
            wire.packet(wire.DISCONNECT, b"\x04\0" if version == 5 else b""),
            wire.packet(15, b"\x18\0"),
            random.randbytes(random.randrange(1, 60)),
        )
    )


def mutate(random: Random, data: bytes) -> bytes:
    """Change a few things."""
    found = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        place = random.randrange(len(found) + 1)
        match random.randrange(6):
            case 0 if place < len(found):
                found[place] ^= 1 << random.randrange(8)
            case 1 if place < len(found):
                found[place] = random.choice(TELLING)
            case 2:
                del found[place : place + random.randrange(1, 9)]
            case 3:
                found[place:place] = random.randbytes(random.randrange(1, 9))
            case 4:
                found[place:place] = found[place : place + random.randrange(1, 40)]
            case _ if place < 5 and len(found) > 5:
                found[1:place] = wire.varint(random.choice((0, 1, 127, 128, 2**21, 2**28 - 1)))
    return bytes(found)


async def visit(port: int, random: Random) -> int:
    """Connect, send and see it through; return how much was sent."""
    version = random.choice((4, 5))
    here = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    payloads = [
        wire.publish(
            random.choice(TOPICS),
            number + 1,
            mutate(random, random.choice(PAYLOADS)),
            version,
            qos=random.randrange(3),
        )
        for number in range(random.choice((0, random.randrange(1, 60))))
    ]
    packets = [mutate(random, base(random, version)) for _ in range(random.randrange(1, 4))]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(here, 0))
    try:
        async with asyncio.timeout(PATIENCE):
            if payloads:
                name = f"h-{random.randrange(50)}"
                writer.write(wire.login(name, version, clean=random.random() < 0.5))
                writer.write(b"".join(payloads) + wire.packet(wire.PINGREQ, b""))
                # A wrong packet in the same read would cost what stands before it, too.
                await reader.readuntil(wire.packet(wire.PINGRESP, b""))
            writer.write(b"".join(packets))
            with suppress(OSError):  # the other end has closed already
                writer.write_eof()
            await reader.read()
    except (ConnectionError, asyncio.IncompleteReadError):
        # It closed before it had read all, or another visit took the client id over.
        return len(payloads) + len(packets)
    finally:
        writer.close()
    return len(payloads) + len(packets)


async def attack(port: int, seed: int, count: int, rate: int) -> dict[str, float]:
    sent = visits = 0
    began = time.monotonic()

    async def one(random: Random) -> None:
        nonlocal sent, visits
        while sent < count:
            said = await visit(port, random)
            sent += said
            visits += 1
            if rate:
                await asyncio.sleep(began + sent / rate - time.monotonic())

    async with asyncio.TaskGroup() as group:
        for number in range(TOGETHER):
            group.create_task(one(Random(f"{seed}-{number}")))  # noqa: S311 - a fault must come again
    return {"sent": sent, "visits": visits, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(attack(*map(int, sys.argv[1:])))))  # noqa: T201 - the answer
