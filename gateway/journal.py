"""journal.db: everything that arrived, in the order it was committed. Written by ingest alone.

What this file guarantees:

- a reading is on the disk before its acknowledgement leaves (`commit` returns after the sync);
- each reading is stored once: device, `at` and identity are unique;
- order is kept: a cursor is the number of the last reading a follower has handled, and it
  sees every later one, in the same order, however often it asks.

Rows are in order of arrival and the unique index in order of time, because both then grow at
their end: an index by device would rewrite a page for nearly every reading (8 kB each instead
of 0.2), which is what wears an SD card out.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.reading import WRONG_CLOCK, DeviceKey, Layout, Reading, layout
from gateway.database import Database, fetch
from gateway.evidence.messages import Messages
from gateway.pending import Pending
from gateway.quarantine import Quarantine, Rejected
from gateway.scope import ALL, Scope
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Cursor = int
"""How far a follower has come. Opaque outside this file; 0 is the beginning."""

TAIL = 20_000
"""How many of the newest readings are kept in memory for the followers, who mostly want these."""

PAGE = 2_000
"""How many rows are read or deleted at a time, so that nobody stalls the checkpoint."""


class Batch(NamedTuple):
    """What a follower gets: readings in journal order, and its cursor once it has handled them."""

    readings: Sequence[Reading]
    cursor: Cursor


class Arrival(NamedTuple):
    """A message without times of its own, by what it can be recognised when it is sent again.

    `trace` is a digest of topic and payload.
    """

    source: str
    packet: int
    trace: bytes


_INSERT = "INSERT OR IGNORE INTO reading VALUES (?,?,?,?,?,?,?,?,?)"
_SELECT = (
    "SELECT seq, device, at, received, identity, flags, layout, source, vals FROM reading "
    "WHERE seq > ? AND seq <= ? {} ORDER BY seq LIMIT ?"
)
_WHEN = f"iif(flags & {WRONG_CLOCK}, received, at)"
# SQLite divides towards zero, and a day before 1970 begins below it.
_DAYS = (
    f"SELECT DISTINCT ({_WHEN} - (({_WHEN} % {DAY}) + {DAY}) % {DAY}) / {DAY} "  # noqa: S608 - constants
    "FROM reading WHERE seq > ? AND seq <= ?"
)


class Journal(Database):
    """Readings, and messages that are kept; the newest readings are in memory as well."""

    kind = 1
    # Small pages: at 2,000 readings/s a commit of 40 readings writes 535 bytes a reading, where
    # pages of 4,096 write 866; a bulk load costs a tenth more CPU.
    page_size = 1024
    migrations = (
        """
        CREATE TABLE device (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL);
        CREATE TABLE layout (id INTEGER PRIMARY KEY, channels TEXT NOT NULL UNIQUE);
        CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE reading (seq INTEGER PRIMARY KEY, device INTEGER NOT NULL,
            at INTEGER NOT NULL, received INTEGER NOT NULL, identity INTEGER NOT NULL,
            flags INTEGER NOT NULL, layout INTEGER NOT NULL, source INTEGER NOT NULL,
            vals BLOB NOT NULL, UNIQUE (at, device, identity));
        CREATE TABLE arrival (source TEXT NOT NULL, packet INTEGER NOT NULL,
            trace BLOB NOT NULL, PRIMARY KEY (source, packet)) WITHOUT ROWID;
        CREATE TABLE quarantine (id INTEGER PRIMARY KEY AUTOINCREMENT,
            received INTEGER NOT NULL, topic BLOB NOT NULL, payload BLOB NOT NULL,
            flags INTEGER NOT NULL, owner TEXT NOT NULL, source TEXT NOT NULL,
            reason TEXT NOT NULL, detail TEXT NOT NULL, cure TEXT NOT NULL);
        """,
        # What clients of our listener need kept, in one transaction with their messages:
        # gateway/listener/sessions.py and ends.py.
        """
        CREATE TABLE session (principal TEXT NOT NULL, client TEXT NOT NULL,
            keep INTEGER NOT NULL, away_since INTEGER, cursor INTEGER NOT NULL,
            subscriptions BLOB NOT NULL, PRIMARY KEY (principal, client)) WITHOUT ROWID;
        CREATE TABLE held (principal TEXT NOT NULL, client TEXT NOT NULL, packet INTEGER NOT NULL,
            PRIMARY KEY (principal, client, packet)) WITHOUT ROWID;
        CREATE TABLE ended (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,
            principal TEXT NOT NULL, client TEXT NOT NULL, address TEXT NOT NULL,
            why TEXT NOT NULL, will TEXT);
        CREATE INDEX ended_of ON ended (principal, number);
        """,
        # Whoever looks at the status asks for these counts. Made by a look at every row, they kept
        # the intake waiting: with 100,000 rows for 0.1 s.
        """
        CREATE TABLE quarantine_count (reason TEXT PRIMARY KEY, count INTEGER NOT NULL)
            WITHOUT ROWID;
        INSERT INTO quarantine_count SELECT reason, count(*) FROM quarantine GROUP BY reason;
        CREATE TRIGGER quarantine_in AFTER INSERT ON quarantine BEGIN
            INSERT INTO quarantine_count VALUES (new.reason, 1)
                ON CONFLICT (reason) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER quarantine_out AFTER DELETE ON quarantine BEGIN
            UPDATE quarantine_count SET count = count - 1 WHERE reason = old.reason;
        END;
        """,
        """
        CREATE TRIGGER quarantine_other AFTER UPDATE OF reason ON quarantine BEGIN
            UPDATE quarantine_count SET count = count - 1 WHERE reason = old.reason;
            INSERT INTO quarantine_count VALUES (new.reason, 1)
                ON CONFLICT (reason) DO UPDATE SET count = count + 1;
        END;
        """,
        # Messages that wait for a vendor's codec, and whose messages nobody could read.
        """
        CREATE TABLE pending (id INTEGER PRIMARY KEY AUTOINCREMENT,
            received INTEGER NOT NULL, topic BLOB NOT NULL, payload BLOB NOT NULL,
            flags INTEGER NOT NULL, owner TEXT NOT NULL, source TEXT NOT NULL);
        ALTER TABLE quarantine ADD COLUMN device TEXT NOT NULL DEFAULT '';
        CREATE TABLE quarantine_device (device TEXT PRIMARY KEY, count INTEGER NOT NULL)
            WITHOUT ROWID;
        CREATE TRIGGER quarantine_device_in AFTER INSERT ON quarantine WHEN new.device != '' BEGIN
            INSERT INTO quarantine_device VALUES (new.device, 1)
                ON CONFLICT (device) DO UPDATE SET count = count + 1;
        END;
        CREATE TRIGGER quarantine_device_out AFTER DELETE ON quarantine WHEN old.device != '' BEGIN
            UPDATE quarantine_device SET count = count - 1 WHERE device = old.device;
            DELETE FROM quarantine_device WHERE device = old.device AND count <= 0;
        END;
        """,
        # Messages as they came, of sensors that speak for consignments: evidence/messages.py.
        """
        CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL,
            topic BLOB NOT NULL, payload BLOB NOT NULL, flags INTEGER NOT NULL,
            owner TEXT NOT NULL, source TEXT NOT NULL, gave BLOB NOT NULL);
        """,
    )

    def __init__(
        self, path: Path, *, looking: bool = False, vfs: str = "", synchronous: str = "FULL"
    ) -> None:
        """Open or create; see Database for the errors."""
        super().__init__(path, looking=looking, vfs=vfs, synchronous=synchronous)
        self.quarantine = Quarantine(self)
        self.pending = Pending(self)
        self.messages = Messages(self)
        # Segments of (cursor before, cursor after, readings), oldest first, without gaps.
        self._tail: deque[tuple[Cursor, Cursor, Sequence[Reading]]] = deque()
        self._tail_size = 0
        self._floor: Cursor = 0
        self.duplicates = 0
        """How many readings were left out since the start because they were stored already."""
        self.stays = False
        """Nothing leaves while a backup is made: what was brought elsewhere is in no copy there."""
        self._load()

    def _load(self) -> None:
        self._devices: dict[DeviceKey, int] = {}
        self._layouts: dict[Layout, int] = {}
        self._sources: dict[str, int] = {}
        for number, owner, name in self.rows("SELECT id, owner, name FROM device"):
            self._devices[DeviceKey(owner, name)] = number
        for number, channels in self.rows("SELECT id, channels FROM layout"):
            self._layouts[layout(tuple(channels.split(" ")))] = number
        for number, name in self.rows("SELECT id, name FROM source"):
            self._sources[name] = number
        self._device_of = {number: one for one, number in self._devices.items()}
        self._layout_of = {number: one for one, number in self._layouts.items()}
        self._source_of = {number: one for one, number in self._sources.items()}
        newest = self.rows("SELECT ifnull(max(seq), 0) FROM reading")[0][0]
        self.head: Cursor = max(newest, self._floor)
        self._next = self.head
        self._fresh: list[Reading] = []

    def look(self) -> None:
        """Take note of what was committed since: for a journal that another process writes."""
        self._load()

    def begin_after(self, cursor: Cursor) -> None:
        """Give no number up to `cursor`: a follower has been there, in a journal that is gone."""
        self._floor = cursor
        self.head = self._next = max(self.head, cursor)

    # -- writing ---------------------------------------------------------------------------

    def append(self, readings: Sequence[Reading], rejected: Sequence[Rejected] = ()) -> None:
        """Stage readings and messages for the quarantine; durable once `commit` returns.

        Readings that are stored already are left out. Raises DiskError; then nothing of the
        open transaction is kept: `reopen`, and append all of it again.
        """
        first = self._next
        stored = self.stage(_INSERT, self._rows(readings)) if readings else 0
        if stored == len(readings):
            self._fresh.extend(readings)
            self._next = first + stored
        else:
            with self._telling():
                kept = fetch(self._connection, "SELECT seq FROM reading WHERE seq > ?", (first,))
            self._fresh.extend(readings[seq - first - 1] for (seq,) in kept)
            # Only numbers that are in the file: what is found there at the next start is then
            # what the cursors of the followers rest on.
            self._next = max((seq for (seq,) in kept), default=first)
        self.duplicates += len(readings) - stored
        if rejected:
            self.quarantine.keep(rejected)

    def _rows(self, readings: Sequence[Reading]) -> list[tuple[Any, ...]]:
        devices, layouts, sources = self._devices, self._layouts, self._sources
        rows: list[tuple[Any, ...]] = []
        number = self._next
        met: list[tuple[int, str, str]] = []
        for reading in readings:
            number += 1
            shape, source = reading.layout, reading.source
            try:
                # Looked up once: a key is hashed anew each time.
                device = devices[reading.device]
            except KeyError:
                device = devices[reading.device] = len(devices) + 1
                self._device_of[device] = reading.device
                met.append((device, *reading.device))
            if shape not in layouts:
                layouts[shape] = self._name("layout", len(layouts) + 1, (" ".join(shape.channels),))
                self._layout_of[layouts[shape]] = shape
            if source not in sources:
                sources[source] = self._name("source", len(sources) + 1, (source,))
                self._source_of[sources[source]] = source
            rows.append(
                (
                    number,
                    device,
                    reading.at,
                    reading.received,
                    reading.identity,
                    reading.flags,
                    layouts[shape],
                    sources[source],
                    shape.pack.pack(*reading.values),
                )
            )
        if met:
            self.stage("INSERT INTO device VALUES (?,?,?)", met)
        return rows

    def _name(self, table: str, number: int, columns: Sequence[str]) -> int:
        """Store the number of a layout or source seen for the first time."""
        marks = ",?" * len(columns)
        self.stage(f"INSERT INTO {table} VALUES (?{marks})", [(number, *columns)])  # noqa: S608 - constant
        return number

    def publish(self) -> Batch:
        """Show the followers what the last commit made durable; return it."""
        fresh, self._fresh = self._fresh, []
        before, self.head = self.head, self._next
        if fresh:
            self._tail.append((before, self.head, fresh))
            self._tail_size += len(fresh)
            while self._tail_size - len(self._tail[0][2]) >= TAIL:
                self._tail_size -= len(self._tail.popleft()[2])
        return Batch(fresh, self.head)

    def reopen(self) -> None:
        """Begin again after a DiskError: what was staged, names too, is forgotten."""
        super().reopen()
        self._tail.clear()
        self._tail_size = 0
        self._load()

    def prune(self, cursor: Cursor, received_before: int, maximum_size: int) -> int:
        """Stage the deletion of one page of old readings; return how many.

        Only readings up to `cursor`, which every follower without a cap has handled, and only
        those received before a time, or the oldest while the file is over its size in bytes.
        The newest row stays, so that its number is never given twice.
        """
        if self.stays:
            return 0
        everything = self.size() > maximum_size
        with self._telling():
            rows = fetch(
                self._connection,
                "SELECT seq, received FROM reading WHERE seq <= ? AND seq < ? ORDER BY seq LIMIT ?",
                (cursor, self.head, PAGE),
            )
        last = 0
        for seq, received in rows:
            if not everything and received >= received_before:
                break
            last = seq
        return self.stage("DELETE FROM reading WHERE seq <= ?", [(last,)]) if last else 0

    @property
    def first(self) -> Cursor:
        """The number of the oldest reading; of the next one where there is none."""
        oldest = self.rows("SELECT min(seq) FROM reading")[0][0]
        return self.head + 1 if oldest is None else int(oldest)

    def spare(self) -> int:
        """Return how many bytes of the file hold nothing: they are used before it grows."""
        reader = self._reader
        return int(reader.pragma("freelist_count") * reader.pragma("page_size"))

    def rows_of(self, size: int) -> int:
        """Return about how many readings take so many bytes here."""
        rows = self.head - self.first + 1
        return size * max(1, rows) // max(1, self.size())

    def days(self, after: Cursor, until: Cursor) -> set[int]:
        """Return the days (UTC, since 1970) of the readings between two cursors."""
        rows = self.rows(_DAYS, (after, until))
        return {day for (day,) in rows}

    # -- following -------------------------------------------------------------------------

    def read(self, after: Cursor, limit: int, scope: Scope = ALL) -> Batch:
        """Return the readings after a cursor, about `limit` of them, from memory where it can."""
        for ahead, (before, _, _) in enumerate(reversed(self._tail), 1):
            if before < after:
                break
            if before == after:
                return self._read_tail(ahead, limit, scope)
        return self._read_file(after, limit, scope)

    def _read_tail(self, ahead: int, limit: int, scope: Scope) -> Batch:
        readings: list[Reading] = []
        cursor = self.head
        for number in range(-ahead, 0):
            before, _, part = self._tail[number]
            if readings and len(readings) + len(part) > limit:
                cursor = before
                break
            readings.extend(part)
        return Batch(_within(readings, scope), cursor)

    def _read_file(self, after: Cursor, limit: int, scope: Scope) -> Batch:
        readings: list[Reading] = []
        cursor = after
        for cursor, one in self._select("", (after, self.head, limit)):  # noqa: B007 - the last counts
            readings.append(one)
        if len(readings) < limit:
            cursor = self.head
        return Batch(_within(readings, scope), cursor)

    def _select(self, clause: str, bindings: tuple[int, ...]) -> Iterator[tuple[int, Reading]]:
        devices, layouts, sources = self._device_of, self._layout_of, self._source_of
        rows = self.rows(_SELECT.format(clause), bindings)
        for seq, device, at, received, identity, flags, shape, source, vals in rows:
            channels = layouts[shape]
            yield (
                seq,
                Reading(
                    devices[device],
                    at,
                    received,
                    channels,
                    channels.pack.unpack(vals),
                    flags,
                    identity,
                    sources[source],
                ),
            )

    def read_device(self, device: DeviceKey, after: Cursor, until: Cursor) -> list[Reading]:
        """Return one device's readings between two cursors, in journal order."""
        number = self._devices.get(device)
        if number is None:
            return []
        found: list[Reading] = []
        while True:
            page = list(self._select("AND device = ?", (after, until, number, PAGE)))
            found.extend(one for _, one in page)
            if len(page) < PAGE:
                return found
            after = page[-1][0]

    def newest_received(self) -> int:
        """Return when the newest reading was received (ms), 0 if there is none."""
        newest = "SELECT received FROM reading WHERE seq = (SELECT max(seq) FROM reading)"
        return int(sum(received for (received,) in self.rows(newest)))

    def newest_at(self, until: int) -> int | None:
        """Return the newest `at` (ms) that is not later than `until`, None if there is none."""
        newest = "SELECT at FROM reading WHERE at <= ? ORDER BY at DESC LIMIT 1"
        return next((int(at) for (at,) in self.rows(newest, (until,))), None)

    def devices(self) -> list[DeviceKey]:
        """Return every device that was ever stored."""
        return list(self._devices)

    def keep_arrivals(self, arrivals: Sequence[Arrival]) -> None:
        """Stage what was taken in under which packet id; of each id the latest is kept."""
        self.stage("INSERT OR REPLACE INTO arrival VALUES (?,?,?)", arrivals)

    def forget_arrivals(self, sources: Sequence[str]) -> None:
        """Stage that nothing of these senders is remembered any more."""
        self.stage("DELETE FROM arrival WHERE source = ?", [(one,) for one in sources])

    def arrivals(self) -> list[Arrival]:
        """Return what was last taken in under each packet id of each source."""
        return [Arrival(*row) for row in self.rows("SELECT source, packet, trace FROM arrival")]


def _within(readings: list[Reading], scope: Scope) -> list[Reading]:
    if scope.owners is None:
        return readings
    return [one for one in readings if scope.allows(one.device)]
