"""Others' encoders and decoders agree with ours: `mqtt5` for MQTT 5, paho for 3.1.1."""

from __future__ import annotations

from typing import Any

import mqtt5
import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, PacketReader, Publish, encode
from gateway.mqtt.properties import build, parse
from tests.gateway.mqtt.packets import blobs, ids, names, pairs, publishes, words

QOS = (mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE, mqtt5.QoS.EXACTLY_ONCE)


def ours(data: bytes, version: int = V5) -> p.Packet:
    (packet,) = PacketReader(version, 1 << 20).feed(data)
    return packet


def theirs(data: bytes) -> mqtt5.Packet:
    packet, length = mqtt5.read(memoryview(data))
    assert length == len(data)
    return packet


@given(
    topic=names,
    payload=blobs,
    qos=st.integers(0, 2),
    packet_id=ids,
    retain=st.booleans(),
    dup=st.booleans(),
    expiry=st.none() | st.integers(0, 2**32 - 1),
    content_type=st.none() | words,
    correlation=st.none() | blobs,
    subscription_ids=st.lists(st.integers(1, 268_435_455), max_size=3),
    alias=st.none() | st.integers(1, 65_535),
    user=pairs,
)
def test_a_publish_of_mqtt5_is_read(
    *,
    topic: str,
    payload: bytes,
    qos: int,
    packet_id: int,
    retain: bool,
    dup: bool,
    expiry: int | None,
    content_type: str | None,
    correlation: bytes | None,
    subscription_ids: list[int],
    alias: int | None,
    user: list[tuple[str, str]],
) -> None:
    sent = mqtt5.PublishPacket(
        topic,
        payload,
        qos=QOS[qos],
        packet_id=packet_id if qos else None,
        retain=retain,
        duplicate=dup and qos > 0,
        message_expiry_interval=expiry,
        content_type=content_type,
        correlation_data=correlation,
        subscription_ids=subscription_ids,
        topic_alias=alias,
        user_properties=user,
    )
    found = ours(sent.write())
    assert isinstance(found, Publish)
    assert found == Publish(
        topic.encode(),
        payload,
        packet_id if qos else 0,
        qos,
        retain,
        dup and qos > 0,
        found.properties,
    )
    expected: dict[str, Any] = {
        "message_expiry_interval": expiry,
        "content_type": content_type,
        "correlation_data": correlation,
        "subscription_identifier": subscription_ids or None,
        "topic_alias": alias,
        "user_property": user or None,
    }
    expected = {name: value for name, value in expected.items() if value is not None}
    assert parse(found.properties, "publish") == expected


@given(publishes(V5))
def test_our_publish_is_read_by_mqtt5(sent: Publish) -> None:
    found = theirs(encode(sent, V5))
    assert isinstance(found, mqtt5.PublishPacket)
    assert (found.topic.encode(), found.payload) == (sent.topic, sent.payload)
    assert (found.qos, found.packet_id or 0) == (QOS[sent.qos], sent.packet_id)
    assert (found.retain, found.duplicate) == (sent.retain, sent.dup)
    user = parse(sent.properties, "publish").get("user_property", [])
    assert found.user_properties == user


@given(
    client_id=words,
    username=st.none() | words,
    password=st.none() | blobs,
    clean=st.booleans(),
    keep_alive=st.integers(0, 65_535),
    expiry=st.integers(1, 2**32 - 1),
    receive=st.integers(1, 65_534),
    will=st.none() | st.tuples(names, blobs, st.integers(0, 2), st.booleans()),
)
def test_a_connect_goes_both_ways(
    *,
    client_id: str,
    username: str | None,
    password: bytes | None,
    clean: bool,
    keep_alive: int,
    expiry: int,
    receive: int,
    will: tuple[str, bytes, int, bool] | None,
) -> None:
    sent = mqtt5.ConnectPacket(
        client_id,
        username=username,
        password=password,
        clean_start=clean,
        keep_alive=keep_alive,
        session_expiry_interval=expiry,
        receive_max=receive,
        will=will and mqtt5.Will(will[0], payload=will[1], qos=QOS[will[2]], retain=will[3]),
    )
    properties = build({"session_expiry_interval": expiry, "receive_maximum": receive})
    mine = p.Connect(
        client_id,
        V5,
        clean,
        keep_alive,
        username,
        password,
        will and p.Will(will[0].encode(), will[1], will[2], will[3]),
        properties,
    )
    assert ours(sent.write()) == mine
    found = theirs(encode(mine, V5))
    assert isinstance(found, mqtt5.ConnectPacket)
    assert found.write() == sent.write()


