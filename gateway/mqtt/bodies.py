"""Reads the body of every packet but PUBLISH, which `codec` reads itself because it is hot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway.mqtt.packets import (
    V5,
    V311,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from gateway.mqtt.topic import check_filter, check_topic
from gateway.mqtt.wire import PROTOCOL, UNSUPPORTED_VERSION, Cursor, ProtocolError, malformed


def _connect(body: Cursor, _version: int) -> Connect:
    name, version = body.binary(), body.byte()
    if name != b"MQTT" or version not in {V311, V5}:
        raise ProtocolError(
            UNSUPPORTED_VERSION,
            f"the client speaks {name[:10]!r} level {version}, not MQTT 3.1.1 or 5",
        )
    flags = body.byte()
    has_will, will_qos = bool(flags & 4), flags >> 3 & 3
    if flags & 1:
        raise malformed("the reserved flag of a CONNECT is set")
    if will_qos == 3 or (not has_will and flags & 0x38):
        raise malformed("the will flags of a CONNECT contradict each other")
    if version == V311 and flags & 0xC0 == 0x40:
        raise malformed("a CONNECT of MQTT 3.1.1 has a password without a user name")
    keep_alive = body.integer(2)
    properties = body.properties() if version == V5 else b""
    client_id = body.text()
    will = None
    if has_will:
        will_properties = body.properties() if version == V5 else b""
        topic = body.binary()
        check_topic(topic)
        will = Will(topic, body.binary(), will_qos, bool(flags & 0x20), will_properties)
    return Connect(
        client_id=client_id,
        version=version,
        clean_start=bool(flags & 2),
        keep_alive=keep_alive,
        username=body.text() if flags & 0x80 else None,
        password=body.binary() if flags & 0x40 else None,
        will=will,
        properties=properties,
    )


def _connack(body: Cursor, version: int) -> Connack:
    flags, code = body.byte(), body.byte()
    if flags > 1:
        raise malformed("a reserved flag of a CONNACK is set")
    if flags and code:
        raise ProtocolError(PROTOCOL, "a CONNACK refuses and yet speaks of a session")
    # A broker that knows no MQTT 5 refuses a CONNECT in the form of 3.1.1, without properties.
    if version == V5 and not (code and not body.left()):
        return Connack(bool(flags), code, body.properties())
    return Connack(bool(flags), code)


_Answer = TypeVar("_Answer", Puback, Pubrec, Pubrel, Pubcomp)


def _answer(kind: type[_Answer]) -> Callable[[Cursor, int], _Answer]:
    def read(body: Cursor, version: int) -> _Answer:
        packet_id = body.packet_id()
        if version != V5 or not body.left():
            return kind(packet_id)
        code = body.byte()
        return kind(packet_id, code, body.properties() if body.left() else b"")

    return read


def _subscribe(body: Cursor, version: int) -> Subscribe:
    packet_id = body.packet_id()
    properties = body.properties() if version == V5 else b""
    subscriptions = []
    while body.left():
        topic_filter, options = body.text(), body.byte()
        check_filter(topic_filter)
        qos, handling = options & 3, options >> 4 & 3
        if options & (0xC0 if version == V5 else 0xFC):
            raise malformed("a reserved option of a SUBSCRIBE is set")
        if qos == 3 or handling == 3:
            raise malformed("a SUBSCRIBE asks for QoS 3 or retain handling 3")
        if options & 4 and topic_filter.startswith("$share/"):
            raise ProtocolError(PROTOCOL, "a shared subscription may not ask for no local")
        subscriptions.append(
            Subscription(topic_filter, qos, bool(options & 4), bool(options & 8), handling)
        )
    if not subscriptions:
        raise ProtocolError(PROTOCOL, "a SUBSCRIBE asks for nothing")
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _suback(body: Cursor, version: int) -> Suback:
    packet_id = body.packet_id()
    properties = body.properties() if version == V5 else b""
    codes = tuple(body.take(body.left()))
    if not codes or any(2 < code < 0x80 for code in codes):
        raise malformed("a SUBACK has no code, or one that is neither a QoS nor a refusal")
    return Suback(packet_id, codes, properties)


def _unsubscribe(body: Cursor, version: int) -> Unsubscribe:
    packet_id = body.packet_id()
    properties = body.properties() if version == V5 else b""
    filters = []
    while body.left():
        filters.append(body.text())
        check_filter(filters[-1])
    if not filters:
        raise ProtocolError(PROTOCOL, "an UNSUBSCRIBE names nothing")
    return Unsubscribe(packet_id, tuple(filters), properties)


def _unsuback(body: Cursor, version: int) -> Unsuback:
    packet_id = body.packet_id()
    if version != V5:
        return Unsuback(packet_id)
    properties = body.properties()
    codes = tuple(body.take(body.left()))
    if not codes:
        raise malformed("an UNSUBACK has no code")
    return Unsuback(packet_id, codes, properties)


def _pingreq(_body: Cursor, _version: int) -> Pingreq:
    return Pingreq()


def _pingresp(_body: Cursor, _version: int) -> Pingresp:
    return Pingresp()


def _disconnect(body: Cursor, version: int) -> Disconnect:
    if version != V5 or not body.left():
        return Disconnect()
    code = body.byte()
    return Disconnect(code, body.properties() if body.left() else b"")


_Read = Callable[[Cursor, int], Packet]
_KINDS: dict[int, tuple[str, _Read]] = {
    0x10: ("CONNECT", _connect),
    0x20: ("CONNACK", _connack),
    0x40: ("PUBACK", _answer(Puback)),
    0x50: ("PUBREC", _answer(Pubrec)),
    0x62: ("PUBREL", _answer(Pubrel)),
    0x70: ("PUBCOMP", _answer(Pubcomp)),
    0x82: ("SUBSCRIBE", _subscribe),
    0x90: ("SUBACK", _suback),
    0xA2: ("UNSUBSCRIBE", _unsubscribe),
    0xB0: ("UNSUBACK", _unsuback),
    0xC0: ("PINGREQ", _pingreq),
    0xD0: ("PINGRESP", _pingresp),
    0xE0: ("DISCONNECT", _disconnect),
}


def check_first(first: int) -> None:
    """Refuse the first byte of a packet other than PUBLISH if it is none that we speak."""
    if first not in _KINDS:
        if first >> 4 == 15:
            raise ProtocolError(PROTOCOL, "AUTH came, and nobody agreed on an authentication")
        raise malformed(f"0x{first:02X} begins no MQTT packet")


def read_body(first: int, data: bytes, at: int, end: int, version: int) -> Packet:
    """Read data[at:end], the body of the packet that begins with `first` (not a PUBLISH)."""
    check_first(first)
    name, read = _KINDS[first]
    body = Cursor(data, at, end)
    try:
        packet = read(body, version)
        body.finish()
    except ProtocolError as error:
        raise ProtocolError(error.code, f"{name}: {error.detail}") from None
    return packet
