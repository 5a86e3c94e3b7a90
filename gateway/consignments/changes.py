"""What people do to consignments: each is checked, stated, and entered in the audit trail.

Apart, together and taken back: parting.py. Decisions are signed elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.consignments.facts import (
    Assigned,
    Changed,
    Confirmed,
    Decided,
    HandedOver,
    Planned,
    Review,
    Stated,
    Unassigned,
)
from gateway.consignments.fold import fold, settled
from gateway.consignments.stating import Act, Stating, note, plain
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.consignments.facts import Fact
    from gateway.consignments.fold import Line
    from rules.cargo.consignment import Consignment

__all__ = ["Act", "Changes", "claims", "custodian_at"]


class Changes(Stating):
    """States what a consignment is, who speaks for it, where it goes and who has it."""

    async def add(self, identity: str, facts: Sequence[Fact], act: Act) -> None:
        """State that there is a consignment, with its way and who speaks for it.

        Raises ControlError, DiskError.
        """
        self._dated(act)
        async with self._book.changing() as change:
            if change.line(identity) is not None:
                raise ControlError(f"{identity} is there already", "Use another id")
            self._state(change, identity, facts, act)
            note(change, act, "add", identity, None, plain(facts))

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
            note(change, act, "add", identity, None, plain([*facts, *(s for _, s in sensors)]))
            if dry:
                change.forget()

    async def state(self, identity: str, facts: Sequence[Fact], act: Act, what: str) -> list[int]:
        """State facts of a consignment; return their numbers. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            self._there(change, identity)
            numbers = self._state(change, identity, facts, act)
            note(change, act, what, identity, None, {**plain(facts), "at": act.at})
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
                note(change, act, "change", identity, before, new)
        return {name: (known[name], value) for name, value in new.items()}

    async def plan(self, identity: str, legs: tuple[Any, ...], act: Act) -> None:
        """State the whole way. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            before = fold(self._book.owner, self._there(change, identity)).legs
            self._state(change, identity, [Planned(legs=legs)], act)
            note(change, act, "plan", identity, before, legs)

    async def review(self, identity: str, act: Act) -> None:
        """State that it is looked at again. Raises ControlError, DiskError."""
        self._dated(act)
        async with self._book.changing() as change:
            for one in self._there(change, identity).all():
                # Before the decision it would change nothing of how it stands.
                if isinstance(one.fact, Decided) and one.at >= act.at:
                    raise ControlError(
                        f"{identity} was decided at {self._said(one.at)}, after that",
                        "It is looked at again from now on: leave the time out",
                    )
            self._state(change, identity, [Review(why=act.reason)], act)
            note(change, act, "review", identity, None, {"why": act.reason, "at": act.at})

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
                note(change, act, "unassign", one, {"sensor": str(sensor)}, None)
            self._state(change, to, [Assigned(sensor=sensor, where=where)], act)
            note(change, act, "assign", to, None, {"sensor": str(sensor), "from": left})
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
            note(change, act, "hand-over", identity, {"custodian": now}, after)
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
            note(change, act or now, "confirm", identity, None, {"fact": claim.number})
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
