"""What was decided and would be judged otherwise now: it is looked at again.

What must hold: what was signed stays as it was signed; whoever signed and whoever has the goods now
are told once of each change, also if we crash meanwhile; a decision that still stands costs one
comparison.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.consignments.facts import Review as Reviewed
from gateway.consignments.report import WORDS, substance
from gateway.consignments.reports import REVIEW
from gateway.database import DiskError
from gateway.history import DamagedHistoryError
from gateway.people.acts import Act, Acts, acts_of
from gateway.people.audit import Entry, Who
from gateway.refusal import ControlError
from rules.alert import Alert, Event
from rules.cargo.consignment import consignment_of
from rules.duration import DAY
from rules.transition import alert_id

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.consignments.book import Book
    from gateway.consignments.report import Version
    from gateway.consignments.reports import Reports, Signed
    from gateway.consignments.verdicts import Verdicts
    from gateway.state import State
    from rules.cargo.consignment import Consignment
    from rules.cargo.verdict import Verdict

log = structlog.get_logger()

LATELY = 30 * DAY
"""What was signed so long ago (ms) is looked at when we start."""
RETRY = 5.0
"""Seconds until another attempt where the disk takes none."""
GATEWAY = "gateway"
"""Who states it, where nobody does."""
FINAL = frozenset({"released", "rejected"})
"""Decisions that stand until something changes; what is held is looked at anyway."""


class Review:
    """Looks whether decisions still rest on what is known."""

    def __init__(
        self, state: State, book: Book, reports: Reports, verdicts: Verdicts, clock: Clock
    ) -> None:
        self._state = state
        self._book = book
        self._reports = reports
        self._verdicts = verdicts
        self._clock = clock
        self._acts = Acts(state)
        self._signed: dict[str, tuple[int, str, int, Verdict]] = {}
        """Of each consignment the newest version, what it says, and as far as what time (ms)."""
        self._waiting: dict[str, None] = {}
        self._heeded = asyncio.Event()

    @property
    def open_alerts(self) -> list[Alert]:
        """What has to be looked at again now."""
        return [one for one in self._state.open_alerts() if one.kind == REVIEW]

    def heed(self, subject: DeviceKey) -> None:
        """Take note that something was judged again: `run` looks at it if it is a consignment."""
        identity = consignment_of(subject)
        if identity is not None:
            self._waiting[identity] = None
            self._heeded.set()

    async def run(self) -> None:
        """Look at what is heeded, for ever; first at what was decided lately.

        Who knows whether we crashed between that it was judged again and that it was looked at.
        """
        for identity in self._lately():
            self._waiting[identity] = None
        while True:
            for identity in list(self._waiting):
                # Before the look: what is heeded meanwhile is looked at again.
                del self._waiting[identity]
                await self._try(identity)
            self._heeded.clear()
            if not self._waiting:
                await self._heeded.wait()

    async def _try(self, identity: str) -> None:
        try:
            await self.look(identity)
        except DiskError as error:
            log.warning("a decision cannot be reviewed yet", problem=str(error))
            self._waiting[identity] = None
            await asyncio.sleep(RETRY)
        except (ControlError, DamagedHistoryError) as error:
            # What was signed stands: nobody can know whether it would be otherwise.
            log.warning("a decision cannot be reviewed", consignment=identity, problem=str(error))

    def _lately(self) -> list[str]:
        since = self._clock.now() - LATELY
        rows = self._state.rows(
            "SELECT DISTINCT consignment FROM report WHERE owner = ? AND made >= ?",
            (self._book.owner, since),
        )
        return [identity for (identity,) in rows]

    async def look(self, identity: str) -> bool:
        """Judge a decided consignment as far as its report goes; return whether it is otherwise.

        For whoever knows that something of it has changed. Raises DiskError.
        """
        consignment = self._book.consignment(identity)
        signed = self._reports.signed(identity)
        if consignment is None or not signed or signed[-1].decision.meaning not in FINAL:
            return False
        last = signed[-1]
        told = self._told(identity, last)
        now = await self._verdicts.judged_aside(identity, told[2])
        new = substance(now)
        if new == told[1]:
            return False
        alert = await self._raise(consignment, last, told[3], now, new)
        await self._assign(alert, last)
        return True

    def _told(self, identity: str, last: Signed) -> tuple[int, str, int, Verdict]:
        known = self._signed.get(identity)
        if known is None or known[0] != last.number:
            verdict = self._reports.version(identity, last.number).report.verdict
            known = (last.number, substance(verdict), verdict.until, verdict)
            self._signed[identity] = known
        return known

    async def _raise(
        self, consignment: Consignment, last: Signed, old: Verdict, now: Verdict, new: str
    ) -> Alert:
        """Set it under review and tell of it, unless that was done for this very change."""
        found = alert_of(consignment, last.number)
        before = self._state.alert(found)
        # After the decision, also on a clock that was set back: else its stage would be gone.
        at = max(self._clock.now(), last.decision.at + 1)
        holder = _custodian(consignment, at)
        decision = last.decision
        alert = Alert(
            id=found,
            rule=REVIEW,
            version=str(last.number),
            kind=REVIEW,
            severity="critical",
            device=consignment.subject,
            channel="",
            state="firing",
            reason=f"{WORDS[decision.meaning]} by {decision.name} ({decision.login}), and now under"
            f" review: {difference(old, now)}",
            began=at if before is None else before.began,
            fired=at if before is None else before.fired,
            note=f"Tell {decision.name}, who signed, and {holder}, who has the goods now. Look at "
            "the report and sign again.",
            revision=0 if before is None else before.revision + 1,
        )
        event = Event(
            key=f"{found}:{new[:16]}",
            kind="firing" if before is None else "revised",
            at=at,
            alert=alert,
            before=before,
        )
        known = self._state.rows("SELECT 1 FROM event WHERE key = ?", (event.key,))
        if known and before is not None:
            return before
        who = Who(GATEWAY, "gateway")
        async with self._book.changing() as change:
            if consignment.stage != "under_review":
                reviewed = Reviewed(why=alert.reason)
                change.state(
                    consignment.id, reviewed, at=at, entered=at, who=GATEWAY, reason=alert.reason
                )
                change.note(
                    Entry(
                        at=at,
                        who=who,
                        what="consignment-review",
                        object=consignment.id,
                        reason=alert.reason,
                        before={"stage": consignment.stage},
                        after={"stage": "under_review"},
                    )
                )
            self._state.record([event], at)
        log.warning("a decision is under review", consignment=consignment.id, why=alert.reason)
        return alert

    async def _assign(self, alert: Alert, last: Signed) -> None:
        """Give the alert to who signed, where nobody has it yet."""
        if alert.ended is not None or acts_of(self._state, alert.id):
            return
        signer = last.decision.login
        act = Act(alert.id, "assigned", "", self._clock.now(), "you signed the report", to=signer)
        try:
            await self._acts.do(act, Who(GATEWAY, "gateway"))
        except ControlError as error:
            # Whoever signed is gone or may do nothing any more: the alert names them still.
            log.warning("nobody is assigned to a review", signer=signer, problem=str(error))


def alert_of(consignment: Consignment, number: int) -> str:
    """Return the id of the alert that a signed version has when it is under review."""
    return alert_id(REVIEW, consignment.subject, "", number)


def ended(state: State, consignment: Consignment, version: Version, now: int) -> list[Event]:
    """Return what ends the alerts about earlier versions: somebody has looked, and signed."""
    events = []
    for one in state.alerts_of(consignment.subject, now):
        if one.kind == REVIEW and one.ended is None and version.decision is not None:
            reason = f"report version {version.number} was signed by {version.decision.name}"
            alert = _resolved(one, reason, now)
            events.append(Event(key=f"{one.id}:resolved", kind="resolved", at=now, alert=alert))
    return events


def _resolved(alert: Alert, reason: str, now: int) -> Alert:
    return Alert(
        **{
            **{name: getattr(alert, name) for name in alert.__struct_fields__},
            "state": "resolved",
            "reason": reason,
            "ended": now,
        }
    )


def difference(old: Verdict, new: Verdict) -> str:
    """Return in words what is otherwise in a verdict."""
    found = []
    if old.proposal != new.proposal:
        found.append(f"the proposal was {old.proposal} and is {new.proposal}")
    if len(old.excursions) != len(new.excursions):
        found.append(f"excursions were {len(old.excursions)} and are {len(new.excursions)}")
    elif old.excursions != new.excursions:
        found.append("an excursion is another, or somebody else's")
    known = {one.channel: one for one in old.statistics}
    for one in new.statistics:
        before = known.get(one.channel)
        if before is None:
            found.append(f"{one.channel} was measured")
        elif before.readings != one.readings:
            found.append(f"{one.channel} had {before.readings:,} readings and has {one.readings:,}")
    if old.unknown != new.unknown:
        found.append("nobody knew of another length of time")
    return "; ".join(found) or "figures are others"


def _custodian(consignment: Consignment, now: int) -> str:
    found = [one.custodian for one in consignment.custody if one.since <= now]
    return found[-1] if found else "whoever has them"