SUBSCRIBE = (
    mqtt5.SubscribePacket(
        7,
        [
            mqtt5.TopicFilter(
                "a/+",
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                no_local=True,
                retain_as_published=False,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
        ],
    ),
    p.Subscribe(7, (p.Subscription("a/+", 1, no_local=True, retain_handling=1),)),
)
BOTH_WAYS: list[tuple[mqtt5.Packet, p.Packet]] = [
    SUBSCRIBE,
    (
        mqtt5.ConnAckPacket(session_present=True, server_keep_alive=30),
        p.Connack(session_present=True, properties=build({"server_keep_alive": 30})),
    ),
    (
        mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.BANNED, reason_str="no"),
        p.Connack(code=0x8A, properties=build({"reason_string": "no"})),
    ),
    (mqtt5.PubAckPacket(7), p.Puback(7)),
    (mqtt5.PubAckPacket(7, reason_code=mqtt5.PubAckReasonCode.NOT_AUTHORIZED), p.Puback(7, 0x87)),
    (mqtt5.PubRecPacket(7), p.Pubrec(7)),
    (mqtt5.PubRelPacket(7), p.Pubrel(7)),
    (
        mqtt5.PubCompPacket(7, reason_code=mqtt5.PubCompReasonCode.PACKET_ID_NOT_FOUND),
        p.Pubcomp(7, 0x92),
    ),
    (
        mqtt5.SubAckPacket(
            7,
            [
                mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE,
                mqtt5.SubAckReasonCode.NOT_AUTHORIZED,
            ],
        ),
        p.Suback(7, (1, 0x87)),
    ),
    (mqtt5.UnsubscribePacket(7, ["a/+", "b"]), p.Unsubscribe(7, ("a/+", "b"))),
    (mqtt5.UnsubAckPacket(7, [mqtt5.UnsubAckReasonCode.SUCCESS]), p.Unsuback(7, (0,))),
    (mqtt5.PingReqPacket(), p.Pingreq()),
    (mqtt5.PingRespPacket(), p.Pingresp()),
    (mqtt5.DisconnectPacket(), p.Disconnect()),
    (
        mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER),
        p.Disconnect(0x8E),
    ),
]


@pytest.mark.parametrize(("other", "mine"), BOTH_WAYS, ids=lambda value: type(value).__name__)
def test_a_packet_goes_both_ways(other: mqtt5.Packet, mine: p.Packet) -> None:
    assert ours(other.write()) == mine
    assert theirs(encode(mine, V5)).write() == other.write()


def paho_bytes(send: str, *arguments: object, **settings: tuple[object, ...]) -> bytes:
    """What paho's client would write to its socket for one of its packets."""
    sent: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="box 7", protocol=paho.MQTTv311)
    client._packet_queue = lambda _command, packet, *_: sent.append(bytes(packet))  # type: ignore[method-assign,assignment]  # to see the bytes
    client._sock = object()  # type: ignore[assignment]  # it only asks whether there is one
    client._connect_properties = None
    for name, value in settings.items():
        getattr(client, name)(*value)
    getattr(client, send)(*arguments)
    client._sock = None
    return sent[0]


PAHO: list[tuple[str, tuple[object, ...], dict[str, tuple[object, ...]], p.Packet]] = [
    ("_send_connect", (60,), {}, p.Connect("box 7", V311, clean_start=True, keep_alive=60)),
    (
        "_send_connect",
        (9,),
        {"username_pw_set": ("ann", "söcret"), "will_set": ("w/é", b"gone", 1, True)},
        p.Connect(
            "box 7",
            V311,
            clean_start=True,
            keep_alive=9,
            username="ann",
            password="söcret".encode(),
            will=p.Will("w/é".encode(), b"gone", 1, retain=True),
        ),
    ),
    (
        "_send_publish",
        (7, b"a/b", b"payload", 1, True, True),
        {},
        Publish(b"a/b", b"payload", 7, 1, retain=True, dup=True),
    ),
    ("_send_publish", (0, b"a/b", b"x" * 20_000), {}, Publish(b"a/b", b"x" * 20_000)),
    ("_send_publish", (9, b"a/b", b"", 2), {}, Publish(b"a/b", b"", 9, 2)),
    ("_send_puback", (7,), {}, p.Puback(7)),
    ("_send_pubrec", (7,), {}, p.Pubrec(7)),
    ("_send_pubrel", (7,), {}, p.Pubrel(7)),
    ("_send_pubcomp", (7,), {}, p.Pubcomp(7)),
    ("_send_pingreq", (), {}, p.Pingreq()),
    ("_send_pingresp", (), {}, p.Pingresp()),
    ("_send_disconnect", (), {}, p.Disconnect()),
    (
        "_send_subscribe",
        (False, [(b"a/+", 1), (b"#", 2)]),
        {},
        p.Subscribe(1, (p.Subscription("a/+", 1), p.Subscription("#", 2))),
    ),
    ("_send_unsubscribe", (False, [b"a/+"]), {}, p.Unsubscribe(1, ("a/+",))),
]


@pytest.mark.parametrize(
    ("send", "arguments", "settings", "mine"),
    PAHO,
    ids=[f"{row[0]}-{i}" for i, row in enumerate(PAHO)],
)
def test_what_paho_writes_in_3_1_1_is_what_we_write(
    send: str,
    arguments: tuple[object, ...],
    settings: dict[str, tuple[object, ...]],
    mine: p.Packet,
) -> None:
    raw = paho_bytes(send, *arguments, **settings)
    assert ours(raw, V311) == mine
    assert encode(mine, V311) == raw


@given(publishes(V311))
def test_a_publish_of_paho_in_3_1_1(sent: Publish) -> None:
    raw = paho_bytes(
        "_send_publish", sent.packet_id, sent.topic, sent.payload, sent.qos, sent.retain, sent.dup
    )
    assert ours(raw, V311) == sent
    assert encode(sent, V311) == raw
