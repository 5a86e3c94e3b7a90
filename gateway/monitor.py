"""The monitor: follows the journal, lets the rules judge, and records what they found.

What this file guarantees:

- every reading is judged, however late it comes, and an alert is recorded once: rule state is
  saved now and then together with the cursor it belongs to (a checkpoint), otherwise found
  again by judging the readings since, and an event found again has the key of the first;
- a device whose past has changed is judged again from the key frame before the change, once
  its backlog pauses, also if we crashed meanwhile; the earlier verdict stays on record;
- nobody is reported missing while we were not listening, or have not read all we have;
- readings are judged as corrected by what people state of their devices, whenever they state it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from devices.reading import IMPORTED, RETAINED, DeviceKey, Reading
from gateway.database import DiskError
from gateway.history import DamagedHistoryError
from gateway.parts import Parts
from gateway.past import Past
from gateway.state import StoredFrame
from gateway.subjects import REVISABLE, Devices, Subjects, Taken
from gateway.told import Told
from rules import revision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from gateway.clock import Clock
    from gateway.history import History
    from gateway.journal import Cursor, Journal
    from gateway.registry.corrections import Corrections
    from gateway.state import State
    from rules.alert import Alert
    from rules.engine import Engine
    from rules.step import Frame

log = structlog.get_logger()

CHECKPOINT_INTERVAL = 30_000
CHECKPOINT_READINGS = 500_000
"""Rule state is saved after so many ms or readings, so that a restart judges few again."""
BACKLOG_PAUSE = 2_000
BACKLOG_LONGEST = 30_000
"""A past is judged again when it has been quiet for so many ms, or changing for so long."""
FRAMES_KEPT = 40 * 24 * 3600 * 1000
"""How long key frames are kept, ms: what is later than this is judged from the beginning."""
OVERLAP = 2 * 24 * 3600 * 1000
"""Alerts that ended so long (ms) before a key frame may still be ones judged again from it."""
LONGEST_TURN = 2_000
"""While the past of many devices is judged again, others have their turn after so many ms."""
SLICE = 500
"""Devices whose state is saved before the loop is given back."""


class Late(msgspec.Struct):
    """A device whose past has changed: from when (event time), since when we know (ms), by what."""

    earliest: int
    noticed: int
    latest: int
    causes: set[str]


class Monitor:
    """The follower that judges. `subjects` are whom it judges: devices, if none are given."""

    name = "monitor"
    limit = 2_000

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        engine: Engine,
        state: State,
        journal: Journal,
        history: History,
        clock: Clock,
        *,
        corrections: Corrections | None = None,
        subjects: Subjects | None = None,
        name: str = name,
    ) -> None:
        """Restore the rule state of the last checkpoint."""
        self.name = name
        self.engine = engine
        self.cursor: Cursor = state.cursor(name)
        self.saved_cursor = self.cursor
        """Readings up to here are no longer needed to find the rule state again."""
        self.past = Past(journal, history)
        self.parts = Parts()
        devices = Devices(self.past, history, corrections, self.parts)
        self._corrected = devices.corrected
        self._subjects = devices if subjects is None else subjects
        self._state = state
        self._journal = journal
        self._clock = clock
        self._touched: dict[DeviceKey, Reading] = {}
        self._latest: dict[DeviceKey, Reading] = {}
        self._unsaved: set[DeviceKey] = set()
        self._frames: list[StoredFrame] = []
        self._saved = now = clock.monotonic()
        owns = self._subjects.owns
        self._late = {
            one: Late(at, now, now, {revision.ANY_CAUSE}) for one, at in state.late() if owns(one)
        }
        self._changed: set[DeviceKey] = set()
        # Judging, ticking, judging again and saving take turns: what is saved must be the state
        # at one cursor.
        self._turn = asyncio.Lock()
        # What closes because its rule is gone is recorded with the first batch.
        self._closed = [
            one
            for subject, kept in state.subjects()
            if owns(subject) and (found := self._subjects.restored(subject, kept)) is not None
            for one in engine.load(subject, found)
        ]
        self._retired = False
        self.problem: str | None = None
        """What of the past cannot be judged again, None if nothing was met."""
        self.told = Told(state, clock, owns)
        self.told.on_change = self._on_alerts
        self.on_change: Callable[[Iterable[DeviceKey]], None] = lambda _devices: None
        """Called after devices were heard and judged, and after their alerts have changed."""
        self.on_judged_again: Callable[[DeviceKey], None] = lambda _device: None
        """Called once somebody whose past has changed was judged again, and that is recorded."""

    @property
    def open_alerts(self) -> list[Alert]:
        """What is firing now."""
        return list(self.told.open.values())

    def _on_alerts(self, devices: Iterable[DeviceKey]) -> None:
        self.on_change(devices)

    # -- following ---------------------------------------------------------------------------

    async def handle(self, items: Sequence[Reading], cursor: Cursor) -> None:
        """Judge a batch; returns once the alerts it made are on the disk."""
        async with self._turn:
            await self._judge(items, cursor)

    async def _judge(self, items: Sequence[Reading], cursor: Cursor) -> None:
        await self._fold(self._subjects.take(items, self.seen_last))
        self.cursor = cursor
        if (
            cursor - self.saved_cursor >= CHECKPOINT_READINGS
            or self._clock.monotonic() - self._saved >= CHECKPOINT_INTERVAL
        ):
            await self._checkpoint()

    async def _fold(self, taken: Taken) -> None:
        items = taken.readings
        heard = [
            one
            for subject, received in taken.heard.items()
            for one in self.engine.hear(subject, received)
        ]
        folded = self.engine.fold(items)
        before = {device: self.seen_last(device) for device in folded.late}
        self._touched.update({one.device: one for one in items})
        self._unsaved.update(taken.unsaved)
        self._frames.extend(self._framed(folded.frames))
        for device, earliest in (*folded.late.items(), *taken.late.items()):
            self._note_late(device, earliest, revision.LATE_DATA)
        for device, newest in before.items():
            # What came last is not the latest.
            if newest is not None and newest.when > self._touched[device].when:
                self._touched[device] = newest
        transitions = [*self._closed, *heard, *folded.transitions]
        self._closed = []
        if transitions:
            await self.told.record(self.told.events(transitions))
        await self.told.go_on(items)
        self.on_change(one.device for one in items)

    async def tick(self, listening_since: int | None) -> None:
        """Let time pass: who is missing, and whose past can be judged again.

        `listening_since` (ms) is since when we have been able to hear, None if we are not.
        """
        async with self._turn:
            await self._tick(listening_since)
            await self._revise(at_once=False)

    async def _tick(self, listening_since: int | None) -> None:
        caught_up = self.cursor == self._journal.head
        if not caught_up:
            return
        now = self._clock.now()
        passed = self._subjects.passes(now)
        if passed is not None:
            await self._fold(passed)
        if not self._retired:
            self._retired = True
            closed = self.told.events([*self._closed, *self.engine.retire()])
            if closed:
                await self.told.record(closed)
            self._closed = []
            # Where nothing began or ended, a rule may have judged nothing yet all the same.
            self.on_change(list(self.engine.devices()))
        if listening_since is not None:
            missing = self.engine.tick(now, listening_since)
            if missing:
                # A device that is forgotten to be missing would not be found again.
                await self.told.record(
                    self.told.events(missing), lambda: self._keep(self.engine.missed_otherwise)
                )

    def _keep(self, devices: Iterable[DeviceKey]) -> None:
        self._state.keep_subjects(
            (one, self._subjects.kept(one, self.engine.dump(one))) for one in devices
        )

    def _framed(self, frames: Iterable[Frame]) -> Iterator[StoredFrame]:
        for one in frames:
            kept = self._subjects.framed(one)
            if kept is not None:
                yield StoredFrame(one.device, one.at, kept)

    # -- other rules -------------------------------------------------------------------------

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[None]:
        """Nothing is judged inside."""
        async with self._turn:
            yield

    async def renew(self) -> None:
        """Judge by what is said now of rules and subjects. Call it at rest.

        What ends with that is recorded with the next batch, or the next tick.
        """
        for number, subject in enumerate(list(self.engine.devices())):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            self._closed += self.engine.renew(subject)
        self._retired = False

    # -- a past that changes -----------------------------------------------------------------

    def _note_late(self, device: DeviceKey, earliest: int, cause: str) -> None:
        now = self._clock.monotonic()
        late = self._late.setdefault(device, Late(earliest, now, now, set()))
        late.earliest = min(late.earliest, earliest)
        late.latest = now
        late.causes.add(cause)

    def stage_change(self, device: DeviceKey, since: int, of: str) -> None:
        """Stage that what is said of a device changes from `since` (ms) on; `of` names what.

        In the transaction of the fact itself, then it is judged again also if we crash. Once that
        is committed, call `changed`.
        """
        self._note_late(device, since, revision.stated(of))
        self._state.note_late([(device, self._late[device].earliest)])

    def changed(self, device: DeviceKey, since: int, of: str) -> None:
        """Take note that what is said of a device has changed from `since` (ms) on: see there.

        Its past is judged again from then on, once no more changes follow.
        """
        self._changed.add(device)
        self._note_late(device, since, revision.stated(of))

    async def revise(self, *, at_once: bool = False) -> None:
        """Judge again every device whose backlog has paused."""
        async with self._turn:
            await self._revise(at_once=at_once)

    async def _revise(self, *, at_once: bool) -> None:
        now = self._clock.monotonic()
        due = [
            device
            for device, late in self._late.items()
            if at_once
            or now - late.latest >= BACKLOG_PAUSE
            or now - late.noticed >= BACKLOG_LONGEST
        ]
        if not due:
            return
        # The state saved below must belong to the saved cursor.
        if not await self._checkpoint():
            return
        for device in due:
            if not at_once and self._clock.monotonic() - now > LONGEST_TURN:
                break
            if device in self._changed:
                await self._renew(device)
            late = self._late.pop(device)
            if not (self.engine.knows(device) or self._subjects.knows(device)):
                await self.told.record([], partial(self._forget_late, device))
                continue
            try:
                await self._judge_again(device, late)
            except DamagedHistoryError as error:
                # The verdicts that stand are kept: what is left cannot change them.
                self.problem = str(error)
                log.exception("late data cannot be judged", device=str(device))
                await self.told.record([], partial(self._forget_late, device))

    async def _renew(self, device: DeviceKey) -> None:
        """Let the rules take note of what is said of a device now."""
        self._changed.discard(device)
        self._subjects.changed(device)
        closed = self.told.events(self.engine.renew(device))
        if self._subjects.judged_whole:
            closed = [one for one in closed if one.alert.kind not in REVISABLE]
        if closed:
            await self.told.record(closed)

    def _forget_late(self, device: DeviceKey) -> None:
        # What has changed while it was judged has yet to be judged.
        if device not in self._late:
            self._state.forget_late(device)

    async def _judge_again(self, device: DeviceKey, late: Late) -> None:
        frame = self._state.frame_before(device, late.earliest)
        since = frame.at if frame else 0
        # What the history has dropped cannot be judged again, and what was told of it stands.
        known_from = self._subjects.known_from(device)
        if known_from > since:
            frame, since = None, known_from
        kept = frame.state if frame else None
        state, past = self._subjects.past(device, kept, since, self.cursor)
        if past and self.seen_last(device):  # it may be corrected otherwise by now
            self._touched[device] = past[-1]
            self._subjects.renew(device, past)
        judged = self.engine.rejudge(device, state, past)
        alerts = [
            alert
            for alert in self._state.alerts_of(device, since - OVERLAP)
            if alert.kind in REVISABLE
        ]
        standing = [alert for alert in alerts if alert.began < known_from]
        events = revision.revise(
            [alert for alert in alerts if alert.began >= known_from],
            [one for one in judged.episodes if not revision.part_of(one, standing)],
            since,
            live=any(not one.flags & (IMPORTED | RETAINED) for one in past),
            cause=revision.joined(late.causes),
            any_version=self._subjects.judged_whole,
        )
        if events:
            log.info("a changed past changed verdicts", device=str(device), events=len(events))
        frames = list(self._framed(judged.frames))

        def along() -> None:
            self._state.drop_frames(device, since)
            self._state.keep_frames(frames)
            self._keep([device])
            self._forget_late(device)

        await self.told.record(events, along)
        self.on_judged_again(device)

    def seen_last(self, device: DeviceKey) -> Reading | None:
        """Return the latest reading of a device since the start, None if it was not heard."""
        return self._touched.get(device) or self._latest.get(device)

    def seen(self) -> dict[DeviceKey, Reading]:
        """Return the latest reading of each device that was heard since the start."""
        return self._latest | self._touched

    def latest(self, device: DeviceKey) -> Reading | None:
        """Return the newest reading of a device, None if it has none."""
        found = self.seen_last(device)
        if found is None:
            known = self.past.known(device, self.cursor)
            found = self._corrected([known.last])[0] if known else None
        return found

    # -- checkpoints -------------------------------------------------------------------------

    async def checkpoint(self) -> None:
        """Save the rule state with the cursor that it belongs to."""
        async with self._turn:
            await self._checkpoint()

    async def _checkpoint(self) -> bool:
        """Save; say whether the disk took it."""
        touched, self._touched = self._touched, {}
        unsaved, self._unsaved = self._unsaved, set()
        devices = list(touched.keys() | unsaved)
        self._latest.update(touched)
        frames, self._frames = self._frames, []
        try:
            async with self._state.writing():
                for first in range(0, len(devices), SLICE):
                    part = devices[first : first + SLICE]
                    self._keep(part)
                    await asyncio.sleep(0)
                self._state.keep_frames(frames)
                self._state.prune_frames(self._clock.now() - FRAMES_KEPT)
                self._state.note_late((one, late.earliest) for one, late in self._late.items())
                self._state.move(self.name, self.cursor)
        except DiskError as error:
            # The last checkpoint still stands: a restart judges more readings again.
            log.warning("no checkpoint", problem=str(error))
            self._touched = touched | self._touched
            self._unsaved |= unsaved
            self._frames = frames + self._frames
            return False
        self.saved_cursor = self.cursor
        self._saved = self._clock.monotonic()
        return True
