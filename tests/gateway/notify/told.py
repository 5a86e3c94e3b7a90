"""Alerts, lines and messages for tests of what people are told."""

from __future__ import annotations

from typing import Any

from devices.reading import DeviceKey
from gateway.notify.message import Line, Message, Occasion, message_id
from rules.alert import Alert

MADE = 1_795_000_000_000
"""Wednesday, 18 November 2026, 11:06:40 UTC."""
MINUTE = 60_000


def alert(identity: str = "a", **changed: Any) -> Alert:  # noqa: ANN401 - fields of it
    """An open alert: a fridge too warm since four minutes before MADE."""
    about: dict[str, Any] = {
        "id": identity,
        "rule": "too-warm",
        "version": "1",
        "kind": "threshold",
        "severity": "critical",
        "device": DeviceKey("", "fridge-7"),
        "channel": "temperature",
        "state": "firing",
        "reason": "above 8 °C for 3 min",
        "began": MADE - 4 * MINUTE,
        "fired": MADE - MINUTE,
        "limit": "above 8 °C",
        "unit": "°C",
        "worst": 12.4,
        "worst_at": MADE - MINUTE,
        "first": 8.3,
        "last": 11.0,
        "last_at": MADE - MINUTE,
    }
    return Alert(**{**about, **changed})


def line(about: Alert, occasion: Occasion = "fired", **changed: Any) -> Line:  # noqa: ANN401 - fields of it
    """What a message tells of an alert."""
    return Line(alert=about, occasion=occasion, **changed)


def message(channel: str, *lines: Line, made: int = MADE, **changed: Any) -> Message:  # noqa: ANN401 - fields of it
    """A message with the id that follows from its lines."""
    identity = message_id(channel, [(one.alert.id, one.occasion, one.number) for one in lines])
    return Message(id=identity, channel=channel, made=made, lines=lines, **changed)
