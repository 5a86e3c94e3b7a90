"""Brings readings from the journal into the history, many at a time.

A block of a device's day is worth writing once there is something to put in it, and each
writing wears the disk: so readings wait in memory, with the journal behind them, until there
are many, or a quarter of a day has passed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.history.held import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import Reading
    from gateway.clock import Clock
    from gateway.history import History
    from gateway.history.held import Held
    from gateway.journal import Cursor

Result = TypeVar("Result")

MANY = 100_000
"""Readings that are stored without waiting for more: some 8 MB of memory."""
WORTH = 10
"""Readings of each device that make a store worth its while, where that is more than MANY."""
MOST = 250_000
"""Readings that are stored whatever they are worth: some 20 MB of memory."""
LONG = 6 * 3600 * 1000
"""Readings wait no longer than this (ms)."""


class Archivist:
    """The follower that writes the history."""

    name = "history"
    limit = 5_000

    def __init__(
        self,
        history: History,
        clock: Clock,
        *,
        keep: int,
        keep_size: int | None,
        held: Callable[[], Held] = lambda: NOTHING,
    ) -> None:
        """`keep` is how long readings stay in the history (ms), `keep_size` its most bytes.

        What `held` returns stays whatever these say.
        """
        self.cursor: Cursor = history.cursor
        self._history = history
        self._clock = clock
        self._since = clock.monotonic()
        self._keep = keep
        self._keep_size = keep_size
        self._held = held
        self._failed = False
        # The history is nobody else's: what is gathered must not be there while it is pruned.
        self._one = asyncio.Lock()

    def use(self, *, keep: int, keep_size: int | None) -> None:
        """Keep so much from now on; see `__init__`."""
        self._keep = keep
        self._keep_size = keep_size

    async def handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        """Take readings; store what waits once it is much or old. Raises RetryLater."""
        async with self._one:
            await self._handle(items, cursor)

    async def _handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        if self._failed:
            self._reopen()
            return
        self._history.gather(items)
        self.cursor = cursor
        enough = max(MANY, min(WORTH * self._history.streams, MOST))
        if self._history.waiting >= enough or self._clock.monotonic() - self._since >= LONG:
            await self._aside(self._store)

    async def store(self) -> None:
        """Store what waits. Raises RetryLater if the disk takes no writes."""
        async with self._one:
            if self._failed:
                self._reopen()
            else:
                await self._aside(self._store)

    async def give_up(self, before: int, held: Held) -> int:
        """Delete the oldest day that ended before a time (ms), but for what is held.

        The room goes back to the disk. Return how many readings went; 0: there is none left to go.
        Raises RetryLater if the disk takes no writes.
        """
        async with self._one:
            if self._failed:
                self._reopen()
            await self._aside(self._store)
            return await self._aside(lambda: self._history.give_up(before, held))

    async def _aside(self, work: Callable[[], Result]) -> Result:
        try:
            # Aside, since packing takes a tenth of a second.
            return await asyncio.to_thread(work)
        except DiskError as error:
            # Nothing of it is kept: it is read from the journal again.
            self._failed = True
            self.cursor = self._history.cursor
            raise RetryLater(str(error)) from error

    def _reopen(self) -> None:
        try:
            self._history.reopen()
        except DiskError as error:
            raise RetryLater(str(error)) from error
        self._failed = False
        self.cursor = self._history.cursor

    def _store(self) -> None:
        self._since = self._clock.monotonic()
        self._history.stage_gathered(self.cursor)
        self._history.commit()
        if not self._clock.steady():
            return  # where the clock leapt, what looks old may be of today
        self._history.prune(self._clock.now() - self._keep, self._keep_size, self._held())
