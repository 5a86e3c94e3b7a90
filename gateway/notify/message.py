"""One message to one channel: what it tells, of which alerts, and why now."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal

import msgspec

from rules.alert import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable

Occasion = Literal[
    "fired", "severity", "repeated", "escalated", "lapsed", "resolved", "withdrawn", "shown"
]
"""Why an alert is told of now.

It began; became graver; still stands and nobody has it; nobody took it and the next step is due;
who had it has it no more; is over; was found never to have been; or its link, behind which it was
hidden, is well again and the alert still stands.
"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a message tells of one alert, as it stood when the message was made."""

    alert: Alert
    occasion: Occasion
    number: int = 0
    """Which repeat, step or lapse this is, from 1."""
    name: str = ""
    """What people call the device or the consignment; "" where it has no name."""
    site: str = ""
    goods: str = ""
    holder: str = ""
    """Who has the alert; "": nobody."""
    often: bool = False
    """It comes and goes so often that from now on it is told only once it lasts (often.py)."""
    hides: tuple[str, ...] = ()
    """Devices that are not heard because of this: their own alerts are not told meanwhile."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to one channel at once. `made` is ms since 1970, UTC."""

    id: str
    """The same however often it is sent, and when it is made again after a restore."""
    channel: str
    made: int
    route: str = ""
    """The route that led here; "" for a test, and for what goes to every channel."""
    test: str = ""
    """Who asked for this test; "": it is none."""
    lines: tuple[Line, ...] = ()
    """The gravest first."""


def message_id(channel: str, told: Iterable[tuple[str, str, int]]) -> str:
    """Return the id of what is told to a channel: (alert's id, occasion, number) of each line."""
    text = json.dumps([channel, *sorted(told)], separators=(",", ":"))
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
