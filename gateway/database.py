"""How every file of ours is opened: one writing connection, power-cut safe, never overwritten.

SQLite in WAL mode with `synchronous=FULL`: what a commit has returned from survives a power
cut. SQLite before 3.51.3 could corrupt a WAL written or checkpointed by two connections, so a
file has exactly one connection that writes; everybody else reads only.

A transaction is staged on the event loop's thread and committed on another: the commit waits
for the disk and lets go of the interpreter meanwhile, so the loop goes on.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import apsw

from gateway.commit_times import CommitTimes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GIVEN_BACK = 4_000
"""Pages that are given back at a time: each may be moved for it."""
APPLICATION = 0x484F4C44  # "HOLD": what `file` and we recognise our files by


class FileError(Exception):
    """A file that must not be used: which one, why, and what to do."""

    def __init__(self, path: Path, problem: str, cure: str) -> None:
        super().__init__(f"{path}: {problem}. {cure}")
        self.path = path
        self.problem = problem
        self.cure = cure


class DamagedFileError(FileError):
    """The file is not a database, or is damaged. It is left as it is."""


class NewerFileError(FileError):
    """The file was written by a newer Holdwatch. It is left as it is."""


class DiskError(Exception):
    """The disk did not take a write: full, or failing. Nothing of the transaction is kept."""


_DISK = (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError)
_DAMAGED = (apsw.NotADBError, apsw.CorruptError)


class Database:
    """One file with its schema. Subclasses say what is in it.

    `migrations` is append-only: the n-th brings a file from version n to n+1.
    """

    kind: ClassVar[int]
    """Which of our files this is, kept in the file: a history is no journal."""
    migrations: ClassVar[tuple[str, ...]]
    page_size: ClassVar[int] = 4096
    cache_kib: ClassVar[int] = 8192
    shrinks: ClassVar[bool] = False
    """Whether `give_back` gives room back to the disk: then a little more is written."""

    def __init__(
        self, path: Path, *, looking: bool = False, vfs: str = "", synchronous: str = "FULL"
    ) -> None:
        """Open or create. Raises FileError, DiskError.

        `looking` is for another process than the one that writes: the file must be there, and
        writes raise DiskError. `vfs` and `synchronous` are for fault tests.
        """
        self.path = path
        self._vfs = vfs
        self._synchronous = synchronous
        self._staged = False
        self._failed = False
        self.commits = CommitTimes()
        self.problem: str | None = None
        """Why the last commit did not reach the disk, None if it did."""
        if looking:
            self._connection = self._reader = self.reader()
            return
        created = not path.exists() or path.stat().st_size == 0
        if created:
            # Readings and alerts are nobody else's business.
            path.touch(mode=0o600)
        self._connection = self._connect(created=created)
        self._reader = self.reader()

    def _connect(self, *, created: bool) -> apsw.Connection:
        connection = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        wal = Path(f"{self.path}-wal")
        if wal.exists() and wal.stat().st_size:
            # What is refused is left as it is: its WAL is not brought in.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        try:
            if created:
                connection.execute(f"PRAGMA page_size={self.page_size}")
                if self.shrinks:
                    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                connection.execute(f"PRAGMA application_id={APPLICATION + self.kind}")
            self._recognise(connection, created=created)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute(f"PRAGMA cache_size=-{self.cache_kib}")
            connection.execute(f"PRAGMA wal_autocheckpoint={4 * 1024 * 1024 // self.page_size}")
            connection.execute("PRAGMA journal_size_limit=16777216")
            self._migrate(connection)
        except _DAMAGED as error:
            connection.close()
            raise self._damaged(error) from error
        except _DISK as error:
            connection.close()
            raise DiskError(f"{self.path}: {error}") from error
        except FileError:
            connection.close()
            raise
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        # Each time: an earlier life may have ended before it came to this.
        _sync_directory(self.path.parent)
        return connection

    def _open(self, flags: int) -> apsw.Connection:
        try:
            connection = apsw.Connection(str(self.path), flags=flags, vfs=self._vfs or None)
        except _DAMAGED as error:
            raise self._damaged(error) from error
        except _DISK as error:
            raise DiskError(
                f"{self.path}: {error}. See that it is a file, and may be read and written by the "
                "user who runs Holdwatch"
            ) from error
        connection.set_busy_timeout(5000)
        return connection

    def _damaged(self, error: Exception) -> DamagedFileError:
        return DamagedFileError(
            self.path,
            f"cannot be read as a Holdwatch file ({error})",
            "It is left untouched. Restore it from a backup, or move it (with its -wal and -shm "
            "files) aside to start with an empty one",
        )

    def _recognise(self, connection: apsw.Connection, *, created: bool) -> None:
        application = connection.pragma("application_id")
        version = connection.pragma("user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
        if not created and application != APPLICATION + self.kind and (application or tables):
            raise DamagedFileError(
                self.path,
                "is a database, but not this one of Holdwatch's",
                "It is left untouched. Check the data folder in the settings",
            )
        if application == 0:
            connection.execute(f"PRAGMA application_id={APPLICATION + self.kind}")
        if version > len(self.migrations):
            raise NewerFileError(
                self.path,
                f"was written by a newer Holdwatch (schema {version}, this one knows "
                f"{len(self.migrations)})",
                "It is left untouched. Install that version again, or restore a backup made "
                "before the upgrade",
            )

    def _migrate(self, connection: apsw.Connection) -> None:
        version = connection.pragma("user_version")
        for number in range(version, len(self.migrations)):
            with connection:
                connection.execute(self.migrations[number])
                connection.execute(f"PRAGMA user_version={number + 1}")

    def reader(self) -> apsw.Connection:
        """Open another connection that only reads. Read in pages: a long read stalls the WAL.

        Raises FileError, DiskError.
        """
        connection = self._open(apsw.SQLITE_OPEN_READONLY)
        connection.execute(f"PRAGMA cache_size=-{self.cache_kib // 2}")
        return connection

    def rows(self, statement: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a statement finds of what is committed. Raises FileError, DiskError."""
        try:
            return fetch(self._reader, statement, bindings)
        except _DAMAGED as error:
            raise self._damaged(error) from error
        except _DISK as error:
            raise DiskError(f"{self.path}: {error}") from error

    def stage(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Add writes to the open transaction (begun if need be); return how many rows changed.

        Raises DiskError or DamagedFileError; the transaction is then rolled back whole, and the
        next one begins by opening the file again.
        """
        if self._failed and not self._staged:
            self.reopen()
        with self._telling():
            connection = self._connection
            if not self._staged:
                connection.execute("BEGIN IMMEDIATE")
                self._staged = True
            before = connection.total_changes()
            connection.executemany(statement, rows)
            return connection.total_changes() - before

    def commit(self) -> None:
        """Make what is staged durable; returns after the disk has it. May run on any thread."""
        if not self._staged:
            return
        began = time.perf_counter()
        with self._telling():
            self._connection.execute("COMMIT")
            self._staged = False
            self.problem = None
        self.commits.took(time.perf_counter() - began)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in our words what goes wrong inside, and keep nothing of the transaction."""
        try:
            yield
        except _DAMAGED as error:
            self.rollback()
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            raise self._damaged(error) from error
        except _DISK as error:
            self._failed = True
            self.problem = f"{self.path}: {error}"
            self.rollback()
            raise DiskError(self.problem) from error

    async def commit_aside(self) -> None:
        """Commit on another thread. Cancelled in the middle, it still waits for the disk."""
        task = asyncio.ensure_future(asyncio.to_thread(self.commit))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task
            raise

    def rollback(self) -> None:
        """Drop what is staged. Does nothing when nothing is."""
        staged, self._staged = self._staged, False
        if staged and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Close and open again: after a failed write nothing in memory is trusted.

        The connection that reads stays open: without it SQLite would look into the WAL for what
        was committed, and find there what a failing disk never kept. Raises DiskError; then
        call it again later.
        """
        self._connection.close(True)  # noqa: FBT003 - apsw's `force` takes no keyword
        self._connection = self._connect(created=False)
        self._failed = False

    def size(self) -> int:
        """Bytes in use: pages that hold something, without the WAL."""
        # Not by the connection that writes: it may be waiting for the disk on another thread.
        connection = self._reader
        pages = connection.pragma("page_count") - connection.pragma("freelist_count")
        return int(pages * connection.pragma("page_size"))

    def give_back(self, pages: int = GIVEN_BACK) -> None:
        """Give pages that hold nothing back to the disk, if the file `shrinks`. Raises DiskError.

        Not of a file from before it did: there they are used again.
        """
        with self._telling():
            self._connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Checkpoint and close all connections."""
        self._reader.close()
        if self._connection is self._reader:
            return
        if self._failed:
            # Another attempt to write would fail as the last one did.
            self._connection.close(True)  # noqa: FBT003 - apsw's `force` takes no keyword
            return
        self.rollback()
        self._connection.close()


def fetch(connection: apsw.Connection, statement: str, bindings: Sequence[Any] = ()) -> list[Any]:
    """Return all rows, as tuples; the schema, not the type checker, knows what they hold."""
    return connection.execute(statement, bindings).fetchall()


def _sync_directory(folder: Path) -> None:
    """Make the names of files durable.

    Without this a power cut can lose the whole file, or bring back the rollback journal of its
    making, which SQLite would then play back over what is in it now.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
