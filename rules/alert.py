"""What people are told: an alert, and the events of its life.

An alert's id follows from rule, device, channel and its first beginning, so that judging the
same readings again makes no second one. Late data, or what is stated of the device, may move the
beginning: the alert keeps its id, and an event `revised` tells what it was before.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from devices.reading import DeviceKey

State = Literal["firing", "resolved", "indeterminate"]
EventKind = Literal["firing", "severity", "resolved", "indeterminate", "revised"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as it stands. Times are ms since 1970, UTC, on the clock it was judged by.

    `state`: firing; resolved (it is over); indeterminate (closed because nobody can know any
    more). `reason` says in words why it is in this state. `retrospective`: it was found in
    the past, so nobody was warned in time by it.
    """

    id: str
    rule: str
    version: str
    kind: str
    severity: str
    device: DeviceKey
    channel: str
    state: State
    reason: str
    began: int
    fired: int
    ended: int | None = None
    retrospective: bool = False
    limit: str = ""
    unit: str = ""
    worst: float | None = None
    worst_at: int | None = None
    first: float | None = None
    samples: int = 0
    unknown: int = 0
    """Milliseconds since the beginning in which nobody knew."""
    last: float | None = None
    last_at: int | None = None
    note: str = ""
    graced: int = 0
    """Milliseconds in breach that a grace excused: an open door, a defrost."""
    revision: int = 0
    """How often late data, or what was stated of the device, has changed it."""

    @property
    def subject(self) -> tuple[str, DeviceKey, str]:
        """Rule, device and channel: at most one alert of these is open at a time."""
        return self.rule, self.device, self.channel


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an alert. `key` names it: an event is recorded once.

    `at` is event time (ms). `alert` is the alert as it stands after this event, and `before`,
    for a revision, as it stood until then.
    """

    key: str
    kind: EventKind
    at: int
    alert: Alert
    before: Alert | None = None
