"""Copies of the four files that fit together, taken while the gateway writes them.

The order is state, history, evidence, and the journal last. Whatever another file knows of a
reading it knows from the journal, so the journal must be the one that was copied last: then no
copy knows of readings that the journal's copy has never had. And nothing may leave the journal
from before the first copy until after the last: what was brought from there to the history or
the evidence after those were copied, and then deleted in the journal, would be in no copy. So
the gateway has it stay meanwhile (`Journal.stays`).

Each of the first three is read as it was at one moment: they are written every few minutes or
hours, so its WAL hardly grows while that takes its time. The journal is written all the time and
may be the largest: its readings, which only ever grow at their end, are read in short pages, and
what is left of it at one moment.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import apsw

from gateway.backup.archive import Member
from gateway.backup.errors import BackupError
from gateway.backup.rows import describe, parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNAL = "journal.db"
FILES = ("state.db", "history.db", "evidence.db", JOURNAL)
"""Our files, in the order in which they are copied."""
GROWING, KEY = "reading", "seq"


class Snapshot:
    """The files of a data folder, to be copied once. Raises BackupError."""

    def __init__(self, data: Path) -> None:
        self._open = ExitStack()
        self._connections: dict[str, apsw.Connection] = {}
        try:
            for name in FILES:
                self._connections[name] = self._open.enter_context(closing(reader(data / name)))
            self.files = tuple(
                describe(name, connection) for name, connection in self._connections.items()
            )
        except (apsw.Error, OSError) as error:
            self.close()
            raise _unreadable(error) from error

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()

    def members(self) -> Iterator[Member]:
        """Yield the rows of each file in its turn. Raises BackupError."""
        for file in self.files:
            growing = None
            if file.name == JOURNAL:
                growing = next(one for one in file.tables if one.name == GROWING)
            try:
                found = parts(self._connections[file.name], file, growing, KEY)
                for number, part in enumerate(found):
                    yield Member(f"{file.name}/{number:06}", *part)
            except apsw.Error as error:
                raise _unreadable(error) from error

    @property
    def size(self) -> int:
        """About how many bytes there are to read."""
        return sum(file.size for file in self.files)


def reader(path: Path) -> apsw.Connection:
    """Open one of our files, only to read it, whatever its schema."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5000)
    return connection


def _unreadable(error: Exception) -> BackupError:
    return BackupError(
        f"what is to be copied cannot be read ({error})",
        "See the log of the gateway; `holdwatch status` says what is wrong",
    )
