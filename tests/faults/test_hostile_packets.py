"""Row 9: hostile clients send mutated packets and payloads; their neighbours notice little."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from collections import Counter
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from tests.broker import free_port
from tests.faults import wire
from tests.faults.conftest import Seeds
from tests.faults.running import LISTENING, PATIENCE, ROOT, Running, until
from tests.faults.sensors import Kind, Sensors
from tests.faults.standin import Sent
from tests.faults.test_power_cut import read_all

RATE = 200
"""Messages a second of the neighbours together."""
NEIGHBOURS = (Kind(1, 4), Kind(2, 4), Kind(1, 5), Kind(2, 5))
LONGEST = 1_800.0
"""Seconds."""
FAULTS = ("Traceback", "could not be handled")
"""What a log says of a mistake of ours."""


class Attacked(NamedTuple):
    """What an attack did; latencies are the 99th percentile of the neighbours', in seconds."""

    sent: int
    visits: int
    seconds: float
    quiet: float
    during: float
    wrong: list[str]

    def __str__(self) -> str:
        return (
            f"{self.sent} mutated packets and payloads in {self.visits} connections, "
            f"{self.sent / self.seconds:.0f} a second; neighbours' "
            f"p99 {1000 * self.quiet:.1f} ms before and {1000 * self.during:.1f} ms during it: "
            f"{self.during / self.quiet:.2f} times"
        )


async def attacked(
    folder: Path, seed: int, count: int, rate: int, quiet: float, *faults: str
) -> Attacked:
    """Measure neighbours for `quiet` seconds and then under an attack of `count` packets.

    `rate` is of packets a second, 0 for as many as the gateway takes.
    """
    gateway = Running(folder, free_port(), *faults, ways=LISTENING)
    neighbours = Sensors(gateway.port, RATE, 20, kinds=NEIGHBOURS)
    gateway.start()
    try:
        await gateway.listens()
        await neighbours.start()
        await until(lambda: len(neighbours.acknowledged) > RATE, "they publish")
        neighbours.latencies.clear()
        await asyncio.sleep(quiet)
        before = p99(neighbours)
        told = await _attack(gateway, seed, count, rate)
        during = p99(neighbours)
        neighbours.sending = False
        await until(lambda: not neighbours.unacknowledged, "everything is acknowledged")
        wrong = [] if gateway.alive else ["it has ended"]
        await gateway.status()
        gateway.stop()
    finally:
        gateway.kill()
        await neighbours.stop()
    log = gateway.log.read_text()
    wrong += [f"its log has {one!r}" for one in FAULTS if one in log]
    return Attacked(
        sent=int(told["sent"]),
        visits=int(told["visits"]),
        seconds=told["seconds"],
        quiet=before,
        during=during,
        wrong=wrong + _losses(gateway, neighbours),
    )


def p99(neighbours: Sensors) -> float:
    found = quantiles(neighbours.latencies, n=100)[-1]
    neighbours.latencies.clear()
    return found


