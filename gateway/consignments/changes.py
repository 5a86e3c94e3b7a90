"""What people do to consignments: each is checked, stated, and entered in the audit trail.

Nothing is overwritten. What is stated of the past needs a reason, and what contradicts what is
known already is refused, with what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway.audit import Entry
from gateway.consignments.checks import contradictions
from gateway.consignments.facts import (
    BEGINNINGS,
    Assigned,
    Changed,
    Confirmed,
    Created,
    Decided,
    HandedOver,
    MergedFrom,
    MergedInto,
    Part,
    PartOf,
    Planned,
    Split,
    Stated,
    Unassigned,
    Withdrawn,
    holding,
)
from gateway.consignments.fold import came_from, fold, settled
from gateway.control import ControlError
from rules.cargo.consignment import FOREVER
from rules.duration import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey
    from gateway.audit import Who
    from gateway.consignments.book import Book, Change
    from gateway.consignments.facts import Fact
    from gateway.consignments.fold import Line
    from rules.cargo.consignment import Consignment

LATE = 5 * MINUTE
"""What is stated of a time longer ago than this (ms) needs a reason."""


class Act(NamedTuple):
    """When something was so (ms), when it is said, by whom and why."""

    at: int
    now: int
    who: Who
    reason: str = ""


class Changes:
    """The only one who states facts of consignments, but for decisions."""

    def __init__(self, book: Book, said: Callable[[int], str]) -> None:
        """`said`: a time (ms) as people read it."""
        self._book = book
        self._said = said

    async def add(self, identity: str, facts: Sequence[Fact], act: Act) -> None:
        """State that there is a consignment, with its way and who speaks for it.

        Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            if change.line(identity) is not None:
                raise ControlError(f"{identity} is there already", "Use another id")
            self._state(change, identity, facts, act)
            _note(change, act, "add", identity, None, _plain(facts))

    async def take_in(
        self,
        identity: str,
        facts: Sequence[Fact],
        sensors: Sequence[tuple[int, Assigned]],
        act: Act,
        *,
        dry: bool,
    ) -> None:
        """State a consignment from a table, with since when (ms) each sensor spoke for it.

        `dry`: only try whether it could be. Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            if change.line(identity) is not None:
                raise ControlError(f"{identity} is there already", "Use another id")
            self._state(change, identity, facts, act)
            for since, one in sensors:
                then = act._replace(at=since)
                self._dated(then)
                self._state(change, identity, [one], then)
            _note(change, act, "add", identity, None, _plain([*facts, *(s for _, s in sensors)]))
            if dry:
                change.forget()

    async def state(self, identity: str, facts: Sequence[Fact], act: Act, what: str) -> list[int]:
        """State facts of a consignment; return their numbers. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            self._there(change, identity)
            numbers = self._state(change, identity, facts, act)
            _note(change, act, what, identity, None, {**_plain(facts), "at": act.at})
        return numbers

    async def change(
        self, identity: str, fields: dict[str, object], act: Act
    ) -> dict[str, tuple[Any, Any]]:
        """State fields that are otherwise; return those that differ, before and after.

        Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            known = settled(self._there(change, identity))[0]
            new = {name: value for name, value in fields.items() if known[name] != value}
            if new:
                self._state(change, identity, [msgspec.convert(new, Changed)], act)
                before = {name: known[name] for name in new}
                _note(change, act, "change", identity, before, new)
        return {name: (known[name], value) for name, value in new.items()}

    async def plan(self, identity: str, legs: tuple[Any, ...], act: Act) -> None:
        """State the whole way. Raises ControlError, DiskError."""
        async with self._book.changing() as change:
            before = fold(self._book.owner, self._there(change, identity)).legs
            self._state(change, identity, [Planned(legs=legs)], act)
            _note(change, act, "plan", identity, before, legs)

    async def move(
        self, sensor: DeviceKey, to: str, act: Act, where: str, came: Sequence[str] = ()
    ) -> list[str]:
        """State that a sensor speaks for `to` and for no others any more (only not for `came`).

        Return which it spoke for. Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            self._there(change, to)
            spoke = [one.id for one in self._book.of(sensor) if _speaks(one, sensor, act.at)]
            left = [one for one in spoke if (not came or one in came) and one != to]
            for one in came:
                if one not in spoke:
                    raise ControlError(
                        f"{sensor} does not speak for {one} at {self._said(act.at)}",
                        f"See which sensors do: holdwatch consignment show {one}",
                    )
            for one in left:
                self._state(change, one, [Unassigned(sensor=sensor)], act)
                _note(change, act, "unassign", one, {"sensor": str(sensor)}, None)
            self._state(change, to, [Assigned(sensor=sensor, where=where)], act)
            _note(change, act, "assign", to, None, {"sensor": str(sensor), "from": left})
        return left

    # -- handing over ------------------------------------------------------------------------

    async def hand_over(self, identity: str, claim: HandedOver, act: Act, *, both: bool) -> int:
        """State that one side says it went to another; `both`: the other says so too.

        Return the number of the handover. Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            line = self._there(change, identity)
            now = custodian_at(fold(self._book.owner, line), act.at)
            if now == claim.to:
                raise ControlError(
                    f"{claim.to} has {identity} at {self._said(act.at)} already",
                    "Say who has it now, with --to",
                )
            (number,) = self._state(change, identity, [claim], act)
            if both:
                self._state(change, identity, [Confirmed(fact=number)], act)
            after = {"to": claim.to, "confirmed": both, "at": act.at}
            _note(change, act, "hand-over", identity, {"custodian": now}, after)
        return number

    async def confirm(self, identity: str, number: int | None, act: Act | None, now: Act) -> Stated:
        """State that the other side says so too, at its time or (None) at that of the first.

        Return the handover. Raises ControlError, DiskError.
        """
        if act is not None:
            self._dated(act)
        async with self._book.changing() as change:
            claim = self._claim(self._there(change, identity), number)
            fact = Confirmed(fact=claim.number)
            self._state(change, identity, [fact], act or now._replace(at=claim.at))
            _note(change, act or now, "confirm", identity, None, {"fact": claim.number})
        return claim

    def _claim(self, line: Line, number: int | None) -> Stated:
        waiting = claims(line)
        found = [one for one in waiting if number in {None, one.number}]
        if len(found) == 1:
            return found[0]
        if not waiting:
            raise ControlError(
                f"no handover of {line.id} waits to be confirmed",
                f"Enter it first: holdwatch consignment hand-over {line.id} --to …",
            )
        told = ", ".join(
            f"{one.number} (to {one.fact.to}, {self._said(one.at)})"
            for one in waiting
            if isinstance(one.fact, HandedOver)
        )
        raise ControlError(
            f"it is not said which handover of {line.id} is confirmed",
            f"Give its number with --number: {told}",
        )

    # -- apart and together --------------------------------------------------------------------

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
            _note(change, act, "split", identity, None, _plain([Split(parts=tuple(parts))]))

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
            _note(change, act, "merge", identity, None, _plain([merged]))

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
                before = {"kind": one.fact.kind, "at": one.at, **_plain([one.fact])}
                _note(change, act, "withdraw", name, before, None)
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

    # -- for all of them ---------------------------------------------------------------------

    def _dated(self, act: Act) -> None:
        """Refuse what is still to come, and the past without a reason."""
        if act.at > act.now:
            raise ControlError(
                f"{self._said(act.at)} is still to come", "Give a time that is over, or none"
            )
        if act.now - act.at > LATE and not act.reason:
            raise ControlError(
                f"{self._said(act.at)} is past, and there is no reason why it is entered now",
                'Say why, with --reason: "The driver told it by telephone"',
            )

    def _there(self, change: Change, identity: str) -> Line:
        line = change.line(identity)
        if line is None:
            raise ControlError(
                f"there is no consignment {identity}", "See: holdwatch consignment list"
            )
        return line

    def _state(
        self,
        change: Change,
        identity: str,
        facts: Sequence[Fact],
        act: Act,
        *,
        check: bool = True,
    ) -> list[int]:
        numbers = [
            change.state(
                identity, one, at=act.at, entered=act.now, who=act.who.name, reason=act.reason
            )
            for one in facts
        ]
        if check:
            self._check(change)
        return numbers

    def _check(self, change: Change) -> None:
        """Refuse what contradicts itself. Raises ControlError."""
        for one in change.touched():
            line = change.line(one)
            for problem, cure in contradictions(line, self._said) if line is not None else ():
                raise ControlError(problem, cure)


def claims(line: Line) -> list[Stated]:
    """Return the handovers that are not confirmed, oldest first."""
    facts = line.all()
    done = {one.fact.fact for one in facts if isinstance(one.fact, Confirmed)}
    return [one for one in facts if isinstance(one.fact, HandedOver) and one.number not in done]


def custodian_at(consignment: Consignment, when: int) -> str:
    """Return who was answerable at a time (ms)."""
    found = [one.custodian for one in consignment.custody if one.since <= when]
    return found[-1] if found else consignment.custody[0].custodian


def _speaks(one: Consignment, sensor: DeviceKey, when: int) -> bool:
    return any(
        each.sensor == sensor and each.since <= when and (each.until is None or when < each.until)
        for each in one.assignments
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


def _plain(facts: Sequence[Fact]) -> dict[str, Any]:
    """Return facts as the audit trail has them."""
    found: dict[str, Any] = {}
    for one in facts:
        plain = msgspec.to_builtins(one)
        if isinstance(one, (Created, Assigned, Planned)) and len(facts) > 1:
            found.setdefault(one.kind, []).append(plain)
        else:
            found |= plain
    return found


def _note(  # noqa: PLR0913, PLR0917 - an entry has this many parts
    change: Change, act: Act, what: str, identity: str, before: object, after: object
) -> None:
    change.note(
        Entry(
            at=act.now,
            who=act.who,
            what=f"consignment-{what}",
            object=identity,
            reason=act.reason,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(after),
        )
    )
