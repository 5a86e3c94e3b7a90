"""What answers about alerts hold, and what is sent to do something about one.

Times are ms since 1970, UTC.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.people.acts import Kind
from gateway.people.text import LONGEST_TEXT
from gateway.web.api.models import Model
from gateway.web.api.notification_models import Told


class Alert(Model):
    """An alert as it stands."""

    id: str
    rule: str
    version: str
    kind: str
    severity: str
    device: str = Field(description="Its key; consignment/ID where it is about a consignment.")
    channel: str
    state: Literal["firing", "resolved", "indeterminate"]
    reason: str
    began: int
    fired: int
    ended: int | None
    retrospective: bool
    limit: str
    unit: str
    worst: float | None
    worst_at: int | None
    first: float | None
    samples: int
    unknown: int
    last: float | None
    last_at: int | None
    note: str
    graced: int = Field(description="How long of it a grace excused, as an open door, ms.")
    revision: int


class AlertInList(Alert):
    """An alert, where it is, and who has it."""

    name: str = Field(description="Of the device, or of the gateway.")
    site: str
    holder: str = Field(description="Who has it; empty: nobody.")
    acknowledged: bool
    muted_until: int | None


class Alerts(Model):
    """A page of alerts, the newest beginning first."""

    items: list[AlertInList]
    next: str | None


class Act(Model):
    """What somebody did about an alert."""

    alert: str
    kind: Kind
    who: str
    at: int
    reason: str
    to: str
    until: int | None
    severity: str = Field(description='How grave the alert was then; "" where nobody noted it.')
    number: int


class Facts(Model):
    """What now counts of that."""

    acknowledged: Act | None
    assigned: Act | None
    muted: Act | None
    notes: list[Act]
    lapsed: Act | None = Field(description="Why nobody has it any more.")


class Event(Model):
    """Something that happened to an alert: as it stood after it, and, if revised, before."""

    number: int
    recorded: int
    kind: Literal["firing", "severity", "resolved", "indeterminate", "revised"]
    at: int
    alert: Alert
    before: Alert | None


class AlertDetail(AlertInList):
    """An alert with all that is on record about it."""

    explanation: list[str] = Field(description="Sentences for people; times of the place.")
    facts: Facts
    acts: list[Act]
    events: list[Event]
    told: Told = Field(description="Who was told of it, or why nobody was.")


# -- what is sent to us -------------------------------------------------------------------------


class Because(Model):
    """Why it is done."""

    reason: str = Field(min_length=1, max_length=LONGEST_TEXT)


class Note(Model):
    """What there is to say."""

    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description="The note.")


class Assignment(Because):
    """To whom, and why."""

    to: str = Field(min_length=1, max_length=60, description="A person's name.")


class Mute(Because):
    """For how long, and why."""

    minutes: int = Field(ge=1, le=24 * 60)
