"""evidence.db: messages as they came, of sensors that speak for consignments, for years.

Packed: some hundred messages of a sensor shrink to a tenth. A message that holds readings of
several such sensors is there once for each, so that each can go when its time is over.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import DeviceKey
from gateway.database import DamagedFileError, Database, fetch
from gateway.evidence.messages import Message
from gateway.history.columns import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.history.held import Held

LARGE = 1024 * 1024
"""Bytes of messages that are packed together at most, unless one alone has more."""

_HEADS = (
    "SELECT owner, device, day, part, n, first, last FROM block "
    "WHERE (owner, device, day, part) > (?,?,?,?) ORDER BY 1, 2, 3, 4 LIMIT 1000"
)
_packed = msgspec.msgpack.Decoder(list[Message])


class EvidenceStore(Database):
    """Messages by sensor and day of arrival. One connection writes, by one at a time."""

    kind = 4
    migrations = (
        """
        CREATE TABLE progress (cursor INTEGER NOT NULL);
        INSERT INTO progress VALUES (0);
        CREATE TABLE block (owner TEXT NOT NULL, device TEXT NOT NULL, day INTEGER NOT NULL,
            part INTEGER NOT NULL, n INTEGER NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (owner, device, day, part)) WITHOUT ROWID;
        """,
    )

    def __init__(
        self, path: Path, *, looking: bool = False, vfs: str = "", synchronous: str = "FULL"
    ) -> None:
        """Open or create; see Database for the errors."""
        super().__init__(path, looking=looking, vfs=vfs, synchronous=synchronous)
        self._pruned_by: Held | None = None

    @property
    def cursor(self) -> int:
        """Up to which message of the journal all of them are here."""
        return int(self.rows("SELECT cursor FROM progress")[0][0])

    def begin_after(self, newest: int) -> None:
        """Take note that the journal has given no number above `newest` so far.

        Where that is less than what is here, it is another journal: all it has is new.
        """
        if newest < self.cursor:
            self.stage("UPDATE progress SET cursor=?", [(0,)])
            self.commit()

    def keep(self, messages: Iterable[Message], cursor: int) -> None:
        """Store messages, with the journal's cursor behind them; durable once it returns.

        May run on any thread. Raises DiskError; then nothing of it is kept.
        """
        by_place: dict[tuple[DeviceKey, int], list[Message]] = {}
        for one in messages:
            for device in {gave.device for gave in one.gave}:
                by_place.setdefault((device, one.received // DAY), []).append(one)
        for (device, day), ones in by_place.items():
            ((part,),) = self._found(
                "SELECT ifnull(max(part), -1) + 1 FROM block WHERE owner=? AND device=? AND day=?",
                (*device, day),
            )
            self.stage(
                "INSERT INTO block VALUES (?,?,?,?,?,?,?,?)",
                [
                    (*device, day, part + number, len(some), *_ends(some, device), _pack(some))
                    for number, some in enumerate(_parts(ones))
                ],
            )
        self.stage("UPDATE progress SET cursor=?", [(cursor,)])
        self.commit()

    def prune(self, held: Held) -> int:
        """Delete the messages of which no reading is held any more; return how many.

        Messages that were stored together go together, when the last of them may.
        """
        if held == self._pruned_by:
            return 0
        gone, place = 0, ("", "", -1, -1)
        while page := self._found(_HEADS, place):
            place = page[-1][:4]
            over = [one for one in page if not held.holds(DeviceKey(*one[:2]), *one[5:])]
            gone += sum(one[4] for one in over)
            self.stage(
                "DELETE FROM block WHERE owner=? AND device=? AND day=? AND part=?",
                [one[:4] for one in over],
            )
            self.commit()
        self._pruned_by = held
        return gone

    def _found(self, statement: str, bindings: Sequence[Any]) -> list[Any]:
        # By the connection that writes: the other may be reading on another thread just now.
        with self._telling():
            return fetch(self._connection, statement, bindings)

    def bytes_of(self, device: DeviceKey, first: int, last: int) -> int:
        """Return how many bytes messages take that gave readings of first ≤ when ≤ last (ms)."""
        size = (
            "SELECT ifnull(sum(length(data)), 0) FROM block "
            "WHERE owner=? AND device=? AND last>=? AND first<=?"
        )
        return int(self.rows(size, (*device, first, last))[0][0])

    def messages(self, device: DeviceKey, first: int, last: int) -> Iterator[Message]:
        """Yield a sensor's messages that gave readings of first ≤ when ≤ last (ms).

        In order of arrival. Raises DamagedFileError, DiskError.
        """
        places = self.rows(
            "SELECT day, part FROM block WHERE owner=? AND device=? AND last>=? AND first<=? "
            "ORDER BY day, part",
            (*device, first, last),
        )
        for day, part in places:
            rows = self.rows(
                "SELECT data FROM block WHERE owner=? AND device=? AND day=? AND part=?",
                (*device, day, part),
            )
            for (data,) in rows:
                found = self._unpack(data, device)
                yield from (one for one in found if gives(one, device, first, last))

    def _unpack(self, data: bytes, device: DeviceKey) -> list[Message]:
        try:
            return _packed.decode(zlib.decompress(data))
        except (zlib.error, msgspec.DecodeError) as error:
            raise DamagedFileError(
                self.path,
                f"messages of {device} are damaged ({error})",
                "It is left untouched. Restore it from a backup; its readings are not in it",
            ) from error


def gives(message: Message, device: DeviceKey, first: int, last: int) -> bool:
    """Whether a message gave a reading of a sensor in first ≤ when ≤ last (ms)."""
    return any(one.device == device and first <= one.when <= last for one in message.gave)


def _ends(messages: Sequence[Message], device: DeviceKey) -> tuple[int, int]:
    times = [gave.when for one in messages for gave in one.gave if gave.device == device]
    return min(times), max(times)


def _parts(messages: Iterable[Message]) -> Iterator[list[Message]]:
    some: list[Message] = []
    size = 0
    for one in messages:
        if some and size + one.size > LARGE:
            yield some
            some, size = [], 0
        some.append(one)
        size += one.size
    if some:
        yield some


def _pack(messages: Sequence[Message]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(messages), 6)