async def _attack(gateway: Running, seed: int, count: int, rate: int) -> dict[str, float]:
    """Let it come; meanwhile the gateway answers."""
    command = (sys.executable, "-m", "tests.faults.hostile")
    process = await asyncio.create_subprocess_exec(
        *command, *map(str, (gateway.port, seed, count, rate)),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    ending = asyncio.create_task(process.communicate())
    try:
        async with asyncio.timeout(LONGEST):
            while not ending.done():
                await gateway.status()
                await asyncio.wait([ending], timeout=0.5)
        output, _ = await ending
    finally:
        if process.returncode is None:
            process.kill()
            await ending
    assert process.returncode == 0
    told: dict[str, float] = json.loads(output)
    return told


def _losses(gateway: Running, neighbours: Sensors) -> list[str]:
    journal = gateway.journal()
    stored = Counter(Sent(one.device.id, one.identity) for one in read_all(journal))
    journal.close()
    wrong = [f"lost {one}" for one in neighbours.acknowledged if one not in stored]
    wrong += [f"stored {count} times: {one}" for one, count in stored.items() if count > 1]
    if sum(stored.values()) != neighbours.sent:
        wrong.append(f"{neighbours.sent} were sent, {sum(stored.values())} are stored")
    return wrong


async def test_a_gateway_survives_whatever_it_is_sent(
    tmp_path: Path, seeds: Seeds, *, long_run: bool
) -> None:
    count, rate, quiet = (1_000_000, 5_000, 20.0) if long_run else (5_000, 0, 1.0)
    found = await attacked(tmp_path, seeds(1, 1)[0], count, rate, quiet)
    print(found)  # noqa: T201 - the report
    assert found.wrong == []


async def test_a_build_that_trips_over_a_wrong_packet_is_caught(
    tmp_path: Path, seeds: Seeds
) -> None:
    found = await attacked(tmp_path, seeds(1, 1)[0], 200, 0, 0.1, "--trip-over-packets")
    assert found.wrong


HEAD = wire.string("cargo/site/h-1/readings")
ID = struct.pack(">H", 7)
WRONG = {
    "CONNECT again": wire.login("h", 4),
    "a packet of kind 0": wire.packet(0, b""),
    "AUTH in MQTT 3.1.1": wire.packet(15, b""),
    "CONNACK from a client": wire.packet(wire.CONNACK, b"\0\0"),
    "SUBACK from a client": wire.packet(wire.SUBACK, ID + b"\0"),
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "a length beyond the limit": b"\x30" + wire.varint(2**28 - 1),
    "PUBLISH at QoS 3": wire.packet(wire.PUBLISH, HEAD + ID, 6),
    "PUBLISH again at QoS 0": wire.packet(wire.PUBLISH, HEAD, 8),
    "PUBLISH without its id": wire.packet(wire.PUBLISH, HEAD, 2),
    "PUBLISH with id 0": wire.packet(wire.PUBLISH, HEAD + b"\0\0", 2),
    "PUBLISH to no topic": wire.packet(wire.PUBLISH, wire.string("")),
    "PUBLISH to many topics": wire.packet(wire.PUBLISH, wire.string("cargo/#")),
    "PUBLISH with half a topic": wire.packet(wire.PUBLISH, b"\0\xffab"),
    "a topic that is no UTF-8": wire.packet(wire.PUBLISH, wire.string(b"\xff\xfe")),
    "a topic with a null": wire.packet(wire.PUBLISH, wire.string("a\0b")),
    "PUBREL with wrong flags": wire.packet(wire.PUBREL, ID),
    "PUBACK of one byte": wire.packet(wire.PUBACK, b"\0"),
    "SUBSCRIBE to nothing": wire.packet(wire.SUBSCRIBE, ID, 2),
    "SUBSCRIBE with wrong flags": wire.packet(wire.SUBSCRIBE, ID + wire.string("#") + b"\0"),
    "SUBSCRIBE at QoS 3": wire.packet(wire.SUBSCRIBE, ID + wire.string("#") + b"\x03", 2),
    "UNSUBSCRIBE from nothing": wire.packet(10, ID, 2),
    "PINGREQ with a body": wire.packet(wire.PINGREQ, b"\0"),
}
MQTT = wire.string("MQTT")
STRANGE = {
    "PUBLISH before CONNECT": wire.publish("cargo/site/h-1/readings", 1, b"{}", 4),
    "SUBSCRIBE before CONNECT": wire.subscribe(1, "#", 1, 4),
    "another protocol": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "MQTT 3.1": wire.packet(1, wire.string("MQIsdp") + b"\x03\x02\0\0\0\1h"),
    "a reserved flag": wire.packet(1, MQTT + b"\x04\x03\0\0\0\1h"),
}


async def test_every_wrong_packet_costs_its_connection_and_is_counted(tmp_path: Path) -> None:
    gateway = Running(tmp_path, free_port(), ways=LISTENING)
    gateway.start()
    try:
        await gateway.listens()
        for what, data in {**WRONG, **STRANGE}.items():
            before = _malformed(await gateway.status())
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            async with asyncio.timeout(PATIENCE):
                if what in WRONG:
                    writer.write(wire.login("h", 4, clean=True))
                    assert await reader.readexactly(4) == b"\x20\x02\0\0"
                writer.write(data)
                await reader.read()
            writer.close()
            assert _malformed(await gateway.status()) == before + 1, what
        gateway.stop()
    finally:
        gateway.kill()


def _malformed(status: dict[str, dict[str, dict[str, int]]]) -> int:
    return sum(count for why, count in status["listener"]["refused"].items() if why[:2] == "0x")
