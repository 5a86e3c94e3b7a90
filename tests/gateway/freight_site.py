"""A gateway without network that follows consignments, and a clock that is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devices.reading import IMPORTED, DeviceKey, Reading
from gateway.archivist import Archivist
from gateway.consignments.book import Book
from gateway.consignments.facts import Assigned, Created, Departed, Fact, Unassigned
from gateway.freight import Freight
from gateway.goods import Goods
from gateway.history import History
from gateway.journal import Journal
from gateway.registry.corrections import Corrections
from gateway.state import State
from rules.alert import Alert
from rules.cargo.consignment import EVER, consignment_of, subject
from rules.duration import MINUTE
from rules.plan import Intervals
from tests.gateway.parts import NOW, ToldClock, said

OWNER = "acme"
A, B = DeviceKey(OWNER, "a"), DeviceKey(OWNER, "b")
START = NOW - 24 * 60 * MINUTE
INTERVAL = 10 * MINUTE
FOREVER = 1 << 60

PROFILE = """
name = "tests"
title = "Goods for tests"
source = "none"
measures = "air"
instructions = "Look."
[[ranges]]
channel = "temperature"
low = 2.0
high = 8.0
[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = {above}
for = "30 min"
note = "Move them."
[[rules]]
name = "gone"
kind = "lost_contact"
after = "75 min"
"""


def at(minute: float) -> int:
    """Return the time so many minutes after START."""
    return START + int(minute * MINUTE)


def series(
    sensor: DeviceKey, values: str, *, first: int = 0, every: int = 10, flags: int = 0
) -> list[Reading]:
    """Read "4 9 9": a value every ten minutes, heard a second later; "-" is not there."""
    return [
        said(
            sensor.id,
            at(first + every * n),
            float(word),
            owner=sensor.owner,
            received=NOW if flags & IMPORTED else at(first + every * n) + 1000,
            flags=flags,
        )
        for n, word in enumerate(values.split())
        if word != "-"
    ]


def woven(*many: Sequence[Reading]) -> list[Reading]:
    """Return several series as they would come together."""
    return sorted((one for series in many for one in series), key=lambda one: one.received)


class FreightSite:
    """Follow it by `take`; `crash` forgets everything that is not on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.intervals: dict[DeviceKey, int] = {}
        self.opened = False

    def start(self, above: float = 8.0) -> None:
        """Open the files and restore what they hold; goods may be `above` as much from now on."""
        goods = self.folder / "goods"
        goods.mkdir(exist_ok=True)
        (goods / "tests.toml").write_text(PROFILE.format(above=above))
        self.journal = Journal(self.folder / "journal.db")
        self.history = History(self.folder / "history.db")
        self.state = State(self.folder / "state.db")
        self.opened = True
        self.goods = Goods(self.state, goods)
        self.book = Book(self.state, OWNER)
        self.corrections = Corrections()
        self.freight = Freight(
            self.state,
            self.journal,
            self.history,
            self.clock,
            book=self.book,
            goods=self.goods,
            corrections=self.corrections,
            intervals=self._intervals,
        )
        self.monitor = self.freight.monitor
        self.archivist = Archivist(self.history, self.clock, keep=FOREVER, keep_size=None)

    def _intervals(self, sensor: DeviceKey) -> Intervals:
        return ((EVER, self.intervals.get(sensor, INTERVAL)),)

    @property
    def version(self) -> str:
        profile = self.goods.profile("tests")
        assert profile is not None
        return profile.version()

    async def crash(self, above: float = 8.0) -> None:
        """End without saving anything, and start again."""
        self.close()
        self.start(above)
        await self.goods.adopt(self.clock.now())
        await self.catch_up()

    def close(self) -> None:
        if self.opened:
            for one in (self.journal, self.history, self.state):
                one.close()
            self.opened = False

    # -- what happens ------------------------------------------------------------------------

    async def state_fact(
        self, fact: Fact, minute: float, identity: str = "c-1", *, reason: str = ""
    ) -> int:
        """State something of a consignment that was true at this minute."""
        async with self.book.changing() as change:
            return change.state(
                identity,
                fact,
                at=at(minute),
                entered=self.clock.now(),
                who="piotr",
                reason=reason,
            )

    async def depart(self, *sensors: DeviceKey, identity: str = "c-1", wait: int = 0) -> None:
        """Make a consignment that is on its way with these sensors from the beginning."""
        await self.goods.adopt(self.clock.now())
        created = Created(goods="tests", version=self.version, wait=wait)
        await self.state_fact(created, -1, identity)
        for sensor in sensors:
            await self.assign(sensor, 0, identity)
        await self.state_fact(Departed(leg=1), 0, identity)
        await self.settle()

    async def assign(self, sensor: DeviceKey, minute: float, identity: str = "c-1") -> None:
        await self.state_fact(Assigned(sensor=sensor), minute, identity)

    async def take_off(self, sensor: DeviceKey, minute: float, identity: str = "c-1") -> None:
        await self.state_fact(Unassigned(sensor=sensor), minute, identity)

    async def take(self, *readings: Reading) -> None:
        """Let readings arrive, be committed and judged."""
        self.journal.append(readings)
        self.journal.commit()
        self.journal.publish()
        await self.catch_up()

    async def catch_up(self) -> None:
        while self.monitor.cursor != self.journal.head:
            batch = self.journal.read(self.monitor.cursor, 50)
            await self.monitor.handle(batch.readings, batch.cursor)

    async def archive(self) -> None:
        """Bring everything into the history, and drop it from the journal."""
        batch = self.journal.read(self.archivist.cursor, 10**6)
        await self.archivist.handle(batch.readings, batch.cursor)
        await self.archivist.store()

    async def settle(self) -> None:
        """Judge every past that has changed."""
        await self.monitor.revise(at_once=True)

    async def passes(self, minutes: float) -> None:
        """Let time pass; we have been able to hear from the beginning on."""
        self.clock.passes(int(minutes * MINUTE))
        await self.monitor.tick(NOW)

    # -- what came of it ---------------------------------------------------------------------

    def alerts(self, identity: str = "c-1") -> list[Alert]:
        return self.state.alerts_of(subject(OWNER, identity))

    def brief(self, identity: str = "c-1") -> list[tuple[str, float, float, float | None]]:
        """How each stands, and the minutes at which it began, fired and ended."""
        return [
            (
                one.state,
                _minute(one.began),
                _minute(one.fired),
                None if one.ended is None else _minute(one.ended),
            )
            for one in self.alerts(identity)
        ]

    def told(self) -> list[tuple[str, str | None]]:
        """What happened, in order, and to which consignment."""
        return [
            (one.event.kind, consignment_of(one.event.alert.device))
            for one in self.state.read(0, 10**6)[0]
        ]


def _minute(when: int) -> float:
    return (when - START) / MINUTE
