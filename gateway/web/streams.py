"""Event streams to browsers: made once, sent to all who look at the same."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.clock import Clock
    from gateway.web.standing import Standing

BEAT = 2.0
"""Seconds between two beats."""


def event(name: str, data: Any, place: str = "") -> bytes:  # noqa: ANN401 - whatever JSON holds
    """Return a server-sent event. `place`: up to where all is told once it is taken in."""
    identity = f"id: {place}\n" if place else ""
    return f"{identity}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


class Stream:
    """One browser that listens."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._bell = asyncio.Event()

    def send(self, message: bytes) -> None:
        """Let a message wait until the browser takes it."""
        self._waiting.append(message)
        self._bell.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield what waits, for ever."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                yield self._waiting.popleft()


class Streams:
    """Everybody who listens."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._standing = standing
        self._clock = clock
        self._all: set[Stream] = set()
        self._bell = asyncio.Event()

    def told(self) -> None:
        """Take note that something changed."""
        self._bell.set()

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield messages to one browser, for ever."""
        stream = Stream()
        stream.send(self._beat())
        self._all.add(stream)
        try:
            async for message in stream.messages():
                yield message
        finally:
            self._all.discard(stream)

    async def run(self) -> None:
        """Send what has changed, for ever."""
        while True:
            beat = self._beat()
            for one in self._all:
                one.send(beat)
            await asyncio.sleep(BEAT)

    def _beat(self) -> bytes:
        told = self._standing.told
        return event("beat", {"now": self._clock.now(), "told": told, "received": None})
