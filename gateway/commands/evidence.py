"""What is kept for consignments, and that it need not be kept here any more: a part of Commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.consignments.facts import LetGo
from gateway.consignments.keeping import CLOSED
from gateway.people.audit import Entry, who_of
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.consignments.keeping import Hold


class Asked(msgspec.Struct, frozen=True):
    """What was verified: the export's SHA-256, what is in it, and the last fact that is.

    `head`: how far the journal had come when it was held against what is here.
    """

    consignment: str
    digest: str
    readings: int
    messages: int
    newest_fact: int
    head: int


class EvidenceCommands:
    """The commands about evidence, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.by_name = {"consignment-holds": self.holds, "consignment-let-go": self.let_go}

    async def holds(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Return what is kept, for which consignments, until when, and about how many bytes."""
        gateway = self._gateway
        gateway.holding.look(gateway.clock.now())
        holds = sorted(gateway.holding.holds.values(), key=lambda one: (one.since, one.consignment))
        sizes = await asyncio.to_thread(self._readings, holds)
        return {
            "holds": [
                {
                    "consignment": one.consignment,
                    "since": one.since,
                    "until": one.until,
                    "why": one.why,
                    "sensors": sorted({str(span.sensor) for span in one.spans}),
                    "readings_bytes": size,
                    "messages_bytes": self._messages(one),
                }
                for one, size in zip(holds, sizes, strict=True)
            ],
            "over_size": gateway.history.over_size,
        }

    def _readings(self, holds: list[Hold]) -> list[int]:
        now = self._gateway.clock.now()
        with self._gateway.history.opened() as history:
            return [
                sum(
                    history.bytes_of(span.sensor, span.begin, min(span.end, now))
                    for span in one.spans
                )
                for one in holds
            ]

    def _messages(self, one: Hold) -> int:
        bytes_of = self._gateway.evidence.bytes_of
        return sum(bytes_of(span.sensor, span.begin, span.end) for span in one.spans)

    async def let_go(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that an export of all of it was verified: it need not be kept here any more."""
        gateway, who = self._gateway, who_of(request)
        try:
            said = msgspec.convert(dict(request), Asked)
        except msgspec.ValidationError as error:
            raise ControlError(
                f"this lets nothing go ({error})",
                "Use: holdwatch consignment evidence --verify FILE.zip --release-hold",
            ) from error
        now = gateway.clock.now()
        async with gateway.book.changing() as change:
            self._check(said)
            fact = LetGo(digest=said.digest, readings=said.readings, messages=said.messages)
            number = change.state(
                said.consignment,
                fact,
                at=now,
                entered=now,
                who=who.name,
                reason="its export was verified",
            )
            change.note(
                Entry(
                    at=now,
                    who=who,
                    what="consignment-let-go",
                    object=said.consignment,
                    before={"kept_until": self._until(said.consignment)},
                    after=msgspec.to_builtins(fact),
                )
            )
        gateway.ingest.witness.held = gateway.holding.look(now)
        return {"consignment": said.consignment, "number": number, "digest": said.digest}

    def _until(self, identity: str) -> int | None:
        hold = self._gateway.holding.holds.get(identity)
        return hold.until if hold is not None else None

    def _check(self, said: Asked) -> None:
        """Raise ControlError unless all of it is in the export that was verified."""
        gateway = self._gateway
        gateway.holding.look(gateway.clock.now())
        found = gateway.book.consignment(said.consignment)
        if found is None:
            raise ControlError(
                f"there is no consignment {said.consignment}", "See: holdwatch consignment list"
            )
        if found.stage not in CLOSED:
            raise ControlError(
                f"{found.id} is {found.stage.replace('_', ' ')}: more will be asked of it",
                "Export and verify it again once it is delivered, or decided",
            )
        if found.id not in gateway.holding.holds:
            raise ControlError(
                f"nothing is kept for {found.id}", "See: holdwatch consignment holds"
            )
        facts = [*gateway.holding.inherited(found), *gateway.book.facts(found.id)]
        newest = max((one.number for one in facts), default=0)
        if newest != said.newest_fact:
            raise ControlError(
                f"more was stated of {found.id} since the export", "Export and verify it again"
            )
        if self._heard_since(gateway.holding.holds[found.id], said.head):
            raise ControlError(
                f"more was heard of {found.id} while its export was verified",
                "Export and verify it again",
            )

    def _heard_since(self, hold: Hold, head: int) -> bool:
        """Whether anything of what is kept came since, or nobody can know (any more)."""
        journal = self._gateway.journal
        if not journal.first - 1 <= head <= journal.head:
            return True
        return any(
            span.begin <= one.when < span.end
            for span in hold.spans
            for one in journal.read_device(span.sensor, head, journal.head)
        )
