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
)
from rules.cargo.consignment import FOREVER
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from rules.cargo.consignment import Consignment

CLOSED = frozenset({"delivered", "released", "rejected"})
"""Stages in which the period runs. Under review it does not: more may be asked."""
DECIDED = frozenset({"released", "rejected"})
AFTER = DAY
"""After the end of the voyage so much more is kept, ms."""


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
        # From when it was entered at the earliest: whoever mistypes a year takes nothing by it.
        closed = max([one.since for one in consignment.stages] + [one.entered for one in stated])
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
    """Return what a consignment's verdict rests on, by all that was stated of it.

    Of every sensor that was ever said to speak for it, from then to the end of the voyage: what
    does not count is told in the verdict too, and a report may have been signed that counted it.
    """
    first: dict[DeviceKey, int] = {}
    assigned = [(one.sensor, one.since) for one in consignment.assignments]
    assigned += [(one.fact.sensor, one.at) for one in stated if isinstance(one.fact, Assigned)]
    for sensor, since in assigned:
        first[sensor] = min(first.get(sensor, since), since)
    end = _end(consignment)
    return tuple(
        Span(sensor, since - before(sensor), max(end, since))
        for sensor, since in sorted(first.items())
    )


def _end(consignment: Consignment) -> int:
    """Return until when readings can belong to its voyage; FOREVER while it may go on."""
    ends = [FOREVER if one.until is None else one.until for one in consignment.assignments]
    stages = [one.stage for one in consignment.stages]
    decided = not DECIDED.isdisjoint(stages)
    # Where all sensors were taken back, it is judged until now: nobody says when it was over.
    if not decided and ("delivered" not in stages or FOREVER in ends or not ends):
        return FOREVER
    known = [one for one in ends if one < FOREVER]
    return max([*known, *(one.since for one in consignment.stages)]) + AFTER
