"""Goods on their way, judged: the book of consignments, their profiles and a monitor of their own.

It follows the journal beside the monitor of the devices, with a cursor of its own. What is stated
of a consignment, or of a sensor that speaks for it, has it judged again from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.composing import Consignments
from gateway.follow import follow
from gateway.monitor import Monitor
from gateway.past import Past
from rules.cargo.absence import absence
from rules.cargo.consignment import EVER, FOREVER, consignment_of, slots, subject
from rules.cargo.versions import versions
from rules.contact import Absence
from rules.engine import Engine
from rules.kinds.threshold import HOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

    from devices.reading import DeviceKey, Reading
    from gateway.clock import Clock
    from gateway.consignments.book import Book
    from gateway.follow import Log
    from gateway.goods import Goods
    from gateway.history import History
    from gateway.journal import Journal
    from gateway.registry.corrections import Corrections
    from gateway.state import State
    from rules.cargo.consignment import Consignment
    from rules.plan import Intervals
    from rules.rule import RuleVersion

NAME = "freight"
"""What its follower is called, whose cursor is stored."""
NEVER_MISSED = Absence(until=FOREVER)
INTERVAL = 600_000
"""How often a consignment is taken to be told of that has no sensor yet, ms."""


class Freight:
    """The consignments of one gateway, judged as their sensors are heard."""

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        state: State,
        journal: Journal,
        history: History,
        clock: Clock,
        *,
        book: Book,
        goods: Goods,
        corrections: Corrections,
        intervals: Callable[[DeviceKey], Intervals],
    ) -> None:
        """Restore what was known of consignments at the last checkpoint."""
        self.book = book
        self.goods = goods
        self._intervals = intervals
        self._consignments = Consignments(
            book,
            goods,
            past=Past(journal, history),
            history=history,
            corrections=corrections,
            speaks=self.speaks,
            now=clock.now,
            changing={one for one, _ in state.late()},
        )
        engine = Engine((), self._interval, own=self._versions, expected=self._absence)
        self._consignments.on_begin = engine.begin
        self.monitor = Monitor(
            engine, state, journal, history, clock, subjects=self._consignments, name=NAME
        )
        for one in self._consignments.followed:
            engine.begin(one)
        book.stage_change = self._stage_change
        book.on_change = self.changed

    def parts(self, log: Log[Reading]) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs, by name."""
        yield NAME, follow(log, self.monitor)

    # -- what is stated ----------------------------------------------------------------------

    def changed(self, identity: str, since: int, of: str) -> None:
        """Take note that a consignment is judged otherwise from `since` (ms) on; `of` says why."""
        self.monitor.changed(self._subject(identity), since, of)

    def _stage_change(self, identity: str, since: int, of: str) -> None:
        self.monitor.stage_change(self._subject(identity), since, of)

    def sensor_changed(self, sensor: DeviceKey, since: int, of: str) -> None:
        """Take note that what is said of a sensor has changed from `since` (ms) on."""
        for one in self.book.of(sensor):
            self.monitor.changed(one.subject, since, of)

    def stage_sensor_change(self, sensor: DeviceKey, since: int, of: str) -> None:
        """Stage that, in the transaction of the fact itself."""
        for one in self.book.of(sensor):
            self.monitor.stage_change(one.subject, since, of)

    # -- how they are judged -----------------------------------------------------------------

    def speaks(self, sensor: DeviceKey, when: int) -> int:
        """Return how long (ms) a reading of a sensor speaks for that is of this time."""
        found = self._intervals(sensor)
        interval = next((one for since, one in reversed(found) if since <= when), found[0][1])
        return int(HOLDS * interval)

    def _subject(self, identity: str) -> DeviceKey:
        return subject(self.book.owner, identity)

    def _of(self, key: DeviceKey) -> Consignment | None:
        return self.book.consignment(consignment_of(key) or "")

    def _versions(self, key: DeviceKey) -> tuple[RuleVersion, ...]:
        found = self._of(key)
        profile = None if found is None else self.goods.version(found.version)
        return () if found is None or profile is None else versions(found, profile)

    def _interval(self, key: DeviceKey) -> Intervals:
        """Return the longest of its sensors' intervals: what ends sooner says so itself."""
        found = self._of(key)
        known = [
            interval
            for sensor in (slots(found) if found else ())
            for _, interval in self._intervals(sensor)
        ]
        return ((EVER, max(known, default=INTERVAL)),)

    def _absence(self, key: DeviceKey, now: int) -> Absence:
        found = self._of(key)
        return NEVER_MISSED if found is None else absence(found, now)
