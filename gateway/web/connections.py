"""What one connection may take: time, bytes before a request is whole, and a place among others.

The server beneath waits for ever for a request that does not come, and takes headers of any size.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.listener.attempts import origin_of

if TYPE_CHECKING:
    from typing import Any

    from fastapi import Request
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """One browser or program that is connected.

    Who is not logged in gives way: where there are too many, the one of them that has been
    connected longest is ended, so that connections which ask nothing shut nobody out.
    """

    MOST: ClassVar = 2_000
    """Connections at once."""
    MOST_EACH: ClassVar = 1_000
    """From one address: a proxy or a router may stand for many people."""
    PATIENCE: ClassVar = 10.0
    """Seconds in which a request has to be whole, from when it begins or could."""
    LONGEST: ClassVar = 32 * 1024
    """Bytes of a request's line and headers."""

    known = False
    """Whether a request on it came from somebody who may ask: a login, or a key."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - the server's own
        super().__init__(*given, **named)
        self.origin = ""
        self.began = self.loop.time()
        self._due: asyncio.TimerHandle | None = None
        self._held = 0
        """Bytes since the last that was taken in: of headers that are not whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or another's."""
        super().connection_made(transport)
        self.origin = origin_of(self.client[0]) if self.client else ""
        self._wait()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what was sent, as long as it becomes a request in time."""
        if self._due is None:
            self._wait()
        self._held += len(data)
        super().data_received(data)
        if self._held > self.LONGEST and not self.transport.is_closing():
            if self._answering():
                self.end()
            else:
                self.transport.write(_TOO_LONG)
                self.transport.close()

    def on_headers_complete(self) -> None:
        """Let the application find this connection: it knows who asks."""
        self._held = 0
        self.scope["state"]["connection"] = self
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, whose size the application looks at."""
        self._held = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the request is whole."""
        self._held = 0
        self._whole()
        super().on_message_complete()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._due = self.loop.call_later(self.PATIENCE, self.end)

    def _whole(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def end(self) -> None:
        """End it at once, whatever was begun."""
        self._whole()
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> None:
        """End somebody where there are too many: a stranger if there is one, or us."""
        all_ = [one for one in self.connections if isinstance(one, Connection)]
        near = [one for one in all_ if one.origin == self.origin]
        crowd = near if len(near) > self.MOST_EACH else all_
        if crowd is near or len(all_) > self.MOST:
            strangers = [one for one in crowd if not one.known and one is not self]
            min(strangers, key=lambda one: one.began, default=self).end()


def now_known(request: Request) -> None:
    """Let the connection of a request stay, whoever else comes: who asks may."""
    connection = getattr(request.state, "connection", None)
    if isinstance(connection, Connection):
        connection.known = True
