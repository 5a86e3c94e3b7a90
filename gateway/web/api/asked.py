"""What may stand behind the question mark of an address: times, lengths, pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

from devices.reading import QUANTITIES

_NUMBER = re.compile(r"-?[0-9]{1,15}")
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 and 9999, in ms since 1970."""
MOST = 10_000
"""Entries of a page."""


def parse_moment(text: object) -> int:
    """Return a time as ms since 1970, from such a number or from ISO 8601; UTC if it names no zone.

    Raises ValueError.
    """
    moment = int(str(text)) if _NUMBER.fullmatch(str(text)) else _from_iso(str(text))
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"{text!r} is not between the years 1 and 9999")
    return moment


def _from_iso(text: str) -> int:
    # A plus that was not percent-encoded has become a space on its way.
    for one in (text, "+".join(text.rsplit(" ", 1))):
        try:
            time = datetime.fromisoformat(one.upper())
        except ValueError:
            continue
        aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    raise ValueError(
        f"{text!r} is no time: write ms since 1970, or ISO 8601 such as 2026-05-01T06:00:00Z"
    )


Moment = Annotated[
    int,
    BeforeValidator(parse_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": EARLIEST, "maximum": LATEST},
                {"type": "string", "format": "date-time"},
            ],
            "examples": ["2026-05-01T06:00:00Z", 1777615200000],
        }
    ),
]
"""Milliseconds since 1970, UTC, or ISO 8601."""

Resolution = Annotated[
    str, StringConstraints(pattern=r"^(none|[1-9][0-9]{0,2} ?(s|min|h)|[1-9][0-9]? ?(d|days?))$")
]
"""A length of time in one unit, up to 99 days; `none` for readings as they came."""
Channel = Annotated[
    str, StringConstraints(pattern=rf"^({'|'.join(QUANTITIES)})(\.[A-Za-z0-9_-]{{1,64}})?$")
]
"""A quantity, and the place where it was measured."""


class Asked(BaseModel):
    """Names that are not known are refused: a misspelt one would silently mean all."""

    model_config = ConfigDict(extra="forbid")


class Page(Asked):
    """Which part of a list."""

    limit: int = Field(default=1_000, ge=1, le=MOST, description="Entries in a page, at most.")
    next: str | None = Field(
        default=None,
        description="From the page before, as it stood there: this page follows it.",
    )


PageAsked = Annotated[Page, Query()]
