"""The quarantine: messages that could not become readings, kept whole until they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.database import Database


class Rejected(msgspec.Struct, frozen=True):
    """A message that could not become readings, kept whole.

    `received` is ms since 1970, UTC; `device` is whose it is, as text, "" where nobody knows;
    `number` is its number in the quarantine, 0 before it is stored.
    """

    received: int
    topic: bytes
    payload: bytes
    flags: int
    owner: str
    source: str
    reason: str
    detail: str
    cure: str
    device: str = ""
    number: int = 0


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A message of the quarantine without what is in it; fields are those of Rejected."""

    number: int
    received: int
    reason: str
    device: str
    topic: bytes


class Repeated(msgspec.Struct):
    """Messages that lie in the quarantine for one reason, all of one device.

    Where the device is not known, all of one topic. Times are ms since 1970, UTC.
    """

    reason: str
    device: str
    count: int
    first: int
    last: int
    newest: int
    """The number of the newest of them."""


_REJECTED = "received, topic, payload, flags, owner, source, reason, detail, cure, device"


class Quarantine:
    """A part of the journal: what is staged here commits with its readings."""

    def __init__(self, journal: Database) -> None:
        self._journal = journal

    def keep(self, rejected: Sequence[Rejected]) -> None:
        """Stage messages."""
        self._journal.stage(
            f"INSERT INTO quarantine ({_REJECTED}) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - constant
            [msgspec.structs.astuple(one)[:-1] for one in rejected],
        )

    def prune(self, received_before: int, maximum_size: int) -> int:
        """Stage the removal of old messages from the quarantine; return how many.

        Those received before a time go, and the oldest while all together hold more bytes than
        `maximum_size`.
        """
        rows = self._journal.rows(
            "SELECT id, received, length(topic) + length(payload) FROM quarantine"
        )
        total = sum(size for _, _, size in rows)
        gone: list[tuple[int]] = []
        for number, received, size in rows:
            if received >= received_before and total <= maximum_size:
                break
            total -= size
            gone.append((number,))
        return self._journal.stage("DELETE FROM quarantine WHERE id = ?", gone) if gone else 0

    def page(
        self, after: int = 0, limit: int = 100, reason: str = "", device: str = ""
    ) -> list[Rejected]:
        """Return messages in the quarantine after a number, oldest first.

        `reason`, `device`: as for `newest`.
        """
        rows = self._journal.rows(
            f"SELECT {_REJECTED}, id FROM quarantine WHERE id > ? AND (? IN ('', reason)) "  # noqa: S608 - constant
            "AND (? IN ('', device)) ORDER BY id LIMIT ?",
            (after, reason, device, limit),
        )
        return [Rejected(*row) for row in rows]

    def entries(self, after: int, limit: int) -> list[Entry]:
        """Return messages after a number, oldest first, without what is in them."""
        rows = self._journal.rows(
            "SELECT id, received, reason, device, topic FROM quarantine WHERE id > ? "
            "ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [Entry(*row) for row in rows]

    def newest(
        self, before: int | None, limit: int, reason: str = "", device: str = ""
    ) -> list[Rejected]:
        """Return messages in the quarantine, newest first; `before`: with a smaller number.

        `reason`, `device`: only those that lie there for it, or are of that one. Where they are
        rare, all are looked through.
        """
        rows = self._journal.rows(
            f"SELECT {_REJECTED}, id FROM quarantine WHERE id < ? AND (? IN ('', reason)) "  # noqa: S608 - constant
            "AND (? IN ('', device)) ORDER BY id DESC LIMIT ?",
            (1 << 62 if before is None else before, reason, device, limit),
        )
        return [Rejected(*row) for row in rows]

    def payloads(self, source: str, limit: int) -> list[bytes]:
        """Return what of one source lies in the quarantine, the newest of it; all are looked at."""
        rows = self._journal.rows(
            "SELECT payload FROM quarantine WHERE source = ? ORDER BY id DESC LIMIT ?",
            (source, limit),
        )
        return [payload for (payload,) in rows]

    def counts(self) -> dict[str, int]:
        """Return how many messages lie in the quarantine, by reason."""
        rows = self._journal.rows("SELECT reason, count FROM quarantine_count WHERE count > 0")
        return dict(rows)

    def counts_by_device(self) -> dict[str, int]:
        """Return how many messages of each device lie in the quarantine; its key is text."""
        return dict(self._journal.rows("SELECT device, count FROM quarantine_device"))

    def worst_senders(self, limit: int) -> list[tuple[str, int]]:
        """Return the devices with the most messages in the quarantine, and how many they have."""
        rows = self._journal.rows(
            "SELECT device, count FROM quarantine_device ORDER BY count DESC, device LIMIT ?",
            (limit,),
        )
        return [(device, count) for device, count in rows]

    def count_of(self, device: str) -> int:
        """Return how many messages of one device lie in the quarantine."""
        count = "SELECT count FROM quarantine_device WHERE device = ?"
        return int(sum(number for (number,) in self._journal.rows(count, (device,))))

    def count_with(self, reason: str, words: str) -> int:
        """Return how many messages lie in the quarantine for a reason, with words in its detail."""
        if reason not in self.counts():
            return 0
        count = "SELECT count(*) FROM quarantine WHERE reason = ? AND instr(detail, ?)"
        return int(self._journal.rows(count, (reason, words))[0][0])

    def restate(self, reasons: Sequence[tuple[int, str, str, str]]) -> None:
        """Stage why messages lie in the quarantine now: their number, reason, detail and cure."""
        self._journal.stage(
            "UPDATE quarantine SET reason = ?, detail = ?, cure = ? WHERE id = ?",
            [(*why, number) for number, *why in reasons],
        )

    def release(self, numbers: Sequence[int]) -> None:
        """Stage the removal of messages that could be decoded after all."""
        self._journal.stage(
            "DELETE FROM quarantine WHERE id = ?", [(number,) for number in numbers]
        )


def gather(
    entries: Iterable[Entry], into: dict[tuple[str, str, bytes], Repeated]
) -> dict[tuple[str, str, bytes], Repeated]:
    """Count messages, oldest first, to those of their kind in `into`; return it."""
    for one in entries:
        kind = (one.reason, one.device, b"" if one.device else one.topic)
        known = into.get(kind)
        if known is None:
            into[kind] = Repeated(one.reason, one.device, 1, one.received, one.received, one.number)
        else:
            known.count += 1
            known.last, known.newest = one.received, one.number
    return into
