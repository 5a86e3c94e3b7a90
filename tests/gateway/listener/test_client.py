"""What a client is answered: acknowledged after the commit, QoS 2 stored once, and the limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devices.reading import RETAINED
from gateway.listener.flow import Unread
from gateway.listener.principal import ANONYMOUS
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311
from gateway.mqtt.properties import build, parse
from tests.gateway.listener.serving import Door, both, message, serving, untimed

WEEK = {"session_expiry_interval": 7 * 86_400}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as made:
        yield made


# -- acknowledgement -------------------------------------------------------------------------


@pytest.mark.parametrize("version", both)
@pytest.mark.parametrize(
    ("qos", "answer"), [(0, None), (1, p.Puback(1)), (2, p.Pubrec(1))], ids=["0", "1", "2"]
)
async def test_it_is_acknowledged_after_the_commit(
    door: Door, version: int, qos: int, answer: p.Packet | None
) -> None:
    wire = await door.enter(version=version)
    door.disk.clear()
    await wire.send(message(1, qos=qos))
    assert await wire.come() == []
    assert door.journal.head == 0
    door.disk.set()
    if answer is not None:
        assert await wire.get() == answer
    assert await wire.come() == []
    assert await door.stored() == [1]


async def test_what_was_not_acknowledged_may_be_lost_and_nothing_else(door: Door) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(message(1)) == p.Puback(1)
    door.disk.clear()
    await wire.send(message(2))
    assert await wire.come() == []
    await door.crash()
    assert await door.stored() == [1]
    wire = await door.enter(version=V311)
    assert await wire.ask(message(2, dup=True)) == p.Puback(2)
    assert await door.stored() == [1, 2]


async def test_answers_come_in_the_order_of_the_messages(door: Door) -> None:
    wire = await door.enter()
    qos = (1, 2, 1, 0, 2)
    await wire.send(*(message(n, qos=one) for n, one in enumerate(qos, 1)))
    got = [await wire.get() for _ in range(4)]
    assert got == [p.Puback(1), p.Pubrec(2), p.Puback(3), p.Pubrec(5)]
    assert await door.stored() == [1, 2, 3, 4, 5]


async def test_what_cannot_be_decoded_is_acknowledged_and_kept(door: Door) -> None:
    wire = await door.enter()
    assert await wire.ask(p.Publish(b"elsewhere", b"?", 1, 1)) == p.Puback(1)
    assert door.journal.quarantine.counts() == {"unknown-topic": 1}


@pytest.mark.parametrize("version", both)
async def test_what_a_device_asks_to_be_kept_is_no_old_value(door: Door, version: int) -> None:
    wire = await door.enter(version=version)
    assert await wire.ask(message(1, retain=True)) == p.Puback(1)
    (reading,) = door.ingest.read(0, 10).readings
    assert not reading.flags & RETAINED


# -- QoS 2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", both)
async def test_a_qos_2_message_is_taken_once_until_it_is_released(door: Door, version: int) -> None:
    wire = await door.enter(version=version, clean_start=version == V311)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    # The id alone says that it is the same.
    assert await wire.ask(untimed(2, 7, dup=True)) == p.Pubrec(7)
    assert await wire.ask(p.Pubrel(7)) == p.Pubcomp(7)
    assert await door.stored() == [1]
    # Now it is another message, whatever its flags say.
    assert await wire.ask(untimed(3, 7, dup=True)) == p.Pubrec(7)
    assert await wire.ask(p.Pubrel(7)) == p.Pubcomp(7)
    assert await door.stored() == [1, 3]


@pytest.mark.parametrize("version", both)
async def test_a_release_of_what_is_not_known_is_answered(door: Door, version: int) -> None:
    wire = await door.enter(version=version)
    assert await wire.ask(p.Pubrel(9)) == p.Pubcomp(9, 0x92 if version == V5 else 0)


@pytest.mark.parametrize("version", both)
@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_a_gateway_that_ends_between_any_two_steps_stores_a_message_once(
    door: Door, version: int, how: str
) -> None:
    end = door.restart if how == "restart" else door.crash
    keeps: dict[str, Any] = {"version": version, "properties": WEEK if version == V5 else None}
    wire = await door.enter(**keeps, present=False)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    await end()
    wire = await door.enter(**keeps, present=True)
    assert await wire.ask(untimed(2, 7, dup=True)) == p.Pubrec(7)
    await end()
    wire = await door.enter(**keeps, present=True)
    assert await wire.ask(p.Pubrel(7)) == p.Pubcomp(7)
    await end()
    wire = await door.enter(**keeps, present=True)
    unknown = 0x92 if version == V5 else 0
    assert await wire.ask(p.Pubrel(7)) == p.Pubcomp(7, unknown)
    assert await wire.ask(untimed(3, 7)) == p.Pubrec(7)
    await end()
    assert await door.stored() == [1, 3]


async def test_a_crash_before_the_commit_forgets_message_and_id_together(door: Door) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    door.disk.clear()
    await wire.send(untimed(2, 8))
    assert await wire.come() == []
    await door.crash()
    wire = await door.enter(version=V311, present=True)
    assert await wire.ask(untimed(2, 8, dup=True)) == p.Pubrec(8)
    assert await wire.ask(untimed(9, 7, dup=True)) == p.Pubrec(7)
    assert await door.stored() == [1, 2]


async def test_a_release_that_was_not_durable_is_answered_only_when_it_is(door: Door) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    door.disk.clear()
    await wire.send(p.Pubrel(7))
    assert await wire.come() == []
    # Said again, from a new connection: the first release is still on its way.
    wire = await door.enter(version=V311, present=True)
    await wire.send(p.Pubrel(7))
    assert await wire.come() == []
    door.disk.set()
    assert await wire.get() == p.Pubcomp(7)


async def test_an_id_held_when_its_client_lost_its_memory_is_a_new_message(door: Door) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(untimed(1, 1)) == p.Pubrec(1)
    assert await wire.ask(untimed(2, 2)) == p.Pubrec(2)
    wire.lose()
    # A program that was started anew counts from one again, and keeps its client id.
    wire = await door.enter(version=V311, present=True)
    assert await wire.ask(untimed(3, 1)) == p.Pubrec(1)
    assert await wire.ask(untimed(4, 2, qos=1)) == p.Puback(2)
    assert await door.stored() == [1, 2, 3, 4]


@pytest.mark.parametrize("how", ["properties", "too many"])
async def test_what_came_before_a_broken_packet_is_not_held_for_taken(
    tmp_path: Path, how: str
) -> None:
    async with serving(tmp_path, unacknowledged=2) as door:
        wire = await door.enter(version=V5, properties=WEEK)
        alias = build({"topic_alias": 1})
        broken = {"properties": [p.Publish(b"a", b"", 3, 2, properties=alias)]}
        wrong = broken.get(how) or [untimed(3, 3), untimed(4, 4)]
        await wire.send(untimed(1, 1), untimed(2, 2), *wrong)
        (ended,) = [one for one in await wire.ended() if isinstance(one, p.Disconnect)]
        assert ended.code == (0x94 if how == "properties" else 0x93)
        wire = await door.enter(version=V5, properties=WEEK, present=True)
        assert await wire.ask(untimed(1, 1, dup=True)) == p.Pubrec(1)
        assert await wire.ask(untimed(2, 2, dup=True)) == p.Pubrec(2)
        assert await door.stored() == [1, 2]


async def test_a_client_that_was_told_no_number_may_have_many_under_way(tmp_path: Path) -> None:
    async with serving(tmp_path, unacknowledged=2) as door:
        wire = await door.enter(version=V311)
        numbers = range(1, 11)
        await wire.send(*(untimed(n, n) for n in numbers))
        for answer in (p.Pubrec, p.Pubcomp):
            assert [await wire.get() for _ in numbers] == [answer(n) for n in numbers]
            await wire.send(*(p.Pubrel(n) for n in numbers if answer is p.Pubrec))
        assert await door.stored() == list(numbers)


async def test_of_ids_that_are_never_released_the_oldest_are_forgotten(tmp_path: Path) -> None:
    # They go round in the middle of a piece.
    numbers = [*range(65_461, 65_536), *range(1, 16)]
    async with serving(tmp_path, unacknowledged=10) as door:
        wire = await door.enter(version=V311)
        for first in range(0, 90, 30):
            # More than the limit in one piece: each is answered as what it is.
            piece = numbers[first : first + 30]
            await wire.send(*(untimed(one, one) for one in piece))
            assert [await wire.get() for _ in piece] == [p.Pubrec(one) for one in piece]
        assert list(held(door)) == numbers[-10:]
        await door.settle()
        await door.crash()
        wire = await door.enter(version=V311, present=True)
        assert list(held(door)) == numbers[-10:]
        assert await wire.ask(untimed(99, 15, dup=True)) == p.Pubrec(15)
        assert await door.stored() == numbers


def held(door: Door) -> dict[int, None]:
    session = door.sessions.get((ANONYMOUS, "sensor-1"))
    assert session is not None
    return session.held


# -- what ends a connection ------------------------------------------------------------------

BROKEN = [
    ("topic alias", [p.Publish(b"a", b"", properties=build({"topic_alias": 1}))], 0x94),
    ("no topic", [b"\x30\x03\0\0\0"], 0x90),
    ("a wildcard", [b"\x30\x04\0\1#\0"], 0x90),
    ("packet too large", [b"\x30\xff\xff\xff\x7f"], 0x95),
    ("identifier", [p.Subscribe(1, (p.Subscription("a"),), b"\x0b\1")], 0xA1),
    ("identifier of ours", [p.Publish(b"a", b"", properties=b"\x0b\1")], 0x82),
    ("QoS 3", [b"\x36\x05\0\1a\0\1"], 0x81),
    ("PUBREC", [p.Pubrec(1)], 0x82),
    ("CONNACK", [p.Connack()], 0x82),
    ("AUTH", [b"\xf0\0"], 0x82),
    ("no filter", [b"\x82\3\0\1\0"], 0x82),
    ("expiry", [p.Disconnect(0, build({"session_expiry_interval": 1}))], 0x82),
]  # fmt: skip


@pytest.mark.parametrize(
    ("packets", "code"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN]
)
@pytest.mark.parametrize("wanted", [True, False], ids=["in words", "without words"])
async def test_a_broken_packet_ends_that_connection_alone(
    door: Door, packets: list[p.Packet | bytes], code: int, *, wanted: bool
) -> None:
    other = await door.enter("other")
    words = {"request_problem_information": int(wanted)}
    wire = await door.enter(properties=words)
    for one in packets:
        await (wire.send_bytes(one) if isinstance(one, bytes) else wire.send(one))
    (ended,) = await wire.ended()
    assert isinstance(ended, p.Disconnect)
    assert ended.code == code
    assert ("reason_string" in parse(ended.properties, "disconnect")) is wanted
    assert door.listener.refusals == {f"0x{code:02X}": 1}
    assert await other.ask(message(1)) == p.Puback(1)


async def test_no_packet_is_larger_than_its_client_takes(door: Door) -> None:
    wire = await door.enter(properties={"maximum_packet_size": 20})
    await wire.send(p.Pubrec(1))
    assert await wire.ended() == [p.Disconnect(0x82)]


async def test_more_under_way_than_was_agreed(tmp_path: Path) -> None:
    async with serving(tmp_path, unacknowledged=2) as door:
        wire = await door.enter()
        door.disk.clear()
        await wire.send(message(1), message(2), message(3))
        (ended,) = await wire.ended()
        assert isinstance(ended, p.Disconnect)
        assert ended.code == 0x93


async def test_of_a_client_that_agreed_to_nothing_only_so_much_is_read(tmp_path: Path) -> None:
    async with serving(tmp_path, unacknowledged=2) as door:
        wire = await door.enter(version=V311)
        door.disk.clear()
        await wire.send(message(1), message(2))
        await door.until(lambda: door.ingest.received == 2)
        await wire.send(message(3), p.Pingreq())
        assert door.unread() == Unread.WINDOW
        door.disk.set()
        got = [await wire.get() for _ in range(4)]
        acknowledged = [one for one in got if one != p.Pingresp()]
        assert acknowledged == [p.Puback(1), p.Puback(2), p.Puback(3)]
        assert await door.stored() == [1, 2, 3]


# -- subscriptions ---------------------------------------------------------------------------


@pytest.mark.parametrize("version", both)
async def test_what_may_be_subscribed_to(door: Door, version: int) -> None:
    wire = await door.enter(version=version)
    filters = ("hw/alerts/+", "#", "hw/status", "cargo/#", "$share/a/hw/alerts/+", "$SYS/#")
    asked = tuple(p.Subscription(one, 2) for one in filters)
    refused = (0x87, 0x9E, 0x87) if version == V5 else (0x80, 0x80, 0x80)
    assert await wire.ask(p.Subscribe(5, asked)) == p.Suback(5, (1, 1, 1, *refused))
    (status,) = await wire.come()
    assert isinstance(status, p.Publish)
    assert (status.topic, status.qos, status.retain) == (b"hw/status", 1, True)
    gone = (0, 0x11) if version == V5 else ()
    assert await wire.ask(p.Unsubscribe(6, ("hw/status", "cargo/#"))) == p.Unsuback(6, gone)


async def test_what_a_client_may_not_see_is_refused(door: Door) -> None:
    token = await door.add("truck", speaks_for=("d-1",), sees=())
    wire = await door.enter(username="truck", password=token.encode())
    asked = (p.Subscription("hw/status", 1), p.Subscription("hw/alerts/+", 1))
    assert await wire.ask(p.Subscribe(1, asked)) == p.Suback(1, (0x87, 1))
