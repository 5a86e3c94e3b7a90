"""When a backup is due, and which of those that are there are kept."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from gateway.backup.manifest import made_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.settings.backup import Backup


class Kept(NamedTuple):
    """A backup that lies in the folder: when it was begun (ms), and its size in bytes."""

    made: int
    path: Path
    size: int


def due(section: Backup, last: int | None, zone: str) -> int:
    """Return when (ms) the next backup is due after one that was begun at `last`; 0 for at once.

    By the clock on the wall of `zone`: an hour that there is twice counts once, and in place of
    one that is left out its next moment does.
    """
    if last is None:
        return 0
    if section.at is None:
        return last + section.interval
    here = ZoneInfo(zone)
    wall = time.fromisoformat(section.at)
    day = datetime.fromtimestamp(last / 1000, UTC).astimezone(here).date()
    while True:
        # By way of UTC: what the clock never shows becomes what it shows instead.
        at = int(datetime.combine(day, wall, here).astimezone(UTC).timestamp()) * 1000
        if at > last:
            return at
        day += timedelta(days=1)


def kept(folder: Path, box: str) -> list[Kept]:
    """Return a box's backups in a folder, the newest first. May hang; raises OSError."""
    found = [
        Kept(made, path, path.stat().st_size)
        for path in folder.iterdir()
        if (made := made_at(path.name, box)) is not None
    ]
    return sorted(found, reverse=True)


def newest(backups: Iterable[Kept], now: int) -> Kept | None:
    """Return the newest. One of a time (ms) that is yet to come says that our clock was ahead."""
    return max((one for one in backups if one.made <= now), default=None)


def too_many(backups: Iterable[Kept], keep: int, now: int) -> list[Kept]:
    """Return those to be removed, so that the newest `keep` stay.

    One of a time that is yet to come counts as the oldest: none that was made since, with a clock
    that is right again, may go for it.
    """
    return sorted(backups, key=lambda one: (one.made <= now, one), reverse=True)[keep:]
