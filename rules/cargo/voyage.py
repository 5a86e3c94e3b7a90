"""From when until when a consignment is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment

OVER = frozenset({"released", "rejected"})
GONE = OVER | {"delivered", "under_review"}


class Voyage(NamedTuple):
    """What is judged of a consignment: `since` ≤ t < `until` (ms). `over`: nothing can follow."""

    since: int
    until: int
    over: bool


def voyage(consignment: Consignment, until: int) -> Voyage:
    """Return what is judged of a consignment, as far as `until` (ms).

    It begins when it departs or its first sensor begins to count, whichever is first; a start-up
    that is left out before that is no part of it. It ends when it was decided on, or when it has
    arrived, or was split or merged, and no sensor is with it any more.
    """
    assignments = consignment.assignments
    # What is stated of later does not change how it stood then.
    stages = [one for one in consignment.stages if one.since < until]
    left = next((one.since for one in stages if one.stage == "in_transit"), None)
    if assignments:
        since = min(max(one.since, one.ignore_until) for one in assignments)
        if left is not None and left < min(one.since for one in assignments):
            since = left
    else:
        since = consignment.created if left is None else left
    end = next((one.since for one in stages if one.stage in OVER), until)
    ends = [FOREVER if one.until is None else one.until for one in assignments]
    if ends and (consignment.parts or (stages and stages[-1].stage in GONE)):
        arrived = (one.since for one in stages if one.stage == "delivered")
        end = min(end, max(since, *ends, *arrived))
    return Voyage(min(since, end), end, over=end < until)
