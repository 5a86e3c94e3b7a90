"""The desk of the demo: takes what people are told, and shows it to nobody outside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 10.0
"""Seconds in which a message has to come."""
LONGEST = 1 << 20
"""Bytes of a message."""
_BROKEN = (asyncio.IncompleteReadError, asyncio.LimitOverrunError)
_ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def desk(port: int) -> AsyncIterator[None]:
    """Take messages by HTTP on this port of this machine."""
    async with await asyncio.start_server(_take, "127.0.0.1", port):
        yield


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one message to its end and say that it was taken."""
    try:
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(min(length, LONGEST))
            writer.write(_ANSWER)
            await writer.drain()
    except (OSError, TimeoutError, ValueError, *_BROKEN):
        # Whoever does not speak HTTP, or leaves, gets no answer: the gateway tries again.
        return
    finally:
        writer.close()
