"""Who may enter, and what those are told who may not: CONNECT from the outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.listener.attempts import AT_ONCE
from gateway.listener.authority import Authority
from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, encode
from gateway.mqtt.properties import build, parse
from tests.gateway.listener.serving import Door, both, message, serving
from tests.gateway.parts import NOW

SILENT: tuple[int, ...] = ()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as made:
        yield made


def connect(version: int, client_id: str = "a", **fields: Any) -> bytes:  # noqa: ANN401 - of a CONNECT
    return encode(p.Connect(client_id, version=version, **fields), version)


def old_connect(name: bytes, level: int) -> bytes:
    """A CONNECT of another time."""
    body = len(name).to_bytes(2, "big") + name + bytes((level, 2, 0, 60, 0, 1)) + b"a"
    return bytes((0x10, len(body))) + body


METHOD = build({"authentication_method": "SCRAM-SHA-256"})
REFUSED = [
    ("MQTT 3.1", old_connect(b"MQIsdp", 3), V311, 1),
    ("level 3", old_connect(b"MQTT", 3), V311, 1),
    ("level 6", old_connect(b"MQTT", 6), V311, 1),
    ("no id, session kept", connect(V311, ""), V311, 2),
    ("long id", connect(V311, "x" * 257), V311, 2),
    ("long id, 5", connect(V5, "x" * 257), V5, 0x85),
    ("wrong token", connect(V311, username="truck", password=b"no"), V311, 4),
    ("wrong token, 5", connect(V5, username="truck", password=b"no"), V5, 0x86),
    ("nobody", connect(V311, username="nobody", password=b"no"), V311, 4),
    ("no token", connect(V5, username="truck"), V5, 0x86),
    ("a password alone", connect(V5, password=b"no"), V5, 0x87),
    ("large will", connect(V5, will=p.Will(b"a", b"x" * 16_385)), V5, 0x95),
    ("large will, 3.1.1", connect(V311, will=p.Will(b"a", b"x" * 16_385)), V311, 3),
    ("a CONNECT in one read", connect(V5, "x", username="y" * 16_384), V5, 0x95),
    ("authentication method", connect(V5, properties=METHOD), V5, 0x8C),
]


@pytest.mark.parametrize(
    ("data", "version", "code"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
async def test_who_may_not_enter_is_told_why_and_sent_away(
    door: Door, data: bytes, version: int, code: int
) -> None:
    await door.add("truck")
    wire = await door.wire(version)
    await wire.send_bytes(data)
    (answer,) = await wire.ended()
    assert isinstance(answer, p.Connack)
    assert (answer.session_present, answer.code) == (False, code)
    if version == V5:
        assert parse(answer.properties, "connack")["reason_string"]
    assert sum(door.listener.refusals.values()) == 1
    assert not door.listener._clients


@pytest.mark.parametrize("version", both)
async def test_without_a_user_where_one_is_wanted(tmp_path: Path, version: int) -> None:
    async with serving(tmp_path, port={"anonymous": False}) as door:
        wire = await door.wire(version)
        await wire.send_bytes(connect(version))
        (answer,) = await wire.ended()
        assert isinstance(answer, p.Connack)
        assert answer.code == (0x87 if version == V5 else 5)


BROKEN = [
    ("a packet before CONNECT", encode(message(1), V311)),
    ("a ping before CONNECT", encode(p.Pingreq(), V311)),
    ("no MQTT", b"GET / HTTP/1.1\r\n\r\n"),
    ("AUTH", b"\xf0\x00"),
    ("a will on a filter", connect(V5, will=p.Will(b"abc", b"")).replace(b"abc", b"a/#")),
    ("a will of a wrong kind", connect(V5, will=p.Will(b"a", b"", properties=b"\x23\0\1"))),
    ("the receive maximum is zero", connect(V5, properties=b"\x21\0\0")),
]  # fmt: skip


@pytest.mark.parametrize("data", [one[1] for one in BROKEN], ids=[one[0] for one in BROKEN])
async def test_what_is_no_connect_is_cut_off_without_an_answer(door: Door, data: bytes) -> None:
    wire = await door.wire()
    await wire.send_bytes(data)
    assert await wire.ended() == []
    assert sum(door.listener.refusals.values()) == 1


@pytest.mark.parametrize("version", both)
async def test_a_second_connect_ends_the_connection(door: Door, version: int) -> None:
    wire = await door.enter(version=version)
    await wire.send_bytes(connect(version))
    assert await codes(wire.ended()) == ([0x82] if version == V5 else [])


async def codes(ended: Any) -> list[int]:  # noqa: ANN401 - an awaitable
    """The reason codes of the DISCONNECTs that came."""
    return [one.code for one in await ended if isinstance(one, p.Disconnect)]


@pytest.mark.parametrize("version", both)
async def test_with_user_and_token_one_enters_under_its_own_name(door: Door, version: int) -> None:
    token = await door.add("truck", speaks_for=("d-1",))
    wire = await door.enter(version=version, username="truck", password=token.encode())
    assert door.client().name == "listener/truck/sensor-1"
    assert await wire.ask(message(1)) == p.Puback(1)
    # Another's device: it is taken, and lies in the quarantine.
    assert await wire.ask(message(2, device="d-2")) == p.Puback(2)
    assert await door.stored() == [1]
    assert door.journal.quarantine.counts() == {"may-not-speak-for": 1}


async def test_what_a_client_of_mqtt_5_is_told_when_it_enters(tmp_path: Path) -> None:
    async with serving(tmp_path, unacknowledged=7, packet_size="2 kB", session_keep="60 s") as door:
        wire = await door.wire()
        asked = build({"session_expiry_interval": 3600})
        answer = await wire.ask(p.Connect("", properties=asked))
        assert isinstance(answer, p.Connack)
        told = parse(answer.properties, "connack")
        assert str(told.pop("assigned_client_identifier")).startswith("auto-")
        assert told == {
            "session_expiry_interval": 60,
            "receive_maximum": 7,
            "maximum_packet_size": 2000,
            "subscription_identifier_available": 0,
            "shared_subscription_available": 0,
        }


async def test_an_empty_id_is_given_one_and_two_of_them_do_not_meet(door: Door) -> None:
    one = await door.enter("", version=V311, clean_start=True)
    two = await door.enter("", version=V311, clean_start=True)
    assert await one.ask(message(1)) == p.Puback(1)
    assert await two.ask(message(2)) == p.Puback(2)


PIPELINED = (message(1), p.Subscribe(9, (p.Subscription("hw/alerts/+", 1),)), message(2))


@pytest.mark.parametrize("version", both)
@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize("clean", [False, True])
async def test_a_client_need_not_wait_for_its_connack(
    door: Door, version: int, size: int, *, clean: bool
) -> None:
    # With an old session to be forgotten first, and without one.
    before = await door.enter(version=V5, properties={"session_expiry_interval": 100})
    await before.ask(message(7, qos=2))
    await before.leave()
    wire = await door.wire(version)
    data = connect(version, "sensor-1", clean_start=clean)
    data += b"".join(encode(one, version) for one in PIPELINED)
    for at in range(0, len(data), size):
        await wire.send_bytes(data[at : at + size])
        if size < 10:
            # A segment of its own.
            await asyncio.sleep(0)
    got = [await wire.get() for _ in range(4)]
    assert isinstance(got[0], p.Connack)
    assert got[0].session_present is not clean
    assert sorted(map(repr, got[1:])) == sorted(
        map(repr, (p.Suback(9, (1,)), p.Puback(1), p.Puback(2)))
    )
    assert await door.stored() == [7, 1, 2]


async def test_a_large_message_may_follow_its_connect_at_once(door: Door) -> None:
    large = p.Publish(b"cargo/site/d-1/readings", b"x" * 100_000, 1, 1)
    wire = await door.wire(V311)
    await wire.send_bytes(connect(V311) + encode(large, V311))
    assert isinstance(await wire.get(), p.Connack)
    assert await wire.get() == p.Puback(1)


async def test_what_comes_after_a_disconnect_is_not_read(door: Door) -> None:
    wire = await door.enter()
    await wire.send(message(1), p.Disconnect(), message(2), p.Connect("sensor-1"))
    await wire.ended()
    assert await door.stored() == [1]
    assert not door.listener.refusals


async def test_a_connect_that_does_not_come_is_not_awaited_for_ever(door: Door) -> None:
    silent, half = await door.wire(), await door.wire()
    await half.send_bytes(connect(V5)[:-1])
    await door.until(lambda: len(door.listener._strangers) == 2)
    await door.passes(4.9)
    assert len(door.listener._strangers) == 2
    await door.passes(0.2)
    assert await silent.ended() == await half.ended() == []
    assert door.listener._unfinished == 0


async def test_a_connect_has_room_for_names_and_a_will_and_no_more(door: Door) -> None:
    wire = await door.wire(V311)
    await wire.send_bytes(connect(V311, will=p.Will(b"a", b"x" * 60_000))[:20_000])
    assert await wire.ended() == []
    assert door.listener.refusals == {"0x82": 1}


@pytest.mark.parametrize(
    ("user", "told"),
    [("truck-1" * 20, ("truck-1" * 20)[:64]), ("a\x1b[2J\u202eb", ascii("a\x1b[2J\u202eb"))],
)
async def test_the_log_names_who_was_refused(door: Door, user: str, told: str) -> None:
    with structlog.testing.capture_logs() as logs:
        wire = await door.wire()
        await wire.send_bytes(connect(V5, "c-1", username=user, password=b"secret"))
        await wire.ended()
    (entry,) = (one for one in logs if one["event"] == "a client was refused")
    assert (entry["user"], entry["client"], entry["address"]) == (told, "c-1", "127.0.0.1")
    assert "secret" not in str(entry)


async def test_too_many_connections(tmp_path: Path) -> None:
    async with serving(tmp_path, connections=2) as door:
        first = await door.enter("a")
        await door.wire()
        await door.until(lambda: len(door.listener._strangers) == 1)
        third = await door.wire()
        assert await third.ended() == []
        assert door.listener.refusals == {"too many connections": 1}
        await first.leave()
        await door.until(lambda: not door.listener._clients)
        await door.enter("b")


async def test_of_too_many_without_a_connect_the_oldest_goes(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.listener.listener.MOST_STRANGERS", 2)
    first, second = await door.wire(), await door.wire()
    await door.until(lambda: len(door.listener._strangers) == 2)
    third = await door.wire()
    assert await first.ended() == []
    for wire in (second, third):
        await wire.send_bytes(connect(V5, clean_start=True))
        assert isinstance(await wire.get(), p.Connack)
        await wire.leave()


async def test_an_address_that_goes_on_guessing_is_turned_away_for_a_while(door: Door) -> None:
    blocked: list[str] = []
    door.listener.on_blocked = blocked.append
    for number in range(AT_ONCE):
        wire = await door.wire()
        await wire.send_bytes(connect(V5, username="truck", password=b"%d" % number))
        await wire.ended()
    assert blocked == ["127.0.0.1"]
    assert await (await door.wire()).ended() == []
    await door.passes(60)
    await door.enter()


@pytest.mark.parametrize("version", both)
async def test_a_credential_that_is_revoked_ends_its_connections(door: Door, version: int) -> None:
    token = await door.add("truck")
    one = await door.enter("a", version=version, username="truck", password=token.encode())
    other = await door.enter("a", version=version)
    await door.principals.revoke("truck")
    assert await codes(one.ended()) == ([0x98] if version == V5 else [])
    assert await other.come() == []
    wire = await door.wire(version)
    await wire.send_bytes(connect(version, username="truck", password=token.encode()))
    (answer,) = await wire.ended()
    assert isinstance(answer, p.Connack)
    assert answer.code == (0x86 if version == V5 else 4)


class Signing:
    """An authority, and what a device shows that has a certificate of it."""

    def __init__(self, folder: Path, now: int) -> None:
        self._authority = Authority.make(folder, datetime.fromtimestamp(now / 1000, UTC), "test")
        own = self._authority.server(["localhost", "127.0.0.1"], datetime.now(UTC))
        self._trusted = folder / "authority.pem"
        self.tls = {"certificate": own.certificate, "key": own.key, "authority": self._trusted}

    def client(self, name: str, now: int) -> ssl.SSLContext:
        shown = self._authority.client(name, datetime.fromtimestamp(now / 1000, UTC))
        context = ssl.create_default_context(cafile=self._trusted)
        context.load_cert_chain(shown.certificate, shown.key)
        return context


async def shows(door: Door, context: ssl.SSLContext, version: int) -> int:
    """Connect with a certificate; return the code of the answer."""
    wire = await door.wire(version, ssl=context, server_hostname="localhost")
    answer = await wire.ask(p.Connect("a", version=version))
    assert isinstance(answer, p.Connack)
    return answer.code


@pytest.mark.parametrize("version", both)
async def test_who_shows_a_certificate_needs_no_token(tmp_path: Path, version: int) -> None:
    signing = Signing(tmp_path / "tls", NOW)
    async with serving(tmp_path, port={"tls": signing.tls}) as door:
        await door.add("truck", certificate=True)
        assert await shows(door, signing.client("truck", NOW), version) == 0
        code = await shows(door, signing.client("stranger", NOW), version)
        assert code == (0x86 if version == V5 else 4)


async def test_a_stolen_certificate_is_worth_nothing_after_its_name_was_added_again(
    tmp_path: Path,
) -> None:
    signing = Signing(tmp_path / "tls", NOW)
    async with serving(tmp_path, port={"tls": signing.tls}) as door:
        await door.add("truck", certificate=True)
        stolen = signing.client("truck", door.clock.now())
        assert await shows(door, stolen, V5) == 0
        door.clock.passes(60_000)
        await door.principals.revoke("truck")
        renewed = signing.client("truck", door.clock.now())
        for context in (stolen, renewed):
            assert await shows(door, context, V5) == 0x86
        await door.add("truck", certificate=True)
        assert await shows(door, stolen, V5) == 0x86
        assert await shows(door, renewed, V5) == 0
