"""The properties of MQTT 5 packets: read only when somebody asks.

Source: OASIS MQTT 5.0, chapter 2.2.2 and the table of chapter 2.2.2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.mqtt.wire import (
    PROTOCOL,
    Cursor,
    ProtocolError,
    binary,
    check_text,
    malformed,
    text,
    variable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = int | str | bytes | list[int] | list[tuple[str, str]]
Properties = dict[str, Value]
"""By name. `user_property` and `subscription_identifier` may come more than once: lists."""


class _Kind(NamedTuple):
    """How a property is written: `form` is a width in bytes or a name."""

    number: int
    name: str
    form: str
    packets: frozenset[str]


def _kind(number: int, name: str, form: str, packets: str) -> _Kind:
    return _Kind(number, name, form, frozenset(packets.split()))


_ANSWERS = "connack puback pubrec pubrel pubcomp suback unsuback disconnect"
_KINDS = (
    _kind(0x01, "payload_format_indicator", "flag", "publish will"),
    _kind(0x02, "message_expiry_interval", "4", "publish will"),
    _kind(0x03, "content_type", "text", "publish will"),
    _kind(0x08, "response_topic", "text", "publish will"),
    _kind(0x09, "correlation_data", "binary", "publish will"),
    _kind(0x0B, "subscription_identifier", "variable", "publish subscribe"),
    _kind(0x11, "session_expiry_interval", "4", "connect connack disconnect"),
    _kind(0x12, "assigned_client_identifier", "text", "connack"),
    _kind(0x13, "server_keep_alive", "2", "connack"),
    _kind(0x15, "authentication_method", "text", "connect connack"),
    _kind(0x16, "authentication_data", "binary", "connect connack"),
    _kind(0x17, "request_problem_information", "flag", "connect"),
    _kind(0x18, "will_delay_interval", "4", "will"),
    _kind(0x19, "request_response_information", "flag", "connect"),
    _kind(0x1A, "response_information", "text", "connack"),
    _kind(0x1C, "server_reference", "text", "connack disconnect"),
    _kind(0x1F, "reason_string", "text", _ANSWERS),
    _kind(0x21, "receive_maximum", "2", "connect connack"),
    _kind(0x22, "topic_alias_maximum", "2", "connect connack"),
    _kind(0x23, "topic_alias", "2", "publish"),
    _kind(0x24, "maximum_qos", "flag", "connack"),
    _kind(0x25, "retain_available", "flag", "connack"),
    _kind(
        0x26,
        "user_property",
        "pair",
        f"{_ANSWERS} connect publish will subscribe unsubscribe",
    ),
    _kind(0x27, "maximum_packet_size", "4", "connect connack"),
    _kind(0x28, "wildcard_subscription_available", "flag", "connack"),
    _kind(0x29, "subscription_identifier_available", "flag", "connack"),
    _kind(0x2A, "shared_subscription_available", "flag", "connack"),
)
_BY_NUMBER = {kind.number: kind for kind in _KINDS}
_BY_NAME = {kind.name: kind for kind in _KINDS}
_NEVER_ZERO = {
    "subscription_identifier",
    "receive_maximum",
    "topic_alias",
    "maximum_packet_size",
}


def parse(raw: bytes, packet: str) -> Properties:
    """Read the properties of a packet; `packet` is its name in lower case, or `will`.

    Raises ProtocolError for an unknown or misplaced property, for one that comes twice and
    may not, and for a value out of its range.
    """
    found: Properties = {}
    cursor = Cursor(raw, 0, len(raw))
    while cursor.left():
        kind = _BY_NUMBER.get(cursor.variable())
        if kind is None or packet not in kind.packets:
            raise malformed(f"a {packet.upper()} carries a property that it may not")
        name = kind.name
        value = _read(cursor, kind)
        if value == 0 and name in _NEVER_ZERO:
            raise ProtocolError(PROTOCOL, f"the property {name} is zero")
        if isinstance(value, tuple):
            pairs = found.setdefault(name, [])
            pairs.append(value)  # type: ignore[union-attr,arg-type]  # a list by construction
        elif kind.form == "variable" and packet == "publish":
            numbers = found.setdefault(name, [])
            numbers.append(value)  # type: ignore[union-attr,arg-type]  # a list by construction
        elif name in found:
            raise ProtocolError(PROTOCOL, f"the property {name} comes twice")
        else:
            found[name] = value
    return found


def integer(properties: Properties, name: str, default: int) -> int:
    """Return a property that is a number, or `default` where it is missing."""
    value = properties.get(name, default)
    if not isinstance(value, int):
        raise TypeError(f"the property {name} is not a number")
    return value


def build(properties: Mapping[str, Value]) -> bytes:
    """Write properties by name. KeyError for an unknown one, ValueError if one does not fit."""
    out = bytearray()
    for name, value in properties.items():
        kind = _BY_NAME[name]
        for one in value if isinstance(value, list) else (value,):
            out.append(kind.number)
            out += _write(kind, one)
    return bytes(out)


def _read(cursor: Cursor, kind: _Kind) -> int | str | bytes | tuple[str, str]:
    match kind.form:
        case "flag":
            value = cursor.byte()
            if value > 1:
                raise ProtocolError(PROTOCOL, f"the property {kind.name} is neither 0 nor 1")
            return value
        case "variable":
            return cursor.variable()
        case "text":
            return cursor.text()
        case "binary":
            return cursor.binary()
        case "pair":
            return cursor.text(), cursor.text()
        case width:
            return cursor.integer(int(width))


def _write(kind: _Kind, value: object) -> bytes:
    match kind.form, value:
        case "variable", int(number):
            return variable(number)
        case "text", str(string):
            check_text(string.encode())
            return text(string)
        case "binary", bytes(data):
            return binary(data)
        case "pair", (str(key), str(string)):
            return text(key) + text(string)
        case ("flag" | "2" | "4") as form, int(number):
            width = 1 if form == "flag" else int(form)
            if not 0 <= number < 256**width:
                raise ValueError(f"{number} does not fit the property {kind.name}")
            return number.to_bytes(width, "big")
        case _:
            raise ValueError(f"{value!r} is not a value of the property {kind.name}")
