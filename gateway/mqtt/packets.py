"""The MQTT packets, as values. `properties` are the raw bytes of MQTT 5, without their length.

Read them with `gateway.mqtt.properties.parse`, which also checks them: a reader does not.
Packet ids are 1 to 65535, and 0 where there is none (PUBLISH at QoS 0). Reason codes are
those of the version spoken. Source: OASIS MQTT 5.0 and 3.1.1, chapter 3.
"""

from __future__ import annotations

import msgspec

V311 = 4
"""The protocol level of MQTT 3.1.1."""
V5 = 5
"""The protocol level of MQTT 5."""


class Publish(msgspec.Struct, gc=False):
    """A message. `topic` is checked UTF-8 without null or wildcard, and never empty."""

    topic: bytes
    payload: bytes
    packet_id: int = 0
    qos: int = 0
    retain: bool = False
    dup: bool = False
    properties: bytes = b""


class Will(msgspec.Struct, gc=False):
    """What the broker publishes when its client is lost."""

    topic: bytes
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: bytes = b""


class Connect(msgspec.Struct):
    """The first packet of a client. `version` is V311 or V5; `keep_alive` is in seconds."""

    client_id: str
    version: int = V5
    clean_start: bool = False
    keep_alive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: bytes = b""


class Connack(msgspec.Struct, gc=False):
    """The answer to CONNECT; code 0 is success."""

    session_present: bool = False
    code: int = 0
    properties: bytes = b""


class Puback(msgspec.Struct, gc=False):
    """A QoS 1 message is safe with whoever sends this."""

    packet_id: int
    code: int = 0
    properties: bytes = b""


class Pubrec(msgspec.Struct, gc=False):
    """A QoS 2 message is safe with whoever sends this."""

    packet_id: int
    code: int = 0
    properties: bytes = b""


class Pubrel(msgspec.Struct, gc=False):
    """The sender of a QoS 2 message has forgotten its content."""

    packet_id: int
    code: int = 0
    properties: bytes = b""


class Pubcomp(msgspec.Struct, gc=False):
    """The packet id of a QoS 2 message is free again."""

    packet_id: int
    code: int = 0
    properties: bytes = b""


class Subscription(msgspec.Struct, gc=False):
    """One topic filter and its options; all but `qos` are of MQTT 5.

    `retain_handling`: 0 sends retained messages at every SUBSCRIBE, 1 only if the
    subscription is new, 2 never.
    """

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


class Subscribe(msgspec.Struct):
    """Asks for messages."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: bytes = b""


class Suback(msgspec.Struct):
    """One code for each filter: the QoS granted, or 0x80 and above for a refusal."""

    packet_id: int
    codes: tuple[int, ...]
    properties: bytes = b""


class Unsubscribe(msgspec.Struct):
    """Asks for no more messages."""

    packet_id: int
    topic_filters: tuple[str, ...]
    properties: bytes = b""


class Unsuback(msgspec.Struct):
    """One code for each filter; in MQTT 3.1.1 there are none."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: bytes = b""


class Pingreq(msgspec.Struct, gc=False):
    """The client is alive."""


class Pingresp(msgspec.Struct, gc=False):
    """So is the broker."""


class Disconnect(msgspec.Struct, gc=False):
    """The last packet; from a broker only in MQTT 5."""

    code: int = 0
    properties: bytes = b""


Packet = (
    Publish
    | Connect
    | Connack
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
)
