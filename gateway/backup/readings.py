"""The readings of another journal, taken in: of a backup, or of a file that was moved aside.

With them goes what its senders were told is safe and is no reading yet: messages that wait for a
codec, the quarantine, and messages of consignments' sensors. Each is stored once, whatever of it
is here already, and readings are judged as if they had come just now. Any version can do that
with the journal of a later one: it asks for columns by their names and for nothing else.
"""

from __future__ import annotations

import struct
from contextlib import closing, contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from devices.device import DecodeError
from devices.reading import DeviceKey, Reading, layout
from gateway.backup.archive import Found, look_into, reading
from gateway.backup.errors import BackupError
from gateway.backup.rows import File, describe, parts, unpack
from gateway.backup.snapshot import JOURNAL, reader
from gateway.evidence.messages import Gave, Message
from gateway.evidence.store import EvidenceStore
from gateway.pending import Waiting
from gateway.quarantine import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from devices.reading import Layout
    from gateway.journal import Journal

SQLITE = b"SQLite format 3\0"
_gave = msgspec.msgpack.Decoder(tuple[Gave, ...])
_COLUMNS: dict[str, tuple[str, ...]] = {
    "device": ("id", "owner", "name"),
    "layout": ("id", "channels"),
    "source": ("id", "name"),
    "reading": (
        *("seq", "device", "at", "received", "identity", "flags", "layout", "source", "vals"),
    ),
    "pending": ("received", "topic", "payload", "flags", "owner", "source"),
    "quarantine": (
        *("received", "topic", "payload", "flags", "owner", "source", "reason", "detail", "cure"),
        "device",
    ),
    "message": ("received", "topic", "payload", "flags", "owner", "source", "gave"),
}


