"""Limits: who sends too much, too fast, or takes nothing, costs nobody else anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.listener import listener as module
from gateway.listener.channel import BUFFER, WRITTEN
from gateway.listener.connecting import FIRST_BYTES
from gateway.listener.flow import BURST, Unread
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, encode
from tests.gateway.listener.serving import Door, both, message, serving


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as made:
        yield made


async def test_a_packet_larger_than_allowed_is_refused_by_its_header(tmp_path: Path) -> None:
    async with serving(tmp_path, packet_size="2 kB") as door:
        wire = await door.enter()
        fits = p.Publish(b"t", b"x" * (2000 - 3 - 3 - 2 - 1), 1, 1)
        assert len(encode(fits, V5)) == 2000
        assert await wire.ask(fits) == p.Puback(1)
        await wire.send_bytes(encode(p.Publish(b"t", b"x" * 2000, 1, 1), V5)[:5])
        (ended,) = await wire.ended()
        assert isinstance(ended, p.Disconnect)
        assert ended.code == 0x95


async def test_of_too_many_unfinished_bytes_whoever_holds_most_goes(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNFINISHED", 50_000)
    large = encode(p.Publish(b"t", b"x" * 60_000, 1, 1), V5)
    slow, quick = await door.enter("slow"), await door.enter("quick")
    await slow.send_bytes(large[:40_000])
    await door.until(lambda: door.listener._unfinished == 40_000)
    await quick.send_bytes(large[:20_000])
    (ended,) = await slow.ended()
    assert isinstance(ended, p.Disconnect)
    assert ended.code == 0x97
    # Nothing of it is counted any longer, and the other goes on.
    await door.until(lambda: door.listener._unfinished == 20_000)
    await quick.send_bytes(large[20_000:])
    assert await quick.get() == p.Puback(1)
    assert door.listener._unfinished == 0


@pytest.mark.parametrize("version", both)
async def test_a_packet_has_its_time_to_come_to_its_end(door: Door, version: int) -> None:
    slow, other = await door.enter("slow", version=version), await door.enter("other")
    whole = encode(message(1), version) + encode(message(2), version)
    await slow.send_bytes(whole[:-40])
    await door.until(lambda: door.client("slow").holds)
    await door.passes(29)
    # One has come to its end, and another begins in the same piece: its time begins too.
    await slow.send_bytes(whole[-40:] + encode(message(3), version)[:20])
    assert [await slow.get(), await slow.get()] == [p.Puback(1), p.Puback(2)]
    await door.passes(29)
    assert len(door.listener._clients) == 2
    await door.passes(2)
    codes = [one.code for one in await slow.ended() if isinstance(one, p.Disconnect)]
    assert codes == ([0x97] if version == V5 else [])
    assert (await door.end()).why == "a packet was not complete within 30 s"
    assert await other.ask(message(4)) == p.Puback(4)


async def test_while_a_socket_is_left_unread_a_packet_is_not_awaited(door: Door) -> None:
    wire = await door.enter()
    data = encode(message(1), V5)
    await wire.send_bytes(data[:20])
    await door.until(lambda: door.client().holds)
    door.ingest.hold("the disk is full")
    await door.passes(100)
    door.ingest.hold(None)
    await door.passes(29)
    await wire.send_bytes(data[20:])
    assert await wire.get() == p.Puback(1)


async def test_who_hoards_goes_and_who_sends_in_pieces_stays(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNFINISHED", 100_000)
    large = encode(p.Publish(b"t", b"x" * 60_000, 1, 1), V5)
    for number in range(2):
        hoarder = await door.enter(f"hoarder-{number}")
        await hoarder.send_bytes(large[:50_000])
    await door.until(lambda: door.listener._unfinished == 100_000)
    victim = await door.enter("victim")
    data = encode(message(1), V5)
    await victim.send_bytes(data[:20])
    await door.arrived(2)
    # What was ended holds nothing from then on, though its connection may still stand.
    assert door.listener._unfinished == 50_020
    await victim.send_bytes(data[20:])
    assert await victim.get() == p.Puback(1)


async def test_large_packets_count_by_their_size(tmp_path: Path) -> None:
    async with serving(tmp_path, rate=5) as door:
        wire = await door.enter()
        await wire.send(p.Publish(b"t", b"x" * 20_000, 1, 1))
        assert await wire.get() == p.Puback(1)
        assert not door.unread()
        await wire.send(p.Publish(b"t", b"x" * 40_000, 2, 1))
        await door.until(lambda: door.unread() & Unread.RATE)


async def test_half_a_connect_holds_little(door: Door) -> None:
    wire = await door.wire(V311)
    whole = encode(p.Connect("a", version=V311, will=p.Will(b"t", b"x" * 60_000)), V311)
    for at in range(0, FIRST_BYTES + 2000, 1000):
        await wire.send_bytes(whole[at : at + 1000])
        await asyncio.sleep(0)
    assert await wire.ended() == []
    assert door.listener._unfinished == 0


async def test_beyond_its_rate_a_client_is_left_unread_and_loses_nothing(tmp_path: Path) -> None:
    rate = 200
    async with serving(tmp_path, rate=rate) as door:
        wire = await door.enter(version=V311, keep_alive=1)
        burst = int(BURST * rate)
        numbers = range(1, burst + 11)
        await wire.send(*(message(n) for n in numbers))
        await door.until(lambda: door.ingest.received >= burst)
        await door.until(lambda: door.unread() & Unread.RATE or door.ingest.received > burst)
        got = [await wire.get() for _ in numbers]
        assert got == [p.Puback(n) for n in numbers]
        # After a while (a twentieth of a second, for ten messages) it is read on.
        await door.until(lambda: not door.unread())
        assert await wire.come() == []
        assert await door.stored() == list(numbers)


async def test_one_client_beyond_its_rate_holds_up_no_other(tmp_path: Path) -> None:
    async with serving(tmp_path, rate=1) as door:
        fast, other = await door.enter("fast"), await door.enter("other")
        await fast.send(*(message(n) for n in range(1, 100)))
        await door.until(lambda: door.unread("fast") & Unread.RATE)
        assert await other.ask(message(100)) == p.Puback(100)


async def test_pings_count_too(tmp_path: Path) -> None:
    async with serving(tmp_path, rate=10) as door:
        wire = await door.enter()
        await wire.send(*[p.Pingreq()] * 101)
        await door.until(lambda: door.unread() & Unread.RATE)


async def test_a_client_that_takes_no_answers_is_left_unread_and_then_cut_off(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, rate=1_000_000) as door:
        wire = await door.wire(V311, limit=1024)
        await wire.ask(p.Connect("deaf", version=V311, clean_start=True))
        channel = door.client("deaf").channel
        assert channel is not None
        transport = channel._transport
        assert transport is not None
        # Else the system keeps megabytes on the way.
        ends = ((wire.writer.transport, socket.SO_RCVBUF), (transport, socket.SO_SNDBUF))
        for one, which in ends:
            one.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, which, 4096)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of both ways
        sending = asyncio.create_task(ping_for_ever(door, wire.writer))
        await door.until(lambda: door.unread("deaf") & Unread.UNTAKEN)
        full = transport.get_write_buffer_size()
        # What one read brought was answered still: two bytes for each two.
        assert full < WRITTEN + BUFFER
        await door.passes(29)
        assert len(door.listener._clients) == 1
        assert transport.get_write_buffer_size() <= full
        await door.passes(2)
        await door.until(lambda: not door.listener._clients)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert (await door.end()).why == "it took none of our answers for 30 s"


async def ping_for_ever(door: Door, writer: asyncio.StreamWriter) -> None:
    while door.listener._clients:
        writer.write(encode(p.Pingreq(), V311) * 1000)
        await writer.drain()


async def test_while_the_disk_fails_sockets_are_left_unread(door: Door) -> None:
    wire = await door.enter()
    door.ingest.hold("the disk is full")
    await wire.send(message(1))
    assert door.unread() == Unread.INTAKE
    door.ingest.hold(None)
    assert await wire.get() == p.Puback(1)


@pytest.mark.parametrize("version", both)
@pytest.mark.parametrize("how", ["full", "failing"])
async def test_while_the_disk_fails_nobody_else_is_let_in(
    door: Door, monkeypatch: pytest.MonkeyPatch, version: int, how: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(door.ingest, *{"full": ("held", True), "failing": ("problem", "I/O")}[how])
        for _ in range(3):
            wire = await door.wire(version)
            await wire.send(p.Connect("a", version=version, clean_start=True))
            (answer,) = await wire.ended()
            assert isinstance(answer, p.Connack)
            assert answer.code == (0x88 if version == V5 else 3)
    assert list(door.listener.refusals.values()) == [3]
    await door.enter("a", version=version)


@pytest.mark.parametrize("version", both)
async def test_one_credential_has_half_of_the_connections_at_most(
    tmp_path: Path, version: int
) -> None:
    async with serving(tmp_path, connections=6) as door:
        token = await door.add("fleet")
        login: dict[str, Any] = {"username": "fleet", "password": token.encode()}
        wires = [await door.enter(f"s-{one}", version=version, **login) for one in range(3)]
        wire = await door.wire(version)
        more = p.Connect("s-3", version=version, clean_start=True, **login)
        answer = await wire.ask(more)
        assert isinstance(answer, p.Connack)
        assert answer.code == (0x97 if version == V5 else 3)
        # One that comes again takes its own place; others, and those after it, find room.
        await door.enter("s-1", version=version, **login)
        await wires[1].ended()
        await door.enter("other", version=version)
        await wires[0].leave()
        await door.arrived(3)
        await door.enter("s-3", version=version, **login)
        assert door.listener.connected() == {"fleet": 3, "anonymous": 1}


async def test_a_fault_of_ours_costs_one_connection(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, other = await door.enter(), await door.enter("other")
    with monkeypatch.context() as broken:
        broken.setattr(door.ingest, "receive", None)
        await wire.send(message(1, qos=2))
        (ended,) = await wire.ended()
        assert isinstance(ended, p.Disconnect)
        assert ended.code == 0x80
    assert await other.ask(message(2)) == p.Puback(2)
    assert await door.stored() == [2]


async def test_what_a_client_writes_after_we_have_ended_it_is_not_waited_for(door: Door) -> None:
    wire = await door.enter()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of both ways
    await wire.send(p.Pubrec(1))
    await door.until(lambda: not door.listener._clients)
    assert "out of turn" in (await door.end()).why
