"""What may be asked about backups: one made now, how they stand, and what another journal holds.

A part of Commands.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.backup.errors import BackupError
from gateway.backup.readings import Fresh, Other, Summary, add, staged
from gateway.people import audit
from gateway.people.audit import Entry, who_of
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.app import Gateway


class BackupCommands:
    """The commands about backups, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.by_name = {
            "backup": self.backup,
            "backup-status": self.status,
            "take-readings": self.take_readings,
        }

    async def status(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """How it stands with backups; `backup` is None where none are to be made."""
        return {"backup": await self._gateway.backups.looked()}

    async def backup(
        self, request: Mapping[str, Any], progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Make a backup now, `to` a folder or where the settings say."""
        section = self._gateway.settings.backup
        to = request.get("to")
        if to is None and section is None:
            raise ControlError(
                "the settings name no folder for backups",
                "Name one: holdwatch backup --to FOLDER; or write [backup] folder = …",
            )
        try:
            if to is None:
                made = await self._gateway.backups.now(progress)
            else:
                made = await self._gateway.backups.make(Path(to), progress)
        except BackupError as error:
            raise ControlError(f"no backup was made: {error.problem}", error.cure) from error
        plain: dict[str, Any] = msgspec.to_builtins(made)
        return plain

    async def take_readings(
        self, request: Mapping[str, Any], progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Take in what the journal in a `file` holds, with the secret `key` where it needs one."""
        gateway, file = self._gateway, str(request.get("file", ""))
        try:
            other = await asyncio.to_thread(Other, Path(file), str(request.get("key", "")))
            summary = await self._take(other, progress)
        except BackupError as error:
            raise ControlError(error.problem, error.cure) from error
        except OSError as error:
            raise ControlError(
                f"{file} cannot be read ({error.strerror})",
                "Name a file that the gateway's user may read",
            ) from error
        entry = Entry(
            at=gateway.clock.now(),
            who=who_of(request),
            what="take-readings",
            object=Path(file).name,
            after=msgspec.to_builtins(summary),
        )
        async with gateway.state.writing():
            audit.stage(gateway.state, entry)
        return {"file": file, **msgspec.to_builtins(summary)}

    async def _take(self, other: Other, progress: Callable[[int, int], None]) -> Summary:
        gateway = self._gateway
        ingest, journal = gateway.ingest, gateway.journal
        summary = Summary()
        if other.first is not None:
            summary.before = max(0, other.first - 1 - journal.head)
        known = journal.duplicates
        # On threads, some at a time: what arrives meanwhile goes first.
        fresh = await asyncio.to_thread(Fresh, gateway.settings.gateway.data)
        with closing(fresh), closing(other.each()) as pages:
            while (some := await asyncio.to_thread(partial(next, pages, None))) is not None:
                new = await asyncio.to_thread(fresh.of, some)
                ingest.backlog.add(new.waiting)
                await ingest.store(new.readings, staged(new))
                add(summary, new)
                progress(summary.readings, other.readings)
        summary.known = journal.duplicates - known
        if summary.waiting:
            ingest.backlog.bell.ring()
        return summary
