"""Sessions and wills: what outlives a connection, and what is said when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.listener import answers
from gateway.listener.principal import ANONYMOUS
from gateway.listener.sessions import MOST
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311
from gateway.mqtt.properties import build
from tests.gateway.listener.serving import Door, Wire, both, message, serving, untimed

LAST = message(99).payload
TOPIC = b"cargo/site/d-1/readings"
DAY = 86_400


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as made:
        yield made


def keeping(seconds: int) -> dict[str, Any]:
    """The properties of a CONNECT whose session is to be kept so long."""
    return {"session_expiry_interval": seconds}


def will(delay: int = 0) -> p.Will:
    """A will, which is a reading with the number 99."""
    return p.Will(TOPIC, LAST, properties=build({"will_delay_interval": delay}) if delay else b"")


async def lost(door: Door, wire: Wire) -> None:
    """Break a connection off, and wait until the listener knows."""
    before = len(door.listener._clients)
    wire.lose()
    await door.until(lambda: len(door.listener._clients) < before)


# -- sessions --------------------------------------------------------------------------------

KEPT: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("3.1.1", {"version": V311}, {"version": V311}, True),
    ("3.1.1, clean afterwards", {"version": V311}, {"version": V311, "clean_start": True}, False),
    ("3.1.1, clean before", {"version": V311, "clean_start": True}, {"version": V311}, False),
    ("5", {"properties": keeping(9)}, {"properties": keeping(9)}, True),
    ("5, clean afterwards", {"properties": keeping(9)}, {"clean_start": True}, False),
    ("5, not to be kept", {}, {"properties": keeping(9)}, False),
    ("from 3.1.1 to 5", {"version": V311}, {}, True),
]


@pytest.mark.parametrize(
    ("first", "second", "present"), [one[1:] for one in KEPT], ids=[one[0] for one in KEPT]
)
@pytest.mark.parametrize("how", ["leaves", "breaks", "is taken over", "restart", "stop and crash"])
async def test_a_session_is_kept_if_both_sides_want_it(
    door: Door, first: dict[str, Any], second: dict[str, Any], how: str, *, present: bool
) -> None:
    wire = await door.enter(**first)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    match how:
        case "leaves":
            await wire.leave()
        case "breaks":
            await lost(door, wire)
        case "restart":
            await door.restart()
        case "stop and crash":
            await wire.leave()
            await door.crash()
        case _:
            pass
    wire = await door.enter(**second, present=present)
    # And with it goes what was held.
    assert await wire.ask(untimed(2, 7, dup=True)) == p.Pubrec(7)
    assert await door.stored() == ([1] if present else [1, 2])


@pytest.mark.parametrize("crash", [False, True])
async def test_a_session_that_was_forgotten_is_forgotten_for_good(
    door: Door, *, crash: bool
) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    wire = await door.enter(version=V311, clean_start=True)
    await wire.leave()
    if crash:
        await door.crash()
    wire = await door.enter(version=V311, present=False)
    assert await wire.ask(untimed(2, 7)) == p.Pubrec(7)
    assert await wire.ask(untimed(3, 8)) == p.Pubrec(8)
    await door.crash()
    wire = await door.enter(version=V311, present=True)
    assert await wire.ask(untimed(9, 8, dup=True)) == p.Pubrec(8)
    assert await door.stored() == [1, 2, 3]


async def test_a_new_session_is_welcomed_when_the_old_one_is_off_the_disk(door: Door) -> None:
    wire = await door.enter(version=V311)
    assert await wire.ask(untimed(1, 7)) == p.Pubrec(7)
    await wire.leave()
    door.disk.clear()
    for _ in range(2):
        wire = await door.wire(V311)
        # The second comes while the first still waits, and may not be faster.
        await wire.send(p.Connect("sensor-1", version=V311, clean_start=True))
        await door.until(lambda: door.listener._clients and not door.listener._strangers)
        assert door.unread()
    await door.crash()
    wire = await door.enter(version=V311, present=True)
    assert await wire.ask(untimed(9, 7, dup=True)) == p.Pubrec(7)
    assert await door.stored() == [1]


async def begins_anew(door: Door) -> None:
    """Have a client send a clean CONNECT that the disk holds back, and go."""
    door.disk.clear()
    wire = await door.wire()
    again = p.Connect("sensor-1", clean_start=True, properties=build(keeping(100)))
    await wire.send(again)
    await door.arrived(1)
    wire.lose()


async def revoked(door: Door) -> None:
    """Have all sessions forgotten, while the disk waits."""
    door.disk.clear()
    door.listener.disconnect(ANONYMOUS)


async def expires(door: Door) -> None:
    """Have the session's time pass, while the disk waits."""
    door.disk.clear()
    await door.passes(101)
    door.listener.write_sessions()


