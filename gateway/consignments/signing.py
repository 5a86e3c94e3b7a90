"""Signing: a person decides what becomes of a consignment, by a report that this person has seen.

What must hold: a decision is bound to the digest of what was seen, and where anything has changed
since it is refused; what comes while it is signed has it looked at again at once; report, decision,
fact and audit entry are committed together; nothing that was signed is ever overwritten.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from gateway.consignments.facts import Decided, Delivered, Meaning
from gateway.consignments.report import MEANINGS, WORDS, Decision, Version
from gateway.consignments.review import ended
from gateway.people.audit import Entry
from gateway.refusal import ControlError
from rules.duration import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.consignments.book import Book
    from gateway.consignments.reports import Reports
    from gateway.consignments.signing_in import SigningIn
    from gateway.people.audit import Who
    from gateway.state import State
    from rules.cargo.consignment import Consignment
    from rules.cargo.verdict import Proposal

FOLLOWS: dict[Meaning, frozenset[Proposal]] = {
    "released": frozenset({"release"}),
    "rejected": frozenset({"reject"}),
    "held": frozenset({"hold", "indeterminate"}),
}
"""What a decision may follow without a reason; any other needs one."""
LONGEST_NAME, LONGEST_REASON = 80, 1_000
"""Characters."""
LONGEST_LOOK = HOUR
"""What was looked at longer ago than this (ms) says nothing of what came since."""
NEEDED: Literal["quality"] = "quality"
"""The role that signs; administrators may too."""


class Asked(NamedTuple):
    """What somebody asks to sign: who, with which password, what it means, and what was seen.

    `name` is how it is printed; empty: as this person signed last. `made`, `head` and `digest` are
    those of the draft that was looked at.
    """

    consignment: str
    login: str
    password: str
    meaning: str
    name: str
    reason: str
    made: int
    head: int
    digest: str


class Signing:
    """The only one who writes reports and decisions."""

    def __init__(
        self, state: State, book: Book, reports: Reports, signing_in: SigningIn, clock: Clock
    ) -> None:
        self._state = state
        self._book = book
        self._reports = reports
        self._signing_in = signing_in
        self._clock = clock
        self.on_signed: Callable[[DeviceKey], None] = lambda _subject: None
        """Called with the consignment's subject once a decision is kept."""

    async def sign(self, asked: Asked, who: Who, *, proven: bool = False) -> Version:
        """Sign; return the report as it is kept. Raises ControlError, DiskError.

        `proven`: a provider has just said that this is who signs, so that no password is asked.
        """
        if who.via == "api":
            raise ControlError("a key cannot sign: it is nobody", "Sign on the page, by password")
        if who.via == "page" and who.name != asked.login:
            raise ControlError(
                f"you are logged in as {who.name}", f"Log in as {asked.login} to sign as that"
            )
        meaning = _meaning(asked.meaning)
        kept: str | None = None
        if proven:
            self._signing_in.proven(asked.login, NEEDED)
        else:
            _, kept = await self._signing_in.check(asked.login, asked.password, who, NEEDED)
        draft = await self._seen(asked)
        report = draft.report
        now = self._clock.now()
        line = self._book.line(asked.consignment)
        delivered = [
            one.at for one in (line.all() if line else ()) if isinstance(one.fact, Delivered)
        ]
        _check_stage(report.consignment, delivered, meaning, report.made)
        reason = _text(asked.reason, "reason", LONGEST_REASON)
        if not reason and report.verdict.proposal not in FOLLOWS[meaning]:
            raise ControlError(
                f"the proposal is {report.verdict.proposal}, and you sign {WORDS[meaning]}",
                "Say why, as the reason",
            )
        name = _text(asked.name, "name", LONGEST_NAME) or self._printed(asked.login)
        decision = Decision(
            meaning=meaning,
            name=name,
            login=asked.login,
            # After all that it rests on, also on a clock that was set back: it would be gone else.
            at=max(now, report.consignment.stages[-1].since + 1),
            reason=reason,
            digest=draft.digest,
        )
        signed = await self._keep(asked.consignment, draft, decision, kept, who)
        # What was judged again while it was signed was not signed when it was looked at.
        self.on_signed(report.consignment.subject)
        return signed

    async def _seen(self, asked: Asked) -> Version:
        """Return the draft that was looked at. Raises ControlError if it would be another now."""
        if not 0 <= self._clock.now() - asked.made <= LONGEST_LOOK:
            raise ControlError("you looked at the report too long ago", "Look again, then sign")
        if not 0 <= asked.head <= self._reports.head():
            raise ControlError("nothing was stored yet of what you saw", "Look again, then sign")
        draft = await self._reports.draft_aside(asked.consignment, asked.made, asked.head)
        if draft.digest != asked.digest:
            raise ControlError("the report has changed since you looked", "Look again, then sign")
        return draft

    async def _keep(
        self, identity: str, draft: Version, decision: Decision, kept: str | None, who: Who
    ) -> Version:
        state, now = self._state, decision.at
        async with self._book.changing() as change:
            if not self._signing_in.still(decision.login, kept):
                # Comparing and judging take a while.
                raise ControlError("the password was changed meanwhile", "Sign with the new one")
            before = self._reports.signed(identity)
            known = [one.number for one in draft.report.facts]
            own = [one.number for one in change.facts_of(identity)]
            if not set(own) <= set(known) or len(before) != len(draft.report.earlier):
                raise ControlError(
                    "the report has changed since you looked", "Look again, then sign"
                )
            version = msgspec.structs.replace(draft, number=len(before) + 1, decision=decision)
            change.state(
                identity,
                Decided(meaning=decision.meaning, report=version.number, digest=version.digest),
                at=now,
                entered=now,
                who=decision.login,
                reason=decision.reason,
            )
            change.note(
                Entry(
                    at=now,
                    who=who,
                    what="consignment-sign",
                    object=identity,
                    reason=decision.reason,
                    before=msgspec.to_builtins(before[-1].decision) if before else None,
                    after={"report": version.number, **msgspec.to_builtins(decision)},
                )
            )
            state.stage(
                "INSERT INTO report VALUES (?,?,?,?,?,?,?)",
                [
                    (
                        *(self._book.owner, identity, version.number, version.report.made),
                        *(version.digest, version.report.canonical()),
                        msgspec.json.encode(decision),
                    )
                ],
            )
            state.record(ended(state, draft.report.consignment, version, now), now)
        return version

    def _printed(self, login: str) -> str:
        """Return the name with which a person signed last. Raises ControlError."""
        rows = self._state.rows(
            "SELECT decision FROM report WHERE decision IS NOT NULL "
            "AND json_extract(CAST(decision AS TEXT), '$.login') = ? ORDER BY made DESC LIMIT 1",
            (login,),
        )
        if not rows:
            raise ControlError(
                f"nobody knows yet how {login} is to be printed",
                'Give your name as it is to stand under the report: --name "Quality Desk"',
            )
        return msgspec.json.decode(rows[0][0], type=Decision).name


