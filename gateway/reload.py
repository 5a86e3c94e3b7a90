"""New settings without a restart: checked first, taken up whole or not at all.

What this file guarantees:

- a mistake anywhere in the file, or in what it names, changes nothing, and people are told of it;
- everything that can fail is done beside what runs; then one transaction records what has changed,
  with who wanted it, and everything switches before anything else is received or judged;
- nothing that was received is discarded, judged twice or left out;
- what cannot be taken up while the gateway runs is named, and stays as it was until a restart.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from gateway.database import DiskError
from gateway.people import audit
from gateway.people.audit import Entry, Who, system_user
from gateway.settings import SettingsError, load
from gateway.settings.compare import Difference, differences
from gateway.settings.file import digest
from gateway.taking import TAKERS, in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateway.app import Gateway
    from gateway.settings import Settings
    from gateway.taking import Step, Taker

log = structlog.get_logger()

LOOK = 10.0
"""Seconds between looks whether the file has changed."""
PATIENCE = 30.0
"""Seconds that judging may take to come to rest: longer only while the disk takes no writes."""
SUBJECT = "settings"
"""Of our own alert about mistakes in the file."""
OPEN = frozenset(
    {
        *("rules", "devices", "mappings", "codecs", "goods", "clients", "journal", "history"),
        *("disk", "routes", "acknowledgement"),
    }
)
"""Sections without secrets: the audit trail says what stood in them, of others only that they are
other."""


class Reloaded(NamedTuple):
    """What came of it, in words."""

    changed: tuple[str, ...]
    """What counts now."""
    waits: tuple[str, ...]
    """What counts after a restart."""


class ReloadError(Exception):
    """The settings were not taken up, and those from before count: why, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")
        self.problem = problem
        self.cure = cure


