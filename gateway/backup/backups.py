"""Makes backups for a running gateway: when they are due, or when somebody asks.

While one is made nothing leaves the journal, which therefore grows. Where the disk fills
meanwhile, or it takes too long, the backup is given up: what arrives comes first.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from gateway.aside import aside
from gateway.backup.belongings import belongings
from gateway.backup.errors import BackupError
from gateway.backup.making import Made, Order
from gateway.backup.manifest import made_at
from gateway.backup.process import run
from gateway.backup.schedule import Kept, due, kept, newest, too_many
from gateway.settings.backup import missing
from rules.duration import HOUR, MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.app import Gateway
    from gateway.settings.backup import Backup

Result = TypeVar("Result")

log = structlog.get_logger()

SUBJECT = "backup"
"""Of our own alert."""
LOOK = 20.0
"""Seconds between looks whether one is due."""
PATIENCE = 20.0
"""Seconds that a folder may take to answer."""
AGAIN = HOUR
"""ms after which one that failed is tried again."""
LATE = 6 * HOUR
"""ms after which one that was due, and could not be begun, is missed."""
LONGEST = 12 * HOUR
"""ms that one may take."""
WATCH = 1.0
"""Seconds between looks at the disk while one is made."""
SHARE = 0.5
"""Part of the time that the process works, the rest is left to the intake."""


class Backups:
    """The backups of one gateway. `run` it; `make` one at any time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._one = asyncio.Lock()
        self._there: list[Kept] = []
        self._looked: Backup | None = None
        """The settings with which the folder was looked into."""
        self._problem: str | None = None
        self._not_before = 0
        self._since = gateway.clock.now()
        self._at_work: tuple[int, int] | None = None

    # -- when they are due ---------------------------------------------------------------------

    async def run(self) -> None:
        """Make each backup when it is due, for ever."""
        while True:
            await self.look(self._gateway.clock.now())
            await asyncio.sleep(LOOK)

    async def look(self, now: int) -> None:
        """Make a backup if it is due at `now` (ms), and tell of one that failed or is missing."""
        section, gateway = self._gateway.settings.backup, self._gateway
        if section is None:
            gateway.own_alerts.report(SUBJECT, None)
            return
        try:
            await self._know(section)
            # A name with a wrong time would be kept or removed wrongly.
            if now >= max(self._due(section), self._not_before) and gateway.clock.trusted():
                await _in_time(partial(_check, section))
                await self._scheduled(now)
        except BackupError as error:
            if self._problem != str(error):
                log.warning("no backup was made", problem=str(error))
            self._problem = str(error)
        gateway.own_alerts.report(SUBJECT, self._problem or self._late(section, now), "warning")

    @property
    def _last(self) -> Kept | None:
        return newest(self._there, self._gateway.clock.now())

    def _due(self, section: Backup) -> int:
        made = self._last.made if self._last is not None else None
        return due(section, made, self._gateway.settings.gateway.timezone)

    def _late(self, section: Backup, now: int) -> str | None:
        since = max(self._due(section), self._since)
        if now - since < LATE or self._one.locked():
            return None
        return f"a backup has been due for {format_duration((now - since) // MINUTE * MINUTE)}"

    async def _know(self, section: Backup) -> None:
        """Look once which backups are there. Raises BackupError."""
        if self._looked == section:
            return
        await _in_time(partial(_check, section))
        self._there = await _in_time(partial(kept, section.folder, self._box))
        self._looked = section
        # What was wrong was wrong with a folder that was not there, or with other settings.
        self._problem, self._not_before = None, 0

    async def _scheduled(self, now: int) -> None:
        # Not at once again: each attempt reads everything. A disk that is missing is another thing.
        self._not_before = now + AGAIN
        made = await self.now(lambda _done, _all: None)
        log.info("a backup was made", file=made.file, size=made.size)

    async def now(self, progress: Callable[[int, int], None]) -> Made:
        """Make one where the settings say, and let the oldest go. Raises BackupError."""
        section = self._gateway.settings.backup
        if section is None:
            raise BackupError("the settings name no folder", "Write [backup] folder = …")
        await _in_time(partial(_check, section))
        made = await self.make(section.folder, progress)
        found = await _in_time(partial(kept, section.folder, self._box))
        self._there = found
        for one in too_many(found, section.keep, made.made):
            await _in_time(partial(one.path.unlink, missing_ok=True))
        return made

    # -- making one ----------------------------------------------------------------------------

    async def make(
        self, folder: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Made:
        """Make a backup in a folder and read it back. Raises BackupError."""
        if self._one.locked():
            raise BackupError("a backup is just being made", "Wait until it is done")
        async with self._one:
            self._at_work = (0, 0)
            try:
                await _in_time(partial(_clear, folder, self._box))
                order = await _in_time(partial(self._order, folder))
                with self._everything_stays():
                    made = await self._watched(run(order, partial(self._note, progress)))
            finally:
                self._at_work = None
        section = self._gateway.settings.backup
        if section is not None and folder == section.folder:
            self._there.append(Kept(made.made, folder / made.file, made.size))
            self._problem, self._not_before = None, 0
        return made

    def _note(self, progress: Callable[[int, int], None], done: int, all_: int) -> None:
        self._at_work = (done, all_)
        progress(done, all_)

    @contextmanager
    def _everything_stays(self) -> Iterator[None]:
        self._gateway.journal.stays = True
        try:
            yield
        finally:
            self._gateway.journal.stays = False

    async def _watched(self, making: Any) -> Made:  # noqa: ANN401 - a coroutine, and what it returns
        """Give up a backup that takes what the intake needs. Raises BackupError."""
        gateway = self._gateway
        task = asyncio.ensure_future(making)
        begun, step = gateway.clock.monotonic(), gateway.room.step
        try:
            while True:
                done, _ = await asyncio.wait([task], timeout=WATCH)
                if done:
                    made: Made = task.result()
                    return made
                # The journal is what the first steps of the ladder make smaller.
                if gateway.room.step > step or gateway.ingest.problem is not None:
                    raise BackupError(
                        "it was given up, since the disk with the data got full meanwhile",
                        "Free some room there; it is tried again",
                    )
                if gateway.clock.monotonic() - begun > LONGEST:
                    raise BackupError(
                        f"it was given up after {format_duration(LONGEST)}",
                        "See to the disk that it is written to",
                    )
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _order(self, folder: Path) -> Order:
        settings = self._gateway.settings
        section = settings.backup
        keys = section.keys if section is not None else ()
        found = belongings(settings, encrypted=bool(keys))
        return Order(
            data=str(settings.gateway.data.absolute()),
            folder=str(folder.absolute()),
            box=self._box,
            owner=settings.gateway.owner,
            now=self._gateway.clock.now(),
            settings=str(settings.file.path) if settings.file is not None else "",
            belongings=tuple(map(str, found.taken)),
            left_out=tuple(map(str, found.left_out)),
            keys=keys,
            minimum_free=settings.disk.minimum_free,
            share=SHARE,
        )

    @property
    def _box(self) -> str:
        return self._gateway.settings.gateway.box

    # -- how it stands ---------------------------------------------------------------------------

    async def looked(self) -> dict[str, Any] | None:
        """Return how it stands, with a look into the folder if none was made yet."""
        section = self._gateway.settings.backup
        if section is not None:
            try:
                await self._know(section)
            except BackupError as error:
                self._problem = str(error)
        return self.report()

    def report(self) -> dict[str, Any] | None:
        """Return how it stands with backups, for the status; None where none are to be made."""
        section = self._gateway.settings.backup
        if section is None:
            return None
        last = self._last
        return {
            "folder": str(section.folder),
            "last": last.made if last is not None else None,
            "size": last.size if last is not None else None,
            "next": max(self._due(section), self._not_before, self._since),
            "encrypted": bool(section.keys),
            "at_work": self._at_work is not None,
            "problem": self._problem,
        }


def _check(section: Backup) -> None:
    """Raise BackupError unless the folder is there."""
    problem = missing(section.folder, needs_mount=section.needs_mount)
    if problem is not None:
        raise BackupError(problem, "Plug it in or mount it, or change [backup] folder")


def _clear(folder: Path, box: str) -> None:
    """Remove what an earlier process has left unfinished."""
    if not folder.is_dir():
        raise BackupError(f"{folder} is no folder", "Make it, or name another")
    for path in folder.glob(".*.part"):
        if made_at(path.name[1 : -len(".part")], box) is not None:
            path.unlink(missing_ok=True)


async def _in_time(call: Callable[[], Result]) -> Result:
    """Return what a call returns that may hang with its disk. Raises BackupError."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await aside(call)
    except TimeoutError:
        raise BackupError(
            f"the disk has not answered for {PATIENCE:.0f} s", "See to it, or mount it again"
        ) from None
    except OSError as error:
        raise BackupError(
            f"{error.filename} cannot be read or written ({error.strerror})",
            "See to the disk, and to who may write there",
        ) from error
