"""Brings messages that are evidence from the journal to where they stay, many at a time.

Each writing wears the disk, so they wait in the journal until there are many, or a quarter of a
day has passed. They leave it once they are durable elsewhere.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from gateway.database import DiskError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.evidence.messages import Message
    from gateway.evidence.store import EvidenceStore
    from gateway.ingest import Ingest
    from gateway.journal import Journal

log = structlog.get_logger()

LOOK = 60.0
"""Seconds between looks at how much waits."""
MUCH = 8 * 1024 * 1024
"""Bytes that are stored without waiting for more."""
LONG = 6 * 3600 * 1000
"""Messages wait no longer than this (ms)."""


class Keeper:
    """The only one that writes evidence.db."""

    def __init__(self, store: EvidenceStore, ingest: Ingest, clock: Clock) -> None:
        self._store = store
        self._ingest = ingest
        self._clock = clock
        self._since = clock.monotonic()

    async def run(self) -> None:
        """Store what is much or old, for ever. Raises FileError if a file is damaged."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Store what waits, if it is much or has waited long; delete what is held no more."""
        messages, cursor = self._ingest.journal.messages, self._store.cursor
        _, size = messages.waiting(cursor)
        due = size >= MUCH or self._clock.monotonic() - self._since >= LONG
        try:
            if due:
                await self.store()
            await asyncio.to_thread(self._store.prune, self._ingest.witness.held)
        except DiskError as error:
            log.warning("messages stay in the journal", problem=str(error))

    async def store(self) -> None:
        """Bring all that waits where it stays. Raises DiskError."""
        while some := self._some():
            cursor = some[-1].number
            await asyncio.to_thread(self._store.keep, some, cursor)
            await self._ingest.store([], partial(_release, cursor=cursor))
        self._since = self._clock.monotonic()

    def _some(self) -> list[Message]:
        some: list[Message] = []
        size, cursor = 0, self._store.cursor
        while size < MUCH:
            page = self._ingest.journal.messages.page(cursor)
            if not page:
                break
            cursor = page[-1].number
            some += page
            size += sum(one.size for one in page)
        return some


def _release(journal: Journal, cursor: int) -> None:
    # What stays for now goes with the next that are stored.
    if not journal.stays:
        journal.messages.release(cursor)
