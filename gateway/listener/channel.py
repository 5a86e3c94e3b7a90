"""The bytes below a client's connection: TCP, or TLS over it.

One read buffer serves all connections of a thread, because what was read is taken out of it
before the next read. asyncio's own TLS keeps buffers for each connection (some 280 kB); here
OpenSSL works on memory, which an idle connection hardly holds.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Any, Protocol, cast

BUFFER = 64 * 1024
"""Bytes read at a time."""
TLS = "TLS: "
"""How the reason of an end begins that TLS found."""
WRITTEN = 64 * 1024
"""Bytes that may wait to be sent before the client is told to slow down."""
_ONE_RECORD = 16 * 1024
_GONE = ((socket.TCP_KEEPIDLE, 300), (socket.TCP_KEEPINTVL, 60), (socket.TCP_KEEPCNT, 3))


_NO_TLS = "it speaks no TLS on this port: have it use TLS, or the port of another listener"
_WORDS = {
    "HTTP_REQUEST": _NO_TLS,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": "it speaks only older versions of TLS than 1.2",
    "UNSUPPORTED_VERSION": "it speaks only older versions of TLS than 1.2",
    "VERSION_TOO_LOW": "it speaks only older versions of TLS than 1.2",
    "NO_SHARED_CIPHER": "it knows none of our ciphers: its TLS is too old",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust our certificate: give it authority.pem, the "
    "authority that signed it",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not take our certificate: look whether the host "
    "that it connects to is one of its names, and whether its clock is right",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not take our certificate: give it authority.pem, and "
    "connect to a host that is one of its names",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our certificate has ended by its clock: renew it, or set "
    "the client's clock",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only older versions of TLS than 1.2",
    "TLSV1_ALERT_INTERNAL_ERROR": "it gave up over our certificate, or by a mistake of its own: "
    "look at its log",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is ended, or of an authority that we do not "
    "trust: make it one with holdwatch tls certificate",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate, and require_certificate is "
    "true: make it one with holdwatch tls certificate",
}
"""What OpenSSL calls a failure, for whoever has to mend it."""
_BROKEN = {
    errno.ECONNRESET: "it broke the connection off",
    errno.EPIPE: "it broke the connection off",
    errno.ETIMEDOUT: "its device answers no more: no power, or no network",
    errno.EHOSTUNREACH: "its network is not reached any more",
    errno.ENETUNREACH: "its network is not reached any more",
}


class Above(Protocol):
    """What a channel carries: told of everything from the event loop's thread."""

    def opened(self, channel: Channel) -> None:
        """Begin; TLS has not been spoken yet."""

    def received(self, data: bytes) -> None:
        """Take bytes in their order, after TLS."""

    def blocked(self, *, full: bool) -> None:
        """Know that what is written piles up unsent, or does no more."""

    def closed(self, why: str) -> None:
        """Know that nothing comes any more, and in words why."""


class Channel(asyncio.BufferedProtocol):
    """One TCP connection, without TLS."""

    __slots__ = ("_above", "_buffer", "_transport", "_why", "address")

    def __init__(self, above: Above, buffer: memoryview) -> None:
        """`buffer` may be shared by all channels of the thread."""
        self.address = ""
        """Where the client is: its IP address."""
        self._above = above
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._why = ""

    @property
    def certificate(self) -> tuple[str, int] | None:
        """Of a certificate that the client showed and we trust: its common name and beginning.

        The beginning is in ms since 1970, UTC.
        """
        return None

    def write(self, data: bytes) -> None:
        """Send bytes, or drop them if the connection is no more."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self) -> None:
        """Leave the socket unread."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close once what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITTEN)
        connection = transport.get_extra_info("socket")
        # For clients without keep-alive: the kernel finds out that a device is gone.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _GONE:
            connection.setsockopt(socket.IPPROTO_TCP, option, seconds)
        peer = transport.get_extra_info("peername")
        # A dual-stack socket writes IPv4 as ::ffff:192.0.2.1.
        self.address = str(peer[0]).removeprefix("::ffff:") if peer else ""
        self._above.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - ours is larger
        """Lend the buffer to the next read."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self._above.received(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> None:
        """Let the transport close itself."""

    def pause_writing(self) -> None:
        """Tell that the client does not take what is written."""
        self._above.blocked(full=True)

    def resume_writing(self) -> None:
        """Tell that it does again."""
        self._above.blocked(full=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over."""
        self._transport = None
        self._above.closed(self._why or _in_words(exc))


class TlsChannel(Channel):
    """One TCP connection with TLS; the handshake is made as the first bytes come."""

    __slots__ = ("_incoming", "_outgoing", "_ready", "_tls")

    def __init__(self, above: Above, buffer: memoryview, context: ssl.SSLContext) -> None:
        super().__init__(above, buffer)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._ready = False

    @property
    def certificate(self) -> tuple[str, int] | None:
        """Of a certificate that the client showed and we trust: its common name and beginning."""
        certificate = cast("dict[str, Any]", self._tls.getpeercert() or {})
        parts = [part for level in certificate.get("subject", ()) for part in level]
        begins = 1000 * ssl.cert_time_to_seconds(certificate["notBefore"]) if certificate else 0
        names = (str(value) for name, value in parts if name == "commonName")
        return next(((name, begins) for name in names), None)

    def write(self, data: bytes) -> None:
        """Send bytes, or drop them if the connection is no more."""
        if self._transport is not None:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                self._fail(error)
            else:
                self._flush()

    def close(self) -> None:
        """Say in TLS that this is the end, and close once it has left."""
        if self._transport is not None and not self._transport.is_closing() and self._ready:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                # It wants the client's own good-bye, which nobody waits for.
                self._ready = False
            self._flush()
        super().close()

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self._incoming.write(self._buffer[:nbytes])
        found: list[bytes] = []
        over = False
        try:
            if not self._ready:
                self._tls.do_handshake()
                self._ready = True
            while data := self._tls.read(_ONE_RECORD):
                found.append(data)
            over = True
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._fail(error)
            return
        if found:
            self._above.received(b"".join(found))
        if over:
            super().close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().write(self._outgoing.read())

    def _fail(self, error: ssl.SSLError) -> None:
        """Send the alert that OpenSSL has written, and close."""
        self._why = TLS + _WORDS.get(error.reason, error.reason or str(error))
        self._flush()
        super().close()


def _in_words(error: Exception | None) -> str:
    """Say why a connection is over that neither side ended."""
    if error is None:
        return "it closed without a good-bye"
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        return f"the connection broke: {error}"
    return _BROKEN.get(number) or f"the connection broke: {os.strerror(number)}"
