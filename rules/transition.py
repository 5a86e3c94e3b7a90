"""What the engine tells: an alarm began to fire, or ended."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import msgspec

from devices.reading import DeviceKey
from rules.lifecycle import Explanation


class Transition(msgspec.Struct, frozen=True):
    """A change of one alarm. Times are milliseconds since 1970, event time.

    `begin` is when the breach began, `fired_at` when it had lasted long enough, `at` when
    this change happened. `indeterminate` ends an alarm whose end nobody will know, because
    its rule no longer judges. `id` names the alarm: see `alert_id`. `channel` is "" for
    rules about a whole device. `explanation` is what was known at `at`.
    """

    kind: Literal["firing", "resolved", "indeterminate"]
    id: str
    rule: str
    version: str
    rule_kind: str
    severity: str
    device: DeviceKey
    channel: str
    begin: int
    fired_at: int
    at: int
    limit: str
    note: str
    explanation: Explanation
    imported: bool = False
    """Whether a reading from a file, and not a live one, brought it to light."""


class Episode(msgspec.Struct, frozen=True):
    """One alarm from its beginning to its end: `ended_at` is None while it still fires."""

    id: str
    rule: str
    version: str
    rule_kind: str
    severity: str
    device: DeviceKey
    channel: str
    begin: int
    fired_at: int
    ended_at: int | None
    ended_how: Literal["resolved", "indeterminate"] | None
    limit: str
    note: str
    explanation: Explanation


def alert_id(rule: str, device: DeviceKey, channel: str, begin: int) -> str:
    """Return 16 hex digits that are the same whenever the same alarm is found again."""
    text = json.dumps([rule, device.owner, device.id, channel, begin], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def episode(transition: Transition) -> Episode:
    """Return the alarm as this transition leaves it."""
    kind = transition.kind
    return Episode(
        id=transition.id,
        rule=transition.rule,
        version=transition.version,
        rule_kind=transition.rule_kind,
        severity=transition.severity,
        device=transition.device,
        channel=transition.channel,
        begin=transition.begin,
        fired_at=transition.fired_at,
        ended_at=None if kind == "firing" else transition.at,
        ended_how=None if kind == "firing" else kind,
        limit=transition.limit,
        note=transition.note,
        explanation=transition.explanation,
    )
