"""Messages that wait for a vendor's codec: kept whole, acknowledged, and decoded from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.database import Database


class Waiting(msgspec.Struct, frozen=True):
    """A message that waits. `received` is ms since 1970, UTC; `number` is 0 before it is stored."""

    received: int
    topic: bytes
    payload: bytes
    flags: int
    owner: str
    source: str
    number: int = 0


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

    def page(self, limit: int) -> list[Waiting]:
        """Return the messages that have waited longest."""
        rows = self._journal.rows(
            f"SELECT {_WAITING}, id FROM pending ORDER BY id LIMIT ?",  # noqa: S608 - constant
            (limit,),
        )
        return [Waiting(*row) for row in rows]

    def count(self) -> int:
        """Return how many messages wait."""
        return int(self._journal.rows("SELECT count(*) FROM pending")[0][0])

    def release(self, numbers: Sequence[int]) -> None:
        """Stage that messages wait no longer."""
        self._journal.stage("DELETE FROM pending WHERE id = ?", [(one,) for one in numbers])