def _meaning(text: str) -> Meaning:
    for meaning in MEANINGS:
        if meaning == text:
            return meaning
    raise ControlError(f"{text!r} is nothing that can be signed", f"Use {', '.join(MEANINGS)}")


def _check_stage(
    consignment: Consignment, delivered: Sequence[int], meaning: Meaning, made: int
) -> None:
    """Refuse to decide what is decided, and to release what has not arrived.

    `delivered`: when it was (ms), whatever its stage is since; `made`: as far as the report goes.
    """
    if consignment.stage in {"released", "rejected"}:
        raise ControlError(
            f"{consignment.id} is {consignment.stage} already",
            f"Have it looked at again first: holdwatch consignment review {consignment.id} "
            "--reason …",
        )
    if meaning != "released":
        return
    if not delivered:
        raise ControlError(
            f"{consignment.id} is not delivered, but {consignment.stage.replace('_', ' ')}",
            f"State that first: holdwatch consignment deliver {consignment.id}",
        )
    if made < delivered[0]:
        raise ControlError(
            f"the report on {consignment.id} ends before it was delivered", "Look again, then sign"
        )


def _text(text: str, what: str, longest: int) -> str:
    text = " ".join(text.split())
    if len(text) > longest:
        raise ControlError(f"the {what} has {len(text):,} characters", f"Use at most {longest:,}")
    for sign in text:
        if unicodedata.category(sign) in {"Cc", "Cs"}:
            raise ControlError(
                f"the {what} holds the control character U+{ord(sign):04X}", "Leave it out"
            )
    return text
