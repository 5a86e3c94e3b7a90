"""A real receiver of webhooks on a free loopback port, and a socket that must not be reached."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Received(NamedTuple):
    """A request as it came; names of headers in small letters."""

    line: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Keeps what comes, and answers what it is told: the next of `answers`, else OK."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Received] = []
        self.answers: list[bytes] = []
        self.hold: asyncio.Event | None = None
        """While it is not set, nobody is answered."""
        self.came = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.split("\r\n")
            headers = {
                name.lower(): said for name, _, said in (one.partition(": ") for one in rest if one)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Received(line, headers, body))
            self.came.set()
            if self.hold is not None:
                await self.hold.wait()
            writer.write(self.answers.pop(0) if self.answers else OK)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever called went away
        finally:
            writer.close()


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run one."""
    one = Receiver()
    server = await asyncio.start_server(one.take, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()


@contextmanager
def never_reached() -> Iterator[int]:
    """Listen on every address of this machine, IPv4 and IPv6; fail where anybody connected."""
    with socket.create_server(
        ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=16
    ) as listening:
        listening.setblocking(False)  # noqa: FBT003 - it takes no keyword
        yield listening.getsockname()[1]
        try:
            _, address = listening.accept()
        except BlockingIOError:
            return
        raise AssertionError(f"somebody connected from {address}")