class Some(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what is to be taken in."""

    readings: Sequence[Reading] = ()
    waiting: Sequence[Waiting] = ()
    rejected: Sequence[Rejected] = ()
    messages: Sequence[Message] = ()


class Summary(msgspec.Struct, kw_only=True):
    """What was taken in. `known` readings were here already; times are ms since 1970, UTC."""

    readings: int = 0
    known: int = 0
    waiting: int = 0
    rejected: int = 0
    messages: int = 0
    before: int = 0
    """Readings that the other journal had let go before its first one here: not taken."""
    first: int | None = None
    last: int | None = None
    """When the first and the last of the readings came."""


class Other:
    """The journal of a backup, or the file itself, read through. Raises BackupError, OSError."""

    def __init__(self, path: Path, secret: str = "") -> None:
        """Read all of it once, and hold it against what it says of itself."""
        self._path = path
        self._secret = secret
        with path.open("rb") as file:
            self._is_file = file.read(len(SQLITE)) == SQLITE
        self._found: Found | None = None if self._is_file else look_into(path, secret)
        self._devices: dict[int, DeviceKey] = {}
        self._layouts: dict[int, Layout] = {}
        self._sources: dict[int, str] = {}
        self.readings = 0
        self.first: int | None = None
        with self._rows() as rows:
            for table, some in rows:
                self._learn(table, some)

    def _learn(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if table == "device":
            self._devices |= {number: DeviceKey(owner, name) for number, owner, name in rows}
        elif table == "layout":
            for number, channels in rows:
                try:
                    self._layouts[number] = layout(tuple(channels.split(" ")))
                except (DecodeError, ValueError) as error:
                    raise self._otherwise(f"of the channels {channels}") from error
        elif table == "source":
            self._sources |= {number: name for number, name in rows}  # noqa: C416 - rows are lists
        elif table == "reading":
            self.readings += len(rows)
            lowest = min(row[0] for row in rows)
            self.first = lowest if self.first is None else min(self.first, lowest)

    def each(self) -> Generator[Some]:
        """Yield all that is in it, some at a time, in the order in which it came."""
        with self._rows() as rows:
            for table, some in rows:
                if table == "reading":
                    yield Some(readings=[self._reading(row) for row in some])
                elif table == "pending":
                    yield Some(waiting=[Waiting(*row) for row in some])
                elif table == "quarantine":
                    yield Some(rejected=[Rejected(*row) for row in some])
                elif table == "message":
                    yield Some(messages=[_message(*row) for row in some])

    def _reading(self, row: Sequence[Any]) -> Reading:
        _, device, at, received, identity, flags, shape, source, vals = row
        try:
            channels = self._layouts[shape]
            return Reading(
                self._devices[device],
                at,
                received,
                channels,
                channels.pack.unpack(vals),
                flags,
                identity,
                self._sources[source],
            )
        except (KeyError, struct.error) as error:
            raise self._otherwise("of readings") from error

    @contextmanager
    def _rows(self) -> Iterator[Iterator[tuple[str, list[list[Any]]]]]:
        if not self._is_file:
            with reading(self._path, self._secret) as (head, members):
                file = next((one for one in head.files if one.name == JOURNAL), None)
                pieces = (one.content for one in members if one.of == JOURNAL)
                yield self._named(file, pieces)
            return
        try:
            with closing(_opened(self._path)) as connection:
                file = describe(JOURNAL, connection)
                yield self._named(file, (part.content for part in parts(connection, file)))
        except apsw.Error as error:
            raise BackupError(f"{self._path} cannot be read ({error})", "Use a backup") from error

    def _named(
        self, file: File | None, pieces: Iterator[bytes]
    ) -> Iterator[tuple[str, list[list[Any]]]]:
        """Yield the rows of the tables that we take, their columns in our order."""
        tables = {} if file is None else {one.name: one.columns for one in file.tables}
        places: dict[str, list[int]] = {}
        for table, columns in _COLUMNS.items():
            if not set(columns) <= set(tables.get(table, ())):
                raise self._otherwise(f"of {table}")
            places[table] = [tables[table].index(one) for one in columns]
        for piece in pieces:
            for table, rows in unpack(piece):
                if table in places:
                    yield table, [[row[place] for place in places[table]] for row in rows]

    def _otherwise(self, what: str) -> BackupError:
        return BackupError(
            f"in {self._path.name} the rows {what} are not as this version knows them",
            "Use the version that wrote them",
        )


def _opened(path: Path) -> apsw.Connection:
    """Open a journal that nobody writes any more, also where nobody may write. Raises BackupError.

    To read a file with a WAL SQLite makes another one beside it. Where it cannot, such as on a
    card that is mounted read-only, the file alone is all of it, as long as its WAL holds nothing.
    """
    connection = reader(path)
    try:
        connection.pragma("user_version")
    except apsw.CantOpenError as error:
        connection.close()
        wal = path.with_name(f"{path.name}-wal")
        if wal.exists() and wal.stat().st_size:
            raise BackupError(
                f"{path} cannot be read where it lies: {wal.name} beside it belongs to it, and "
                "nothing may be written there",
                f"Copy {path.name} and {wal.name} to a folder in which the gateway's user may "
                "write, and name the copy",
            ) from error
        return apsw.Connection(
            f"{path.absolute().as_uri()}?immutable=1",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
        )
    return connection


def _message(*row: Any) -> Message:  # noqa: ANN401 - columns of a row
    received, topic, payload, flags, owner, source, gave = row
    return Message(received, topic, payload, flags, owner, source, _gave.decode(gave))


class Fresh:
    """Tells which messages are not here yet. By connections of its own: on any one thread."""

    def __init__(self, data: Path) -> None:
        """Take note of all messages of a data folder. Raises FileError, DiskError."""
        self._evidence = EvidenceStore(data / "evidence.db", looking=True)
        with closing(reader(data / JOURNAL)) as journal:
            self._known = {
                _mark(*row)
                for table in ("pending", "quarantine", "message")
                for row in journal.execute(f"SELECT received, topic, payload FROM {table}")  # noqa: S608 - constants
            }

    def close(self) -> None:
        """Let go of the files."""
        self._evidence.close()

    def of(self, some: Some) -> Some:
        """Return the messages that are new; readings as they are."""
        return Some(
            readings=some.readings,
            waiting=[one for one in some.waiting if self._is_new(one)],
            rejected=[one for one in some.rejected if self._is_new(one)],
            messages=[
                one for one in some.messages if self._is_new(one) and not self._is_evidence(one)
            ],
        )

    def _is_new(self, one: Waiting | Rejected | Message) -> bool:
        mark = _mark(one.received, one.topic, one.payload)
        new = mark not in self._known
        self._known.add(mark)
        return new

    def _is_evidence(self, one: Message) -> bool:
        first = one.gave[0]
        return any(
            (kept.received, kept.topic, kept.payload) == (one.received, one.topic, one.payload)
            for kept in self._evidence.messages(first.device, first.when, first.when)
        )


def _mark(received: int, topic: bytes, payload: bytes) -> bytes:
    head = struct.pack(">qI", received, len(topic))
    return blake2b(head + topic + payload, digest_size=16).digest()


def staged(some: Some) -> Callable[[Journal], None]:
    """Return what stages the messages with the readings of the same transaction."""

    def stage(journal: Journal) -> None:
        if some.waiting:
            journal.pending.keep(some.waiting)
        if some.rejected:
            journal.quarantine.keep(some.rejected)
        journal.messages.keep(some.messages)

    return stage


def add(summary: Summary, some: Some) -> None:
    """Count what was stored."""
    summary.readings += len(some.readings)
    summary.waiting += len(some.waiting)
    summary.rejected += len(some.rejected)
    summary.messages += len(some.messages)
    for one in some.readings:
        summary.first = one.received if summary.first is None else min(summary.first, one.received)
        summary.last = one.received if summary.last is None else max(summary.last, one.received)
