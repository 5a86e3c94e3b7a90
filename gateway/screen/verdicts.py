"""A verdict, the reports that were signed, and what checking one says, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich.markup import escape

from gateway.consignments.report import WORDS, short
from gateway.consignments.wording import (
    NONE,
    PARTLY,
    STILL,
    budget_amount,
    budget_cases,
    channel_words,
    length,
    lengths,
    mean_words,
    minus,
    number,
    numbers,
    out_words,
    unit_of,
    with_unit,
)
from gateway.screen.plain import foreign, minute, print_rows, when
from rules.cargo.verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings
    from rules.cargo.verdict import Excursion, Extreme

STYLES = {
    "release": "bold green",
    "hold": "bold yellow",
    "reject": "bold red",
    "indeterminate": "bold",
}


def show_verdict(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show a verdict: the proposal first, then what it rests on."""
    verdict = msgspec.convert(answer["verdict"], Verdict)
    spent = length(verdict.until - verdict.since)
    console.print(
        f"[bold]{escape(answer['id'])}[/] {foreign(answer['title'])} ({escape(verdict.version)})\n"
        f"{escape(answer['stage'])}; judged {minute(settings, verdict.since)} to "
        f"{minute(settings, verdict.until)}, {spent}",
        highlight=False,
    )
    style = STYLES[verdict.proposal]
    console.print(f"\nProposed: [{style}]{verdict.proposal.upper()}[/]", highlight=False)
    for reason in verdict.reasons:
        console.print(f"  - {foreign(minus(reason))}", highlight=False)
    _show_signed(console, settings, answer["signed"])
    _show_measured(console, settings, verdict)
    _show_excursions(console, settings, verdict)
    for budget in verdict.budgets:
        console.print(
            f"budget {escape(budget.rule)}: {budget_amount(budget, budget.allowed)} allowed, used "
            f"{budget_cases(budget, budget.used)}, left {budget_cases(budget, budget.left)}",
            highlight=False,
        )
    for one in verdict.excluded:
        console.print(
            f"left out: {one.readings:,} of {foreign(str(one.sensor))} from "
            f"{minute(settings, one.since)}, {foreign(one.reason)}",
            highlight=False,
        )
    console.print(
        f"\nTimes: {settings.gateway.timezone}.\n"
        f"The report as it is now: {short(answer['digest'])}; "
        f"its figures: {short(answer['substance'])}",
        highlight=False,
    )


def _show_signed(console: Console, settings: Settings, signed: dict[str, Any] | None) -> None:
    if signed is None:
        console.print("Nobody has signed yet.", highlight=False)
        return
    told = signed["decision"]
    console.print(
        f"Signed: {WORDS[told['meaning']]} by {foreign(told['name'])} ({escape(told['login'])}) "
        f"{when(settings, told['at'])}, report version {signed['number']}",
        highlight=False,
    )


def _show_measured(console: Console, settings: Settings, verdict: Verdict) -> None:
    console.print()
    rows = [
        (
            channel_words(one.channel),
            _extreme(settings, one.lowest, one.unit),
            _extreme(settings, one.highest, one.unit),
            mean_words(one.mean, one.unit),
            numbers(one.mkt, one.unit) if one.mkt is not None else NONE,
            length(one.unknown) + (f" and {length(one.partly)} {PARTLY}" if one.partly else ""),
        )
        for one in verdict.statistics
    ]
    headings = ("Channel", "Lowest", "Highest", "Mean", "Mean kinetic", "Unknown")
    if rows:
        print_rows(console, headings, rows)
    bands = [
        (
            channel_words(one.channel),
            minus(one.label) + (" (should be)" if one.inside else ""),
            lengths(one.time),
        )
        for one in verdict.bands
    ]
    if bands:
        console.print()
        print_rows(console, ("Channel", "Band", "Time"), bands)
    console.print()


def _show_excursions(console: Console, settings: Settings, verdict: Verdict) -> None:
    if not verdict.excursions:
        console.print("No value was seen out of range.", highlight=False)
        return
    for one in verdict.excursions:
        end = STILL if one.end is None else f"to {minute(settings, one.end)}"
        console.print(
            f"{one.number}. {channel_words(one.channel)} {one.side} from "
            f"{minute(settings, one.begin)} {end}, {out_words(one)}, worst "
            f"{with_unit(one.worst, unit_of(one.channel))}; {_whose(one)}",
            highlight=False,
        )
        if one.explanation:
            console.print(f"   {foreign(minus(one.explanation))}", highlight=False)


def _whose(one: Excursion) -> str:
    told = [
        f"{foreign(share.custodian)} {length(share.time)}"
        + ("" if share.confirmed else " (unconfirmed)")
        for share in one.shares
    ]
    return ", ".join(filter(None, (*told, foreign(one.place))))


def _extreme(settings: Settings, one: Extreme | None, unit: str) -> str:
    return NONE if one is None else f"{number(one.value)} {unit}, {minute(settings, one.when)}"


def show_reports(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """Show which versions were signed."""
    if not answer:
        console.print("Nobody has signed a report yet.", highlight=False)
        return
    for one in answer:
        told = one["decision"]
        reason = f": {foreign(told['reason'])}" if told["reason"] else ""
        console.print(
            f"version {one['version']}  {WORDS[told['meaning']]} by {foreign(told['name'])} "
            f"({escape(told['login'])}) {when(settings, told['at'])}{reason}\n"
            f"  sha256 {one['digest']}",
            highlight=False,
            soft_wrap=True,
        )


def show_signed(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show what was signed."""
    told = answer["decision"]
    console.print(
        f"{escape(answer['id'])} is {WORDS[told['meaning']]} by {foreign(told['name'])}, "
        f"{when(settings, told['at'])}: report version {answer['version']}, "
        f"{short(answer['digest'])}",
        highlight=False,
    )


def show_checked(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show whether a file is what was signed."""
    style = "green" if answer["same"] else "red"
    console.print(f"[{style}]{escape(answer['told'])}[/]", highlight=False)