@pytest.mark.parametrize("forgotten", [begins_anew, revoked, expires])
async def test_a_session_is_not_gone_on_with_before_the_older_one_is_off_the_disk(
    door: Door, forgotten: Callable[[Door], Awaitable[None]]
) -> None:
    wire = await door.enter(properties=keeping(100))
    assert await wire.ask(untimed(1, 5)) == p.Pubrec(5)
    await lost(door, wire)
    await forgotten(door)
    # Its message is a new one, whatever is left of the id on the disk after a crash.
    wire = await door.wire()
    await wire.send(p.Connect("sensor-1", properties=build(keeping(100))), untimed(2, 5))
    await door.until(lambda: not door.listener._strangers and door.listener._clients)
    await asyncio.sleep(0.02)
    assert door.unread()
    door.disk.set()
    welcome = await wire.get()
    assert isinstance(welcome, p.Connack)
    assert not welcome.session_present
    assert await wire.get() == p.Pubrec(5)
    await door.crash()
    await door.enter(properties=keeping(100), present=True)
    assert await door.stored() == [1, 2]


async def test_a_session_that_was_replaced_is_not_written_again(door: Door) -> None:
    wire = await door.enter(properties=keeping(100))
    assert await wire.ask(p.Subscribe(1, (p.Subscription("hw/alerts/+", 1),))) == p.Suback(1, (1,))
    before = door.client().entered
    assert before is not None
    await door.enter(clean_start=True)
    # It has got on since it was written last.
    before.session.cursor = 99
    door.sessions.changed(before.session)
    door.listener.write_sessions()
    await door.settle()
    assert door.journal.rows("SELECT client FROM session") == []


async def test_while_our_clock_is_wrong_no_session_ends(door: Door) -> None:
    kept, gone = await door.enter("kept", version=V311), await door.enter("gone", version=V311)
    await gone.leave()
    door.clock.wall -= 1000 * DAY * 1000
    door.clock._passed = False
    await kept.leave()
    await door.until(lambda: not door.listener._clients)
    await door.restart()
    # The clock is set: a thousand days seem to have passed.
    door.clock.wall += 1001 * DAY * 1000
    door.listener.write_sessions()
    await door.enter("kept", version=V311, present=True)
    await door.enter("gone", version=V311, present=True)


@pytest.mark.parametrize(
    ("asked", "at_the_end", "passes", "present"),
    [
        (100, None, 99, True),
        (100, None, 100, False),
        (100, 0, 0, False),
        (100, 200, 150, True),
        (100, 200, 200, False),
        (0xFFFFFFFF, None, 7 * DAY - 1, True),
        (0xFFFFFFFF, None, 7 * DAY, False),
        (100, 0xFFFFFFFF, 7 * DAY, False),
    ],
)
@pytest.mark.parametrize("how", ["goes on", "restart"])
async def test_a_session_ends_when_its_time_is_over(
    door: Door, asked: int, at_the_end: int | None, passes: int, how: str, *, present: bool
) -> None:
    wire = await door.enter(properties=keeping(asked))
    properties = b"" if at_the_end is None else build(keeping(at_the_end))
    await wire.leave(p.Disconnect(0, properties))
    await door.until(lambda: not door.listener._clients)
    if how == "restart":
        await door.restart()
    await door.passes(passes)
    await door.enter(properties=keeping(asked), present=present)


async def test_sessions_that_nobody_comes_back_to_leave_the_file(door: Door) -> None:
    for number in range(3):
        wire = await door.enter(f"s-{number}", properties=keeping(100))
        await wire.ask(untimed(number, 7))
        await wire.leave()
    await door.until(lambda: not door.listener._clients)
    await door.passes(101)
    door.listener.write_sessions()
    await door.settle()
    assert len(door.sessions) == 0
    for table in ("session", "held"):
        assert door.journal.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - constant


async def test_of_too_many_sessions_the_oldest_goes(door: Door) -> None:
    for number in range(MOST + 3):
        now = door.clock.now() + number
        opened = door.sessions.open((ANONYMOUS, f"s-{number}"), clean=True, keep=10**6, now=now)
        client = object()
        opened.session.client = client  # type: ignore[assignment]  # any connection
        door.sessions.leave(opened.session, client, now)  # type: ignore[arg-type]  # as above
    door.listener.write_sessions()
    assert len(door.sessions) == MOST
    there = [door.sessions.get((ANONYMOUS, f"s-{number}")) is not None for number in range(5)]
    assert there == [False, False, False, True, True]


