"""Listens to event streams and throws away what comes: `python -m …streams`, told by a line.

The line is JSON: port, path, how many, cookies. It prints `open`, and after the next line how
many bytes came.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookies}\r\n"
    "Accept: text/event-stream\r\n\r\n"
)


async def listen(port: int, path: str, count: int, cookies: str) -> None:
    """Open the streams, and read them until told to end. Raises RuntimeError if one ends."""
    taken = 0

    async def read(reader: asyncio.StreamReader) -> None:
        nonlocal taken
        while part := await reader.read(1 << 16):
            taken += len(part)
        raise RuntimeError("a stream ended")

    opened = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.format(port=port, path=path, cookies=cookies).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(f"no stream: {head.decode()}")
        opened.append((reader, writer))
    sys.stdout.write("open\n")
    sys.stdout.flush()
    tasks = [asyncio.create_task(read(reader)) for reader, _ in opened]
    told = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    done, _ = await asyncio.wait([*tasks, told], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task in done:
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sys.stdout.write(f"{taken}\n")


if __name__ == "__main__":
    asyncio.run(listen(*msgspec.json.decode(sys.stdin.readline())))
