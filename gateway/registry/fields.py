"""What people write of a device, field by field: texts ▸ what is kept, and back."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

from devices.container import ContainerNumberError, container_number
from gateway.refusal import ControlError
from rules.duration import DAY, SECOND, format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.registry.cards import Card

LONGEST = 100
"""Characters of a name, a place or a model."""
LONGEST_NOTE = 500
SHORTEST_INTERVAL, LONGEST_INTERVAL = SECOND, 366 * DAY


def plain(text: str, what: str, longest: int = LONGEST) -> str:
    """Return a text as it can be shown, without white space around it. Raises ControlError."""
    text = text.replace("\r\n", "\n").strip()
    allowed = "\n" if longest == LONGEST_NOTE else ""
    if len(text) > longest:
        raise ControlError(f"the {what} has {len(text):,} characters", f"Use at most {longest}")
    for sign in text:
        if unicodedata.category(sign) in {"Cc", "Cf", "Cs"} and sign not in allowed:
            raise ControlError(
                f"the {what} holds the control character U+{ord(sign):04X}", "Leave it out"
            )
    return text


def number(text: str, what: str) -> float:
    """Return a finite number. Raises ControlError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ControlError(f"the {what} is {text[:40]!r}, and that is no number", "Write it as 0.3")
    return value


def place(latitude: float, longitude: float) -> tuple[float, float]:
    """Return a position in degrees. Raises ControlError."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ControlError(
            f"{latitude:g}, {longitude:g} is no place on Earth",
            "Write latitude (-90 to 90) and longitude (-180 to 180): 53.54, 9.98",
        )
    return latitude, longitude


def _position(text: str) -> tuple[float, float] | None:
    if not text.strip():
        return None
    latitude, comma, longitude = text.partition(",")
    if not comma or "," in longitude:
        raise ControlError(
            f"{text[:40]!r} is no position",
            "Write latitude and longitude with a point, and a comma between them: 53.54, 9.98",
        )
    return place(number(latitude, "latitude"), number(longitude, "longitude"))


def _container(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return container_number(text).plain
    except ContainerNumberError as error:
        raise ControlError(error.problem, error.cure) from error


def length(text: str) -> int:
    """Return a length of time in ms. Raises ControlError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        problem, _, cure = str(error).rpartition(": ")
        raise ControlError(problem, cure.capitalize()) from error


def _interval(text: str) -> int | None:
    if not text.strip():
        return None
    interval = length(text)
    if not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise ControlError(
            f"no device sends every {format_duration(interval)}",
            f"Use {format_duration(SHORTEST_INTERVAL)} to {format_duration(LONGEST_INTERVAL)}",
        )
    return interval


_READ: dict[str, Callable[[str], object]] = {
    "name": lambda text: plain(text, "name"),
    "site": lambda text: plain(text, "site"),
    "zone": lambda text: plain(text, "zone"),
    "container": _container,
    "position": _position,
    "model": lambda text: plain(text, "model"),
    "interval": _interval,
    "note": lambda text: plain(text, "note", LONGEST_NOTE),
}


def value(field: str, text: str) -> object:
    """Return what a card keeps of a field that somebody wrote; "" is nothing.

    Raises ControlError.
    """
    return _READ[field](text)


def text_of(card: Card, field: str) -> str:
    """Return a field of a card as people write it."""
    said = getattr(card, field)
    if said is None or said == "":
        return ""
    if field == "position":
        return f"{said[0]!r}, {said[1]!r}"
    if field == "container":
        return shown_container(said)
    return format_duration(said) if field == "interval" else str(said)


def shown_container(number: str) -> str:
    """Return a container's number as it stands on its door."""
    try:
        return str(container_number(number)) if number else ""
    except ContainerNumberError:
        return number
