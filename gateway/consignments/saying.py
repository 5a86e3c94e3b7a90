"""What people stated of a consignment, in words: for the terminal and the report alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Minute = Callable[[int], str]
    Plain = Mapping[str, Any]

USUAL_WAIT = 60_000
"""How long (ms) one waits for slower sensors where nobody says otherwise."""


def fact_words(kind: str, fact: Plain, minute: Minute) -> str:
    """Return a fact in words. `fact` is it as plain data; `minute` says a time (ms)."""
    said = _said(kind, fact, minute)
    return kind.replace("-", " ") + (f": {said}" if said else "")


def _said(kind: str, fact: Plain, minute: Minute) -> str:
    if kind == "created":
        return ", ".join(_fields({name: one for name, one in fact.items() if _unusual(name, one)}))
    if kind == "changed":
        return ", ".join(_fields(fact))
    if kind in {"assigned", "unassigned"}:
        return ", ".join(_sensor(fact, minute))
    words = _WORDS.get(kind)
    return "" if words is None else words(fact)


def _unusual(name: str, value: object) -> bool:
    """Whether a field of a new consignment says anything."""
    if isinstance(value, dict):
        return bool(value.get("name") or value.get("position"))
    return value != USUAL_WAIT if name == "wait" else bool(value)


def _fields(fact: Plain) -> Iterator[str]:
    """Yield what fields of a consignment say."""
    for name, value in fact.items():
        if name == "goods":
            yield str(value)
        elif name == "version":
            yield f"by {value}"
        elif name == "quantity":
            if value is not None:
                yield f"{value:,.12g} {fact.get('unit', '')}".strip()
        elif name == "value":
            if value is not None:
                yield f"worth {value:,.12g} {fact.get('currency', '')}".strip()
        elif name not in {"unit", "currency"} or _ALONE[name] not in fact:
            yield f"{_FIELDS.get(name, name)} {_value(name, value)}"


_ALONE = {"unit": "quantity", "currency": "value"}
"""What is said with something else, if that is said too."""
_FIELDS = {
    "origin": "from",
    "destination": "to",
    "custodian": "in custody of",
    "counts": "which sensor counts:",
    "carried": "used before:",
    "cycles": "cycles before:",
    "ignore": "left out at the start:",
    "wait": "waits for slower sensors",
    "description": "described as",
    "note": "note:",
}


def _value(name: str, value: Any) -> str:  # noqa: ANN401 - whatever a field has
    if name in {"carried", "ignore", "wait"}:
        return format_duration(value)
    if isinstance(value, dict):
        return str(value.get("name", "")) or "nowhere by name"
    return str(value) or "nothing"


def _sensor(fact: Plain, minute: Minute) -> Iterator[str]:
    until = fact.get("until")
    named = "/".join(filter(None, fact["sensor"]))
    yield named if until is None else f"{named} until {minute(until)}"
    if fact.get("where"):
        yield str(fact["where"])
    if fact.get("ignore"):
        yield f"its first {format_duration(fact['ignore'])} left out"


def _part(one: Plain) -> str:
    return one["id"] if one["quantity"] is None else f"{one['id']}:{one['quantity']:.12g}"


def _legs(fact: Plain) -> str:
    count = len(fact["legs"])
    return f"{count} {'leg' if count == 1 else 'legs'}"


_WORDS: dict[str, Callable[[Plain], str]] = {
    "planned": _legs,
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
