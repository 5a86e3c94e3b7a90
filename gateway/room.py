"""Looks after the room on the disk of one gateway: by the ladder, and told before it bites.

What this file guarantees:

- what nobody has judged, and what was not acknowledged, is given up by nobody: the journal drops a
  reading only when all have it who do not get it from the history later;
- what is given up, and what would be next, is told as an alert of its own, `disk`;
- the evidence of consignments, and the days of devices in which they had alerts, stay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from devices.reading import DeviceKey
from gateway import ladder
from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.history.held import Held
from gateway.ladder import COPIES, HISTORY, INTAKE, JOURNAL, SAMPLE, SAMPLES, STEPS, WELL, Sample
from rules.duration import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.app import Gateway
    from gateway.ladder import Room

log = structlog.get_logger()

ACT = 2.0
"""Seconds between two looks at what is to be given up."""
STORE = 60_000
"""Readings are packed into the history after so many ms, where the journal is to get smaller."""
AROUND = HOUR
"""So long (ms) before and after an alert its device's readings belong to it."""
SUBJECT = "disk"
"""Of our own alert."""


class Limits(NamedTuple):
    """How long readings stay in the journal: received since (ms), and at most so many bytes."""

    since: int
    size: int


class RoomKeeper:
    """Looks after one gateway's disk."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.step = WELL
        """The step of the ladder on which it stands."""
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._warned = False
        self._severity: str | None = None
        self._stored = 0

    def look(self) -> None:
        """Look at the disk now: which step it is on, and whether sockets are to be read."""
        gateway = self._gateway
        room = self.room()
        self._sample(room)
        before = self.step
        self.step = ladder.stands(room, before)
        if self.step != before:
            name = STEPS[self.step].name if self.step > WELL else "well"
            log.warning("the room on the disk", step=name, free=room.free, spare=room.spare)
        gateway.ingest.hold(self.problem())
        for copies in gateway.copies:
            copies.sink.let_go = self.step >= COPIES
        self._tell(room)

    def room(self) -> Room:
        """Return the room as it is now."""
        return self._gateway.disk.room(self._gateway.journal.spare())

    def problem(self) -> str | None:
        """Say why nothing is taken in, None where there is room."""
        disk, room = self._gateway.disk, self.room()
        if ladder.stands(room, self.step) < INTAKE:
            return None
        return (
            f"only {ladder.megabytes(room.free)} are free on {disk.folder}, and "
            f"{ladder.megabytes(room.minimum)} must stay: nothing is received. Free some room there"
        )

    def _sample(self, room: Room) -> None:
        now = self._gateway.clock.monotonic()
        if not self._samples or now - self._samples[-1].at >= SAMPLE:
            self._samples.append(Sample(now, room.usable))

    def full_in(self) -> int | None:
        """Return in how many ms nothing more is received, if it goes on as lately."""
        return ladder.full_in(self._samples, self.room())

    def _failing(self) -> str | None:
        gateway = self._gateway
        files = (gateway.state, gateway.history, gateway.evidence)
        return gateway.ingest.problem or next((one.problem for one in files if one.problem), None)

    def _tell(self, room: Room) -> None:
        """Raise or clear the alert, and keep the ballast where it is not needed."""
        gateway = self._gateway
        failing, left = self._failing(), self.full_in()
        if failing is not None:
            gateway.disk.drop_ballast()
        elif self.step < INTAKE:
            gateway.disk.load_ballast()
        soon = gateway.settings.disk.soon
        self._warned = ladder.warns(room, left, soon, self._warned)
        problem = self.problem() or failing
        severity = "critical" if problem else "warning"
        if problem is None and (self._warned or self.step > WELL):
            problem = f"the disk gets full: {ladder.sentence(room, self.step, left)}"
        told = severity if problem else None
        if self._severity == "critical" and told == "warning":
            gateway.own_alerts.report(SUBJECT, None)
        self._severity = told
        gateway.own_alerts.report(SUBJECT, problem, severity, NOTE if problem else "")

    # -- giving up ---------------------------------------------------------------------------

    def limits(self) -> Limits:
        """Return how long readings stay in the journal that all have whom it waits for."""
        section = self._gateway.settings.journal
        clock = self._gateway.clock
        since = clock.now() - section.keep if clock.steady() else 0
        return Limits(since, 0 if self.step >= JOURNAL else section.keep_size)

    async def run(self) -> None:
        """Give up what is due, for ever."""
        while True:
            await asyncio.sleep(ACT)
            if self.step >= JOURNAL:
                try:
                    await self.act()
                except (DiskError, RetryLater) as error:
                    log.warning("nothing can be given up yet", problem=str(error))

    async def act(self) -> None:
        """Give up what this step says. Raises DiskError, RetryLater."""
        gateway = self._gateway
        now = gateway.clock.monotonic()
        if now - self._stored >= STORE:
            self._stored = now
            await gateway.archivist.store()
            for one in (gateway.monitor, gateway.freight.monitor):
                await one.checkpoint()
        # The journal is pruned with each commit, and while nothing is received there is none.
        gateway.ingest.along(None, lambda: None)
        # Where the clock leapt, what looks old may be of today.
        if self.step >= HISTORY and gateway.clock.steady():
            least = gateway.clock.now() - gateway.settings.disk.least_history
            gone = await gateway.archivist.give_up(least, self._held())
            if gone:
                log.warning("the oldest day left the history before its time", readings=gone)

    def _held(self) -> Held:
        """Return what stays: of consignments, and of devices while they had alerts."""
        held = self._gateway.ingest.witness.held
        spans = [(one, *span) for one in held.devices for span in held.spans(one)]
        return Held([*spans, *self._alerts()])

    def _alerts(self) -> Iterator[tuple[DeviceKey, int, int]]:
        now = self._gateway.clock.now()
        rows = self._gateway.state.rows("SELECT owner, device, began, ended FROM alert")
        for owner, device, began, ended in rows:
            yield DeviceKey(owner, device), began - AROUND, (ended or now) + AROUND

    # -- telling -----------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """Return how it stands with the disk, for the status: bytes, and ms."""
        gateway, room = self._gateway, self.room()
        # A gateway that only answers a question has never looked.
        step = ladder.stands(room, self.step)
        sizes = gateway.disk.sizes()
        left = self.full_in()
        return {
            "total": room.total,
            "free": room.free,
            "spare": room.spare,
            "minimum": room.minimum,
            **sizes,
            "others": max(0, room.total - room.free - sum(sizes.values())),
            "step": STEPS[step].name if step > WELL else None,
            "steps": [
                {"name": one.name, "below": room.mark(place), "does": one.does}
                for place, one in enumerate(STEPS)
            ],
            "full_in": left,
            "says": ladder.sentence(room, step, left),
            "warned": self._warned,
            "problem": self.problem() or self._failing(),
        }


NOTE = (
    "Free some room, or give the data folder a larger disk. Smaller [journal] keep_size and "
    f"[history] keep_size keep our files from growing. {ladder.NEVER}."
)
