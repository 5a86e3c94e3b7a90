"""How facts of consignments are stated: dated, checked against all that is known, and noted.

Nothing is overwritten. What is stated of the past needs a reason, and what contradicts what is
known already is refused, with what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway.consignments.checks import contradictions
from gateway.consignments.facts import Assigned, Created, Planned
from gateway.people.audit import Entry
from gateway.refusal import ControlError
from rules.duration import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.consignments.book import Book, Change
    from gateway.consignments.facts import Fact
    from gateway.consignments.fold import Line
    from gateway.people.audit import Who

LATE = 5 * MINUTE
"""What is stated of a time longer ago than this (ms) needs a reason."""


class Act(NamedTuple):
    """When something was so (ms), when it is said, by whom and why."""

    at: int
    now: int
    who: Who
    reason: str = ""


class Stating:
    """What all who state facts of consignments have in common."""

    def __init__(self, book: Book, said: Callable[[int], str]) -> None:
        """`said`: a time (ms) as people read it."""
        self._book = book
        self._said = said

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


def plain(facts: Sequence[Fact]) -> dict[str, Any]:
    """Return facts as the audit trail has them."""
    found: dict[str, Any] = {}
    for one in facts:
        plain = msgspec.to_builtins(one)
        if isinstance(one, (Created, Assigned, Planned)) and len(facts) > 1:
            found.setdefault(one.kind, []).append(plain)
        else:
            found |= plain
    return found


def note(  # noqa: PLR0913, PLR0917 - an entry has this many parts
    change: Change, act: Act, what: str, identity: str, before: object, after: object
) -> None:
    """Enter in the audit trail what was done."""
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
