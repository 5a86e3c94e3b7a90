"""What answers about notifications hold, and what is sent to mute. Times are ms since 1970, UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.notify.message import Occasion
from gateway.notify.outbox import Fate, Outcome
from gateway.people.text import LONGEST_TEXT
from gateway.web.api.models import Model

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Patterns = Annotated[list[Pattern], Field(max_length=50)]


class Test(Model):
    """The last test of a channel."""

    at: int
    who: str
    message: str = Field(description="Its id.")
    state: Fate | Literal[""]
    problem: str


class Channel(Model):
    """How a channel fares, by which people are told."""

    name: str
    kind: str
    where: str = Field(description="Whom it reaches, in words, without what may be secret.")
    failing: int | None = Field(description="Since when nothing goes out; null: it is well.")
    problem: str
    alert: str | None = Field(description="The id of the open alert about it.")
    success: int | None = Field(description="When it last sent something.")
    test: int | None = Field(description="When a test was last sent with success.")
    test_due: int | None = Field(description="Until when it should be tested again.")
    waiting: int = Field(description="Messages that are yet to be sent.")
    tested: Test | None


class Channels(Model):
    """Every channel, those that fail first."""

    items: list[Channel]


class Attempt(Model):
    """One attempt to send a message."""

    at: int
    took: int = Field(description="ms")
    outcome: Outcome
    detail: str = Field(
        description="What the other side said, or why it could not be asked; empty for a key for "
        "some devices: people's addresses may be in it."
    )


class Line(Model):
    """What a message tells of one alert, as it stood then."""

    alert: str = Field(description="Its id.")
    device: str
    name: str
    site: str
    rule: str
    severity: str
    what: str
    occasion: Occasion
    number: int = Field(description="Which repeat, step or lapse it is.")


class Message(Model):
    """A message to a channel, with each attempt to send it."""

    id: str = Field(description="The same however often it is sent.")
    channel: str
    made: int
    route: str
    test: str = Field(description="Who asked for this test; empty: it is none.")
    state: Fate
    tries: int
    due: int | None = Field(description="When it is tried next.")
    ended: int | None
    problem: str
    subject: str
    lines: list[Line]
    attempts: list[Attempt]


class Messages(Model):
    """A page of messages, the newest first."""

    items: list[Message]
    next: str | None


class Mute(Model):
    """What nobody is told of from `at` until `until`: all patterns that are given match."""

    number: int
    at: int
    until: int
    who: str
    reason: str
    devices: list[str]
    sites: list[str]
    rules: list[str]
    goods: list[str]
    ended: int | None = Field(description="When somebody ended it before its time.")
    ended_by: str
    ended_why: str
    what: str = Field(description="What it is about, in words.")
    stands: bool


class Mutes(Model):
    """Mutes, the newest first."""

    items: list[Mute]


class Said(Model):
    """Something that a route told of an alert."""

    occasion: Occasion
    number: int
    at: int
    channels: list[str]


class ToldByRoute(Model):
    """What a route has told of an alert, and why it tells nothing more now."""

    route: str = Field(description="Its name; empty: none takes the alert, or it goes everywhere.")
    said: list[Said]
    reason: str
    again: int | None = Field(
        description="When it goes on: the next step or repeat, or the end of what keeps it back."
    )


class MessageOf(Model):
    """A message that tells of an alert."""

    id: str
    channel: str
    made: int
    route: str
    state: Fate
    ended: int | None
    problem: str
    occasion: Occasion
    number: int
    attempts: list[Attempt]


class Told(Model):
    """Who was told of an alert, or why nobody was."""

    messages: list[MessageOf] = Field(description="The oldest first.")
    routes: list[ToldByRoute] | None = Field(description="null while the gateway does not answer.")
    lapses: int | None = Field(description="When whoever has it has it no more.")


# -- what is sent to us -------------------------------------------------------------------------


class NewMute(Model):
    """What nobody shall be told of, for how long, and why."""

    devices: Patterns = Field(default=[], description="Patterns of keys: reefer-*.")
    sites: Patterns = Field(default=[])
    rules: Patterns = Field(default=[])
    goods: Patterns = Field(default=[])
    minutes: int = Field(ge=1, le=30 * 24 * 60)
    reason: str = Field(min_length=1, max_length=LONGEST_TEXT)
