"""From when on a consignment is judged otherwise, and for what: one before and after. Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules.cargo.consignment import Assignment, Consignment

ALL = 0
"""From then on (ms): all of it."""
OF_ALL = ("goods", "version", "counts", "wait", "carried", "cycles", "parents")
"""Fields by which all of it is judged."""


def difference(before: Consignment | None, after: Consignment | None) -> tuple[int, str] | None:
    """Return from when on (ms) it is judged otherwise and of what that is; None: it is not.

    The custodians are among it: rules do not ask for them, but what is told of the past does.
    """
    if before == after:
        return None
    if before is None or after is None:
        return ALL, "consignment"
    found = {field: ALL for field in OF_ALL if getattr(before, field) != getattr(after, field)}
    found |= {
        what: since
        for what, since in (
            ("sensors", _sensors(before.assignments, after.assignments)),
            ("legs", _legs(before, after)),
            ("stages", _spans(_stages(before), _stages(after))),
            ("custody", _spans(_custody(before), _custody(after))),
        )
        if since is not None
    }
    return (min(found.values()), " and ".join(sorted(found))) if found else None


def _sensors(before: Sequence[Assignment], after: Sequence[Assignment]) -> int | None:
    """Return from when on a sensor speaks for it that did not, or the other way round."""
    sinces = []
    for one in {*before} ^ {*after}:
        twin = next(
            (
                other
                for other in (after if one in before else before)
                if (other.sensor, other.since, other.ignore_until)
                == (one.sensor, one.since, one.ignore_until)
            ),
            None,
        )
        sinces.append(one.since if twin is None else min(_end(one.until), _end(twin.until)))
    # One that is said to be elsewhere within it speaks as before.
    return min((one for one in sinces if one != FOREVER), default=None)


def _end(until: int | None) -> int:
    return FOREVER if until is None else until


def _legs(before: Consignment, after: Consignment) -> int | None:
    """Return from when on the way is another, as planned or as it was."""
    if (before.legs, before.travelled) == (after.legs, after.travelled):
        return None
    times: list[int] = []
    for leg in {one.number for one in (*before.legs, *after.legs)}:
        plans = [next((o for o in way.legs if o.number == leg), None) for way in (before, after)]
        if plans[0] != plans[1]:
            times += _begins(leg, before, after)
    for one in {*before.travelled} ^ {*after.travelled}:
        other = [way for each in (before, after) for way in each.travelled if way.leg == one.leg]
        departed, arrived = {way.departed for way in other}, {way.arrived for way in other}
        if len(other) == 1 or len(departed) > 1:
            times += _known(departed)
        if len(other) == 1 or len(arrived) > 1:
            times += _known(arrived)
    return min(times, default=ALL)


def _begins(leg: int, *ways: Consignment) -> list[int]:
    """Return when a leg begins, by either; the beginning of all where nobody said when."""
    found: list[int] = []
    for way in ways:
        plan = next((one for one in way.legs if one.number == leg), None)
        real = next((one.departed for one in way.travelled if one.leg == leg), None)
        if plan is not None:
            when = plan.departs if real is None else real
            found.append(ALL if when is None else when)
    return found


def _known(times: Iterable[int | None]) -> list[int]:
    return [one for one in times if one is not None]


def _stages(one: Consignment) -> list[Sequence[object]]:
    return [(each.since, each.stage) for each in one.stages]


def _custody(one: Consignment) -> list[Sequence[object]]:
    return [(each.since, each.custodian, each.confirmed, each.leg) for each in one.custody]


def _spans(before: list[Any], after: list[Any]) -> int | None:
    """Return from when on the one list of spans says something else than the other."""
    for one, other in zip_longest(before, after):
        if one != other:
            sinces: list[int] = [span[0] for span in (one, other) if span is not None]
            return min(sinces)
    return None
