"""The reports on consignments: drafts, made anew of all that is known, and what was signed.

A draft is stored nowhere. Who looks at one knows it by `made`, `head` and its digest: asked again
with the first two it is the same as long as nothing has changed that its verdict rests on.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from gateway import __version__
from gateway.consignments.charts import charts
from gateway.consignments.facts import Decided, Withdrawn
from gateway.consignments.report import (
    Alerted,
    Certificate,
    Decision,
    Earlier,
    Interval,
    Report,
    RuleText,
    Said,
    Sensor,
    Version,
    canonical,
)
from gateway.consignments.since import since
from gateway.consignments.stating import LATE
from gateway.people.acts import acts_of_many
from gateway.refusal import ControlError
from rules.cargo.voices import spoken
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devices.reading import DeviceKey
    from gateway.consignments.book import Book
    from gateway.consignments.facts import Stated
    from gateway.consignments.report import Since
    from gateway.consignments.verdicts import Case, Verdicts
    from gateway.people.acts import Act
    from gateway.registry.cards import Calibration, Card
    from gateway.registry.registry import Registry
    from gateway.state import State
    from rules.alert import Alert
    from rules.cargo.consignment import Consignment
    from rules.cargo.verdict import Verdict
    from rules.cargo.voices import Spoken
    from rules.plan import Intervals
    from rules.profile import Profile

log = structlog.get_logger()

REVIEW = "review"
"""The kind of alert that a decided consignment has whose verdict is another now."""


class Place(NamedTuple):
    """Where reports are made: the gateway's name, and its time zone."""

    box: str
    zone: str


class Signed(NamedTuple):
    """A version without its content."""

    number: int
    made: int
    digest: str
    decision: Decision


class Known(NamedTuple):
    """What a report says besides its verdict."""

    head: int
    facts: tuple[Said, ...]
    alerts: tuple[Alerted, ...]
    cards: dict[DeviceKey, Card]
    calibrations: dict[DeviceKey, list[Calibration]]
    signed: list[Signed]
    last: Report | None
    """The version that was signed last, None where there is none or it cannot be read."""


