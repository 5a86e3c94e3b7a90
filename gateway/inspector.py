"""The inspector: follows the journal, and counts what there is to remark on each device's readings.

It is no promise: nothing waits for it, and it gives way to the intake. Where it is so far behind
that the journal has dropped what it had yet to see, it goes on with what is there. What it knows is
saved now and then together with its cursor, so that after a crash nothing is counted twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from devices.reading import COUNTED
from gateway.database import DiskError
from gateway.ledger import Gap, Ledger
from gateway.quality_store import (
    Known,
    Quality,
    Tally,
    gaps_stored,
    missing_of,
    pack,
    read,
    stage,
    stage_ledger,
)
from rules import remark as words
from rules.alone import limits_of
from rules.quality import ONLY_LATE, Watcher, checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from devices.model import Model
    from devices.reading import DeviceKey, Reading
    from gateway.clock import Clock
    from gateway.journal import Cursor, Journal
    from gateway.pace import Pace
    from gateway.state import State
    from rules.remark import Remark

log = structlog.get_logger()

SAVED = 60_000
"""What is known is saved every so many ms at most,"""
EACH = 9
"""and no more often than every so many ms for each device: a hundred thousand in 15 minutes."""
SLICE = 500
"""Devices, or rows of ledgers, that are saved before the loop is given back."""
LINGER = 1.0
"""Seconds to wait for more readings once all are seen: it is called once for many."""
GAPS = 100_000
"""Rows of all ledgers together."""


class Inspector:
    """The follower that looks at the quality of readings."""

    name = "inspector"
    limit = 1_000

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        state: State,
        journal: Journal,
        clock: Clock,
        pace: Pace,
        *,
        model: Callable[[DeviceKey], Model | None] = lambda _: None,
        maintained: Callable[[DeviceKey, int], bool] = lambda _device, _when: False,
        linger: float = LINGER,
    ) -> None:
        """`model` tells what a device is, `maintained` whether it was worked on at a time (ms)."""
        # A journal that was lost has begun anew.
        self.cursor: Cursor = min(state.cursor(self.name), journal.head)
        self._state = state
        self._journal = journal
        self._clock = clock
        self._pace = pace
        self._model = model
        self._maintained = maintained
        self._linger = linger
        self._known: dict[DeviceKey, Known] = {}
        self._changed: list[Known] = []
        self._gaps = gaps_stored(state)
        self._saved = clock.monotonic()
        # Looking and saving take turns: what is saved must be what is known at one cursor.
        self._turn = asyncio.Lock()

    # -- following ---------------------------------------------------------------------------

    async def handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        """Look at readings."""
        async with self._turn:
            with self._pace.working():
                self._look_at(items)
            self.cursor = cursor
            passed = self._clock.monotonic() - self._saved
            if passed >= SAVED and passed >= EACH * len(self._changed):
                await self._save()
        if cursor >= self._journal.head:
            await asyncio.sleep(self._linger)
        else:
            await self._pace.rest()

    def _look_at(self, items: Sequence[Reading]) -> None:
        devices, changed = self._known, self._changed
        for reading in items:
            known = devices.get(reading.device)
            if known is None:
                known = devices[reading.device] = self._meet(reading.device)
            found = known.watcher.remark(reading)
            if found is ONLY_LATE:
                _count(known, words.LATE, reading)
            elif found:
                self._note(known, reading, found)
            if (
                known.ledger is not None
                and reading.flags & COUNTED
                and reading.identity != known.watcher.sequence
            ):
                self._fill(known, reading)
            if not known.changed:
                known.changed = True
                changed.append(known)

    def _meet(self, device: DeviceKey) -> Known:
        limits = limits_of(self._model(device))
        return read(self._state, device, limits) or Known(device, Watcher(limits))

    def _note(self, known: Known, reading: Reading, found: Sequence[Remark]) -> None:
        """Count remarks; what is worked on may say what it likes."""
        if any(one.name == "sequence-gap" for one in found):
            self._miss(known, reading)
        if self._maintained(known.device, reading.when):
            found = (words.MAINTENANCE,)
        for one in found:
            _count(known, one, reading)

    def _miss(self, known: Known, reading: Reading) -> None:
        """Enter into the ledger what has not come before this reading."""
        ledger = known.ledger
        if ledger is None:
            ledger = known.ledger = Ledger()
        before = len(ledger.gaps)
        for first, last in known.watcher.missed:
            ledger.add(Gap(first, last, known.watcher.missed_after, reading.when))
            self._keep_within(ledger, before)
        self._changed_ledger(known, ledger, before)

    def _fill(self, known: Known, reading: Reading) -> None:
        ledger = known.ledger
        if ledger is None:
            return
        before = len(ledger.gaps)
        if ledger.fill(reading):
            self._keep_within(ledger, before)
            self._changed_ledger(known, ledger, before)

    def _keep_within(self, ledger: Ledger, before: int) -> None:
        """Let a ledger that had so many rows take no more than all may have together."""
        while ledger.gaps and self._gaps + len(ledger.gaps) - before > GAPS:
            ledger.forget_oldest()

    def _changed_ledger(self, known: Known, ledger: Ledger, before: int) -> None:
        self._gaps += len(ledger.gaps) - before
        known.ledger_changed = True

    # -- what others tell and ask ------------------------------------------------------------

    def warned(self, device: DeviceKey, text: str) -> None:
        """Note what a vendor's codec warned of."""
        known = self._known.get(device)
        if known is None:
            known = self._known[device] = self._meet(device)
        known.warnings += 1
        known.warning = text
        if not known.changed:
            known.changed = True
            self._changed.append(known)

    def renew(self, device: DeviceKey) -> None:
        """Take note that a device is another model than was known."""
        known = self._known.get(device)
        if known is None:
            return
        watcher = known.watcher
        watcher.limits = limits_of(self._model(device))
        for trace in (watcher.trace, *(watcher.others or {}).values()):
            if trace is not None:
                trace.checks = checks(trace.last.layout, watcher.limits)

    def of(self, device: DeviceKey) -> Quality | None:
        """Return how good a device's readings are, None if it was never heard."""
        known = self._known.get(device) or read(self._state, device)
        return None if known is None else known.quality(self._clock.now())

    def missing(self, device: DeviceKey) -> list[Gap]:
        """Return which messages of a device never came, the oldest first."""
        known = self._known.get(device)
        if known is None:
            return missing_of(self._state, device)
        return [] if known.ledger is None else list(known.ledger.gaps)

    # -- saving ------------------------------------------------------------------------------

    async def save(self) -> None:
        """Save what is known, with the cursor."""
        async with self._turn:
            await self._save()

    async def _save(self) -> None:
        changed, self._changed = self._changed, []
        ledgers = [known for known in changed if known.ledger_changed]
        self._saved = self._clock.monotonic()
        for known in changed:
            # A codec may warn while it is saved: then it has changed again.
            known.changed = False
        try:
            async with self._state.writing():
                for first in range(0, len(changed), SLICE):
                    with self._pace.working():
                        part = changed[first : first + SLICE]
                        stage(self._state, [pack(known) for known in part])
                    await asyncio.sleep(0)
                for part in _slices(ledgers):
                    with self._pace.working():
                        for known in part:
                            gaps = known.ledger.gaps if known.ledger else ()
                            stage_ledger(self._state, known.device, gaps)
                    await asyncio.sleep(0)
                self._state.move(self.name, self.cursor)
        except DiskError as error:
            # What was saved before still stands: a restart looks at more readings again.
            log.warning("quality is not saved", problem=str(error))
            self._changed += [known for known in changed if not known.changed]
            for known in changed:
                known.changed = True
            return
        for known in ledgers:
            known.ledger_changed = False


def _slices(ledgers: Iterable[Known]) -> Iterator[list[Known]]:
    """Return ledgers in parts, each of few rows: of one device there are `ledger.MOST` at most."""
    part: list[Known] = []
    rows = 0
    for known in ledgers:
        part.append(known)
        rows += 1 + (len(known.ledger.gaps) if known.ledger else 0)
        if rows >= SLICE:
            yield part
            part, rows = [], 0
    if part:
        yield part


def _count(known: Known, remark: Remark, reading: Reading) -> None:
    tally = known.tallies.get(remark.name)
    if tally is None:
        tally = known.tallies[remark.name] = Tally()
    tally.add(remark, reading.when, reading.received)
