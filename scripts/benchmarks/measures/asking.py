"""Asks the API for the same again and again, over a few connections: `python -m …asking`.

Standard input is JSON: port, path, API key, how many requests. It prints requests a second.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

import msgspec

CONNECTIONS = 8
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def ask(port: int, path: str, key: str, count: int) -> float:
    """Return requests a second. Raises RuntimeError for an answer that is not 200."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
    ).encode()

    async def some(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(number):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(f"not answered: {head.decode()}")
            await reader.readexactly(int(length[1]))
        writer.close()

    each = count // CONNECTIONS
    began = time.monotonic()
    await asyncio.gather(*(some(each) for _ in range(CONNECTIONS)))
    return each * CONNECTIONS / (time.monotonic() - began)


if __name__ == "__main__":
    print(asyncio.run(ask(*msgspec.json.decode(sys.stdin.read()))))
