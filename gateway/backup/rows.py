"""A database as rows, and rows as a database: what a backup holds of our files.

Rows and no pages: they can be read while the file is written, a little at a time, and what is
made of them again has no damage of the old file in it. How the tables are made is not in a
backup but in this program (`Database.migrations`), so nothing of a backup is ever run as SQL.

A *part* is some of one file's rows: a sequence of (length as four bytes, MessagePack of
[table, rows]).
"""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw
import msgspec

from gateway.backup.errors import BackupError
from gateway.database import APPLICATION, fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.database import Database

Row = tuple[Any, ...]

TOGETHER = 32
"""Rows that are read and packed together: one may have a megabyte."""
PART = 2**20
"""Bytes of a part, from which on the next one is begun."""
CACHE = 32 * 1024
"""KiB of memory while a file is made."""
PAGE = 4_000
"""Rows of a file that grows meanwhile, each short, that are read at a time."""

_NO_ROWS = (
    *(apsw.ConstraintError, apsw.BindingsError, apsw.MismatchError),
    *(KeyError, TypeError, OverflowError),
)
_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[str, list[list[Any]]])


class Part(NamedTuple):
    """Some rows of a file, packed, and how many they are by table."""

    content: bytes
    rows: dict[str, int]


class Table(msgspec.Struct, frozen=True):
    """A table by its name and the names of its columns."""

    name: str
    columns: tuple[str, ...]


class File(msgspec.Struct, frozen=True):
    """One of our files, as it was when its copy began. `size` is in bytes, and about right."""

    name: str
    schema: int
    """How many migrations it has had."""
    size: int
    tables: tuple[Table, ...]


def describe(name: str, connection: apsw.Connection) -> File:
    """Return what a file is."""
    names = fetch(
        connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
        "(name NOT LIKE 'sqlite%' OR name = 'sqlite_sequence') ORDER BY name",
    )
    tables = [
        Table(
            table,
            tuple(
                column
                for (column,) in fetch(
                    connection, "SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,)
                )
            ),
        )
        for (table,) in names
    ]
    pages = connection.pragma("page_count") - connection.pragma("freelist_count")
    size = pages * connection.pragma("page_size")
    return File(name, connection.pragma("user_version"), size, tuple(tables))


# -- reading ---------------------------------------------------------------------------------


def parts(
    connection: apsw.Connection, file: File, growing: Table | None = None, key: str = ""
) -> Iterator[Part]:
    """Yield a file's rows, all as they were at one moment.

    That is when this begins; a reader that goes on for long keeps the WAL from being brought in
    meanwhile. Of a table that is `growing` and only ever grows behind its `key`, most is read
    before that moment, in short pages: for a file that is written all the time.
    """
    after = 0
    if growing is not None:
        while len(rows := _page(connection, growing, key, after)) == PAGE:
            after = rows[-1][growing.columns.index(key)]
            yield Part(_packed(growing.name, rows), {growing.name: len(rows)})
    connection.execute("BEGIN")
    try:
        if growing is not None:
            while rows := _page(connection, growing, key, after):
                after = rows[-1][growing.columns.index(key)]
                yield Part(_packed(growing.name, rows), {growing.name: len(rows)})
        others = [one for one in file.tables if one != growing]
        yield from _gathered(_each(connection, others))
    finally:
        # Whoever has left in the middle has closed it, which ends this too.
        with suppress(apsw.ConnectionClosedError):
            connection.execute("ROLLBACK")


def _page(connection: apsw.Connection, table: Table, key: str, after: int) -> list[Row]:
    statement = f"{_select(table)} WHERE {key} > ? ORDER BY {key} LIMIT ?"
    return fetch(connection, statement, (after, PAGE))


def _select(table: Table) -> str:
    columns = ", ".join(f'"{one}"' for one in table.columns)
    return f'SELECT {columns} FROM "{table.name}"'  # noqa: S608 - names of our own schema


def _each(connection: apsw.Connection, tables: Iterable[Table]) -> Iterator[Part]:
    for table in tables:
        cursor = connection.execute(_select(table))
        while rows := list(islice(cursor, TOGETHER)):
            yield Part(_packed(table.name, rows), {table.name: len(rows)})


def _packed(table: str, rows: Sequence[Row]) -> bytes:
    content = _encoder.encode((table, rows))
    return _LENGTH.pack(len(content)) + content


