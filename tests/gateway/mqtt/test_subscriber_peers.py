"""The subscriber against brokers that Mosquitto cannot play: old, mute or wrong ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.mqtt import packets as p
from gateway.mqtt import subscriber as module
from gateway.mqtt.codec import V5, V311, Topics, encode
from gateway.mqtt.connection import LEFT, Connection
from gateway.mqtt.properties import build
from gateway.mqtt.subscriber import Subscriber
from tests.broker import free_port
from tests.gateway.mqtt.joining import Kept, Notes, Soon, StandIn, joined, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.mqtt.link import Link

Answer = dict[type[p.Packet], p.Packet | None]


def says(answers: Answer, version: int = V5) -> Callable[[p.Packet], bytes | None]:
    """The answer to each kind of packet; nothing to those not named, None closes."""

    def answer(packet: p.Packet) -> bytes | None:
        if type(packet) not in answers:
            return b""
        reply = answers[type(packet)]
        return None if reply is None else encode(reply, version)

    return answer


WELCOME: Answer = {p.Connect: p.Connack(), p.Subscribe: p.Suback(1, (1,))}


def old_broker(refusal: bytes | None) -> Callable[[p.Packet], bytes | None]:
    """A broker of MQTT 3.1.1: what it says to a CONNECT of MQTT 5."""
    welcome = says(WELCOME, V311)

    def answer(packet: p.Packet) -> bytes | None:
        if isinstance(packet, p.Connect) and packet.version == V5:
            return refusal
        return welcome(packet)

    return answer


@pytest.mark.parametrize("refusal", [bytes.fromhex("20020001"), None], ids=["says so", "closes"])
async def test_a_broker_that_knows_no_mqtt_5_is_joined_with_3_1_1(refusal: bytes | None) -> None:
    async with StandIn(old_broker(refusal)).serving() as broker:
        async with joined(settings(broker.port), Kept()) as subscriber:
            assert subscriber.version == V311
        spoken = [packet.version for packet in broker.seen if isinstance(packet, p.Connect)]
        assert spoken == [V5, V311]


async def test_with_mqtt_5_demanded_an_old_broker_is_refused() -> None:
    notes = Notes()
    async with (
        StandIn(old_broker(bytes.fromhex("20020001"))).serving() as broker,
        joined(settings(broker.port, version="5"), Kept(), notes, wait=False),
    ):
        assert '"auto"' in await notes.state("refused")


async def test_what_it_asks_of_an_mqtt_5_broker() -> None:
    async with StandIn(says(WELCOME)).serving() as broker:
        async with joined(settings(broker.port, topics=("a/+",)), Kept()):
            await asyncio.sleep(0.05)
        connect, subscribe = broker.seen[:2]
    assert isinstance(connect, p.Connect)
    assert (connect.clean_start, connect.client_id, connect.keep_alive) == (False, "box-7", 60)
    assert connect.properties == build(
        {
            "session_expiry_interval": 7 * 86_400,
            "receive_maximum": 65_535,
            "maximum_packet_size": 4 * 1024 * 1024,
        }
    )
    assert subscribe == p.Subscribe(1, (p.Subscription("a/+", 1, retain_handling=1),))


async def test_a_refused_topic_is_named_and_the_others_are_kept() -> None:
    notes = Notes()
    answers = WELCOME | {p.Subscribe: p.Suback(1, (1, 0x87, 0))}
    chosen = {"topics": ("a/#", "b/#", "c/#")}
    async with (
        StandIn(says(answers)).serving() as broker,
        joined(settings(broker.port, **chosen), Kept(), notes),
    ):
        assert "'b/#'" in await notes.state("limited")
        assert "'c/#' at QoS 0" in await notes.state("limited", 2)
    assert [state for state, _ in notes.items] == ["connecting", "connected", "limited", "limited"]


async def test_if_every_topic_is_refused_it_tries_again() -> None:
    notes = Notes()
    answers = WELCOME | {p.Subscribe: p.Suback(1, (0x8F,))}
    async with (
        StandIn(says(answers)).serving() as broker,
        joined(settings(broker.port), Kept(), notes),
    ):
        await notes.state("connected", 2)
    assert any("all our topics" in detail for _, detail in notes.items)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (p.Publish(b"a", b"", 1, 2), "QoS 2"),
        (p.Pubrel(1), "PUBREL comes from the broker out of turn"),
        (p.Connack(), "CONNACK comes from the broker out of turn"),
        (p.Suback(1, (1, 1)), "not one code for each topic"),
        (p.Disconnect(0x98), "its operator ended the connection"),
    ],
)
async def test_a_broker_that_breaks_the_protocol_is_left(reply: p.Packet, sentence: str) -> None:
    notes = Notes()
    async with (
        StandIn(says(WELCOME | {p.Subscribe: reply})).serving() as broker,
        joined(settings(broker.port), Kept(), notes),
    ):
        assert sentence in await notes.state("refused")


async def test_a_session_taken_over_again_and_again_is_named() -> None:
    notes = Notes()
    answers = WELCOME | {p.Subscribe: p.Disconnect(0x8E)}
    async with (
        StandIn(says(answers)).serving() as broker,
        joined(settings(broker.port), Kept(), notes),
    ):
        assert "joined, and the broker gave it our session" in await notes.state("lost")
        assert "a client_id of its own" in await notes.state("lost", 3)
        # Joined again it gets its part at most, so that is what is said, and not that all is well.
        assert "uses the same client id 'box-7'" in await notes.state("limited")


async def test_what_is_no_broker_at_all_is_named() -> None:
    notes = Notes()
    async with (
        StandIn(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n").serving() as server,
        joined(settings(server.port), Kept(), notes, wait=False),
    ):
        assert "not MQTT" in await notes.state("refused")


async def test_a_broker_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN", 0.1)
    notes = Notes()
    async with (
        StandIn(lambda _: b"").serving() as server,
        joined(settings(server.port), Kept(), notes, wait=False),
    ):
        assert "does not answer" in await notes.state("lost")


async def test_a_stop_need_not_wait_for_an_answer() -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    async with StandIn(lambda _: b"").serving() as server:
        async with joined(settings(server.port), Kept(), notes, wait=False):
            await server.asked()
            began = loop.time()
        assert loop.time() - began < module.ANSWER_WITHIN / 2
    async with joined(settings(server.port), Kept(), notes, wait=False):
        pass
    assert "connected" not in dict(notes.items)


async def test_a_message_too_large_names_the_cure() -> None:
    notes = Notes()
    too_large = b"\x30\xff\xff\xff\x7f"

    def answer(packet: p.Packet) -> bytes | None:
        return too_large if isinstance(packet, p.Subscribe) else says(WELCOME)(packet)

    async with (
        StandIn(answer).serving() as broker,
        joined(settings(broker.port), Kept(), notes),
    ):
        assert "message_size_limit" in await notes.state("refused")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"topics": ()}, "topics"),
        ({"topics": ("a/b#",)}, "'a/b#' is not a topic filter"),
        ({"client_id": ""}, "client_id"),
        ({"password": "x"}, "username"),
    ],
)
def test_settings_that_no_broker_could_accept(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        settings(1883, **changes)


def test_settings_do_not_show_their_password() -> None:
    assert "söcret" not in repr(settings(1883, username="ann", password="söcret"))


async def test_where_nothing_listens_the_cure_is_named() -> None:
    notes = Notes()
    async with joined(settings(free_port()), Kept(), notes, wait=False):
        assert "Start the broker" in await notes.state("lost")


async def connection_to(port: int) -> Connection:
    loop = asyncio.get_running_loop()
    connection = Connection(
        version=V5,
        topics=Topics(),
        pace=0,
        deliver=lambda _: None,
        granted=lambda _: None,
    )
    await loop.create_connection(lambda: connection, "127.0.0.1", port)
    connection.send(encode(p.Connect("a"), V5))
    await connection.answered
    return connection


async def test_a_broker_that_does_not_answer_a_ping_is_left() -> None:
    async with StandIn(says(WELCOME)).serving() as broker:
        connection = await connection_to(broker.port)
        connection.keep_alive(0.05)
        ended = await asyncio.wait_for(connection.ended, 5)
        assert "does not answer our ping" in ended.detail


async def test_pings_keep_a_quiet_connection_alive() -> None:
    async with StandIn(says(WELCOME | {p.Pingreq: p.Pingresp()})).serving() as broker:
        connection = await connection_to(broker.port)
        connection.keep_alive(0.02)
        await asyncio.wait({connection.ended}, timeout=0.3)
        assert broker.seen.count(p.Pingreq()) > 2
        assert not connection.ended.done()
        connection.end(LEFT)
        await connection.ended


@pytest.mark.parametrize("fault", [LookupError, OSError])
async def test_what_the_intake_raises_ends_the_run(fault: type[Exception]) -> None:
    class Broken:
        def receive(self, link: Link, publishes: list[p.Publish]) -> int:
            raise fault(f"{link.name}: {len(publishes)}")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    answers = WELCOME | {p.Subscribe: p.Publish(b"a", b"x", 1, 1)}
    async with StandIn(says(answers)).serving() as broker:
        subscriber = Subscriber(settings(broker.port), Broken(), Notes(), random=Soon())
        with pytest.raises(fault, match="quay: 1"):
            await asyncio.wait_for(subscriber.run(), 5)


@pytest.mark.parametrize(
    ("failures", "cap"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (5000, 30.0)]
)
async def test_the_delay_doubles_up_to_its_cap(failures: int, cap: float) -> None:
    class Longest(Soon):
        def uniform(self, a: float, b: float) -> float:
            assert a == 0
            return b

    subscriber = Subscriber(settings(1), Kept(), Notes(), random=Longest())
    subscriber._failures = failures
    assert subscriber._delay() == cap
