"""What the engine tells: an alarm began to fire, or ended."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import msgspec

from devices.reading import DeviceKey
from rules.lifecycle import Explanation


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What names an alarm and explains it. Times are milliseconds since 1970, event time.

    `begin` is when the breach began, `fired_at` when it had lasted long enough. `id` names the
    alarm: see `alert_id`. `channel` is "" for rules about a whole device. `explanation` is what
    was known when this was told. `reason` says in words why nobody will know its end, where that
    is not because its rule ended. `unit` is that of the values.
    """

    id: str
    rule: str
    version: str
    rule_kind: str
    severity: str
    device: DeviceKey
    channel: str
    begin: int
    fired_at: int
    limit: str
    note: str
    explanation: Explanation
    reason: str = ""
    unit: str = ""


class Transition(Alarm, frozen=True, kw_only=True):
    """A change of one alarm, at `at`.

    `severity` tells that it has become graver or milder. `indeterminate` ends an alarm whose end
    nobody will know, because its rule no longer judges, or not this device.
    """

    kind: Literal["firing", "severity", "resolved", "indeterminate"]
    at: int
    imported: bool = False
    """Whether a reading from a file, and not a live one, brought it to light."""


class Episode(Alarm, frozen=True, kw_only=True):
    """One alarm from its beginning to its end: `ended_at` is None while it still fires."""

    ended_at: int | None
    ended_how: Literal["resolved", "indeterminate"] | None


def alert_id(rule: str, device: DeviceKey, channel: str, begin: int) -> str:
    """Return 16 hex digits that are the same whenever the same alarm is found again."""
    text = json.dumps([rule, device.owner, device.id, channel, begin], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def episode(transition: Transition) -> Episode:
    """Return the alarm as this transition leaves it."""
    kind = transition.kind
    how = kind if kind == "resolved" or kind == "indeterminate" else None  # noqa: PLR1714 - the type checker follows this form alone
    return Episode(
        **{name: getattr(transition, name) for name in Alarm.__struct_fields__},
        ended_at=None if how is None else transition.at,
        ended_how=how,
    )