def _gathered(pieces: Iterable[Part]) -> Iterator[Part]:
    some: list[bytes] = []
    rows: dict[str, int] = {}
    size = 0
    for content, counts in pieces:
        some.append(content)
        size += len(content)
        for table, count in counts.items():
            rows[table] = rows.get(table, 0) + count
        if size >= PART:
            yield Part(b"".join(some), rows)
            some, rows, size = [], {}, 0
    if some:
        yield Part(b"".join(some), rows)


def unpack(part: bytes) -> Iterator[tuple[str, list[list[Any]]]]:
    """Yield the tables' names and rows of a part. Raises BackupError."""
    place = 0
    try:
        while place < len(part):
            (length,) = _LENGTH.unpack_from(part, place)
            place += _LENGTH.size + length
            yield _decoder.decode(memoryview(part)[place - length : place])
    except (struct.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BackupError(f"rows in it cannot be read ({error})", "Use another backup") from error


# -- writing ---------------------------------------------------------------------------------


class Builder:
    """Makes a file of rows. Nothing is safe before `finish` has returned."""

    def __init__(self, path: Path, kind: type[Database], file: File) -> None:
        """Make the file with the tables of its schema, empty. Raises BackupError."""
        if not 0 < file.schema <= len(kind.migrations):
            raise BackupError(
                f"its {file.name} was written by a newer Holdwatch (schema {file.schema}, this one "
                f"knows {len(kind.migrations)})",
                "Restore it with that version; or take its readings alone: holdwatch restore "
                "--readings",
            )
        self._file = file
        path.touch(mode=0o600)
        self._connection = connection = apsw.Connection(str(path))
        connection.execute(f"PRAGMA page_size={kind.page_size}")
        if kind.shrinks:
            # Only a file without tables takes it: else it could never give room back again.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute(f"PRAGMA application_id={APPLICATION + kind.kind}")
        # Half a file is of no use: it is made again.
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA cache_size=-{CACHE}")
        connection.execute("BEGIN")
        for migration in kind.migrations[: file.schema]:
            connection.execute(migration)
        connection.execute(f"PRAGMA user_version={file.schema}")
        self._triggers = [
            (name, sql)
            for name, sql in fetch(
                connection, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            )
        ]
        # What they would count is among the rows, and so is what migrations put in.
        for name, _ in self._triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        mine = describe(file.name, connection)
        self._tables = {one.name: one for one in mine.tables}
        self._inserts: dict[str, str] = {}
        for one in file.tables:
            self._prepare(one)
        for one in mine.tables:
            connection.execute(f'DELETE FROM "{one.name}"')  # noqa: S608 - names of our own schema

    def _prepare(self, table: Table) -> None:
        mine = self._tables.get(table.name)
        if mine is None or not set(table.columns) <= set(mine.columns):
            raise BackupError(
                f"its {self._file.name} holds what no {self._file.name} of schema "
                f"{self._file.schema} does ({table.name})",
                "Use another backup",
            )
        columns = ", ".join(f'"{one}"' for one in table.columns)
        marks = ",".join("?" * len(table.columns))
        self._inserts[table.name] = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'  # noqa: S608 - names that our own schema has

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Put rows in. Raises BackupError."""
        if table == "sqlite_sequence":
            # Rows that came before have made entries of their own.
            self._connection.executemany(
                "DELETE FROM sqlite_sequence WHERE name = ?", [(row[0],) for row in rows]
            )
        try:
            self._connection.executemany(self._inserts[table], rows)
        except _NO_ROWS as error:
            raise BackupError(
                f"rows of {self._file.name} in it cannot be put together ({error})",
                "Use another backup",
            ) from error

    def execute(self, statement: str, bindings: Sequence[Any] = ()) -> list[Any]:
        """Change what is there."""
        return fetch(self._connection, statement, bindings)

    def finish(self) -> None:
        """Have it whole, sound and on the disk. Raises BackupError."""
        for _, sql in self._triggers:
            self._connection.execute(sql)
        self._connection.execute("COMMIT")
        found = self._connection.pragma("quick_check")
        if found != "ok":
            raise BackupError(f"{self._file.name} of it is not sound ({found})", "Use another one")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA journal_mode=WAL")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
