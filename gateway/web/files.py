"""The gateway's files, as the page reads them: by connections that cannot write."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import apsw
import numpy as np
import structlog

from devices.reading import UNUSABLE_SHIFT
from gateway.history import DamagedHistoryError, HistoryReader
from gateway.history.reader import Series
from gateway.journal import Journal
from gateway.past import Past
from gateway.registry.registry import Registry
from gateway.state import State
from gateway.web.corrected import Corrected, corrected, joined
from rules.subject import undated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from devices.reading import DeviceKey, Reading
    from gateway.journal import Cursor
    from gateway.registry.registry import Stay

log = structlog.get_logger()

Answer = TypeVar("Answer")

PAGE = 2_000
"""Readings of the journal that are read at a time."""
DEVICES = 20
"""Devices that are looked up at a time."""


class Files:
    """The three files, for one thread."""

    def __init__(self, folder: Path) -> None:
        """Open them to read. Raises FileError, DiskError."""
        self.state = State(folder / "state.db", looking=True)
        self.journal = Journal(folder / "journal.db", looking=True)
        path = folder / "history.db"
        self._packed = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._packed.set_busy_timeout(5000)
        self.history = HistoryReader(path, self._packed)
        self.past = Past(self.journal, self.history)
        self.registry = Registry(self.state)
        """What people have stated of devices, as of the last look at it."""

    def look(self) -> None:
        """Take note of what was committed since."""
        self.journal.look()
        self.registry.look()

    def newer(self, device: DeviceKey, start: int, end: int) -> list[Reading]:
        """Return what the journal has in start ≤ when < end (ms) and the history had not just now.

        Whoever reads the history after this loses nothing, and may find some of it there too.
        """
        stored = self.history.cursor
        return [
            one
            for one in self.journal.read_device(device, stored, self.journal.head)
            if start <= one.when < end and not undated(one)
        ]

    def series(
        self,
        device: DeviceKey,
        channel: str,
        start: int,
        end: int,
        newer: Sequence[Reading] | None = None,
    ) -> Series:
        """Return one channel in start ≤ when < end (ms), each reading once.

        From the history and `newer`, which is looked up if it is not given. Raises
        DamagedHistoryError.
        """
        if newer is None:
            newer = self.newer(device, start, end)
        # In one transaction, as both questions are about the same history.
        with self._packed:
            packed = self.history.series(device, channel, start, end)
            newer = self._fresh(device, newer, packed)
        rows = [
            (one.when, one.values[index], one.flags, not one.flags >> (UNUSABLE_SHIFT + index) & 1)
            for one in newer
            if (index := one.layout.index(channel)) is not None
        ]
        if not rows:
            return packed
        joined = [
            np.concatenate((old, np.array(new, old.dtype)))
            for old, new in zip(packed, zip(*rows, strict=True), strict=True)
        ]
        order = np.argsort(joined[0], kind="stable")
        when, values, flags, usable = (one[order] for one in joined)
        return Series(when, values, flags, usable)

    def corrected(
        self,
        device: DeviceKey,
        channel: str,
        start: int,
        end: int,
        newer: Sequence[Reading] | None = None,
    ) -> Corrected:
        """Return what `series` does as it counts, with what the registry makes of it."""
        found = self.series(device, channel, start, end, newer)
        return corrected(self.registry, device, channel, found)

    def stays(self, device: DeviceKey, start: int, end: int) -> list[Stay]:
        """Return who stood at a device's place in start ≤ t < end (ms), oldest first.

        What a device sends after it was replaced is its own still.
        """
        newest, *older = self.registry.line(device)
        stays = [newest._replace(until=None), *older]
        return [
            one._replace(since=max(start, one.since), until=min(end, one.until or end))
            for one in reversed(stays)
            if one.since < end and (one.until is None or start < one.until)
        ]

    def line(self, device: DeviceKey, channel: str, start: int, end: int) -> Corrected:
        """Return what `corrected` does, going on with those whom the device replaced."""
        return joined(
            [
                self.corrected(one.device, channel, one.since, one.until or end)
                for one in self.stays(device, start, end)
            ]
        )

    def _fresh(
        self, device: DeviceKey, newer: Sequence[Reading], packed: Series
    ) -> Sequence[Reading]:
        """Return what the history does not have, of whose channels `packed` is one."""
        times = np.array([one.when for one in newer], np.int64)
        met = times[np.isin(times, packed.when)]
        if not len(met):
            return newer
        there = self.history.read(device, int(met.min()), int(met.max()) + 1)
        known = {(one.at, one.identity) for one in there}
        return [one for one in newer if (one.at, one.identity) not in known]

    def close(self) -> None:
        """Close the connections."""
        for one in (self.state, self.journal, self._packed):
            one.close()


class Archive:
    """The files for what takes a while: one thread reads, one question after the other."""

    def __init__(self, folder: Path) -> None:
        """Open them to read. Raises FileError, DiskError."""
        self._files = Files(folder)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")

    async def ask(self, question: Callable[[Files], Answer]) -> Answer:
        """Put a question to the files; whoever waits does not hold up anybody else."""

        def answer() -> Answer:
            self._files.look()
            return question(self._files)

        return await asyncio.get_running_loop().run_in_executor(self._thread, answer)

    async def newer(self, pick: Callable[[Sequence[Reading]], Answer]) -> AsyncIterator[Answer]:
        """Yield what is picked of all that the journal has and the history has not, by pages."""
        cursor, head = await self.ask(lambda files: (files.history.cursor, files.journal.head))
        while cursor < head:
            found, cursor = await self.ask(partial(_page, cursor, pick))
            yield found

    async def of_each(
        self, devices: Sequence[DeviceKey], look: Callable[[Files, DeviceKey], Answer | None]
    ) -> AsyncIterator[list[tuple[DeviceKey, Answer]]]:
        """Yield what is found of many devices, by pages: a few devices at a time.

        Those of whom nothing is found are left out, and those whose history is damaged.
        """
        for first in range(0, len(devices), DEVICES):
            yield await self.ask(partial(_of_each, devices[first : first + DEVICES], look))

    def close(self) -> None:
        """Close the connections."""
        self._thread.shutdown(cancel_futures=True)
        self._files.close()


def _page(
    after: Cursor, pick: Callable[[Sequence[Reading]], Answer], files: Files
) -> tuple[Answer, Cursor]:
    batch = files.journal.read(after, PAGE)
    return pick(batch.readings), batch.cursor


def _of_each(
    devices: Sequence[DeviceKey], look: Callable[[Files, DeviceKey], Answer | None], files: Files
) -> list[tuple[DeviceKey, Answer]]:
    found = []
    for device in devices:
        try:
            answer = look(files, device)
        except DamagedHistoryError as error:
            # The view of many goes on without it; who asks for this device is told.
            log.warning("a past cannot be shown", device=str(device), problem=str(error))
            continue
        if answer is not None:
            found.append((device, answer))
    return found
