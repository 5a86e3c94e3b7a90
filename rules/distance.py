"""Distances: "20 km" in the settings, kilometres in the rules."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"m": 0.001, "km": 1.0, "nm": 1.852, "nmi": 1.852, "mi": 1.609344}
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*")
_CURE = 'write a number and a unit, such as "20 km" or "200 m"'


def parse_distance(text: object) -> float:
    """Return kilometres for "20 km", "200 m", "5 nmi", "3 mi".

    Raises ValueError for a bare number, a sign or an unknown unit.
    """
    if isinstance(text, (int, float)):
        raise ValueError(f'{text} of what? Name the unit: "{text} km" or "{text} m"')  # noqa: TRY004 - pydantic turns ValueError alone into a message for the reader
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no distance: {_CURE}")
    number, unit = found.groups()
    if unit.lower() not in _UNITS:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}: use m, km, nmi or mi")
    return round(float(number) * _UNITS[unit.lower()], 6)


def format_distance(kilometres: float) -> str:
    """Return the distance in words that `parse_distance` reads back: 0.2 → "200 m"."""
    if kilometres < 1:
        return f"{round(kilometres * 1000, 3):g} m"
    return f"{round(kilometres, 6):.10g} km"


Distance = Annotated[
    float,
    BeforeValidator(parse_distance),
    PlainSerializer(format_distance),
    WithJsonSchema({"type": "string", "examples": ["20 km", "200 m"]}),
]
"""Kilometres; written as text with a unit in settings, and so again when serialised."""
