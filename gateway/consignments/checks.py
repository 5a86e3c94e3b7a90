"""What cannot be true together of a consignment: found before it is kept. Pure.

It is asked of all that would hold, whatever the order of entry: an arrival that is entered late,
and a departure that is withdrawn, go through the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.consignments.facts import (
    BEGINNINGS,
    Arrived,
    Assigned,
    Changed,
    Confirmed,
    Created,
    Decided,
    Delivered,
    Departed,
    HandedOver,
    LetGo,
    MergedInto,
    Planned,
    Review,
    Split,
    Unassigned,
)
from gateway.consignments.fold import came_from, settled
from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.reading import DeviceKey
    from gateway.consignments.facts import Stated
    from gateway.consignments.fold import Line

    Said = Callable[[int], str]
    """A time (ms) as people read it."""

ALWAYS = (Changed, Decided, Review, Confirmed, LetGo)
"""What may be stated of what is over, too."""
MOST_BEFORE = 500
"""Consignments that one may come from, each as often as there are ways from it."""


class Contradiction(NamedTuple):
    """What cannot be, and what to do."""

    problem: str
    cure: str


def contradictions(line: Line, said: Said) -> Iterator[Contradiction]:
    """Yield what cannot be true together, of what is stated of a consignment itself."""
    came = _descent(line, said)
    if came is not None:
        # Of what it came from nothing is known: neither what it is nor who has it.
        yield came
        return
    yield from _existence(line, said)
    yield from _way(line, said)
    yield from _sensors(line, said)
    yield from _handovers(line)
    yield from _stages(line, said)
    yield from _parts(line)


def _take_back(line: Line, stated: Stated) -> str:
    return (
        "If that is wrong, take it back first: holdwatch consignment withdraw "
        f"{line.id} {stated.number} --reason …"
    )


def _descent(line: Line, said: Said) -> Contradiction | None:
    """Find a consignment that came from none, or from more than can be followed."""
    there = {one.id for one in line.parents}
    for one in came_from(line.beginning):
        if one not in there:
            return Contradiction(
                f"there was no consignment {one} yet at {said(line.began)}",
                f"Give a later time; see when it was entered: holdwatch consignment show {one}",
            )
    if line.size() > MOST_BEFORE:
        return Contradiction(
            f"{line.id} came apart and together more often than can be followed: it is made of "
            f"{line.size():,}, each counted as often as it went into it",
            "Let it be a consignment of its own: holdwatch consignment add",
        )
    return None


def _existence(line: Line, said: Said) -> Iterator[Contradiction]:
    """Find what is stated before there was such a one, or when all of it was elsewhere."""
    beginnings = [one for one in line.own if isinstance(one.fact, BEGINNINGS)]
    if len(beginnings) > 1:
        yield Contradiction(f"{line.id} is there already", "Use another id")
    over = settled(line)[1]
    for one in line.own:
        if one.at < line.began and not isinstance(line.beginning, Created):
            yield Contradiction(
                f"{line.id} came to be at {said(line.began)}, after that time",
                f"State it of {' or '.join(p.id for p in line.parents)}: what holds of that then "
                "holds of this too",
            )
        if one.at > over and not isinstance(one.fact, ALWAYS):
            later = next(f.fact for f in line.own if f.at == over and _ends(f))
            into = (
                [later.into]
                if isinstance(later, MergedInto)
                else [part.id for part in later.parts]
                if isinstance(later, Split)
                else []
            )
            yield Contradiction(
                f"all of {line.id} is in {', '.join(into)} since {said(over)}",
                "State it of that, or give a time before",
            )


def _ends(stated: Stated) -> bool:
    return isinstance(stated.fact, (MergedInto, Split))


def _way(line: Line, said: Said) -> Iterator[Contradiction]:
    """Find legs that are not there, and times of them that cannot be."""
    plans = [one.fact.legs for one in line.all() if isinstance(one.fact, Planned)]
    numbers = {leg.number for leg in plans[-1]} if plans else set()
    departed: dict[int, Stated] = {}
    arrived: dict[int, Stated] = {}
    for one in line.all():
        fact = one.fact
        if not isinstance(fact, (Departed, Arrived)):
            continue
        real, word = (departed, "departed") if isinstance(fact, Departed) else (arrived, "arrived")
        if fact.leg not in numbers:
            yield Contradiction(
                f"{line.id} has no leg {fact.leg}" + (f", which {word}" if numbers else ""),
                f"Its legs are {', '.join(map(str, sorted(numbers)))}"
                if numbers
                else f"Say the way first: holdwatch consignment leg {line.id} --mode road …",
            )
        elif fact.leg in real:
            first = real[fact.leg]
            yield Contradiction(
                f"leg {fact.leg} of {line.id} {word} at {said(first.at)} already",
                _take_back(line, first),
            )
        real.setdefault(fact.leg, one)
    yield from _times(line, departed, arrived, said)


def _times(
    line: Line, departed: dict[int, Stated], arrived: dict[int, Stated], said: Said
) -> Iterator[Contradiction]:
    for leg, one in arrived.items():
        if leg not in departed:
            yield Contradiction(
                f"leg {leg} of {line.id} has not departed, and cannot arrive",
                f"Say when it did: holdwatch consignment depart {line.id} --leg {leg} --at …",
            )
        elif one.at <= departed[leg].at:
            yield Contradiction(
                f"leg {leg} of {line.id} would arrive at {said(one.at)}, and departed at "
                f"{said(departed[leg].at)}",
                "Give a time after that. " + _take_back(line, departed[leg]),
            )
    for leg, one in departed.items():
        for earlier in (other for other in departed if other < leg):
            last = arrived.get(earlier, departed[earlier])
            if one.at < last.at:
                word = "arrived" if earlier in arrived else "departed"
                yield Contradiction(
                    f"leg {leg} of {line.id} would depart at {said(one.at)}, before leg {earlier} "
                    f"{word} at {said(last.at)}",
                    "Give a time after that. " + _take_back(line, last),
                )


def _sensors(line: Line, said: Said) -> Iterator[Contradiction]:
    """Find sensors that would speak for it twice at once, or be taken from where they are not."""
    running: dict[DeviceKey, tuple[int, int]] = {}
    for one in line.own:
        fact = one.fact
        if not isinstance(fact, (Assigned, Unassigned)):
            continue
        since, until = running.get(fact.sensor, (0, 0))
        if isinstance(fact, Assigned):
            if fact.until is not None and fact.until <= one.at:
                yield Contradiction(
                    f"{fact.sensor} would end at {said(fact.until)}, before it begins",
                    "Give a later end",
                )
            if one.at < until:
                yield Contradiction(
                    f"{fact.sensor} would speak for {line.id} twice at {said(one.at)}: it does "
                    f"since {said(since)}",
                    f"End the one before the other begins, with --until {said(one.at)!r} or: "
                    f"holdwatch consignment unassign {line.id} {fact.sensor} --at …",
                )
            running[fact.sensor] = (one.at, FOREVER if fact.until is None else fact.until)
        elif one.at >= until:
            yield Contradiction(
                f"{fact.sensor} does not speak for {line.id} at {said(one.at)}",
                f"See which sensors do: holdwatch consignment show {line.id}",
            )
        else:
            running[fact.sensor] = (since, one.at)


def _handovers(line: Line) -> Iterator[Contradiction]:
    claims = {one.number for one in line.all() if isinstance(one.fact, HandedOver)}
    done: set[int] = set()
    for one in line.all():
        if not isinstance(one.fact, Confirmed):
            continue
        if one.fact.fact not in claims:
            yield Contradiction(
                f"{line.id} has no handover {one.fact.fact} that could be confirmed",
                f"See: holdwatch consignment show {line.id}",
            )
        elif one.fact.fact in done:
            yield Contradiction(
                f"the handover {one.fact.fact} of {line.id} is confirmed already",
                _take_back(line, one),
            )
        done.add(one.fact.fact)


def _stages(line: Line, said: Said) -> Iterator[Contradiction]:
    """Find deliveries before the way, ways after the delivery, decisions about what is decided."""
    delivered: Stated | None = None
    decided: Stated | None = None
    moved = False
    for one in line.all():
        fact = one.fact
        if isinstance(fact, (Departed, Arrived)):
            moved = True
            if delivered is not None:
                word = "depart" if isinstance(fact, Departed) else "arrive"
                yield Contradiction(
                    f"leg {fact.leg} of {line.id} would {word} at {said(one.at)}, after it was "
                    f"delivered at {said(delivered.at)}",
                    "Give a time before that. " + _take_back(line, delivered),
                )
        elif isinstance(fact, Delivered):
            if delivered is not None:
                yield Contradiction(
                    f"{line.id} was delivered at {said(delivered.at)} already",
                    _take_back(line, delivered),
                )
            delivered = one
            if not moved and any(isinstance(f.fact, Planned) and f.fact.legs for f in line.all()):
                yield Contradiction(
                    f"{line.id} would be delivered at {said(one.at)}, before it departed",
                    f"Say when it did: holdwatch consignment depart {line.id} --at …",
                )
        elif isinstance(fact, Review):
            decided = None
        elif isinstance(fact, Decided):
            if decided is not None:
                yield Contradiction(
                    f"{line.id} was decided at {said(decided.at)} already",
                    f"Have it looked at again first: holdwatch consignment review {line.id} "
                    "--reason …",
                )
            decided = one if fact.meaning != "held" else None


def _parts(line: Line) -> Iterator[Contradiction]:
    """Find more that is split off than there is."""
    for place, one in enumerate(line.own):
        if not isinstance(one.fact, Split):
            continue
        fields = settled(line._replace(own=line.own[:place]))[0]
        whole, unit = fields["quantity"], fields["unit"]
        for part in one.fact.parts:
            if whole is not None and part.quantity is None:
                yield Contradiction(
                    f"it is not said how much of {line.id} is {part.id}",
                    f"Write it as {part.id}:{whole:.12g}, of {whole:.12g} {unit}".rstrip(),
                )
            elif whole is None and part.quantity is not None:
                yield Contradiction(
                    f"nobody said how much {line.id} is",
                    f"Say so first: holdwatch consignment change {line.id} --quantity …",
                )
        taken = round(sum(part.quantity or 0.0 for part in one.fact.parts), 9)
        if whole is not None and taken > whole:
            there = f"{whole:.12g} {unit}".strip()
            yield Contradiction(
                f"{taken:.12g} cannot be split from {line.id}, which has {there}",
                "Give less, or correct its quantity",
            )
