"""Reading a real Modbus TCP server on loopback."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.device import DecodeError
from devices.reading import ARRIVAL, DeviceKey
from devices.recognition import Recognition
from gateway.routes import Routes
from gateway.settings.ways import Modbus
from gateway.ways.modbus import ModbusReader
from gateway.ways.way import PATIENCE
from rules.duration import MINUTE
from tests.broker import free_port
from tests.gateway.parts import NOW
from tests.gateway.ways.modbus_server import controller
from tests.gateway.ways.parts import House, house

COLD_ROOM = [
    {"channel": "temperature.supply_air", "address": 100, "scale": 0.1},
    {"channel": "temperature.return_air", "address": 101, "scale": 0.1, "missing": [32_767]},
    {"channel": "humidity", "address": 102, "type": "float32"},
    {"channel": "set_point", "address": 7, "kind": "input", "scale": 0.1},
    {"channel": "door", "address": 3, "kind": "coil"},
    {"channel": "tamper", "address": 4, "kind": "discrete"},
]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def cold_room(air: int = 43) -> SimDevice:
    """A cold room's controller, unit 5."""
    words = [air, 32_767, 0x4270, 0x0000]
    blocks = (
        [SimData(3, values=[True], datatype=DataType.BITS)],
        [SimData(4, values=[False], datatype=DataType.BITS)],
        [SimData(100, values=words, datatype=DataType.REGISTERS)],
        [SimData(7, values=[40], datatype=DataType.REGISTERS)],
    )
    return SimDevice(5, simdata=blocks)


def reader(home: House, port: int, **more: object) -> ModbusReader:
    given = {
        "name": "cold-room",
        "host": "127.0.0.1",
        "port": port,
        "unit": 5,
        "device": "room-1",
        "timeout": "300 ms",
        "registers": COLD_ROOM,
        **more,
    }
    section = Modbus.model_validate_json(json.dumps(given))
    lock = asyncio.Lock()
    return ModbusReader(section, "acme", home.ingest, home.clock, lock, Recognition())


async def test_all_registers_together_are_one_reading(home: House) -> None:
    port = free_port()
    one = reader(home, port)
    async with controller(cold_room(), port):
        await one.once()
    (reading,) = home.stored()
    assert str(reading.device) == "acme/room-1"
    assert reading.source == "modbus:cold-room"
    assert reading.flags & ARRIVAL
    values = dict(zip(reading.layout.channels, reading.values, strict=True))
    assert math.isnan(values.pop("temperature.return_air"))
    assert values == {
        "temperature.supply_air": 4.3,
        "humidity": 60.0,
        "set_point": 4.0,
        "door": 1.0,
        "tamper": 0.0,
    }
    assert (one.report.well, one.report.readings, one.report.last) == (True, 1, NOW)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"registers": [{**COLD_ROOM[0], "address": 500}]}, "has no such address: holding 500"),
        (
            {"registers": [*COLD_ROOM, {**COLD_ROOM[0], "channel": "co2", "address": 104}]},
            "no such",
        ),
        ({"unit": 6}, "exception 4"),
    ],
)
async def test_what_the_device_refuses_is_no_reading_and_told_when_it_lasts(
    home: House, more: dict[str, Any], words: str
) -> None:
    port = free_port()
    one = reader(home, port, **more)
    async with controller(cold_room(), port):
        await one.once()
    assert words in one.report.reason
    assert home.stored() == []
    assert one.problem is None
    home.clock.passes(PATIENCE)
    assert words in str(one.problem)


