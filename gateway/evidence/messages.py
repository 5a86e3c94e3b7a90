"""Messages as they came, of sensors that speak for consignments: durable with their readings.

They are staged in the journal, in the transaction of the readings that they gave, so no
acknowledgement leaves before both are on the disk. From there `keeper.py` brings them where they
stay for years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from devices.reading import DeviceKey
from gateway.history.held import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import Reading
    from gateway.database import Database
    from gateway.history.held import Held
    from gateway.pending import Waiting
    from gateway.quarantine import Rejected

PAGE = 500
PAGE_BYTES = 4 * 1024 * 1024
"""Messages, and bytes of them, that are read at a time; one is read however large it is."""


class Gave(NamedTuple):
    """A reading that came of a message, by what names it; `when` is the time it is judged at."""

    device: DeviceKey
    at: int
    identity: int
    when: int


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A message as it came, or a logger's file: then `topic` is its name.

    `received` is ms since 1970, UTC; `flags` are those that its readings began with. `gave`
    holds its readings of sensors that speak for consignments.
    """

    received: int
    topic: bytes
    payload: bytes
    flags: int
    owner: str
    source: str
    gave: tuple[Gave, ...]
    number: int = 0
    """Its place in the journal, 0 before it is stored."""

    @property
    def size(self) -> int:
        """Bytes that count of it."""
        return len(self.topic) + len(self.payload) + 32 * len(self.gave)


class Witness:
    """Tells which messages are evidence."""

    def __init__(self) -> None:
        self.held: Held = NOTHING
        """The times of sensors in which their readings belong to consignments."""

    def sees(self, one: Waiting | Rejected, readings: Sequence[Reading]) -> Message | None:
        """Return what is to be kept of a message, None if none of its readings is evidence."""
        devices, holds = self.held.devices, self.held.holds
        gave = tuple(
            [
                Gave(each.device, each.at, each.identity, each.when)
                for each in readings
                if each.device in devices and holds(each.device, each.when, each.when)
            ]
        )
        if not gave:
            return None
        return Message(one.received, one.topic, one.payload, one.flags, one.owner, one.source, gave)


_COLUMNS = "received, topic, payload, flags, owner, source, gave"
_gave = msgspec.msgpack.Decoder(tuple[Gave, ...])


class Messages:
    """A part of the journal: what is staged here commits with its readings."""

    def __init__(self, journal: Database) -> None:
        self._journal = journal

    def keep(self, messages: Sequence[Message]) -> None:
        """Stage messages."""
        if messages:
            self._journal.stage(
                f"INSERT INTO message ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608 - constant
                [
                    (*msgspec.structs.astuple(one)[:-2], msgspec.msgpack.encode(one.gave))
                    for one in messages
                ],
            )

    def page(self, after: int = 0) -> list[Message]:
        """Return a page of the messages after a number, in order of arrival."""
        sizes = self._journal.rows(
            "SELECT length(payload) FROM message WHERE id > ? ORDER BY id LIMIT ?", (after, PAGE)
        )
        count = total = 0
        for (size,) in sizes:
            total += size
            if count and total > PAGE_BYTES:
                break
            count += 1
        rows = self._journal.rows(
            f"SELECT {_COLUMNS}, id FROM message WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - constant
            (after, count),
        )
        return [
            Message(received, topic, payload, flags, owner, source, _gave.decode(gave), number)
            for received, topic, payload, flags, owner, source, gave, number in rows
        ]

    def waiting(self, after: int = 0) -> tuple[int, int]:
        """Return how many messages there are after a number, and how many bytes they have."""
        ((count, size),) = self._journal.rows(
            "SELECT count(*), ifnull(sum(length(topic) + length(payload)), 0) FROM message "
            "WHERE id > ?",
            (after,),
        )
        return count, size

    def newest(self) -> int:
        """Return the highest number that was ever given, 0 if none was."""
        rows = self._journal.rows("SELECT seq FROM sqlite_sequence WHERE name = 'message'")
        return rows[0][0] if rows else 0

    def release(self, until: int) -> None:
        """Stage that messages up to a number are kept elsewhere."""
        self._journal.stage("DELETE FROM message WHERE id <= ?", [(until,)])
