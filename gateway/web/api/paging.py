"""Lists in pages: where the next page begins, as text that means nothing to whoever holds it.

A cursor says after which entry to go on, not how many were shown: what comes or goes meanwhile
shifts no page.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from gateway.web.problems import Problem

Place = TypeVar("Place")

BOUND = 1 << 63
"""SQLite's numbers are smaller."""


def cursor(place: object) -> str:
    """Return the text for a place: numbers and texts in a tuple."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode()


def place(text: str, shape: type[Place]) -> Place:
    """Return the place that a cursor of this shape stands for. Raises Problem."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.msgpack.decode(packed, type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _unknown() from error
    for one in found if isinstance(found, tuple) else (found,):
        if isinstance(one, int) and not -BOUND <= one < BOUND:
            raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem(
        422,
        "`next` is no cursor of this list",
        "Send what stood in `next` of the page before, or leave it out to begin",
    )
