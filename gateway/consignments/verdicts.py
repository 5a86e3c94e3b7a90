"""The verdict on a consignment: its sensors' pasts as they count, its alerts, and what was said.

For the gateway and the page's process alike: what it reads are the files, and nothing is stored.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.consignments.facts import Assigned
from gateway.consignments.reports import REVIEW
from gateway.people.acts import acts_of_many
from gateway.refusal import ControlError
from rules.cargo.judging import judge
from rules.cargo.voices import NOT_ASSIGNED
from rules.cargo.voyage import voyage
from rules.duration import DAY
from rules.kinds.threshold import HOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from devices.reading import DeviceKey, Reading
    from gateway.consignments.book import Book
    from gateway.goods import Goods
    from gateway.journal import Cursor
    from gateway.past import Past
    from gateway.registry.corrections import Corrections
    from gateway.state import State
    from rules.alert import Alert
    from rules.cargo.consignment import Consignment
    from rules.cargo.verdict import Excluded, Verdict
    from rules.cargo.voices import Speaks
    from rules.plan import Intervals
    from rules.profile import Profile

PART = 30 * DAY
"""How much is read at a time, ms: others have their turn in between."""


class Part(NamedTuple):
    """Readings to be looked up: of a sensor, in since ≤ t < before (ms)."""

    sensor: DeviceKey
    since: int
    before: int


class Case(NamedTuple):
    """All that a consignment is judged by, as far as `until` (ms)."""

    consignment: Consignment
    profile: Profile
    readings: dict[DeviceKey, list[Reading]]
    alerts: list[Alert]
    said: dict[str, list[str]]
    intervals: dict[DeviceKey, Intervals]
    """How often each sensor is taken to send."""
    speaks: Speaks
    until: int
    zone: dt.tzinfo


class Verdicts:
    """Judges consignments by the files as they stand."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a verdict is made of
        self,
        state: State,
        past: Past,
        corrections: Corrections,
        book: Book,
        goods: Goods,
        intervals: Callable[[DeviceKey], Intervals],
        head: Callable[[], Cursor],
        zone: dt.tzinfo = dt.UTC,
    ) -> None:
        """`intervals`: how often a sensor sends. `head`: how far the journal may be read.

        `zone`: by whose clock times are said in words.
        """
        self._zone = zone
        self._state = state
        self._past = past
        self._corrections = corrections
        self._book = book
        self._goods = goods
        self._intervals = intervals
        self._head = head

    def verdict(self, identity: str, until: int) -> Verdict:
        """Return the verdict on a consignment as of `until` (ms).

        Raises ControlError where there is no such one, or no profile that it is judged by, and
        DamagedHistoryError, DiskError.
        """
        return self.judged(self.case(identity, until))

    async def judged_aside(self, identity: str, until: int) -> Verdict:
        """Return what `verdict` does; others have their turn meanwhile."""
        case = await self.case_aside(identity, until)
        return self._told(await asyncio.to_thread(_judged, case))

    # -- what it is judged by ----------------------------------------------------------------

    async def case_aside(self, identity: str, until: int) -> Case:
        """Return what `case` does, read part by part: others have their turn in between."""
        consignment, _ = self._found(identity)
        readings: dict[DeviceKey, list[Reading]] = {}
        for whole in self._parts(consignment, until):
            for since in range(whole.since, whole.before, PART):
                part = whole._replace(since=since, before=min(since + PART, whole.before))
                readings.setdefault(part.sensor, []).extend(self._read(part))
                await asyncio.sleep(0)
        return self._case(identity, until, readings)

    def case(self, identity: str, until: int) -> Case:
        """Return all that a consignment is judged by; raises as `verdict` does."""
        consignment, _ = self._found(identity)
        return self._case(identity, until, self._heard(self._parts(consignment, until)))

    def judged(self, case: Case) -> Verdict:
        """Return the verdict by what was looked up."""
        return self._told(_judged(case))

    def _case(self, identity: str, until: int, readings: dict[DeviceKey, list[Reading]]) -> Case:
        # Found again: what was stated meanwhile counts.
        consignment, profile = self._found(identity)
        alerts = [one for one in self._state.alerts_of(consignment.subject) if one.kind != REVIEW]
        acts = acts_of_many(self._state, [one.id for one in alerts])
        said = {
            alert: [f"{one.reason} ({one.who})" for one in done if one.reason and one.at <= until]
            for alert, done in acts.items()
        }
        intervals = {one: self._intervals(one) for one in readings}
        return Case(
            consignment,
            profile,
            readings,
            alerts,
            said,
            intervals=intervals,
            speaks=speaking(readings, intervals.__getitem__),
            until=until,
            zone=self._zone,
        )

    def _found(self, identity: str) -> tuple[Consignment, Profile]:
        consignment = self._book.consignment(identity)
        if consignment is None:
            raise ControlError(
                f"there is no consignment {identity}", "See: holdwatch consignment list"
            )
        profile = self._goods.version(consignment.version)
        if profile is None:
            raise ControlError(
                f"the profile {consignment.version or consignment.goods} is not known here",
                "See: holdwatch goods list",
            )
        return consignment, profile

    def _parts(self, consignment: Consignment, until: int) -> Iterator[Part]:
        """Yield what is to be read: of every sensor that is or ever was said to speak for it."""
        first: dict[DeviceKey, int] = {}
        assigned = [(one.sensor, one.since) for one in consignment.assignments]
        # One that was withdrawn is no assignment, and what the sensor said is told as left out.
        assigned += [
            (one.fact.sensor, one.at)
            for one in self._book.facts(consignment.id)
            if isinstance(one.fact, Assigned)
        ]
        for sensor, since in assigned:
            first[sensor] = min(first.get(sensor, since), since)
        end = voyage(consignment, until).until
        for sensor, since in first.items():
            if since < end:
                yield Part(sensor, since, end)

    def _heard(self, parts: Iterator[Part]) -> dict[DeviceKey, list[Reading]]:
        found: dict[DeviceKey, list[Reading]] = {}
        for part in parts:
            found.setdefault(part.sensor, []).extend(self._read(part))
        return found

    def _read(self, part: Part) -> list[Reading]:
        found = self._past.readings(part.sensor, part.since, self._head(), part.before)
        return self._corrections.apply(found)

    # -- what was left out -------------------------------------------------------------------

    def _told(self, verdict: Verdict) -> Verdict:
        """Say for which consignment a sensor spoke where it did not speak for this one."""
        excluded = tuple(self._elsewhere(verdict.consignment, one) for one in verdict.excluded)
        return msgspec.structs.replace(verdict, excluded=excluded)

    def _elsewhere(self, identity: str, one: Excluded) -> Excluded:
        if one.reason != NOT_ASSIGNED:
            return one
        others = [
            other.id
            for other in self._book.of(one.sensor)
            if other.id != identity
            for assigned in other.assignments
            if assigned.sensor == one.sensor
            and not assigned.origin
            and assigned.since < one.until
            and (assigned.until is None or assigned.until > one.since)
        ]
        if not others:
            return one
        return msgspec.structs.replace(
            one, reason=f"assigned to {' and '.join(sorted(set(others)))}"
        )


def _judged(case: Case) -> Verdict:
    return judge(
        case.consignment,
        case.profile,
        case.readings,
        case.alerts,
        speaks=case.speaks,
        until=case.until,
        said=case.said,
        zone=case.zone,
    )


def speaking(sensors: Iterable[DeviceKey], intervals: Callable[[DeviceKey], Intervals]) -> Speaks:
    """Return how long a reading of each of these sensors speaks for, as it stands now.

    It is asked for every reading, and may be asked by another thread.
    """
    known: dict[DeviceKey, tuple[list[int], list[int]]] = {}
    for sensor in sensors:
        stated = intervals(sensor)
        known[sensor] = [since for since, _ in stated], [int(HOLDS * one) for _, one in stated]

    def speaks(sensor: DeviceKey, when: int) -> int:
        sinces, holds = known[sensor]
        # The first counts before as well.
        return holds[max(0, bisect_right(sinces, when) - 1)]

    return speaks
