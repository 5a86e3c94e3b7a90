"""The one loop that every follower runs: read after the cursor, handle, go on.

A follower has one word for failure. `RetryLater`: nothing of this was delivered, ask again after
a while; it holds up this follower and nobody else. What can never be delivered, it puts into the
dead letters itself, where a person sees them, in the transaction that moves its cursor.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import SystemRandom
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")
Given_co = TypeVar("Given_co", covariant=True)
Taken_contra = TypeVar("Taken_contra", contravariant=True)

log = structlog.get_logger()
_random = SystemRandom()

FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
"""Seconds between attempts: doubling, capped."""


class Bell:
    """Rung when a log has grown; whoever waits goes on."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Return at the next ring."""
        await self._event.wait()


class RetryLater(Exception):  # noqa: N818 - a word of the contract, not a fault of ours
    """Nothing was delivered: the same again later, after at least `after` seconds.

    Or as soon as `sooner` rings: somebody else has found that it goes again.
    """

    def __init__(self, reason: str, after: float = 0.0, sooner: Bell | None = None) -> None:
        super().__init__(reason)
        self.after = after
        self.sooner = sooner


class Log(Protocol[Given_co]):
    """What can be followed: items in one order for ever, each behind a cursor."""

    @property
    def head(self) -> int:
        """The cursor after the newest item."""
        ...

    @property
    def bell(self) -> Bell:
        """Rung whenever `head` has moved."""
        ...

    def read(self, after: int, limit: int) -> tuple[Sequence[Given_co], int]:
        """Return about `limit` items after a cursor, and the cursor after them."""
        ...


class Follower(Protocol[Taken_contra]):
    """Whoever acts on a log."""

    name: str
    limit: int
    """How many items it takes at a time: what it can handle without holding up the loop."""

    @property
    def cursor(self) -> int:
        """How far it has come; moved by `handle`."""
        ...

    async def handle(self, items: Sequence[Taken_contra], cursor: int) -> None:
        """Act on these items, and set the cursor with what came of it. Returns when delivered.

        Raises RetryLater; any other exception ends the gateway, since going on
        would break a promise.
        """
        ...


async def follow(source: Log[Item], follower: Follower[Item]) -> None:
    """Follow for ever."""
    delay, told = FIRST_DELAY, ""
    while True:
        if source.head == follower.cursor:
            await source.bell.wait()
            continue
        items, cursor = source.read(follower.cursor, follower.limit)
        try:
            await follower.handle(items, cursor)
        except RetryLater as error:
            # An outage of days is told once, and not at each attempt.
            if str(error) != told:
                told = str(error)
                log.warning("retry later", follower=follower.name, reason=told, delay=delay)
            # Many who lost one server must not come back all at once.
            await _pause(max(delay * _random.uniform(0.5, 1.0), error.after), error.sooner)
            delay = min(2 * delay, LONGEST_DELAY)
        else:
            if told:
                log.warning("goes on", follower=follower.name)
            delay, told = FIRST_DELAY, ""
        # Intake comes first: give the loop back between batches.
        await asyncio.sleep(0)


async def _pause(seconds: float, sooner: Bell | None) -> None:
    if sooner is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await sooner.wait()
