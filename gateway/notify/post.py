"""One POST over HTTP to an address that was checked, and nowhere else.

No redirect is followed, no proxy of the environment is asked, no name is resolved twice; the whole
takes at most so long, and of the answer at most so much is read.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

import httptools

from gateway.notify.addresses import reachable, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.notify.addresses import Address, Network, Resolve

LONGEST_HEAD = 32 * 1024
LONGEST_BODY = 16 * 1024
"""Bytes of an answer that are read."""
PIECE = 4096


class Answer(NamedTuple):
    """What a service answered; of its body the beginning. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class BadAnswerError(Exception):
    """What came back is no answer over HTTP."""


class Post:
    """Posts to one address of the settings."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext | None,
        allowed: Sequence[Network],
        ask: Resolve = resolve,
    ) -> None:
        """`context` is for https; `allowed`: private networks that may be reached."""
        self._parts: SplitResult = urlsplit(url)
        self._context = context if self._parts.scheme == "https" else None
        self._allowed = allowed
        self._ask = ask
        self.host = self._parts.hostname or ""
        self.port = self._parts.port or (443 if self._context else 80)

    async def send(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:  # noqa: ASYNC109 - it is one limit for all steps
        """Return the answer. Raises ForbiddenError, BadAnswerError, OSError, TimeoutError."""
        async with asyncio.timeout(timeout):
            addresses = await reachable(
                self.host, self.port, self._allowed, closed=self._context is None, ask=self._ask
            )
            reader, writer = await self._connect(addresses)
            try:
                writer.write(self._head(body, headers) + body)
                return await _read(reader)
            finally:
                # At once, without a farewell: whoever keeps it open must not keep us.
                writer.transport.abort()

    async def _connect(
        self, addresses: Sequence[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        *first, last = addresses
        for address in first:
            with suppress(OSError):
                return await self._connect_to(address)
        return await self._connect_to(last)

    async def _connect_to(
        self, address: Address
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            str(address),
            self.port,
            ssl=self._context,
            server_hostname=self.host if self._context else None,
        )

    def _head(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        parts = self._parts
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {
            "Host": parts.netloc,
            "User-Agent": "holdwatch",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {said}" for name, said in sent.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class _Reading:
    """What the parser calls for each part of an answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.head = 0
        self.begun = self.complete = False
        self.parser: httptools.HttpResponseParser | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head += len(name) + len(value)
        if self.head > LONGEST_HEAD:
            raise BadAnswerError("its headers do not end")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        # 100 to 199 announce an answer, and are none.
        self.complete = self.parser is None or self.parser.get_status_code() >= HTTPStatus.OK


async def _read(reader: asyncio.StreamReader) -> Answer:
    reading = _Reading()
    parser = reading.parser = httptools.HttpResponseParser(reading)
    size = 0
    while not reading.complete and len(reading.body) < LONGEST_BODY:
        piece = await reader.read(PIECE)
        size += len(piece)
        if not piece or size > LONGEST_HEAD + 2 * LONGEST_BODY:
            break
        try:
            parser.feed_data(piece)
        except httptools.HttpParserError as error:
            raise BadAnswerError(f"that is no answer over HTTP ({error})") from None
    if not reading.begun:
        raise BadAnswerError("the connection ended without an answer")
    return Answer(parser.get_status_code(), reading.headers, reading.body[:LONGEST_BODY])
