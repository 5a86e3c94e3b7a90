"""What a client is told when something cannot be: reason codes, and what they are in MQTT 3.1.1.

Source: OASIS MQTT 5.0, chapter 2.4; MQTT 3.1.1, table 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.mqtt.codec import V5, encode
from gateway.mqtt.packets import Connack
from gateway.mqtt.properties import build, parse
from gateway.mqtt.wire import PROTOCOL, ProtocolError

if TYPE_CHECKING:
    from gateway.mqtt.packets import Publish

UNSPECIFIED = 0x80
VERSION = 0x84
CLIENT_ID = 0x85
CREDENTIAL = 0x86
NOT_ALLOWED = 0x87
BUSY = 0x88
AUTHENTICATION_METHOD = 0x8C
KEEP_ALIVE = 0x8D
TAKEN_OVER = 0x8E
PACKET_ID_NOT_FOUND = 0x92
RECEIVE_MAXIMUM = 0x93
TOPIC_ALIAS = 0x94
QUOTA = 0x97
ENDED_BY_OPERATOR = 0x98
RATE = 0x9F
NO_SUBSCRIPTION_IDENTIFIERS = 0xA1

NO_CONNECT = "no CONNECT came in time"
GOOD_BYE = "it said good-bye"
"""Why a connection ended that ended well."""

LONGEST_SAID = 64
"""Characters of what a client says of itself that go into a log."""

_OLD = {VERSION: 1, CLIENT_ID: 2, CREDENTIAL: 4, NOT_ALLOWED: 5, AUTHENTICATION_METHOD: 5}
_OLD_UNAVAILABLE = 3


class Refusal(NamedTuple):
    """Why a client may not enter: a code of MQTT 5, and words for people."""

    code: int
    why: str


def refuse(refusal: Refusal, version: int) -> bytes:
    """Return the CONNACK of a refusal, in the client's version."""
    if version == V5:
        properties = build({"reason_string": refusal.why})
        return encode(Connack(code=refusal.code, properties=properties), V5)
    return encode(Connack(code=_OLD.get(refusal.code, _OLD_UNAVAILABLE)), version)


def as_text(said: str | None) -> str:
    """Return what a client says of itself, so that it can stand in a log."""
    short = (said or "")[:LONGEST_SAID]
    return short if short.isprintable() else ascii(short)


def check_publish(message: Publish) -> None:
    """Refuse a PUBLISH of MQTT 5 whose properties it may not have."""
    properties = parse(message.properties, "publish")
    if "topic_alias" in properties:
        raise ProtocolError(TOPIC_ALIAS, "a topic alias is used, and none was offered")
    if "subscription_identifier" in properties:
        raise ProtocolError(PROTOCOL, "a client sends a subscription identifier")