class Reports:
    """Makes drafts and reads what was signed; writes nothing. For gateway and page alike."""

    def __init__(  # noqa: PLR0913 - a report rests on all of these
        self,
        state: State,
        book: Book,
        *,
        verdicts: Verdicts,
        registry: Registry,
        card: Callable[[DeviceKey], Card],
        head: Callable[[], int],
        place: Place,
    ) -> None:
        """`head`: how far the journal has come. `card`: what is known of a device."""
        self._state = state
        self._book = book
        self._verdicts = verdicts
        self._registry = registry
        self._card = card
        self.head = head
        self._place = place

    # -- what was signed ---------------------------------------------------------------------

    def signed(self, identity: str) -> list[Signed]:
        """Return the versions that were signed, oldest first, without their content."""
        rows = self._state.rows(
            "SELECT version, made, digest, decision FROM report "
            "WHERE owner = ? AND consignment = ? ORDER BY version",
            (self._book.owner, identity),
        )
        return [
            Signed(number, made, digest, msgspec.json.decode(decision, type=Decision))
            for number, made, digest, decision in rows
        ]

    def of(self, identity: str) -> list[Version]:
        """Return every version that was signed, oldest first. Raises ControlError."""
        return [self.version(identity, one.number) for one in self.signed(identity)]

    def version(self, identity: str, number: int) -> Version:
        """Return a version that was signed. Raises ControlError."""
        body, digest, decision = self._row(identity, number)
        if hashlib.sha256(body).hexdigest() != digest:
            raise ControlError(
                f"the report {number} on {identity} is not what was signed: its digest is another",
                "Restore state.db from a backup; what is shown elsewhere of it can be checked with "
                "holdwatch consignment verify",
            )
        try:
            report = msgspec.json.decode(body, type=Report)
            told = msgspec.json.decode(decision, type=Decision)
        except msgspec.DecodeError as error:
            raise ControlError(
                f"the report {number} on {identity} cannot be read by this version: {error}",
                "Use the newest version of Holdwatch; what was signed is as it was",
            ) from error
        self._check_decision(identity, number, told, digest)
        return Version(number=number, report=report, digest=digest, decision=told)

    def _check_decision(self, identity: str, number: int, told: Decision, digest: str) -> None:
        """Hold a decision against the fact that was stated with it. Raises ControlError."""
        stated = next(
            (
                one
                for one in self._book.facts(identity)
                if isinstance(one.fact, Decided) and one.fact.report == number
            ),
            None,
        )
        if stated is None:  # This book was not looked into since: the digest alone must do.
            same = told.digest == digest
        else:
            fact = Decided(meaning=told.meaning, report=number, digest=told.digest)
            said = fact, told.digest, told.login, told.at, told.reason
            same = said == (stated.fact, digest, stated.who, stated.at, stated.reason)
        if not same:
            raise ControlError(
                f"the decision of report {number} on {identity} is not what was signed",
                "Restore state.db from a backup; the audit trail says what was signed",
            )

    def body(self, identity: str, number: int) -> bytes:
        """Return the canonical JSON of a version that was signed. Raises ControlError."""
        return self._row(identity, number)[0]

    def _row(self, identity: str, number: int) -> tuple[bytes, str, bytes]:
        rows = self._state.rows(
            "SELECT body, digest, decision FROM report "
            "WHERE owner = ? AND consignment = ? AND version = ?",
            (self._book.owner, identity, number),
        )
        if not rows:
            raise ControlError(
                f"{identity} has no report version {number}",
                f"See: holdwatch consignment reports {identity}",
            )
        body, digest, decision = rows[0]
        return body, digest, decision

    def there(self, identity: str) -> Consignment:
        """Return a consignment. Raises ControlError if there is none."""
        consignment = self._book.consignment(identity)
        if consignment is None:
            raise ControlError(
                f"there is no consignment {identity}", "See: holdwatch consignment list --all"
            )
        return consignment

    # -- drafts ------------------------------------------------------------------------------

    def draft(self, identity: str, made: int, head: int | None = None) -> Version:
        """Return the report as it is now: number 0. Raises ControlError.

        `made` (ms) is as far as it goes; with `head` it is stamped as one that was made before.
        """
        case = self._verdicts.case(identity, made)
        return self._written(case, self._of(case, head))

    async def draft_aside(self, identity: str, made: int, head: int | None = None) -> Version:
        """Return what `draft` does; others have their turn while it is judged and drawn."""
        case = await self._verdicts.case_aside(identity, made)
        return await asyncio.to_thread(self._written, case, self._of(case, head))

    def _of(self, case: Case, head: int | None) -> Known:
        """Return what a report says besides its verdict: all that is looked up."""
        consignment = case.consignment
        sensors = dict.fromkeys(one.sensor for one in consignment.assignments)
        signed = self.signed(consignment.id)
        return Known(
            head=self.head() if head is None else head,
            facts=tuple(self._facts(consignment)),
            alerts=tuple(self._alerts(consignment)),
            cards={one: self._card(one) for one in sensors},
            calibrations={one: self._registry.calibrations(one) for one in sensors},
            signed=signed,
            last=self._last(consignment.id, signed),
        )

    def _last(self, identity: str, signed: list[Signed]) -> Report | None:
        if not signed:
            return None
        try:
            return self.version(identity, signed[-1].number).report
        except ControlError as error:
            # The next report says so, and can be signed all the same.
            log.warning("a report cannot be read", consignment=identity, problem=str(error))
            return None

    def _written(self, case: Case, known: Known) -> Version:
        """Judge, draw and write it: by what was looked up alone, so on any thread."""
        consignment, profile = case.consignment, case.profile
        verdict = self._verdicts.judged(case)
        heard, _ = spoken(consignment, case.readings, case.speaks, verdict.until)
        report = Report(
            consignment=consignment,
            profile=profile.settings(),
            rules=tuple(_rules(profile)),
            verdict=verdict,
            facts=known.facts,
            alerts=known.alerts,
            sensors=tuple(_sensor(one, case, verdict, known) for one in heard),
            charts=tuple(charts(profile, verdict, heard, case.speaks)),
            earlier=tuple(Earlier(one.number, one.decision) for one in known.signed),
            since=_since(heard, known),
            made=case.until,
            head=known.head,
            software=__version__,
            box=self._place.box,
            zone=self._place.zone,
        )
        # As it would be read back: a draft and what is stored of it are the same, byte by byte.
        read = msgspec.json.decode(canonical(report), type=Report)
        return Version(number=0, report=read, digest=read.digest())

    def _facts(self, consignment: Consignment) -> Iterator[Said]:
        """Yield what was stated of it, and of those that it came from, in order of entry."""
        ids, seen = [consignment.id], set[str]()
        found: list[Stated] = []
        while ids:
            one = ids.pop()
            if one in seen:
                continue
            seen.add(one)
            found += self._book.facts(one)
            parent = self._book.consignment(one)
            ids += parent.parents if parent is not None else ()
        gone = {one.fact.fact for one in found if isinstance(one.fact, Withdrawn)}
        for stated in sorted(found, key=lambda one: one.number):
            yield Said(
                number=stated.number,
                kind=stated.fact.kind,
                at=stated.at,
                entered=stated.entered,
                who=stated.who,
                reason=stated.reason,
                fact=msgspec.to_builtins(stated.fact),
                late=stated.entered - stated.at > LATE,
                withdrawn=stated.number in gone,
            )

    def _alerts(self, consignment: Consignment) -> Iterator[Alerted]:
        found: list[Alert] = [
            one for one in self._state.alerts_of(consignment.subject) if one.kind != REVIEW
        ]
        acts: dict[str, list[Act]] = acts_of_many(self._state, [one.id for one in found])
        for one in found:
            yield Alerted(one, tuple(acts[one.id]))


