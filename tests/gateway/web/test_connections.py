"""What one connection may take from the others: bytes, time and places."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from gateway.web.connections import Connection, now_known

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[..., Awaitable[Wire]]


class Small(Connection):
    MOST: ClassVar = 4
    MOST_EACH: ClassVar = 3


class Hasty(Connection):
    PATIENCE: ClassVar = 0.2


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - any ASGI server's
    request = Request(scope, receive)
    if "x-key" in request.headers:
        now_known(request)
    length = len(await request.body())
    await PlainTextResponse(f"{length} bytes")(scope, receive, send)


@asynccontextmanager
async def served(kind: type[Connection]) -> AsyncIterator[int]:
    """Serve on a free port, which is given."""
    opened = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=kind, log_config=None, ws="none", lifespan="off")
    )
    task = asyncio.create_task(server._serve([opened]))
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield opened.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects to a port, from an address; ends all at the end."""
    wires: list[Wire] = []

    async def connect(port: int, own: str = "127.0.0.1") -> Wire:
        wires.append(await asyncio.open_connection("127.0.0.1", port, local_addr=(own, 0)))
        return wires[-1]

    yield connect
    for _, writer in wires:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def answered(wire: Wire, request: bytes = HEAD + b"\r\n") -> bytes:
    """Return the first line of the answer, empty if the connection was ended."""
    try:
        wire[1].write(request)
        return (await asyncio.wait_for(wire[0].readline(), 10)).rstrip()
    except ConnectionError:
        return b""


async def ended(wire: Wire) -> bool:
    """Whether the server ends a connection by itself."""
    try:
        return await asyncio.wait_for(wire[0].read(), 5) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "endless",
    [
        HEAD + b"X-A: ",
        b"GET /",
        HEAD + b"X-A: b\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ",
    ],
    ids=["header", "address", "headers", "trailer"],
)
async def test_headers_without_an_end_are_refused(connect: Connect, endless: bytes) -> None:
    more = (b"X-A: b\r\n" if endless.endswith(b"\n") else b"aaaaaaaa") * 65_536
    async with served(Connection) as port:
        wire = await connect(port)
        assert await answered(wire, endless + more) in {
            b"HTTP/1.1 431 Request Header Fields Too Large",
            b"",  # in the middle of a request there is nothing to answer
        }


async def test_a_body_is_not_taken_for_headers(connect: Connect) -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
    async with served(Connection) as port:
        wire = await connect(port)
        assert await answered(wire, request) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "begun",
    [b"", b"\r\n", HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"],
    ids=["nothing", "empty line", "headers", "body"],
)
async def test_a_request_that_stays_begun_is_ended(connect: Connect, begun: bytes) -> None:
    async with served(Hasty) as port:
        wire = await connect(port)
        wire[1].write(begun)
        assert await ended(wire)


async def test_connections_that_ask_nothing_shut_nobody_out(connect: Connect) -> None:
    async with served(Small) as port:
        first, *_ = [await connect(port, f"127.0.0.{number}") for number in range(2, 6)]
        wire = await connect(port)
        assert await answered(wire) == b"HTTP/1.1 200 OK"
        assert await ended(first)


async def test_one_address_cannot_take_all_places(connect: Connect) -> None:
    async with served(Small) as port:
        other = await connect(port, "127.0.0.2")
        many = [await connect(port) for _ in range(4)]
        assert await ended(many[0])
        assert await answered(other) == b"HTTP/1.1 200 OK"


async def test_whoever_is_logged_in_keeps_the_place(connect: Connect) -> None:
    ours = HEAD + b"X-Key: good\r\n\r\n"
    async with served(Small) as port:
        known = [await connect(port) for _ in range(3)]
        for wire in known:
            assert await answered(wire, ours) == b"HTTP/1.1 200 OK"
            await wire[0].readuntil(b"bytes")
        assert await ended(await connect(port))
        assert [await answered(wire, ours) for wire in known] == [b"HTTP/1.1 200 OK"] * 3
