"""What there is to say of consignments in words: stages, places, doubts, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.consignments.saying import fact_words
from gateway.screen.plain import foreign, minute
from rules.cargo.consignment import Place

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings


STAGES = {
    "planned": "planned",
    "in_transit": "[cyan]in transit[/]",
    "delivered": "delivered",
    "released": "[green]✓ released[/]",
    "rejected": "[red]✗ rejected[/]",
    "under_review": "[yellow]! under review[/]",
}
"""How each stage is said."""


def standing(one: dict[str, Any]) -> str:
    """Return how a consignment stands, marked up; both where it is decided and under review."""
    decided = one["standing"].partition(",")[0]
    now = STAGES[one["stage"]]
    return f"{STAGES[decided]}, {now}" if decided in STAGES and STAGES[decided] != now else now


def amount(one: dict[str, Any]) -> str:
    """Return how much a consignment is, marked up; empty where nobody said."""
    return (
        "" if one["quantity"] is None else foreign(f"{one['quantity']:.12g} {one['unit']}".strip())
    )


def place_of(one: dict[str, Any]) -> Place:
    """Return a place of JSON."""
    return Place(one["name"], one["position"] and tuple(one["position"]))


def show_doubts(console: Console, said: list[str]) -> None:
    """Say what is missing."""
    for one in said:
        console.print(f"[yellow]![/] {foreign(one)}", soft_wrap=True, highlight=False)


def described(settings: Settings, kind: str, fact: dict[str, Any]) -> str:
    """Return a fact in words, marked up."""
    return foreign(fact_words(kind, fact, lambda when: minute(settings, when)))
