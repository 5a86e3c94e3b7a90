"""From a CONNECT to a client that has entered, or to the reason why it may not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from gateway.listener.answers import (
    AUTHENTICATION_METHOD,
    CLIENT_ID,
    Refusal,
)
from gateway.listener.principal import Principal
from gateway.listener.sessions import Opened
from gateway.mqtt.codec import V5, encode
from gateway.mqtt.packets import Connack, Connect, Disconnect, Will
from gateway.mqtt.properties import Value, build, integer, parse
from gateway.mqtt.wire import MAXIMUM_LENGTH, PACKET_TOO_LARGE

if TYPE_CHECKING:
    from gateway.listener.client import Client
    from gateway.listener.listener import Listener
    from gateway.listener.sessions import Session

LONGEST_ID = 256
"""Characters of a client id."""
LARGEST_WILL = 16 * 1024
"""Bytes: a will may wait as long as its session, and in memory."""


class Entered(msgspec.Struct):
    """A client whose CONNECT was taken: who it is, and how it speaks.

    `keep_alive` and `will_delay` are in seconds. `answer` are the properties of its CONNACK.
    """

    principal: Principal
    version: int
    opened: Opened
    keep_alive: int
    will: Will | None
    will_delay: int
    receive_maximum: int
    maximum_packet: int
    reasons: bool
    """Whether it wants reasons in words."""
    answer: bytes

    @property
    def session(self) -> Session:
        """Its session."""
        return self.opened.session

    def connack(self) -> bytes:
        """Return the CONNACK that welcomes it."""
        present = self.opened.present
        return encode(Connack(session_present=present, properties=self.answer), self.version)

    def disconnect(self, code: int, why: str) -> bytes:
        """Return the DISCONNECT that ends it, empty in MQTT 3.1.1, which has none."""
        if self.version != V5:
            return b""
        if self.reasons:
            told = encode(Disconnect(code, build({"reason_string": why})), V5)
            if len(told) <= self.maximum_packet:
                return told
        return encode(Disconnect(code), V5)


def enter(packet: Connect, listener: Listener, client: Client) -> Entered | Refusal:
    """Take a CONNECT. Raises ProtocolError if it says what no CONNECT may say."""
    five = packet.version == V5
    asked = parse(packet.properties, "connect")
    will = parse(packet.will.properties, "will") if packet.will else {}
    if "authentication_method" in asked:
        return Refusal(AUTHENTICATION_METHOD, "use a user name and a token, or a certificate")
    principal = listener.authenticate(packet, client)
    if isinstance(principal, Refusal):
        return principal
    answer: dict[str, Value] = {}
    client_id = packet.client_id
    if not client_id:
        if not five and not packet.clean_start:
            return Refusal(CLIENT_ID, "a session that is to be kept needs a client id")
        client_id = answer["assigned_client_identifier"] = f"auto-{secrets.token_hex(8)}"
    if len(client_id) > LONGEST_ID:
        return Refusal(CLIENT_ID, f"a client id has at most {LONGEST_ID} characters here")
    if packet.will is not None and len(packet.will.payload) > LARGEST_WILL:
        return Refusal(PACKET_TOO_LARGE, f"a will has at most {LARGEST_WILL:,} bytes here")
    limits = listener.limits
    longest = limits.session_keep // 1000
    if five:
        wanted = integer(asked, "session_expiry_interval", 0)
        keep = min(wanted, longest)
        if keep < wanted:
            answer["session_expiry_interval"] = keep
    else:
        keep = 0 if packet.clean_start else longest
    answer["receive_maximum"] = limits.unacknowledged
    answer["maximum_packet_size"] = limits.packet_size
    answer["subscription_identifier_available"] = 0
    answer["shared_subscription_available"] = 0
    opened = listener.sessions.open(
        (principal.name, client_id),
        clean=packet.clean_start,
        keep=1000 * keep,
        now=listener.wall(),
    )
    return Entered(
        principal=principal,
        version=packet.version,
        opened=opened,
        keep_alive=packet.keep_alive,
        will=packet.will,
        will_delay=integer(will, "will_delay_interval", 0),
        receive_maximum=integer(asked, "receive_maximum", 65_535),
        maximum_packet=integer(asked, "maximum_packet_size", MAXIMUM_LENGTH),
        reasons=integer(asked, "request_problem_information", 1) == 1,
        answer=build(answer) if five else b"",
    )
