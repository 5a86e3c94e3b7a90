"""What is proposed to the person who decides, by the profile's criteria, and why in sentences.

In this order, and the first that applies counts:

1. reject: a rule alerted that `criteria.reject` names, or its budget is used up;
2. hold: any other rule alerted that `criteria.accept` does not name; or its budget is used up; or
   something was out of its range, and nothing in the profile allows that: neither a budget, nor a
   rule in `criteria.accept` that is about such values; or something was used up before we heard of
   it, and no budget counts that;
3. indeterminate: nobody knows for longer than `criteria.unknown`; or a budget would be used up if
   all that time was as bad as can be; or a sensor that was assigned was never heard; or the mean
   kinetic temperature of the voyage was above a rule's limit for a longer window;
4. release.

What is allowed is allowed as far out as its own limit says, and not beyond the next one: of rules
about the same channel the limit that lies furthest out and was passed counts, however shortly.

An open alert counts, and one that was withdrawn does not. The mean kinetic temperature excuses no
excursion, and nothing is released by it: a rule about it can alert, as any other.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, NamedTuple

from devices.reading import QUANTITIES
from rules.cargo.budgets import Extent, extent, uses
from rules.cargo.excursions import number
from rules.cargo.words import length, moment
from rules.kinds.budget import StabilityBudget
from rules.kinds.freeze_thaw import FreezeThaw
from rules.kinds.mkt import MeanKinetic
from rules.revision import withdrawn
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from devices.reading import DeviceKey
    from rules.alert import Alert
    from rules.cargo.budgets import Spent
    from rules.cargo.verdict import Excursion, Proposal, Statistic
    from rules.profile import Profile, Range
    from rules.rule import Rule


class Known(NamedTuple):
    """What a proposal is made by.

    `statistics` are those of what the goods have a range for, or critical rules look at; of goods
    without either all there are.
    """

    statistics: Sequence[Statistic]
    spent: Sequence[Spent]
    excursions: Sequence[Excursion]
    alerts: Sequence[Alert]
    missing: Sequence[str]
    """Channels that ranges and rules are about, or that are needed, and were never heard."""
    silent: Sequence[DeviceKey]
    """Sensors that were assigned, and never heard."""
    carried: int = 0
    """Time out of range that was used up before we heard of it, ms."""
    cycles: int = 0
    """Times that it was frozen before we heard of it."""
    zone: dt.tzinfo = dt.UTC
    """By whose clock times are said."""


def propose(profile: Profile, known: Known) -> tuple[Proposal, tuple[str, ...]]:
    """Return what is proposed, and why: what counts first comes first."""
    rejects = list(_against(profile, known, reject=True))
    holds = [
        *_against(profile, known, reject=False),
        *_uncovered(profile, known),
        *_brought(known),
    ]
    doubts = list(_doubts(profile, known))
    if rejects:
        return "reject", (*rejects, *holds, *doubts)
    if holds:
        return "hold", (*holds, *doubts)
    if doubts:
        return "indeterminate", tuple(doubts)
    return "release", tuple(_well(profile, known))


def meant(profile: Profile, names: Sequence[str]) -> set[str]:
    """Return the names of rules, and of the parts that those are made of."""
    rules = (profile.rule(name) for name in names)
    return {*names, *(part.name for rule in rules if rule is not None for part in rule.parts())}


# -- what speaks against it ------------------------------------------------------------------------


def _against(profile: Profile, known: Known, *, reject: bool) -> Iterator[str]:
    """Yield which alerts and budgets lead to a rejection, or else keep it back."""
    accepted = meant(profile, profile.criteria.accept)
    rejected = meant(profile, profile.criteria.reject)
    by_rule: dict[str, list[Alert]] = {}
    for alert in known.alerts:
        if not withdrawn(alert.reason) and alert.rule not in accepted:
            by_rule.setdefault(alert.rule, []).append(alert)
    used_up = {
        one.rule.name: one
        for one in known.spent
        if one.exceeded("known") and one.rule.name not in accepted
    }
    meaning = "by this profile the goods are lost" if reject else "somebody must decide"
    for name in dict.fromkeys([*by_rule, *used_up]):
        if (name in rejected) != reject:
            continue
        if name in used_up:
            yield f"{budget_words(used_up[name])}: {meaning}"
        else:
            yield f"{_alerted(by_rule[name], known.zone)}: {meaning}"


def _alerted(alerts: Sequence[Alert], zone: dt.tzinfo) -> str:
    first = min(alerts, key=lambda one: (one.began, one.id))
    times = "" if len(alerts) == 1 else f" {len(alerts)} times, first"
    open_ = ", and still does" if any(one.ended is None for one in alerts) else ""
    limit = f" ({first.limit})" if first.limit else ""
    return f"Rule {first.rule}{limit} alerted{times} from {moment(first.began, zone)}{open_}"


def budget_words(spent: Spent, case: str = "known") -> str:
    """Say how a budget stands: "Above 8 °C for 11 h in all; 10 h are allowed (rule too-warm)"."""
    budget = spent.budget
    used = getattr(budget.used, case) + budget.carried
    if budget.unit == "cycles":
        brought = f", {budget.carried:g} of them before" if budget.carried else ""
        return (
            f"Frozen and thawed {used:g} times{brought}; {budget.allowed:g} are allowed "
            f"(rule {budget.rule})"
        )
    brought = f", {length(budget.carried)} of it before" if budget.carried else ""
    weighed = ", weighed by temperature" if getattr(spent.rule, "reference", None) else ""
    return (
        f"{_beyond(spent.rule)} for {length(used)} in all{weighed}{brought}; "
        f"{_are(budget.allowed)} allowed (rule {budget.rule})"
    )


def _beyond(rule: SampleRule) -> str:
    """Say which values a rule is about: "Above 8 °C"."""
    low, high, inclusive = extent(rule) or Extent(-math.inf, math.inf, inclusive=False)
    unit = QUANTITIES[rule.channel.partition(".")[0]].unit
    space = f" {unit}" if unit else ""
    if math.isfinite(low) and math.isfinite(high):
        return f"Outside {number(low)} to {number(high)}{space}"
    text = f"above {number(high)}" if math.isfinite(high) else f"below {number(low)}"
    return f"{'At or ' + text if inclusive else text.capitalize()}{space}"


# -- what was out of range -------------------------------------------------------------------------


def _uncovered(profile: Profile, known: Known) -> Iterator[str]:
    """Yield what was out of range and nothing allows, in one sentence for each side of a range."""
    found: dict[tuple[str, str], list[Excursion]] = {}
    for one in known.excursions:
        if not _covered(profile, known.spent, one):
            found.setdefault((one.channel, one.side), []).append(one)
    for (channel, side), ones in found.items():
        limit = profile.range(channel)
        yield f"{_times(ones, side, limit, known.zone)}, and nothing in the profile allows that"


def _covered(profile: Profile, spent: Sequence[Spent], one: Excursion) -> bool:
    """Whether the profile allows values as far out as these: see above.

    A total for mild values says nothing of those beyond a graver limit. A budget that is used up
    is told by itself.
    """
    about = [rule for rule in _parts(profile.rules) if _is_about(rule, one)]
    named = (profile.rule(name) for name in profile.criteria.accept)
    allowing = [
        *(budget.rule for budget in spent if _is_about(budget.rule, one)),
        *(part for part in _parts(rule for rule in named if rule) if _is_about(part, one)),
    ]
    limit = profile.range(one.channel)
    edge = None if limit is None else (limit.low if one.side == "below" else limit.high)
    sign = -1 if one.side == "below" else 1
    passed = [-math.inf if edge is None else sign * edge, *(_reach(r, one.side) for r in about)]
    return any(_reach(rule, one.side) >= max(passed) for rule in allowing)


def _parts(rules: Iterable[Rule]) -> Iterator[SampleRule]:
    for rule in rules:
        yield from (part for part in rule.parts() if isinstance(part, SampleRule))


def _is_about(rule: SampleRule, one: Excursion) -> bool:
    return rule.channel == one.channel and uses(rule, one.worst)


def _reach(rule: SampleRule, side: str) -> float:
    """Return where what a rule is about begins on a side; what is further out is more."""
    if isinstance(rule, FreezeThaw):
        return -rule.freezes if side == "below" else -math.inf
    found = extent(rule)
    if found is None:
        return -math.inf
    # A rule that knows no limit on this side is not about it.
    return -found.low if side == "below" else found.high if found.high < math.inf else -math.inf


def _brought(known: Known) -> Iterator[str]:
    """Yield what was used up before we heard of it, where no budget counts that."""
    kinds = {type(one.rule) for one in known.spent}
    if known.carried and StabilityBudget not in kinds:
        yield (
            f"Out of range for {length(known.carried)} before we heard of it, and no budget of the "
            "profile counts that"
        )
    if known.cycles and FreezeThaw not in kinds:
        yield f"Frozen {known.cycles} times before we heard of it, and no rule counts that"


def _times(ones: Sequence[Excursion], side: str, limit: Range | None, zone: dt.tzinfo) -> str:
    first = ones[0]
    unit = QUANTITIES[first.channel.partition(".")[0]].unit
    space = f" {unit}" if unit else ""
    edge = None if limit is None else limit.low if side == "below" else limit.high
    worst = (min if side == "below" else max)(one.worst for one in ones)
    times = "Once" if len(ones) == 1 else f"{len(ones)} times"
    against = "" if edge is None else f" {number(edge)}{space}"
    total = sum(one.out for one in ones)
    return (
        f"{times} {side}{against} ({first.channel}), for {length(total)} in all, "
        f"{'down' if side == 'below' else 'up'} to {number(worst)}{space}, "
        f"first at {moment(first.begin, zone)}"
    )


# -- what nobody knows -----------------------------------------------------------------------------


def _doubts(profile: Profile, known: Known) -> Iterator[str]:
    for channel in known.missing:
        yield f"Nothing was heard of its {channel}, which the profile needs"
    allowed = profile.criteria.unknown
    tolerated = f"{_are(allowed)} tolerated" if allowed else "none of it is tolerated"
    for one in known.statistics:
        if one.channel in known.missing or one.unknown + one.partly <= allowed:
            continue
        if one.unknown:
            text = f"For {length(one.unknown)} nobody knows its {one.channel}"
            if one.partly:
                text += f", and for {length(one.partly)} only some of its sensors were heard"
        else:
            text = f"For {length(one.partly)} only some of its sensors told its {one.channel}"
        yield f"{text}; {tolerated}"
    accepted = meant(profile, profile.criteria.accept)
    for budget in known.spent:
        if budget.rule.channel in known.missing or budget.rule.name in accepted:
            continue
        if budget.exceeded("worst") and not budget.exceeded("known"):
            words = budget_words(budget, "worst")
            yield f"At worst, if all was wrong that nobody knows: {words[:1].lower()}{words[1:]}"
    for sensor in known.silent:
        yield (
            f"Sensor {sensor} was assigned to it and never heard: if it never was with it, "
            "withdraw the assignment"
        )
    yield from _aged(profile, known)


def _aged(profile: Profile, known: Known) -> Iterator[str]:
    """Yield which mean kinetic temperatures are too high, of voyages too short for a rule's window.

    The rest of the window was before, where nobody of us knows.
    """
    accepted = meant(profile, profile.criteria.accept)
    alerted = {one.rule for one in known.alerts if not withdrawn(one.reason)}
    means = {one.channel: one.mkt for one in known.statistics}
    for rule in _parts(profile.rules):
        mkt = means.get(rule.channel)
        if not isinstance(rule, MeanKinetic) or mkt is None or rule.name in {*accepted, *alerted}:
            continue
        if mkt.known > rule.above:
            yield (
                f"The mean kinetic temperature of what is known of it is {number(mkt.known)} °C, "
                f"and nobody knows how warm it was before: above {number(rule.above)} °C it is too "
                f"warm (rule {rule.name})"
            )


# -- what speaks for it ----------------------------------------------------------------------------


def _well(profile: Profile, known: Known) -> Iterator[str]:
    out = {one.channel for one in known.excursions}
    for one in known.statistics:
        limit = profile.range(one.channel)
        if limit is None or one.lowest is None or one.highest is None:
            continue
        space = f" {one.unit}" if one.unit else ""
        extent = f"{number(one.lowest.value)} to {number(one.highest.value)}{space}"
        if one.channel in out:
            yield f"The {one.channel} was {extent}; what was out of {limit.words()} is allowed for"
        else:
            yield f"The {one.channel} was always within {limit.words()}{space}: {extent}"
        if one.unknown or one.partly:
            yield (
                f"For {length(one.unknown + one.partly)} its {one.channel} is not known for sure; "
                f"{_are(profile.criteria.unknown)} tolerated"
            )
    for budget in known.spent:
        if budget.budget.used.known or budget.budget.carried:
            yield budget_words(budget)
    told = [one for one in known.alerts if not withdrawn(one.reason)]
    names = ", ".join(dict.fromkeys(one.rule for one in told))
    yield f"Only rules alerted that do not keep it back: {names}" if told else "No rule alerted"


def _are(milliseconds: float) -> str:
    text = length(milliseconds)
    return f"{text} {'is' if re.fullmatch('1 [a-z]+', text) else 'are'}"
