"""The disk: how much room there is, who takes it, and the ballast that is given up for alerts.

What is done where it gets full stands in `room.py`. A file of some megabytes is kept beside the
data all the while. When writes fail for want of room it is given up, so that the alert about it,
and those that the rules still raise from what is stored, find a place.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.ladder import Room

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings.files import DiskSection


BLOCK = 512
"""Bytes of what the system counts as a block of a file."""


class Disk:
    """The disk that the data folder lies on. Sizes in bytes."""

    def __init__(self, folder: Path, *, ballast: int, minimum_free: int) -> None:
        """`minimum_free` is the room below which nothing more is taken in."""
        self.folder = folder
        self._path = folder / "ballast"
        self._ballast = ballast
        self._minimum_free = minimum_free

    def use(self, section: DiskSection) -> None:
        """Take other limits from now on."""
        self._minimum_free = section.minimum_free
        if section.ballast != self._ballast:
            self.drop_ballast()
            self._ballast = section.ballast
            self.load_ballast()

    def free(self) -> int:
        """Return the room left, the ballast not counted."""
        return shutil.disk_usage(self.folder).free

    def room(self, spare: int) -> Room:
        """Return the room as the ladder takes it; `spare` is inside the journal."""
        usage = shutil.disk_usage(self.folder)
        return Room(usage.total, self.free(), spare, self._minimum_free)

    def sizes(self) -> dict[str, int]:
        """Return how much of the disk our files take, by name; with what belongs to each."""
        found = dict.fromkeys(("journal", "history", "evidence", "state", "ballast"), 0)
        for path in self.folder.iterdir():
            name = path.name.partition(".")[0]
            if name in found:
                with suppress(FileNotFoundError):  # a WAL may go at any time
                    found[name] += path.stat().st_blocks * BLOCK
        return found

    def load_ballast(self) -> None:
        """Reserve the ballast where there is room for it and for what must stay free."""
        if self._loaded() or self.free() < self._ballast + self._minimum_free:
            return
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, max(1, self._ballast))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            # Somebody else was faster: better no ballast than half of one.
            self.drop_ballast()

    def _loaded(self) -> bool:
        return self._path.exists() and self._path.stat().st_size >= self._ballast

    def drop_ballast(self) -> None:
        """Give up the ballast, so that alerts can be written."""
        self._path.unlink(missing_ok=True)
