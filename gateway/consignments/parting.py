"""Consignments that come apart or together, and facts that are taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.consignments.facts import (
    BEGINNINGS,
    Assigned,
    Decided,
    MergedFrom,
    MergedInto,
    Part,
    PartOf,
    Split,
    Stated,
    Withdrawn,
    holding,
)
from gateway.consignments.fold import came_from, fold
from gateway.consignments.stating import Act, Stating, note, plain
from gateway.refusal import ControlError
from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.consignments.book import Change
    from rules.cargo.consignment import Consignment


class Parting(Stating):
    """States that one became several, or several one, and that something does not hold."""

    async def split(
        self, identity: str, parts: Sequence[Part], act: Act, *, keep_sensors: bool
    ) -> None:
        """State that parts are consignments of their own. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            whole = fold(self._book.owner, self._there(change, identity))
            self._new(change, [one.id for one in parts])
            self._state(change, identity, [Split(parts=tuple(parts))], act)
            kept = _go_on(whole, act.at) if keep_sensors else []
            for one in parts:
                part = PartOf(parent=identity, quantity=one.quantity)
                self._state(change, one.id, [part, *kept], act)
            note(change, act, "split", identity, None, plain([Split(parts=tuple(parts))]))

    async def merge(self, identity: str, parents: Sequence[str], act: Act) -> None:
        """State that several are one, which is new. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            self._new(change, [identity])
            of = [fold(self._book.owner, self._there(change, one)) for one in parents]
            _alike(of, act.at)
            merged = MergedFrom(parents=tuple(parents), version=of[0].version)
            for one in parents:
                self._state(change, one, [MergedInto(into=identity)], act, check=False)
            kept = {fact.sensor: fact for one in of for fact in _go_on(one, act.at)}
            self._state(change, identity, [merged, *kept.values()], act)
            note(change, act, "merge", identity, None, plain([merged]))

    def _new(self, change: Change, ids: Sequence[str]) -> None:
        for place, one in enumerate(ids):
            if change.line(one) is not None or one in ids[:place]:
                raise ControlError(f"{one} is there already", "Use another id")

    # -- taking back -------------------------------------------------------------------------

    async def withdraw(self, identity: str, number: int, act: Act) -> list[Stated]:
        """State that a fact, and what came with it, does not hold. Return them.

        Raises ControlError, DiskError.
        """
        if not act.reason:
            raise ControlError("there is no reason", "Say why it does not hold, with --reason")
        async with self._book.changing() as change:
            holds = holding(change.facts_of(identity))
            fact = next((one for one in holds if one.number == number), None)
            if fact is None:
                raise ControlError(
                    f"nothing with the number {number} holds of {identity}",
                    f"See: holdwatch consignment show {identity}",
                )
            gone = self._with_it(change, identity, fact)
            for name, one in gone:
                entered = act._replace(at=act.now)
                self._state(change, name, [Withdrawn(fact=one.number)], entered, check=False)
                before = {"kind": one.fact.kind, "at": one.at, **plain([one.fact])}
                note(change, act, "withdraw", name, before, None)
            self._check(change)
        return [one for _, one in gone]

    def _with_it(self, change: Change, identity: str, fact: Stated) -> list[tuple[str, Stated]]:
        """Return a fact with those that cannot stand without it, each with whose it is."""
        if isinstance(fact.fact, Decided):
            raise ControlError(
                "a signed decision stands on record for ever",
                f"Have it looked at again: holdwatch consignment review {identity} --reason …",
            )
        if isinstance(fact.fact, (PartOf, MergedInto)):
            other = fact.fact.parent if isinstance(fact.fact, PartOf) else fact.fact.into
            raise ControlError(
                f"that was entered together with {other}",
                f"Take it back there: holdwatch consignment show {other} has its number",
            )
        found = [(identity, fact)]
        if isinstance(fact.fact, Split):
            for part in fact.fact.parts:
                found += self._alone(change, part.id, fact)
        elif isinstance(fact.fact, BEGINNINGS):
            found = [(identity, one) for one in holding(change.facts_of(identity))]
            self._childless(identity, found)
            for parent in came_from(fact.fact):
                found += [
                    (parent, one)
                    for one in holding(change.facts_of(parent))
                    if isinstance(one.fact, MergedInto) and one.fact.into == identity
                ]
        return found

    def _alone(self, change: Change, part: str, split: Stated) -> list[tuple[str, Stated]]:
        """Return what holds of a part, of which nothing else may be stated than that it is one."""
        found = [(part, one) for one in holding(change.facts_of(part))]
        self._childless(part, found)
        for _, one in found:
            if one.entered != split.entered:
                raise ControlError(
                    f"more was stated of {part} since ({one.fact.kind}, number {one.number})",
                    f"Take that back first: holdwatch consignment withdraw {part} {one.number} "
                    "--reason …",
                )
        return found

    def _childless(self, identity: str, facts: Sequence[tuple[str, Stated]]) -> None:
        """Refuse to take back what a decision, or another consignment, rests on."""
        for _, one in facts:
            if isinstance(one.fact, (Split, MergedInto, Decided)):
                word = "decided" if isinstance(one.fact, Decided) else "split or merged"
                raise ControlError(
                    f"{identity} was {word}, and what that rests on stays",
                    f"See: holdwatch consignment show {identity}",
                )


def _go_on(one: Consignment, when: int) -> list[Assigned]:
    """Return that who spoke for it goes on to do so, for what comes of it."""
    return [
        # It is as warm as the goods already.
        Assigned(sensor=each.sensor, until=each.until, where=each.where, ignore=0)
        for each in one.assignments
        if each.since < when < (FOREVER if each.until is None else each.until)
    ]


def _alike(of: Sequence[Consignment], when: int) -> None:
    """Refuse to put together what is not judged in one way."""
    first = of[0]
    for one in of[1:]:
        if one.version != first.version:
            raise ControlError(
                f"{one.id} is judged by {one.version}, and {first.id} by {first.version}",
                f"Have them judged alike first: holdwatch consignment change {one.id} --version "
                f"{first.version}",
            )
    for one in of:
        if one.stage_at(when) != first.stage_at(when):
            raise ControlError(
                f"{one.id} is {one.stage_at(when)}, and {first.id} {first.stage_at(when)}",
                "Merge those that have come equally far",
            )
        if one.stage_at(when) in {"released", "rejected"}:
            raise ControlError(f"{one.id} is decided already", "Leave it as it is")
