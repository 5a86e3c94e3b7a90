"""What there is to say of consignments in words: stages, places, doubts, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.screen import counted, foreign, minute
from rules.cargo.consignment import Place

if TYPE_CHECKING:
    from collections.abc import Callable

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
    words = _said(settings, kind, fact)
    return kind.replace("-", " ") + (f": {words}" if words else "")


def _said(settings: Settings, kind: str, fact: dict[str, Any]) -> str:
    if kind in {"assigned", "unassigned"}:
        until = fact.get("until")
        ends = f" until {minute(settings, until)}" if until is not None else ""
        return escape("/".join(filter(None, fact["sensor"]))) + ends
    said = _WORDS.get(kind)
    return "" if said is None else foreign(said(fact))


def _part(one: dict[str, Any]) -> str:
    return one["id"] if one["quantity"] is None else f"{one['id']}:{one['quantity']:.12g}"


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "created": lambda fact: f"{fact['goods']}, by {fact['version']}",
    "changed": ", ".join,
    "planned": lambda fact: counted(len(fact["legs"]), "leg"),
    "departed": lambda fact: f"leg {fact['leg']}",
    "arrived": lambda fact: f"leg {fact['leg']}",
    "handed-over": lambda fact: f"to {fact['to']}",
    "confirmed": lambda fact: f"number {fact['fact']}",
    "decided": lambda fact: f"{fact['meaning']}, report {fact['report']}",
    "review": lambda fact: str(fact["why"]),
    "split": lambda fact: ", ".join(_part(one) for one in fact["parts"]),
    "part-of": lambda fact: str(fact["parent"]),
    "merged-into": lambda fact: str(fact["into"]),
    "merged-from": lambda fact: ", ".join(fact["parents"]),
    "withdrawn": lambda fact: f"number {fact['fact']}",
}
