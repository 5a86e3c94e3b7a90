"""What is new in a report since the version that was signed before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.reading import IMPORTED
from gateway.consignments.report import Came, Since, substance
from gateway.consignments.wording import (
    NONE,
    PARTLY,
    UNKNOWN,
    budget_cases,
    channel_words,
    length,
    mean_words,
    numbers,
    with_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.consignments.report import Report, Said
    from rules.cargo.verdict import Statistic, Verdict
    from rules.cargo.voices import Spoken


class Change(NamedTuple):
    """A figure that is another: what it is, and how it was and is said."""

    what: str
    before: str
    now: str


def since(
    number: int, made: int, earlier: Report | None, heard: Sequence[Spoken], facts: Sequence[Said]
) -> Since:
    """Return what is new since the version `number`, which was made at `made` (ms).

    `earlier` is its content, None where it cannot be read any more.
    """
    known = {one.number: one.withdrawn for one in earlier.facts} if earlier is not None else {}
    new = (
        one.number
        for one in facts
        if one.kind != "decided"
        and (one.entered > made if earlier is None else known.get(one.number) != one.withdrawn)
    )
    return Since(
        version=number,
        made=made,
        verdict=earlier.verdict if earlier is not None else None,
        sensors=earlier.sensors if earlier is not None else (),
        came=tuple(_came(heard, made)),
        facts=tuple(new),
    )


def _came(heard: Sequence[Spoken], made: int) -> Iterator[Came]:
    """Yield of each sensor what counts now and was received after the earlier report was made."""
    for one in heard:
        late = [each for each in one.readings if each.received > made]
        if late:
            yield Came(
                sensor=one.sensor,
                readings=len(late),
                imported=sum(bool(each.flags & IMPORTED) for each in late),
                first=late[0].when,
                last=late[-1].when,
                received=min(each.received for each in late),
                until=max(each.received for each in late),
            )


def changes(old: Verdict, new: Verdict) -> list[Change]:
    """Return every figure that is another, as people read it."""
    found = [one for one in _compared(old, new) if one.before != one.now]
    if not found and substance(old) != substance(new):
        found.append(Change("Other figures", NONE, "see the tables"))
    return found


def _compared(old: Verdict, new: Verdict) -> Iterator[Change]:
    yield Change("Proposal", old.proposal.upper(), new.proposal.upper())
    yield Change("Profile", old.version, new.version)
    yield Change("Excursions", _excursions(old), _excursions(new))
    yield Change("Out of range in custody of", _custodians(old), _custodians(new))
    yield Change("Nobody knows", _unknown(old), _unknown(new))
    before = {one.channel: one for one in old.statistics}
    after = {one.channel: one for one in new.statistics}
    for channel in dict.fromkeys((*before, *after)):
        told = (_figures(before.get(channel)), _figures(after.get(channel)))
        for (what, was), (_, now) in zip(*told, strict=True):
            yield Change(f"{channel_words(channel)}, {what}", was, now)
    used = {one.rule: budget_cases(one, one.used) for one in old.budgets}
    uses = {one.rule: budget_cases(one, one.used) for one in new.budgets}
    for rule in dict.fromkeys((*used, *uses)):
        yield Change(f"Budget {rule}, used", used.get(rule, NONE), uses.get(rule, NONE))


def _excursions(one: Verdict) -> str:
    out = sum(each.out for each in one.excursions)
    return f"{len(one.excursions)}, {length(out)} out of range" if one.excursions else "none"


def _custodians(one: Verdict) -> str:
    found: dict[str, int] = {}
    for share in (share for each in one.excursions for share in each.shares):
        name = share.custodian + ("" if share.confirmed else ", unconfirmed")
        found[name] = found.get(name, 0) + share.time
    return "\n".join(f"{name}: {length(time)}" for name, time in found.items()) or NONE


def _unknown(one: Verdict) -> str:
    partly = f", and {length(one.partly)} {PARTLY}" if one.partly else ""
    return f"{length(one.unknown)} {UNKNOWN}{partly}"


def _figures(one: Statistic | None) -> Iterator[tuple[str, str]]:
    """Yield the figures of a channel by name; of one that was not measured none is known."""
    unit = one.unit if one is not None else ""
    for name, extreme in (
        ("lowest", one.lowest if one is not None else None),
        ("highest", one.highest if one is not None else None),
    ):
        yield name, with_unit(extreme.value if extreme is not None else None, unit)
    yield "mean by time", mean_words(one.mean if one is not None else None, unit)
    kinetic = one.mkt if one is not None else None
    yield "mean kinetic", numbers(kinetic, unit) if kinetic is not None else NONE
