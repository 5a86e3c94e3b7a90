"""What is kept of sensors for the sake of consignments, and for how long. Pure.

What must hold: whatever a verdict rests on, or rested on when somebody signed it, stays until the
profile's period is over or an export of it was verified, whatever age, size or a full disk says.
Times are ms since 1970, UTC; lengths are ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.consignments.facts import (
    Assigned,
    Changed,
    Created,
    LetGo,
    MergedFrom,
    Stated,
    Unassigned,
    Withdrawn,
)
from rules.cargo.consignment import FOREVER
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from rules.cargo.consignment import Consignment

CLOSED = frozenset({"delivered", "released", "rejected"})
"""Stages in which the period runs. Under review it does not: more may be asked."""
AFTER = DAY
"""Of a sensor that still speaks for what is closed, so much more is kept."""


class Span(NamedTuple):
    """Of a sensor what it said in begin ≤ when < end."""

    sensor: DeviceKey
    begin: int
    end: int


class Hold(NamedTuple):
    """What is kept for a consignment, and until when; None where nobody can say yet."""

    consignment: str
    since: int
    """Of when the first of it is."""
    until: int | None
    why: str
    spans: tuple[Span, ...]


def hold(  # noqa: PLR0913 - it follows from this much
    consignment: Consignment,
    stated: Sequence[Stated],
    inherited: Sequence[Stated] = (),
    *,
    keep: Callable[[str], int],
    before: Callable[[DeviceKey], int],
    elsewhere: bool,
    now: int,
) -> Hold | None:
    """Return what is kept for a consignment at `now`, None where that is nothing (any more).

    `keep` returns a profile version's period; `before` for how long a reading of a sensor speaks:
    what it said last before it was assigned counts too. `inherited` was stated of those that it
    came from. `elsewhere`: all of it goes on in other consignments, which keep what it had.
    """
    if elsewhere or let_go(stated, inherited):
        return None
    spans = kept_of(consignment, [*inherited, *stated], before)
    if not spans:
        return None
    until, why = None, "it is not delivered yet"
    if consignment.stage in CLOSED:
        versions = {consignment.version, *_versions(stated)}
        closed = max(one.since for one in consignment.stages)
        until = closed + max(keep(one) for one in versions)
        why = f"it is {consignment.stage}"
    elif consignment.stage == "under_review":
        why = "it is under review"
    if until is not None and until <= now:
        return None
    return Hold(consignment.id, min(one.begin for one in spans), until, why, spans)


def let_go(stated: Sequence[Stated], inherited: Sequence[Stated] = ()) -> bool:
    """Whether an export was verified, and nothing was stated since."""
    if not stated or not isinstance(stated[-1].fact, LetGo):
        return False
    return all(one.number < stated[-1].number for one in inherited)


def _versions(stated: Iterable[Stated]) -> set[str]:
    """Return every version of a profile that a consignment was ever to be judged by."""
    versions = (
        one.fact.version for one in stated if isinstance(one.fact, (Created, Changed, MergedFrom))
    )
    return {one for one in versions if isinstance(one, str)}


def kept_of(
    consignment: Consignment, stated: Sequence[Stated], before: Callable[[DeviceKey], int]
) -> tuple[Span, ...]:
    """Return what a consignment's verdict rests on, by all that was stated of it."""
    closed = consignment.stage in CLOSED
    last = max((one.since for one in consignment.stages), default=FOREVER)
    found = []
    for one in consignment.assignments:
        end = one.until
        if end is None:
            end = last + AFTER if closed else FOREVER
        found.append(Span(one.sensor, one.since - before(one.sensor), max(end, one.since)))
    found += [Span(sensor, begin - before(sensor), end) for sensor, begin, end in _believed(stated)]
    return tuple(sorted({one for one in found if one.begin < one.end}))


def _believed(stated: Sequence[Stated]) -> Iterable[Span]:
    """Yield times in which a sensor was taken to speak for it, until somebody said otherwise.

    A report that was signed meanwhile rests on them.
    """
    facts = {one.number: one for one in stated}
    for one in stated:
        if isinstance(one.fact, Unassigned) and one.at < one.entered:
            yield Span(one.fact.sensor, one.at, one.entered)
        elif isinstance(one.fact, Withdrawn):
            said = facts.get(one.fact.fact)
            if said is not None and isinstance(said.fact, Assigned):
                until = FOREVER if said.fact.until is None else said.fact.until
                yield Span(said.fact.sensor, said.at, min(until, one.entered))
