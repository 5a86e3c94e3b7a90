"""From a CONNECT to a client that has entered, or to the reason why it may not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from gateway.listener.answers import (
    AUTHENTICATION_METHOD,
    BUSY,
    CLIENT_ID,
    QUOTA,
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
FIRST_BYTES = 16 * 1024
"""Bytes of a CONNECT: names, a password, and a will that may wait as long as its session."""


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
    if len(encode(packet, packet.version)) > FIRST_BYTES:
        return Refusal(PACKET_TOO_LARGE, f"a CONNECT has at most {FIRST_BYTES:,} bytes here")
    if "authentication_method" in asked:
        return Refusal(AUTHENTICATION_METHOD, "use a user name and a token, or a certificate")
    principal = _let_in(packet, listener, client)
    if isinstance(principal, Refusal):
        return principal
    client_id = _named(packet, principal, listener)
    if isinstance(client_id, Refusal):
        return client_id
    answer: dict[str, Value] = {}
    if not packet.client_id:
        answer["assigned_client_identifier"] = client_id
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


def _let_in(packet: Connect, listener: Listener, client: Client) -> Principal | Refusal:
    """Say who connects, unless nobody can now."""
    principal = listener.authenticate(packet, client)
    disk = listener.intake.problem is not None or listener.intake.held
    if disk and isinstance(principal, Principal):
        # Nothing would be read from it, and each that comes and goes would be remembered.
        return Refusal(BUSY, "the gateway's disk takes nothing now; come again later")
    return principal


def _named(packet: Connect, principal: Principal, listener: Listener) -> str | Refusal:
    """Return the client's id: its own, or one that is made for it."""
    client_id = packet.client_id
    if not client_id and packet.version != V5 and not packet.clean_start:
        return Refusal(CLIENT_ID, "a session that is to be kept needs a client id")
    if len(client_id) > LONGEST_ID:
        return Refusal(CLIENT_ID, f"a client id has at most {LONGEST_ID} characters here")
    client_id = client_id or f"auto-{secrets.token_hex(8)}"
    if not listener.has_room((principal.name, client_id)):
        return Refusal(QUOTA, "half of all connections are of its credential already")
    return client_id
