"""What a broker's refusal means, and what to do about it, in plain words."""

from __future__ import annotations

import socket
import ssl
from typing import Literal

from gateway.mqtt.packets import V5

_VERSION = ("it does not speak this version of MQTT", 'Set version = "3.1.1", or "auto"')
_CLIENT_ID = ("it does not accept the client id", "Choose another client_id, or ask its operator")
_UNAVAILABLE = ("it says it is unavailable", "Nothing to do here, unless it lasts")
_PASSWORD = ("the user name or password is wrong", "Correct username and password")
_NOT_ALLOWED = (
    "this user is not allowed to",
    "Let its operator allow it, or set username and password",
)
_QUOTA = ("a quota is exceeded", "Ask its operator which limit was reached")

# CONNACK of MQTT 3.1.1, table 3.1.
_OLD = {1: _VERSION, 2: _CLIENT_ID, 3: _UNAVAILABLE, 4: _PASSWORD, 5: _NOT_ALLOWED}
# MQTT 5, table 2-6: those that a client may get.
_CODES = {
    0x01: _VERSION,
    0x80: ("it gives no reason", "Look into its log"),
    0x81: ("it could not read what we sent", "Report this, with its name and version"),
    0x82: ("it says we broke the protocol", "Report this, with its name and version"),
    0x83: ("for a reason of its own", "Look into its log"),
    0x84: _VERSION,
    0x85: _CLIENT_ID,
    0x86: _PASSWORD,
    0x87: _NOT_ALLOWED,
    0x88: _UNAVAILABLE,
    0x89: ("it is busy", "Nothing to do here, unless it lasts"),
    0x8A: ("this client is banned", "Ask its operator why"),
    0x8B: ("it is shutting down", "Nothing to do here: we join again when it is back"),
    0x8C: ("it wants another way of authentication", "Use a user name and password there"),
    0x8D: ("it has not heard us for too long", "Look at the network, or raise keep_alive"),
    0x8F: ("the topic filter is not accepted", "Correct topics"),
    0x93: ("we sent more than it takes at a time", "Report this, with its name and version"),
    0x95: ("a packet was too large for it", "Use fewer topics, or raise its limit"),
    0x97: _QUOTA,
    0x98: ("its operator ended the connection", "Ask its operator why"),
    0x9B: ("it does not offer QoS 1", "Let its operator allow QoS 1"),
    0x9C: ("we are to use another broker", "Correct host and port"),
    0x9D: ("it has moved", "Correct host and port"),
    0x9E: ("it knows no shared subscriptions", "Correct topics: without $share"),
    0x9F: ("we connect too often", "Nothing to do here: we slow down"),
    0xA0: ("the longest time for one connection is over", "Nothing to do here: we join again"),
    0xA2: ("it allows no wildcards", "Correct topics: without + and #"),
}
TAKEN_OVER = 0x8E
VERSION_REFUSED = {0x01, 0x84}


def meaning(code: int, version: int = V5) -> tuple[str, str]:
    """Return (why, cure) of a reason code of MQTT 5, or of a CONNACK of 3.1.1."""
    found = (_CODES if version == V5 else _OLD).get(code) or _OLD.get(code)
    return found or (f"it gives reason 0x{code:02X}", "Look into its log")


def unreachable(  # noqa: PLR0911 - one case for each cause
    host: str, port: int, error: OSError
) -> tuple[Literal["refused", "lost"], str]:
    """Return (state, sentence with its cure) for a connection that did not come about."""
    there = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            return "refused", (
                f"The certificate of {there} is not trusted: {error.verify_message}. Set tls.ca "
                "to the authority that signed it, and host to a name that it holds"
            )
        case ssl.SSLError():
            return "refused", (
                f"TLS with {there} failed: {error.reason or error}. Look whether that port speaks "
                "TLS, and whether tls.certificate and tls.key are the pair it wants"
            )
        case socket.gaierror():
            return "lost", f"The name {host!r} is not known. Correct host, or look at the DNS"
        case TimeoutError():
            return (
                "lost",
                f"{there} does not answer. Look at the network, and correct host and port",
            )
        case FileNotFoundError() | PermissionError():
            return "refused", (
                f"The file {error.filename} cannot be read ({error.strerror}). Correct its path in "
                "tls, or its rights"
            )
        case ConnectionRefusedError():
            return "lost", f"Nothing listens on {there}. Start the broker, or correct host and port"
        case _:
            return "lost", f"{there} cannot be reached: {error}. Look at the network"
