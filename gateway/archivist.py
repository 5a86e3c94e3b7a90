"""Brings readings from the journal into the history, many at a time.

A block of a device's day is worth writing once there is something to put in it, and each
writing wears the disk: so readings wait in memory, with the journal behind them, until there
are many, or a quarter of a day has passed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.database import DiskError
from gateway.follow import RetryLater

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import Reading
    from gateway.clock import Clock
    from gateway.history import History
    from gateway.journal import Cursor

MANY = 50_000
"""Readings that are stored without waiting for more: some 15 MB of memory."""
LONG = 6 * 3600 * 1000
"""Readings wait no longer than this (ms)."""


class Archivist:
    """The follower that writes the history."""

    name = "history"
    limit = 5_000

    def __init__(self, history: History, clock: Clock, *, keep: int, keep_size: int | None) -> None:
        """`keep` is how long readings stay in the history (ms), `keep_size` its most bytes."""
        self.cursor: Cursor = history.cursor
        self._history = history
        self._clock = clock
        self._waiting: list[Reading] = []
        self._since = clock.monotonic()
        self._keep = keep
        self._keep_size = keep_size
        self._failed = False

    async def handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        """Take readings; store what waits once it is much or old. Raises RetryLater."""
        self._waiting.extend(items)
        self.cursor = cursor
        if len(self._waiting) >= MANY or self._clock.monotonic() - self._since >= LONG:
            await self.store()

    async def store(self) -> None:
        """Store what waits. Raises RetryLater if the disk takes no writes."""
        waiting, self._waiting = self._waiting, []
        try:
            # Aside, since packing takes a tenth of a second, and the history is nobody else's.
            await asyncio.to_thread(self._store, waiting)
        except DiskError as error:
            self._failed = True
            self.cursor = self._history.cursor
            raise RetryLater(str(error)) from error
        self._since = self._clock.monotonic()

    def _store(self, readings: Sequence[Reading]) -> None:
        if self._failed:
            self._history.reopen()
            self._failed = False
        self._history.stage_readings(readings, self.cursor)
        self._history.commit()
        self._history.prune(self._clock.now() - self._keep, self._keep_size)