class Reloading:
    """Takes up the settings file of one gateway anew, when somebody says so."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._asked = asyncio.Event()
        self._one = asyncio.Lock()
        self._read = gateway.settings.file
        self._on_disk = gateway.settings.file
        """What was found in the file at the last look."""
        self.loaded = gateway.clock.now()
        """When the settings that count were taken up (ms)."""
        self.waits: tuple[str, ...] = ()
        """What stands in the file that was loaded last, and counts after a restart only."""
        self.problem: str | None = None
        """What was wrong with the file when it was to be taken up last, None where nothing was."""
        self._half: Exception | None = None
        self.on_switch: list[Callable[[], None]] = []
        """Each is called when other settings count."""
        self.telling: Callable[[bool], None] = lambda _busy: None
        """Told True when it begins, and False when it is over: for the service manager."""

    def ask(self) -> None:
        """Have the file taken up anew soon: what SIGHUP does."""
        self._asked.set()

    async def run(self) -> None:
        """Take the file up when asked, and see whether it has changed, for ever."""
        # A gateway that starts has understood its settings.
        self._gateway.own_alerts.report(SUBJECT, None)
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._asked.wait()
            except TimeoutError:
                await self._look()
                continue
            self._asked.clear()
            if self._half is not None:
                raise self._half
            try:
                await self.reload(Who(system_user(), "gateway"))
            except (SettingsError, ReloadError, DiskError):
                continue  # it is logged, and told as an alert

    def report(self) -> dict[str, Any]:
        """Return how it stands with the settings, for the status."""
        return {
            "file": str(self._read.path) if self._read else None,
            "loaded": self.loaded,
            "changed": self._on_disk != self._read,
            "waits": list(self.waits),
            "problem": self.problem,
        }

    async def _look(self) -> None:
        if self._read is None:
            return
        found = await asyncio.to_thread(_digest, self._read.path)
        self._on_disk = self._read._replace(digest=found)

    async def reload(self, who: Who, path: Path | None = None) -> Reloaded:
        """Take up the file as it is now.

        `path` is the file that whoever asks means. Raises SettingsError with every mistake,
        ReloadError, DiskError; then nothing has changed.
        """
        async with self._one:
            self.telling(True)  # noqa: FBT003 - one word says it
            try:
                return await self._reload(who, path)
            except SettingsError as error:
                self._refuse(str(error))
                raise
            except (ReloadError, DiskError) as error:
                log.error("the settings were not loaded", problem=str(error))  # noqa: TRY400 - it says all
                raise
            finally:
                self.telling(False)  # noqa: FBT003 - as above

    def _refuse(self, problem: str) -> None:
        log.error("the settings were not loaded: those from before count", problem=problem)
        self.problem = problem
        reason = f"the settings file has mistakes, and those from before count: {problem}"
        note = "Mend the file, then: holdwatch reload. The gateway cannot start again as it is."
        self._gateway.own_alerts.report(SUBJECT, reason, "warning", note)

    async def _reload(self, who: Who, path: Path | None) -> Reloaded:
        gateway = self._gateway
        if self._read is None:
            raise ReloadError(
                "this gateway has read no settings file", "Start it with: holdwatch run -c FILE"
            )
        if path is not None and path != self._read.path:
            raise ReloadError(
                f"this gateway runs with {self._read.path}, and not with {path}",
                f"Use: holdwatch reload -c {self._read.path}",
            )
        # Aside: files are read, and certificates tried out.
        new = await asyncio.to_thread(load, self._read.path)
        old = gateway.settings
        target = in_force(old, new)
        told = differences(old, target)
        waiting = tuple(one.words for one in differences(target, new))
        takers = [one for one in TAKERS if _concerned(one, told)]
        words = await self._take(takers, target, told, who, waiting)
        self._read = self._on_disk = new.file
        self.loaded = gateway.clock.now()
        self.waits = waiting
        self.problem = None
        gateway.own_alerts.report(SUBJECT, None)
        log.info("the settings were loaded", by=who.name, changed=words, waits=waiting)
        return Reloaded(words, waiting)

    async def _take(
        self,
        takers: Sequence[Taker],
        target: Settings,
        told: Sequence[Difference],
        who: Who,
        waiting: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Prepare all steps, record them, and switch; return what has changed, in words."""
        gateway = self._gateway
        monitors = gateway.monitor, gateway.freight.monitor
        try:
            async with asyncio.timeout(PATIENCE) as patience:
                async with monitors[0].at_rest(), monitors[1].at_rest():
                    patience.reschedule(None)
                    steps = [await one.prepare(gateway, target) for one in takers]
                    words = (
                        *(one.words for one in told),
                        *(one.words for one in steps if one.words),
                    )
                    if words or waiting != self.waits:
                        await self._record(steps, words, waiting, told, who)
                    await self._switch(steps, target)
        except TimeoutError:
            raise ReloadError(
                "what came in is not judged yet, since the disk takes no writes",
                "Make room on it, and try again",
            ) from None
        return words

    async def _record(
        self,
        steps: Sequence[Step],
        words: tuple[str, ...],
        waiting: tuple[str, ...],
        told: Sequence[Difference],
        who: Who,
    ) -> None:
        gateway = self._gateway
        shown = [one for one in told if one.section in OPEN]
        entry = Entry(
            at=gateway.clock.now(),
            who=who,
            what="reload",
            object=SUBJECT,
            before={one.words: one.before for one in shown},
            after={
                "changed": words,
                "waits for a restart": waiting,
                **{one.words: one.after for one in shown},
            },
        )
        async with gateway.state.writing():
            for step in steps:
                step.stage()
            audit.stage(gateway.state, entry)

    async def _switch(self, steps: Sequence[Step], target: Settings) -> None:
        try:
            self._gateway.settings = target
            for step in steps:
                step.switch()
            for call in self.on_switch:
                call()
            for step in steps:
                await step.after()
        except Exception as error:
            # Half of them count: the gateway ends, and starts again with all of them.
            self._half = error
            self._asked.set()
            raise


def _digest(path: Path) -> str:
    """Return what tells the file from others, "" where it cannot be read."""
    try:
        return digest(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""


def _concerned(taker: Taker, told: Sequence[Difference]) -> bool:
    return taker.always or any(one.section in taker.sections for one in told)