def _sensor(heard: Spoken, case: Case, verdict: Verdict, known: Known) -> Sensor:
    card = known.cards[heard.sensor]
    where = [one.where for one in case.consignment.assignments if one.sensor == heard.sensor]
    identities = hashlib.sha256()
    for one in heard.readings:
        identities.update(b"%d %d\n" % (one.at, one.identity))
    return Sensor(
        key=heard.sensor,
        name=card.name,
        model=card.model,
        where=", ".join(dict.fromkeys(filter(None, where))),
        calibrations=tuple(_held(known.calibrations[heard.sensor], verdict)),
        readings=len(heard.readings),
        first=heard.readings[0].when if heard.readings else None,
        last=heard.readings[-1].when if heard.readings else None,
        digest=identities.hexdigest(),
        intervals=tuple(_sends(case.intervals.get(heard.sensor, ()), verdict)),
    )


def _since(heard: Sequence[Spoken], known: Known) -> Since | None:
    if not known.signed:
        return None
    last = known.signed[-1]
    return since(last.number, last.made, known.last, heard, known.facts)


def _sends(stated: Intervals, verdict: Verdict) -> Iterator[Interval]:
    """Yield the intervals of a sensor that counted for some of the voyage."""
    for place, (start, length) in enumerate(stated):
        # The first counts before as well.
        begins = verdict.since if place == 0 else max(start, verdict.since)
        ends = stated[place + 1][0] if place + 1 < len(stated) else verdict.until
        if begins < min(ends, verdict.until):
            yield Interval(begins, length)


def _rules(profile: Profile) -> Iterator[RuleText]:
    for rule in profile.rules:
        for part in rule.parts():
            yield RuleText(
                name=part.name,
                version=profile.version(),
                severity=part.severity,
                limit=part.limit(),
                counts=part.counts if isinstance(part, SampleRule) else "",
                note=part.note,
            )


def _held(calibrations: Sequence[Calibration], verdict: Verdict) -> Iterator[Certificate]:
    """Yield the calibrations that held for some of the voyage: of each channel the last before."""
    before = {one.channel: one for one in calibrations if one.since <= verdict.since}
    for one in calibrations:
        if one.since < verdict.until and (one.since > verdict.since or before[one.channel] is one):
            yield Certificate(
                channel=one.channel,
                since=one.since,
                certificate=one.certificate,
                expires=one.expires,
                offset=one.offset,
                good=one.good,
            )
