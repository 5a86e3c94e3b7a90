"""Whatever the pieces, the same packets; whatever the bytes, a packet or a ProtocolError."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, PacketReader, ProtocolError, Publish, encode, pubacks
from gateway.mqtt.topic import MAXIMUM_KEPT, Topics
from gateway.mqtt.wire import PACKET_TOO_LARGE, QOS_NOT_SUPPORTED, UNSUPPORTED_VERSION
from tests.gateway.mqtt.packets import some, versions


def read(data: bytes, version: int = V5) -> list[p.Packet]:
    return PacketReader(version, 1 << 20).feed(data)


streams = versions.flatmap(
    lambda version: st.tuples(st.just(version), st.lists(some(version), max_size=6))
)


@given(streams)
def test_what_is_written_is_read(stream: tuple[int, list[p.Packet]]) -> None:
    version, sent = stream
    assert read(b"".join(encode(packet, version) for packet in sent), version) == sent


@given(streams)
def test_every_split_of_a_stream_gives_the_same_packets(
    stream: tuple[int, list[p.Packet]],
) -> None:
    version, sent = stream
    data = b"".join(encode(packet, version) for packet in sent)
    for cut in range(len(data) + 1):
        reader = PacketReader(version, 1 << 20)
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) == sent
    reader = PacketReader(version, 1 << 20)
    single = [packet for byte in data for packet in reader.feed(bytes((byte,)))]
    assert single == sent


@given(streams, st.data())
def test_mutated_packets_raise_only_protocol_errors(
    stream: tuple[int, list[p.Packet]], data: st.DataObject
) -> None:
    version, sent = stream
    raw = bytearray(b"".join(encode(packet, version) for packet in sent))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    reader = PacketReader(version, 1 << 20)
    try:
        reader.feed(bytes(raw))
    except ProtocolError:
        with pytest.raises(ProtocolError):
            reader.feed(b"\xc0\x00")


@given(st.binary(max_size=60), versions)
def test_any_bytes_raise_only_protocol_errors(raw: bytes, version: int) -> None:
    try:
        read(raw, version)
    except ProtocolError:
        return


REFUSED = [
    ("a length with a byte too many", V311, "c08000"),
    ("a length of five bytes", V311, "30ffffffff01"),
    ("QoS 3", V311, "360700017400016161"),
    ("DUP at QoS 0", V311, "3804000174ff"),
    ("a packet id of zero", V311, "32050001740000"),
    ("no packet id", V311, "3203000174"),
    ("half a topic length", V311, "300100"),
    ("a topic longer than the packet", V311, "3004000974ff"),
    ("an empty topic", V311, "30020000"),
    ("an empty topic, as with an alias", V5, "3206000003230001"),
    ("a topic with +", V311, "300400022b74"),
    ("a topic with #", V311, "300400022f23"),
    ("a topic with a null", V311, "300400027400"),
    ("a topic that is no UTF-8", V311, "30040002c328"),
    ("a topic with a surrogate", V311, "30050003eda080"),
    ("no properties", V5, "3003000174"),
    ("properties longer than the packet", V5, "300400017405"),
    ("a length of properties without its end", V5, "300400017480"),
    ("packet type 0", V311, "0000"),
    ("a PUBREL without its flag", V311, "60020001"),
    ("a SUBSCRIBE without its flag", V311, "8006000100017400"),
    ("a PUBACK with a flag", V311, "41020001"),
    ("a PUBACK of packet id zero", V311, "40020000"),
    ("a PUBACK too long for 3.1.1", V311, "4003000100"),
    ("a PINGREQ with a body", V311, "c00100"),
    ("AUTH", V5, "f000"),
    ("a CONNACK with a reserved flag", V311, "20020200"),
    ("a CONNACK that refuses and has a session", V311, "20020105"),
    ("a SUBACK with no code", V311, "90020001"),
    ("a SUBACK granting QoS 3", V311, "9003000103"),
    ("a SUBSCRIBE for nothing", V311, "82020001"),
    ("a SUBSCRIBE for a#", V311, "8207000100026123 01"),
    ("a SUBSCRIBE for #/a", V311, "820800010003232f6101"),
    ("a SUBSCRIBE at QoS 3", V311, "8206000100017403"),
    ("a SUBSCRIBE with options of MQTT 5", V311, "8206000100017405"),
    ("a SUBSCRIBE with retain handling 3", V5, "820700010000017430"),
    ("a shared SUBSCRIBE without local messages", V5, "8210000100000a2473686172652f612f6204"),
    ("an UNSUBSCRIBE of nothing", V311, "a2020001"),
    ("a CONNECT of MQTT 3.1", V311, "101000064d51497364700302003c00026162"),
    ("a CONNECT of level 6", V5, "100e00044d5154540602003c0000026162"),
    ("a CONNECT with the reserved flag", V311, "100e00044d5154540403003c00026162"),
    ("a CONNECT with will flags and no will", V311, "100e00044d515454042a003c00026162"),
    ("a CONNECT with a password and no user", V311, "100e00044d5154540442003c00026162"),
]


@pytest.mark.parametrize(("why", "version", "raw"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(why: str, version: int, raw: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read(bytes.fromhex(raw), version)
    assert caught.value.code >= 0x80, why


def test_a_packet_too_long_is_refused_before_it_arrives() -> None:
    with pytest.raises(ProtocolError, match="100 allowed") as caught:
        PacketReader(V311, 100).feed(b"\x30\x80\x80\x01")
    assert caught.value.code == PACKET_TOO_LARGE


def test_garbage_is_refused_before_its_announced_length_arrives() -> None:
    with pytest.raises(ProtocolError):
        PacketReader(V311, 1 << 20).feed(b"\x00\x80\x80\x01")


def test_a_message_above_the_agreed_qos_is_refused() -> None:
    data = encode(Publish(b"t", b"", 1, 2), V5)
    with pytest.raises(ProtocolError) as caught:
        PacketReader(V5, 100, maximum_qos=1).feed(data)
    assert caught.value.code == QOS_NOT_SUPPORTED


def test_a_broker_that_knows_no_mqtt_5_refuses_in_the_old_form() -> None:
    assert read(bytes.fromhex("20020001"), V5) == [p.Connack(code=1)]


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(ProtocolError) as caught:
        read(bytes.fromhex("101000064d51497364700302003c00026162"))
    assert caught.value.code == UNSUPPORTED_VERSION


def test_a_connect_sets_the_version_of_what_follows() -> None:
    sent: list[p.Packet] = [p.Connect("a", version=V311), Publish(b"t", b"x")]
    assert read(b"".join(encode(packet, V311) for packet in sent), V5) == sent


@given(st.lists(st.integers(1, 65_535)))
def test_acknowledgements_in_one_go_are_those_written_one_by_one(ids: list[int]) -> None:
    one_by_one = b"".join(encode(p.Puback(packet_id), V5) for packet_id in ids)
    assert pubacks(ids) == one_by_one
    assert pubacks(ids) == b"".join(encode(p.Puback(packet_id), V311) for packet_id in ids)


def test_a_large_packet_byte_by_byte_takes_time_in_proportion() -> None:
    def seconds(size: int) -> float:
        data = encode(Publish(b"t", bytes(size)), V5)
        pieces = [data[at : at + 1] for at in range(len(data))]
        reader = PacketReader(V5, 1 << 24)
        begin = time.process_time()
        found = [packet for piece in pieces for packet in reader.feed(piece)]
        spent = time.process_time() - begin
        assert len(found) == 1
        return spent

    seconds(1000)
    # Eight times the size: eight times the work, not sixty-four.
    assert seconds(400_000) < 24 * max(seconds(50_000), 0.005)


def test_a_topic_is_one_object_however_often_it_comes() -> None:
    first, second = read(encode(Publish(b"a/b", b""), V5) * 2)
    assert isinstance(first, Publish)
    assert isinstance(second, Publish)
    assert first.topic is second.topic


def test_topics_kept_are_bounded() -> None:
    topics = Topics()
    for number in range(MAXIMUM_KEPT + 1):
        assert topics[b"%d" % number]
    assert topics[b"x" * 1000]
    assert len(topics) == 1
