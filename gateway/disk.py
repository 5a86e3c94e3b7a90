"""The disk: how much room there is, and the ballast that is given up for alerts.

Before the disk is full, sockets are left unread: what cannot be stored is not acknowledged. A
file of some megabytes is kept beside the data all the while. When writes fail for want of
room it is given up, so that the alert about it, and those that the rules still raise from what
is stored, find a place.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings.sections import DiskSection


class Disk:
    """The disk that the data folder lies on. Sizes in bytes."""

    def __init__(self, folder: Path, *, ballast: int, minimum_free: int) -> None:
        """`minimum_free` is the room below which nothing more is taken in."""
        self._folder = folder
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
        return shutil.disk_usage(self._folder).free

    def problem(self) -> str | None:
        """Say why nothing should be taken in, None if there is room."""
        free = self.free()
        if free >= self._minimum_free:
            return None
        return (
            f"only {free / 1e6:.1f} MB are free on {self._folder}, and "
            f"{self._minimum_free / 1e6:.0f} MB must stay. Free some room there; our own files "
            "keep theirs, and stop growing at [journal] keep_size and [history] keep_size"
        )

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
