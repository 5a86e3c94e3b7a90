"""Amounts of storage: "2 GB" in the settings, bytes in the program."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "kB": 10**3,
    "TiB": 2**40,
    "GiB": 2**30,
    "MiB": 2**20,
    "KiB": 2**10,
    "B": 1,
}
_NAMES = {name.lower(): size for name, size in _UNITS.items()}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*")


def parse_size(text: object) -> int:
    """Return bytes for "2 GB" (2,000,000,000), "16 MiB" (16,777,216) or "1.5 TB".

    Raises ValueError for a bare number (2 of what?), an unknown unit or a broken byte.
    """
    if isinstance(text, (int, float)):
        raise ValueError(f'{text} of what? Name the unit: "{text} MB" or "{text} GB"')  # noqa: TRY004 - pydantic turns ValueError alone into a message for the reader
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{text!r} is no size: write a number and a unit, such as "2 GB"')
    number, unit = match.groups()
    factor = _NAMES.get(unit.lower())
    if factor is None:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}: use B, kB, MB, GB or TB")
    size = Decimal(number) * factor
    if size != int(size):
        raise ValueError(f"{text!r} is no whole number of bytes: round it")
    return int(size)


def format_size(size: int) -> str:
    """Return the size in the largest unit that keeps it exact: 2000000000 → "2 GB"."""
    for unit, factor in _UNITS.items():
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size),
    WithJsonSchema({"type": "string", "examples": ["2 GB", "16 MiB"]}),
]
"""Bytes; written as text with a unit in settings, and so again when serialised."""
