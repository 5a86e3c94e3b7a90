"""The load is what it says, and our own codec reads its packets."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from devices.device import Origin
from devices.envelopes.plain import PlainJson
from gateway.mqtt.codec import PacketReader
from gateway.mqtt.packets import V311, Connect, Puback, Publish
from simulators.load import Login, Message, connect, messages, pubacks, publish, split

START = 1_790_000_000_000
LARGEST = 1 << 20


def test_a_payload_has_113_bytes_and_three_channels() -> None:
    load = list(messages(1000, 10, START, 6000.0))
    assert {len(message.payload) for message in load} == {113}
    decode = PlainJson().bind(load[0].topic.decode(), Origin("", "site"))
    assert decode is not None
    (reading,) = decode(load[0].payload, START, 0)
    assert reading.layout.channels == ("battery", "humidity", "temperature")
    assert reading.at == START


def test_the_times_rise_and_no_reading_comes_twice() -> None:
    load = [msgspec.json.decode(one.payload) for one in messages(500, 7, START, 0.5)]
    assert all(before["time"] <= after["time"] for before, after in pairwise(load))
    assert [one["seq"] for one in load[::7]] == [10_000_000 + n for n in range(72)]


@pytest.mark.parametrize(("connections", "devices"), [(1, 10), (4, 10), (7, 3)])
def test_the_shares_hold_every_message_and_a_device_stays_with_its_connection(
    connections: int, devices: int
) -> None:
    wanted = list(messages(100, devices, START, 60.0))
    load = split(wanted, connections)
    waiting = []
    owners: dict[bytes, set[int]] = {}
    for number, share in enumerate(load.shares):
        packets = list(PacketReader(V311, LARGEST).feed(bytes(share.packets)))
        assert [one.packet_id for one in packets if isinstance(one, Publish)] == [
            *range(1, len(share.ends) + 1)
        ]
        for packet in packets:
            assert isinstance(packet, Publish)
            assert packet.qos == 1
            owners.setdefault(packet.topic, set()).add(number)
        waiting.append(iter(packets))
    sent = [next(waiting[turn]) for turn in load.turns]
    assert [(one.topic, one.payload) for one in sent if isinstance(one, Publish)] == wanted
    assert all(len(those) == 1 for those in owners.values())
    assert len(owners) == devices


def test_packet_ids_begin_again_after_the_last() -> None:
    (share,) = split([Message(b"t", b"x")] * 65_537, 1).shares
    ids = [
        one.packet_id
        for one in PacketReader(V311, LARGEST).feed(bytes(share.packets))
        if isinstance(one, Publish)
    ]
    assert ids[-3:] == [65_534 + 1, 1, 2]
    acknowledged = [
        one.packet_id
        for one in PacketReader(V311, LARGEST).feed(pubacks(65_537))
        if isinstance(one, Puback)
    ]
    assert acknowledged == ids


@pytest.mark.parametrize("login", [None, Login("sensor", "geheim" * 30)])
def test_a_connect_says_who_it_is(login: Login | None) -> None:
    reader = PacketReader(V311, LARGEST)
    (packet,) = reader.feed(connect("sensor-7", login, keep_alive=600))
    assert isinstance(packet, Connect)
    assert (packet.client_id, packet.keep_alive, packet.version) == ("sensor-7", 600, V311)
    assert packet.username == (login and login.user)
    assert packet.password == (login and login.password.encode())


def test_the_load_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.load.MOST", 10)
    with pytest.raises(ValueError, match="more than 10 messages"):
        split(messages(11, 1, START, 1.0), 1)


def test_a_message_longer_than_two_length_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 16 kB"):
        publish(Message(b"t", b"x" * 20_000), 1)