async def test_a_will_waits_no_longer_than_its_session_is_kept(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.listener.sessions.MOST", 1)
    for name in ("first", "second"):
        await lost(door, await door.enter(name, will=will(30), properties=keeping(100)))
    await door.passes(1)
    assert await door.stored() == [99]
    assert list(door.listener.wills.waiting) == ["listener/anonymous/second"]


@pytest.mark.parametrize("version", both)
async def test_a_gateway_that_stops_closes_without_a_word_so_that_clients_come_back(
    door: Door, version: int
) -> None:
    wire = await door.enter(version=version)
    await door.restart()
    assert await wire.ended() == []


@pytest.mark.parametrize("version", both)
async def test_one_client_id_has_one_connection(door: Door, version: int) -> None:
    first = await door.enter(version=version)
    second = await door.enter(version=version)
    ended = await first.ended()
    assert [one.code for one in ended if isinstance(one, p.Disconnect)] == (
        [answers.TAKEN_OVER] if version == V5 else []
    )
    assert await second.ask(message(1)) == p.Puback(1)
    assert (await door.end()).why == "another connection took over its client id"


async def test_one_client_id_of_two_credentials_is_two_clients(door: Door) -> None:
    first = await door.enter(properties=keeping(9))
    token = await door.add("truck")
    await door.enter(username="truck", password=token.encode(), present=False)
    assert await first.come() == []


async def test_subscriptions_outlive_a_connection_and_a_restart(door: Door) -> None:
    wire = await door.enter(version=V311)
    status = p.Subscribe(1, (p.Subscription("hw/status", 1), p.Subscription("hw/alerts/+", 0)))
    assert await wire.ask(status) == p.Suback(1, (1, 0))
    (told,) = await wire.come()
    assert isinstance(told, p.Publish)
    await wire.send(p.Puback(told.packet_id))
    await wire.come()
    await door.settle()
    await door.crash()
    wire = await door.enter(version=V311, present=True)
    again = await wire.come()
    assert {(one.topic, one.payload) for one in again if isinstance(one, p.Publish)} == {
        (told.topic, told.payload)
    }
    assert await wire.ask(p.Unsubscribe(2, ("hw/alerts/+", "hw/status"))) == p.Unsuback(2)
    await door.settle()
    await door.crash()
    wire = await door.enter(version=V311, present=True)
    assert await wire.come() == []


# -- keep-alive ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", both)
async def test_a_silent_client_is_cut_off_after_one_and_a_half_times_its_keep_alive(
    door: Door, version: int
) -> None:
    wire = await door.enter(version=version, keep_alive=10)
    await door.passes(14.9)
    assert await wire.come() == []
    await door.passes(14.9)
    assert await wire.come() == []
    await door.passes(15.1)
    codes = [one.code for one in await wire.ended() if isinstance(one, p.Disconnect)]
    assert codes == ([0x8D] if version == V5 else [])
    assert (await door.end()).why == "nothing was heard for 15 s"


async def test_without_a_keep_alive_a_client_may_be_silent(door: Door) -> None:
    wire = await door.enter(keep_alive=0)
    await door.passes(10 * DAY)
    assert await wire.come() == []


async def test_a_socket_left_unread_is_not_taken_for_silence(door: Door) -> None:
    wire = await door.enter(keep_alive=10)
    door.ingest.hold("the disk is full")
    await door.passes(100)
    assert len(door.listener._clients) == 1
    # As if it had taken no time: when reading goes on, the loop's own clock is asked.
    door.ahead = 0
    door.ingest.hold(None)
    await door.passes(14)
    assert await wire.ask(message(1)) == p.Puback(1)


# -- wills -----------------------------------------------------------------------------------

GOOD_BYE = [
    ("good-bye", p.Disconnect(), False),
    ("good-bye with will", p.Disconnect(0x04), True),
    ("an error of its own", p.Disconnect(0x80), True),
]


@pytest.mark.parametrize(
    ("packet", "said"), [one[1:] for one in GOOD_BYE], ids=[one[0] for one in GOOD_BYE]
)
async def test_a_will_is_said_unless_its_client_says_good_bye(
    door: Door, packet: p.Disconnect, *, said: bool
) -> None:
    wire = await door.enter(will=will())
    await wire.leave(packet)
    assert await door.stored() == ([99] if said else [])
    assert (ANONYMOUS in await door.ends()) is said


@pytest.mark.parametrize("version", both)
@pytest.mark.parametrize("how", ["breaks", "closes", "is silent", "breaks MQTT", "is taken over"])
async def test_a_will_is_said_however_a_connection_ends(door: Door, version: int, how: str) -> None:
    wire = await door.enter(version=version, will=will(), keep_alive=10)
    match how:
        case "breaks":
            wire.lose()
        case "closes":
            wire.writer.close()
        case "is silent":
            await door.passes(16)
        case "breaks MQTT":
            await wire.send(p.Pubrec(1))
        case _:
            await door.enter(version=version)
    await door.until(lambda: door.ingest.received == 1)
    assert await door.stored() == [99]
    end = await door.end()
    assert end.will == TOPIC.decode()
    assert (end.client, end.address) == ("sensor-1", "127.0.0.1")


@pytest.mark.parametrize(
    ("delay", "keep", "due"), [(30, 100, 30), (30, 20, 20), (30, 0, 0), (0, 100, 0)]
)
async def test_a_will_waits_for_its_delay_or_the_end_of_its_session(
    door: Door, delay: int, keep: int, due: int
) -> None:
    wire = await door.enter(will=will(delay), properties=keeping(keep))
    await lost(door, wire)
    if due:
        await door.passes(due - 1)
        assert await door.stored() == []
        await door.passes(1.1)
    assert await door.stored() == [99]
    await door.passes(1000)
    assert await door.stored() == [99]
    assert door.ingest.received == 1


BACK: list[tuple[str, bool, dict[str, Any], bool]] = [
    ("back in time", False, {"properties": keeping(100)}, False),
    ("back for a new session", False, {"clean_start": True}, True),
    ("taken over", True, {"properties": keeping(100)}, False),
    ("taken over by a new session", True, {"clean_start": True}, True),
]


@pytest.mark.parametrize(
    ("stands", "back", "said"), [one[1:] for one in BACK], ids=[one[0] for one in BACK]
)
async def test_a_delayed_will_is_not_said_if_its_session_goes_on(
    door: Door, back: dict[str, Any], *, stands: bool, said: bool
) -> None:
    wire = await door.enter(will=will(30), properties=keeping(100))
    if not stands:
        await lost(door, wire)
    await door.enter(**back)
    await wire.ended()
    await door.until(lambda: len(door.listener._clients) == 1)
    assert await door.stored() == ([99] if said else [])
    await door.passes(1000)
    assert await door.stored() == ([99] if said else [])


async def test_a_will_that_its_client_may_not_say_is_kept_aside(door: Door) -> None:
    token = await door.add("truck", speaks_for=("d-2",))
    wire = await door.enter(username="truck", password=token.encode(), will=will())
    await lost(door, wire)
    assert await door.stored() == []
    assert door.journal.quarantine.counts() == {"may-not-speak-for": 1}


async def test_of_the_topic_of_a_will_the_beginning_is_remembered(door: Door) -> None:
    wire = await door.enter(will=p.Will(b"t" * 10_000, b""))
    await lost(door, wire)
    assert (await door.end()).will == "t" * 256


async def test_who_was_revoked_is_not_spoken_for(door: Door) -> None:
    token = await door.add("truck")
    wire = await door.enter(
        username="truck", password=token.encode(), will=will(30), properties=keeping(100)
    )
    await lost(door, wire)
    await door.principals.revoke("truck")
    await door.passes(31)
    assert door.ingest.received == 0


@pytest.mark.parametrize("delay", [0, 30])
async def test_a_fault_of_ours_in_a_will_costs_that_will_alone(
    door: Door, monkeypatch: pytest.MonkeyPatch, delay: int
) -> None:
    wire = await door.enter(will=will(delay), properties=keeping(100))
    with monkeypatch.context() as broken:
        broken.setattr(door.ingest, "receive", None)
        await lost(door, wire)
        await door.passes(31)
    assert door.listener.wills.waiting == {}
    # Its session is one whose client has gone.
    session = door.sessions.get((ANONYMOUS, "sensor-1"))
    assert session is not None
    assert session.client is None
    wire = await door.enter(properties=keeping(100), present=True)
    assert await wire.ask(message(1)) == p.Puback(1)


async def test_a_fault_of_ours_in_a_late_welcome_costs_that_connection_alone(door: Door) -> None:
    wire = await door.enter(properties=keeping(100))
    await wire.ask(untimed(1, 5))
    await wire.leave()
    door.disk.clear()
    wire, other = await door.wire(), await door.enter("other")
    await wire.send(p.Connect("sensor-1", clean_start=True), message(1))
    await door.arrived(2)
    entered = door.client().entered
    assert entered is not None
    entered.answer = cast("bytes", None)
    door.disk.set()
    (ended,) = await wire.ended()
    assert isinstance(ended, p.Disconnect)
    assert ended.code == answers.UNSPECIFIED
    assert await other.ask(message(2)) == p.Puback(2)


async def test_a_gateway_that_stops_says_nobodys_will(door: Door) -> None:
    for version in both:
        await door.enter(f"s-{version}", version=version, will=will())
    await door.restart()
    assert await door.stored() == []
    assert await door.ends() == {}
