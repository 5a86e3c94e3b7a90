"""Writes packets. What a caller passes wrongly is a ValueError: it is no fault of the peer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from gateway.mqtt.packets import (
    V5,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from gateway.mqtt.wire import binary, text, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

_PUBACK = 0x40020000


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Write the PUBACKs of many messages, in this order; the bytes are of both versions."""
    return struct.pack(f">{len(packet_ids)}I", *[_PUBACK | packet_id for packet_id in packet_ids])


def encode(packet: Packet, version: int) -> bytes:
    """Write one packet as MQTT 3.1.1 or 5. A CONNECT says its version itself."""
    if isinstance(packet, Connect):
        version = packet.version
    first, body = _body(packet, five=version == V5)
    return bytes((first,)) + variable(len(body)) + body


def _body(  # noqa: C901, PLR0911, PLR0912 - one case for each packet
    packet: Packet, *, five: bool
) -> tuple[int, bytes]:
    match packet:
        case Publish():
            return _publish(packet, five=five)
        case Connect():
            return 0x10, _connect(packet, five=five)
        case Connack():
            head = bytes((packet.session_present, packet.code))
            return 0x20, head + _properties(packet.properties, five=five)
        case Puback():
            return 0x40, _answer(packet, five=five)
        case Pubrec():
            return 0x50, _answer(packet, five=five)
        case Pubrel():
            return 0x62, _answer(packet, five=five)
        case Pubcomp():
            return 0x70, _answer(packet, five=five)
        case Subscribe():
            return 0x82, _subscribe(packet, five=five)
        case Suback():
            head = _packet_id(packet.packet_id) + _properties(packet.properties, five=five)
            return 0x90, head + bytes(packet.codes)
        case Unsubscribe():
            head = _packet_id(packet.packet_id) + _properties(packet.properties, five=five)
            return 0xA2, head + b"".join(map(text, packet.topic_filters))
        case Unsuback():
            head = _packet_id(packet.packet_id) + _properties(packet.properties, five=five)
            return 0xB0, head + (bytes(packet.codes) if five else b"")
        case Pingreq():
            return 0xC0, b""
        case Pingresp():
            return 0xD0, b""
        case Disconnect():
            return 0xE0, _code(packet.code, packet.properties) if five else b""


def _packet_id(packet_id: int) -> bytes:
    if not 0 < packet_id < 65_536:
        raise ValueError(f"{packet_id} is not a packet id: it must be 1 to 65535")
    return packet_id.to_bytes(2, "big")


def _properties(raw: bytes, *, five: bool) -> bytes:
    if five:
        return variable(len(raw)) + raw
    if raw:
        raise ValueError("MQTT 3.1.1 has no properties")
    return b""


def _code(code: int, properties: bytes) -> bytes:
    """Write the end of a packet, which is left out as far as it says nothing."""
    if properties:
        return bytes((code,)) + _properties(properties, five=True)
    return bytes((code,)) if code else b""


def _answer(packet: Puback | Pubrec | Pubrel | Pubcomp, *, five: bool) -> bytes:
    packet_id = _packet_id(packet.packet_id)
    return packet_id + _code(packet.code, packet.properties) if five else packet_id


def _publish(packet: Publish, *, five: bool) -> tuple[int, bytes]:
    first = 0x30 | packet.qos << 1 | packet.retain | packet.dup << 3
    packet_id = _packet_id(packet.packet_id) if packet.qos else b""
    properties = _properties(packet.properties, five=five)
    return first, binary(packet.topic) + packet_id + properties + packet.payload


def _connect(packet: Connect, *, five: bool) -> bytes:
    will = packet.will
    flags = packet.clean_start << 1
    tail = text(packet.client_id)
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
        tail += _properties(will.properties, five=five) + binary(will.topic) + binary(will.payload)
    if packet.username is not None:
        flags |= 0x80
        tail += text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        tail += binary(packet.password)
    head = text("MQTT") + bytes((packet.version, flags)) + packet.keep_alive.to_bytes(2, "big")
    return head + _properties(packet.properties, five=five) + tail


def _subscribe(packet: Subscribe, *, five: bool) -> bytes:
    out = bytearray(_packet_id(packet.packet_id) + _properties(packet.properties, five=five))
    for one in packet.subscriptions:
        options = one.qos
        if five:
            options |= one.no_local << 2 | one.retain_as_published << 3 | one.retain_handling << 4
        out += text(one.topic_filter)
        out.append(options)
    return bytes(out)
