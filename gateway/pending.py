"""Messages that wait for a vendor's codec: kept whole, acknowledged, and decoded from here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec

from gateway.follow import Bell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.database import Database

MOST = 100_000
"""Messages that may wait."""
MOST_BYTES = 200 * 10**6
"""Bytes of them, unless the settings say otherwise."""
PAGE = 500
PAGE_BYTES = 8 * 2**20
"""Messages, and bytes of them, that are decoded and committed together; one at least."""


class Waiting(msgspec.Struct, frozen=True):
    """A message that waits. `received` is ms since 1970, UTC; `number` is 0 before it is stored."""

    received: int
    topic: bytes
    payload: bytes
    flags: int
    owner: str
    source: str
    number: int = 0

    @property
    def size(self) -> int:
        """Bytes that count of it."""
        return len(self.topic) + len(self.payload)


_WAITING = "received, topic, payload, flags, owner, source"


class Pending:
    """A part of the journal: what is staged here commits with its readings."""

    def __init__(self, journal: Database) -> None:
        self._journal = journal

    def keep(self, waiting: Sequence[Waiting]) -> None:
        """Stage messages."""
        self._journal.stage(
            f"INSERT INTO pending ({_WAITING}) VALUES (?,?,?,?,?,?)",  # noqa: S608 - constant
            [msgspec.structs.astuple(one)[:-1] for one in waiting],
        )

    def page(self, after: int = 0) -> list[Waiting]:
        """Return a page of the messages after a number, those that have waited longest first."""
        rows = self._journal.rows(
            f"SELECT {_WAITING}, id FROM pending WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - constant
            (after, fitting(self._journal, "pending", after)),
        )
        return [Waiting(*row) for row in rows]

    def count(self) -> int:
        """Return how many messages wait."""
        return int(self._journal.rows("SELECT count(*) FROM pending")[0][0])

    def size(self) -> int:
        """Return how many bytes all that waits has."""
        size = "SELECT ifnull(sum(length(topic) + length(payload)), 0) FROM pending"
        return int(self._journal.rows(size)[0][0])

    def release(self, numbers: Sequence[int]) -> None:
        """Stage that messages wait no longer."""
        self._journal.stage("DELETE FROM pending WHERE id = ?", [(one,) for one in numbers])


def fitting(journal: Database, table: Literal["pending", "quarantine"], after: int) -> int:
    """Return how many messages after a number make a page. Reads only how large they are."""
    rows = journal.rows(
        f"SELECT length(topic) + length(payload) FROM {table} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - constants
        (after, PAGE),
    )
    total = 0
    for count, (size,) in enumerate(rows):
        total += size
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(rows)


class Backlog:
    """All that waits for codecs, on the disk or about to be: how much it is, and who looks."""

    def __init__(self, pending: Pending) -> None:
        """Count what waits already."""
        self.count = pending.count()
        self.size = pending.size()
        self.most_bytes = MOST_BYTES
        self.bell = Bell()
        """Rung when more waits on the disk, and when codecs have changed."""
        self.room = Bell()
        """Rung when less waits."""
        self.changes = 0
        """How often codecs have changed: what was passed over may be decoded now."""
        self.turn = asyncio.Lock()
        """Whoever moves messages to or from the quarantine has it, from its look to its commit."""

    @property
    def full(self) -> bool:
        """Whether nothing more may wait."""
        return self.count >= MOST or self.size >= self.most_bytes

    @property
    def crowded(self) -> bool:
        """Whether half of what may wait does: the rest is for what arrives."""
        return 2 * self.count >= MOST or 2 * self.size >= self.most_bytes

    def add(self, waiting: Sequence[Waiting]) -> None:
        """Count messages that will wait from the next commit on."""
        self.count += len(waiting)
        self.size += sum(one.size for one in waiting)

    def take(self, waiting: Sequence[Waiting]) -> None:
        """Count messages no more that wait no longer."""
        self.count -= len(waiting)
        self.size -= sum(one.size for one in waiting)
        self.room.ring()

    def look_again(self) -> None:
        """Have all that waits looked at anew: codecs have changed."""
        self.changes += 1
        self.bell.ring()
