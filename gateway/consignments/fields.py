"""What people write of a consignment: texts ▸ what is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devices.device import check_device_id
from gateway.commands.device import device_key
from gateway.refusal import ControlError
from gateway.registry.fields import LONGEST_NOTE, length, number, place, plain
from rules.cargo.consignment import MODES, Leg, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.reading import DeviceKey
    from gateway.registry.times import Times

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
COUNTS = ("any", "all", "mean")
MOST_LEGS = 50
MOST_PARTS = 100
"""Of one that comes apart, or of which one is made, at once."""
LARGEST = 1e15
"""Of any amount: what is worked out of two of them is still a number."""
LONGEST_WAIT = 24 * 3_600_000


def identity(text: object) -> str:
    """Return the id of a consignment. Raises ControlError."""
    if not isinstance(text, str) or not ID.fullmatch(text.strip()):
        raise ControlError(
            f"{str(text)[:70]!r} cannot be the id of a consignment",
            "Use letters, digits, hyphens, underscores and dots, at most 60, and begin with one of "
            "the first two",
        )
    return text.strip()


def listed(said: Mapping[str, Any], what: str, of: type | tuple[type, ...]) -> list[Any]:
    """Return what is said in a list, an empty one for nothing. Raises ControlError."""
    found = said.get(what)
    if found is None:
        return []
    if not isinstance(found, list | tuple) or not all(isinstance(one, of) for one in found):
        raise ControlError(f"{what} is no list of what it should be", f"Send {what} as a list")
    return list(found)


def sensor(text: str, owner: str) -> DeviceKey:
    """Return whom a person means. Raises DecodeError."""
    key = device_key(text.strip(), owner)
    check_device_id(key.id)
    return key


def named_place(text: str) -> Place:
    """Return a place as people write it: Hamburg, or Hamburg @ 53.54, 9.98. Raises ControlError."""
    name, at, where = text.partition("@")
    if not at:
        return Place(plain(name, "place"))
    latitude, comma, longitude = where.partition(",")
    if not comma:
        raise ControlError(
            f"{where.strip()[:40]!r} is no position",
            "Write the place's latitude and longitude behind its name: Hamburg @ 53.54, 9.98",
        )
    position = place(number(latitude, "latitude"), number(longitude, "longitude"))
    return Place(plain(name, "place"), position)


def place_text(one: Place) -> str:
    """Return a place as people write it."""
    if one.position is None:
        return one.name
    return f"{one.name} @ {one.position[0]!r}, {one.position[1]!r}".strip()


def amount(text: str, what: str) -> float | None:
    """Return a number that is not negative, None for nothing. Raises ControlError."""
    if not text.strip():
        return None
    found = number(text, what)
    if found < 0:
        raise ControlError(f"the {what} is {found:g}", "Give one that is not below 0")
    if found > LARGEST:
        raise ControlError(f"the {what} is {found:g}", f"Give one that is not above {LARGEST:g}")
    return found


def whole(text: str, what: str) -> int:
    """Return a whole number that is not negative, 0 for nothing. Raises ControlError."""
    found = amount(text, what) or 0.0
    if found != int(found):
        raise ControlError(f"the {what} is {found:g}", "Give a whole number")
    return int(found)


def span(text: str, longest: int | None = None) -> int:
    """Return a length of time in ms, 0 for nothing. Raises ControlError."""
    found = length(text) if text.strip() else 0
    if longest is not None and found > longest:
        raise ControlError(f"{text} is too long to wait", "Give at most one day")
    return found


def counts(text: str, owner: str) -> str:
    """Return which sensor counts. Raises ControlError, DecodeError."""
    text = text.strip()
    return text if not text or text in COUNTS else str(sensor(text, owner))


READ: dict[str, Callable[[str], object]] = {
    "custodian": lambda text: plain(text, "custodian"),
    "description": lambda text: plain(text, "description"),
    "quantity": lambda text: amount(text, "quantity"),
    "unit": lambda text: plain(text, "unit", 20),
    "value": lambda text: amount(text, "value"),
    "currency": lambda text: plain(text, "currency", 10),
    "origin": named_place,
    "destination": named_place,
    "carried": span,
    "cycles": lambda text: whole(text, "number of times it was frozen"),
    "ignore": span,
    "wait": lambda text: span(text, LONGEST_WAIT),
    "note": lambda text: plain(text, "note", LONGEST_NOTE),
}
"""How each field of a consignment is read, but for goods, version and counts."""


def values(said: Mapping[str, Any], owner: str) -> dict[str, object]:
    """Return the fields that somebody wrote, as they are kept. Raises ControlError, DecodeError."""
    found: dict[str, object] = {}
    for field, read in READ.items():
        if said.get(field) is not None:
            found[field] = read(str(said[field]))
    if said.get("counts") is not None:
        found["counts"] = counts(str(said["counts"]), owner)
    return found


# -- legs ------------------------------------------------------------------------------------

LEG = (
    *("mode", "custodian", "origin", "destination", "departs", "arrives"),
    *("vehicle", "heard", "margin", "via"),
)
"""What is said of a leg."""


def leg(said: Mapping[str, Any], number_: int, times: Times, before: Leg | None = None) -> Leg:
    """Return a leg as somebody wrote it; what is not said is as before. Raises ControlError."""
    found = {field: getattr(before, field) for field in LEG} if before is not None else {}
    for field in LEG:
        if said.get(field) is not None:
            found[field] = _part(field, said[field], times)
    for field in ("mode", "custodian", "origin", "destination"):
        if not found.get(field) or found[field] == Place(""):
            raise ControlError(
                f"leg {number_} has no {field}", "Say how it goes, from where to where, with whom"
            )
    return Leg(number=number_, **found)


def _part(field: str, said: Any, times: Times) -> object:  # noqa: ANN401 - as JSON has it
    """Return what a leg keeps of a field. Raises ControlError."""
    if field in {"departs", "arrives"}:
        return times.moment(said) if said != "" else None
    if field == "heard":
        return bool(said)
    if field == "via":
        stops = said if isinstance(said, list) else str(said).split(";")
        return tuple(named_place(str(one)) for one in stops if str(one).strip())
    if field in {"origin", "destination"}:
        return named_place(str(said))
    if field == "margin":
        return length(str(said))
    return _mode(str(said)) if field == "mode" else plain(str(said), field)


def _mode(text: str) -> str:
    if text.strip().lower() not in MODES:
        raise ControlError(f"{text[:20]!r} is no way to go", f"Use one of {', '.join(MODES)}")
    return text.strip().lower()


def check_way(legs: tuple[Leg, ...]) -> None:
    """Refuse a plan that contradicts itself. Raises ControlError."""
    if len(legs) > MOST_LEGS:
        raise ControlError(f"{len(legs)} legs are too many", f"Plan at most {MOST_LEGS}")
    if [one.number for one in legs] != list(range(1, len(legs) + 1)):
        raise ControlError(
            "legs are numbered from 1 without a gap",
            f"There is {', '.join(str(one.number) for one in legs)}",
        )
    last: int | None = None
    for one in legs:
        for when, what in ((one.departs, "departs"), (one.arrives, "arrives")):
            if when is None:
                continue
            if last is not None and (when < last or (what == "arrives" and when == one.departs)):
                raise ControlError(
                    f"leg {one.number} {what} before "
                    + ("it departs" if what == "arrives" and one.departs else "the leg before it"),
                    "Correct the planned times",
                )
            last = when