async def test_it_goes_on_when_the_device_is_back(home: House) -> None:
    port = free_port()
    one = reader(home, port)
    await one.once()
    assert f"cannot connect to 127.0.0.1, port {port}" in one.report.reason
    async with controller(cold_room(), port):
        await one.once()
    home.clock.passes(MINUTE)
    async with controller(cold_room(air=52), port):
        await one.once()
    assert [each.value("temperature.supply_air") for each in home.stored()] == [4.3, 5.2]
    assert one.report.well


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        bytes(range(256)) * 4,
        b"\x00\x01\x00\x00\x00\x05\x05\x03\x02\x00\x2b",
        b"\x00\x01\x00\x00\x00\x03\x05\x83\x7f",
        b"\x00\x01\x00\x00\x00\x04\x05\x03\xff\x00",
    ],
)
async def test_whatever_answers_instead_costs_a_reading_and_no_more(
    home: House, answer: bytes
) -> None:
    async def babble(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        await incoming.read(12)
        outgoing.write(answer)
        await incoming.read()
        outgoing.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        one = reader(home, server.sockets[0].getsockname()[1])
        await one.once()
    assert not one.report.well
    assert one.report.reason
    assert home.stored() == []


@pytest.mark.parametrize(
    ("pdu", "words"),
    [
        (b"\x04\x02\x00\x2b", "answers another question: holding 100, function 4"),
        (b"\x84\x02", "answers another question"),
        (b"\x03\x04\x00\x2b\x00\x2b", "another length than was asked for"),
        (b"\x03\x03\x00\x2b\x00", "another length than was asked for"),
        (b"\x03\x02\x00\x2b", ""),
    ],
)
async def test_an_answer_is_one_to_what_was_asked(home: House, pdu: bytes, words: str) -> None:
    async def say(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        asked = await incoming.read(12)
        outgoing.write(asked[:4] + (len(pdu) + 1).to_bytes(2, "big") + asked[6:7] + pdu)
        await incoming.read()
        outgoing.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        one = reader(home, port, registers=COLD_ROOM[:1], timeout="10 s")
        await one.once()
    assert words in one.report.reason
    assert len(home.stored()) == (not words)


@pytest.mark.parametrize("count", [1, 8, 9])
async def test_as_many_bits_as_were_asked_for_are_read(home: House, count: int) -> None:
    port = free_port()
    bits = [SimData(0, values=[True] * 32, datatype=DataType.BITS)]
    empty = [SimData(0, values=[0], datatype=DataType.REGISTERS)]
    coils = [{"channel": f"door.{one}", "address": one, "kind": "coil"} for one in range(count)]
    device = SimDevice(5, simdata=(bits, bits, empty, empty))
    one = reader(home, port, registers=coils, timeout="10 s")
    async with controller(device, port):
        await one.once()
    assert [reading.values for reading in home.stored()] == [(1.0,) * count]


async def test_a_host_that_no_name_server_can_be_asked_for_is_told(home: House) -> None:
    one = reader(home, 502)
    one._section = one._section.model_copy(update={"host": "cold-room..plant.local"})
    await one.once()
    assert "cannot connect to cold-room..plant.local" in one.report.reason


async def test_what_is_read_is_admitted_like_all_else(home: House) -> None:
    asked: list[tuple[str, str]] = []

    def admit(source: str, device: DeviceKey, **_: bool) -> None:
        asked.append((source, str(device)))
        if len(asked) > 1:
            raise DecodeError("may-not-speak-for", "it may not speak for it", "Ask")

    home.ingest.routes = Routes((), admit)
    port = free_port()
    one = reader(home, port)
    async with controller(cold_room(), port):
        await one.once()
        home.ingest.routes.forget_admitted(one.name)
        await one.once()
    assert asked == [("modbus:cold-room", "acme/room-1")] * 2
    assert len(home.stored()) == 1
    assert one.report.reason == "it may not speak for it. Ask"


async def test_devices_behind_one_address_are_read_one_after_the_other(home: House) -> None:
    connected: list[int] = []
    at_once = 0

    async def count(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        nonlocal at_once
        connected.append(1)
        at_once = max(at_once, len(connected))
        await incoming.read()
        connected.pop()
        outgoing.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lock = asyncio.Lock()
    readers = [reader(home, port, timeout="100 ms") for _ in range(3)]
    for one in readers:
        one._line = lock
    async with server:
        await asyncio.gather(*(one.once() for one in readers))
    assert at_once == 1
