"""What was stated of a consignment, and of those that it came from ▸ the Consignment. Pure.

What must hold, whatever was stated in whatever order: at every time from its beginning on it has
exactly one custodian and one stage, and no sensor speaks for it twice at once. Only true times
count, not when something was entered; of what is stated twice for one time the later entry does.

A part has all that was stated of its parent up to when it was split off, also what is entered
later. What was merged has the way and the stages of the first of its parents, the sensors of all,
and up to then the custodians of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway.consignments.facts import (
    BEGINNINGS,
    DECIDED,
    FIELDS,
    Arrived,
    Assigned,
    Changed,
    Confirmed,
    Created,
    Decided,
    Delivered,
    Departed,
    Fact,
    HandedOver,
    MergedFrom,
    MergedInto,
    PartOf,
    Planned,
    Review,
    Split,
    Stated,
    Unassigned,
    holding,
)
from rules.cargo.consignment import (
    FOREVER,
    Assignment,
    Consignment,
    Custody,
    Leg,
    Stage,
    Staged,
    Travelled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey

    FactsOf = Callable[[str], list[Stated]]

UNSTATED = "not stated"
"""The custodian where nobody was named."""
BETWEEN = " / "
"""Between the custodians of what was merged, of which each had a part."""


class Line(NamedTuple):
    """A consignment and where it came from: all that holds of it, in the order of what happened."""

    id: str
    began: int
    """When there was such a consignment, ms."""
    beginning: Fact
    own: list[Stated]
    """What was stated of itself."""
    parents: list[Line]
    """Those that it came from, each up to `began`."""

    def all(self) -> list[Stated]:
        """Return what holds of it and of those before it, of several the first."""
        return [*self.parents[0].all(), *self.own] if self.parents else self.own

    def size(self) -> int:
        """Return of how many it is made, itself too, each as often as there are ways from it."""
        return 1 + sum(one.size() for one in self.parents)


def line_of(identity: str, facts_of: FactsOf, until: int = FOREVER) -> Line | None:
    """Return what holds of a consignment up to a time (ms), None if there is no such one then."""
    own = [one for one in holding(facts_of(identity)) if one.at <= until]
    first = next((one for one in own if isinstance(one.fact, BEGINNINGS)), None)
    if first is None:
        return None
    parents = (line_of(one, facts_of, first.at) for one in came_from(first.fact))
    return Line(identity, first.at, first.fact, own, [one for one in parents if one is not None])


def came_from(beginning: Fact) -> tuple[str, ...]:
    """Return the ids of those that a consignment came from."""
    if isinstance(beginning, PartOf):
        return (beginning.parent,)
    return beginning.parents if isinstance(beginning, MergedFrom) else ()


def fold(owner: str, line: Line) -> Consignment:
    """Return what was stated as one consignment."""
    fields, over = settled(line)
    custodian = fields.pop("custodian")
    legs = _legs(line)
    assignments = _assignments(line, fields["ignore"], over)
    travelled = tuple(_travelled(line))
    return Consignment(
        owner=owner,
        id=line.id,
        created=line.began,
        legs=legs,
        travelled=travelled,
        assignments=assignments,
        custody=tuple(_custody(line, custodian or _first(legs))),
        stages=tuple(_stages(line)),
        parents=came_from(line.beginning),
        parts=tuple(_parts(line)),
        **fields,
    )


# -- what it is ------------------------------------------------------------------------------


def settled(line: Line) -> tuple[dict[str, Any], int]:
    """Return the fields as they are now, and since when (ms) all of it is elsewhere."""
    fields, over = _begun(line), FOREVER
    for one in line.own:
        fact = one.fact
        if isinstance(fact, Changed):
            fields |= fact.named()
        elif isinstance(fact, MergedInto):
            over = min(over, one.at)
        elif isinstance(fact, Split):
            taken = sum(part.quantity or 0.0 for part in fact.parts)
            whole = fields["quantity"]
            rest = 0.0 if whole is None else round(whole - taken, 9)
            if rest <= 0:
                # Whoever asks how much it was is not told that it was nothing.
                over = min(over, one.at)
            else:
                fields["value"] = _share(fields["value"], rest, whole)
                fields["quantity"] = rest
    return fields, over


def _begun(line: Line) -> dict[str, Any]:
    """Return the fields as they were at first."""
    fact = line.beginning
    if isinstance(fact, Created):
        return {field: getattr(fact, field) for field in FIELDS}
    before = [_before(one, line) for one in line.parents]
    fields = dict(before[0])
    if isinstance(fact, PartOf):
        fields["value"] = _share(fields["value"], fact.quantity or 0.0, fields["quantity"])
        fields["quantity"] = fact.quantity
    elif isinstance(fact, MergedFrom):
        fields["version"] = fact.version
        fields["quantity"] = _sum(before, "quantity", "unit")
        fields["value"] = _sum(before, "value", "currency")
        for field in ("carried", "cycles"):
            fields[field] = max(one[field] for one in before)
    return fields


def _before(parent: Line, line: Line) -> dict[str, Any]:
    """Return the fields of a parent as they were before it was split, or merged, into this."""
    own = [
        one
        for one in parent.own
        if one.at < line.began or not isinstance(one.fact, (Split, MergedInto))
    ]
    return settled(parent._replace(own=own))[0]


def _share(value: float | None, part: float, whole: float | None) -> float | None:
    return None if value is None or not whole else round(float(value * part / whole), 2)


def _sum(fields: Sequence[dict[str, Any]], amount: str, unit: str) -> float | None:
    """Return how much it is together, None where that is not known or not of one kind."""
    amounts = [one[amount] for one in fields]
    if None in amounts or len({one[unit] for one in fields}) > 1:
        return None
    return round(float(sum(amounts)), 9)


def _parts(line: Line) -> Iterable[str]:
    for one in line.own:
        if isinstance(one.fact, Split):
            yield from (part.id for part in one.fact.parts)
        elif isinstance(one.fact, MergedInto):
            yield one.fact.into


# -- where it went ---------------------------------------------------------------------------


def _legs(line: Line) -> tuple[Leg, ...]:
    plans = [one.fact.legs for one in line.all() if isinstance(one.fact, Planned)]
    return plans[-1] if plans else ()


def _first(legs: Sequence[Leg]) -> str:
    return legs[0].custodian if legs and legs[0].custodian else UNSTATED


def _travelled(line: Line) -> list[Travelled]:
    """Return the legs as they were, by number."""
    found: dict[int, Travelled] = {}
    for one in line.all():
        fact = one.fact
        if isinstance(fact, (Departed, Arrived)):
            known = found.get(fact.leg, Travelled(fact.leg))
            field = "departed" if isinstance(fact, Departed) else "arrived"
            found[fact.leg] = msgspec.structs.replace(known, **{field: one.at})
    return [found[leg] for leg in sorted(found)]


# -- who spoke for it ------------------------------------------------------------------------


def _assignments(line: Line, ignore: int, over: int) -> tuple[Assignment, ...]:
    """Return who spoke for it, and for those that it came from up to then, in order of time."""
    found = [
        msgspec.structs.replace(one, origin=one.origin or parent.id)
        for parent in line.parents
        for one in _cut(_assignments(parent, ignore, FOREVER), line.began)
    ]
    found += _cut(_stated(line.own, ignore), over)
    if len(line.parents) > 1:
        found = _once(found)
    return tuple(sorted(found, key=_place))


def _stated(facts: Iterable[Stated], ignore: int) -> list[Assignment]:
    found: list[Assignment] = []
    open_: dict[DeviceKey, Assignment] = {}

    def end(sensor: DeviceKey, at: int) -> None:
        one = open_.pop(sensor, None)
        if one is not None:
            found.extend(_cut([one], at))

    for one in facts:
        fact = one.fact
        if isinstance(fact, Assigned):
            end(fact.sensor, one.at)
            left_out = ignore if fact.ignore is None else fact.ignore
            open_[fact.sensor] = Assignment(
                sensor=fact.sensor,
                since=one.at,
                until=fact.until,
                ignore_until=one.at + left_out,
                where=fact.where,
            )
        elif isinstance(fact, Unassigned):
            end(fact.sensor, one.at)
    return [*found, *open_.values()]


def _cut(assignments: Iterable[Assignment], at: int) -> list[Assignment]:
    """Return assignments as they are when all of them end at a time (ms) at the latest."""
    return [
        one if one.until is not None and one.until <= at else _until(one, at)
        for one in assignments
        if one.since < at
    ]


def _until(one: Assignment, at: int) -> Assignment:
    return msgspec.structs.replace(one, until=None if at == FOREVER else at)


def _once(assignments: list[Assignment]) -> list[Assignment]:
    """Return them such that who spoke for several of the parents at once does it once."""
    found: list[Assignment] = []
    heard: dict[DeviceKey, int] = {}
    for one in sorted(assignments, key=_place):
        since = max(one.since, heard.get(one.sensor, one.since))
        until = FOREVER if one.until is None else one.until
        if since < until:
            heard[one.sensor] = until
            found.append(msgspec.structs.replace(one, since=since))
    return found


def _place(one: Assignment) -> tuple[int, str, str, int]:
    return one.since, *one.sensor, FOREVER if one.until is None else one.until


# -- who was answerable ----------------------------------------------------------------------


def _custody(line: Line, first: str) -> list[Custody]:
    """Return who was answerable, from the beginning on without a hole."""
    root, facts = line, line.own
    while len(root.parents) == 1:
        root = root.parents[0]
        facts = [*root.own, *facts]
    if not root.parents:
        return _handed_on([Custody(custodian=first, since=_beginning(root))], facts)
    of_each = []
    for parent in root.parents:
        named = settled(parent)[0]["custodian"] or _first(_legs(parent))
        of_each.append(_custody(parent, named))
    # What was claimed of the first of those that were merged may be confirmed of the whole.
    return _handed_on(_together(of_each), facts, root.parents[0].all())


def _beginning(line: Line) -> int:
    """Return when the first is stated of a consignment, ms."""
    return min([line.own[0].at, *(_beginning(one) for one in line.parents)])


def _handed_on(
    before: list[Custody], facts: Sequence[Stated], earlier: Sequence[Stated] = ()
) -> list[Custody]:
    """Return who was answerable before, and then. `earlier` may have claimed what is confirmed."""
    confirmed = {one.fact.fact: one.at for one in facts if isinstance(one.fact, Confirmed)}
    claims = {
        one.number: one.fact for one in (*earlier, *facts) if isinstance(one.fact, HandedOver)
    }
    *done, now = before
    for one in facts:
        fact = one.fact
        if isinstance(fact, Departed):
            after = msgspec.structs.replace(now, leg=fact.leg)
        elif isinstance(fact, HandedOver):
            # One that was confirmed for an earlier time is no claim any more.
            taken = confirmed.get(one.number, FOREVER) <= one.at
            after = now if taken else msgspec.structs.replace(now, confirmed=False)
        elif isinstance(fact, Confirmed) and fact.fact in claims:
            claim = claims[fact.fact]
            leg = now.leg if claim.leg is None else claim.leg
            after = msgspec.structs.replace(now, custodian=claim.to, confirmed=True, leg=leg)
        else:
            continue
        if after != now:
            if now.since < one.at:
                done.append(msgspec.structs.replace(now, until=one.at))
            now = msgspec.structs.replace(after, since=max(now.since, one.at))
            # What lasted no time at all may leave the same on both sides.
            if done and done[-1] == msgspec.structs.replace(now, **_span(done[-1])):
                now = msgspec.structs.replace(done.pop(), until=None)
    return [*done, now]


def _span(one: Custody) -> dict[str, int | None]:
    return {"since": one.since, "until": one.until}


def _together(of_each: Sequence[Sequence[Custody]]) -> list[Custody]:
    """Return who was answerable for several that became one."""
    found: list[Custody] = []
    for since in sorted({one.since for each in of_each for one in each}):
        standing = [
            next((one for one in reversed(each) if one.since <= since), None) for each in of_each
        ]
        there = [one for one in standing if one is not None]
        legs = {one.leg for one in there}
        span = Custody(
            custodian=BETWEEN.join(dict.fromkeys(one.custodian for one in there)),
            since=since,
            confirmed=all(one.confirmed for one in there),
            leg=legs.pop() if len(legs) == 1 else None,
        )
        if found:
            found[-1] = msgspec.structs.replace(found[-1], until=since)
        found.append(span)
    return found


# -- in which stage --------------------------------------------------------------------------


def _stages(line: Line) -> list[Staged]:
    stages = [Staged("planned", _beginning(line))]
    for one in line.all():
        stage = _after(stages[-1].stage, one.fact)
        if stage != stages[-1].stage:
            if stages[-1].since >= one.at:
                del stages[-1]
            if not stages or stages[-1].stage != stage:
                stages.append(Staged(stage, one.at))
    return stages


def _after(stage: Stage, fact: Fact) -> Stage:
    """Return the stage after something happened."""
    if isinstance(fact, Departed) and stage == "planned":
        return "in_transit"
    if isinstance(fact, Delivered) and stage in {"planned", "in_transit"}:
        return "delivered"
    if isinstance(fact, Decided):
        return DECIDED[fact.meaning]
    return "under_review" if isinstance(fact, Review) else stage
