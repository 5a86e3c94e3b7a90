"""The rules of a consignment: those of its goods, as they judge this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.cargo.consignment import slots
from rules.rule import Rule, RuleVersion, SampleRule

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment
    from rules.profile import Profile

JOINTLY = frozenset({"any", "all", "mean"})
DECIDED = frozenset({"released", "rejected"})


def versions(consignment: Consignment, profile: Profile) -> tuple[RuleVersion, ...]:
    """Return the rules of a profile for its whole life, until it is decided on or divided up."""
    until = over(consignment)
    number = profile.version()
    return tuple(
        RuleVersion(_counting(rule.bound(consignment), consignment), number, 0, until)
        for rule in profile.rules
    )


def over(consignment: Consignment) -> int | None:
    """Return when (ms) a consignment was decided on, or all of it went into others; None: not yet.

    What was released and is under review is judged again.
    """
    if consignment.stages and consignment.stage in DECIDED:
        return consignment.stages[-1].since
    ends = [one.until for one in consignment.assignments]
    if consignment.parts and ends and None not in ends:
        return max(one for one in ends if one is not None)
    return None


def channels(profile: Profile) -> frozenset[str] | None:
    """Return the channels that a profile's rules or ranges look at; None: whatever there is."""
    found = set(profile.channels())
    for rule in profile.rules:
        for part in rule.parts():
            if not isinstance(part, SampleRule):
                continue
            if part.channel == "*":
                return None
            found.add(part.channel)
            if part.grace is not None and part.grace.channel is not None:
                found.add(part.grace.channel)
    return frozenset(found)


def _counting(rule: Rule, consignment: Consignment) -> Rule:
    """Return the rule with the slot of the sensor that counts, where one is named."""
    if not isinstance(rule, SampleRule):
        return rule
    counts = consignment.counts or rule.counts
    if counts not in JOINTLY:
        known = slots(consignment)
        slot = next((known[one] for one in known if counts in {one.id, str(one)}), 0)
        counts = f"@{slot}"
    return rule if counts == rule.counts else rule.model_copy(update={"counts": counts})
