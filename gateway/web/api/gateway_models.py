"""What answers about the gateway itself hold, and about its quarantine.

Times are ms since 1970, UTC.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.web.api.alert_models import Alert
from gateway.web.api.models import Model
from gateway.web.api.notification_models import Channel


class Health(Model):
    """Whether the gateway answers."""

    status: Literal["ok", "waiting"] = Field(
        description="ok: it has told how everything stands. waiting: it does not, or not yet."
    )
    version: str


class Message(Model):
    """A message that could not become readings."""

    number: int
    received: int
    topic: str
    owner: str
    source: str
    reason: str
    detail: str
    cure: str
    size: int = Field(description="Bytes of the payload.")
    payload: str = Field(description="Its first 2,000 bytes, base64.")


class Messages(Model):
    """A page of the quarantine, oldest first."""

    items: list[Message]
    next: str | None


class Port(Model):
    """One of the listener's."""

    address: str
    tls: bool


class Listener(Model):
    """How the listener stands."""

    ports: list[Port]
    since: int
    connected: int
    accepted: int
    refused: dict[str, int]


class Broker(Model):
    """How it stands with a broker that was joined."""

    state: str
    since: int
    detail: str


class Way(Model):
    """How another way in than MQTT fares."""

    name: str = Field(description="As its readings name their source, such as poll:cold-store.")
    well: bool
    since: int = Field(description="Since when it has been so.")
    reason: str = Field(description="What is wrong, and what to do; empty while it is well.")
    last: int | None = Field(description="When something came last.")
    readings: int = Field(description="How many came since the start.")
    rejected: int = Field(description="Messages that went to the quarantine since the start.")


class Codecs(Model):
    """How it stands with codecs of vendors."""

    names: list[str] = Field(description="Those that can be used.")
    waiting: int = Field(description="Messages that have yet to be decoded.")
    problem: str | None = Field(description="What is wrong with their files or their process.")


class InfluxDB(Model):
    """How it stands with an InfluxDB that everything is copied to."""

    url: str
    version: str = Field(description="What it says it is; empty until it was asked.")
    well: bool = Field(description="Whether the last attempt to write succeeded.")
    reason: str = Field(description="Why not, and what to do.")
    last: int | None = Field(description="When it last took something.")
    written: int = Field(description="Points that it took since the start.")
    waiting: int = Field(description="Readings that it has yet to get.")
    missed_days: int = Field(description="Days that it will get from the history.")
    rejected: int = Field(description="Points that it refused, and that lie aside.")
    expired: int = Field(description="Points older than what it keeps, since the start.")


class Heartbeat(Model):
    """How it stands with a service that misses this gateway when it falls silent."""

    name: str
    well: bool = Field(description="Whether it was told at the last attempt.")
    since: int = Field(description="Since when it has been so.")
    last: int | None = Field(description="When it was last told.")
    reason: str = Field(description="Why it was not told, and what to do.")


class Backup(Model):
    """How it stands with copies of everything."""

    folder: str
    last: int | None = Field(description="When the last one was begun.")
    size: int | None = Field(description="Its bytes.")
    next: int = Field(description="When the next one is due.")
    encrypted: bool
    at_work: bool = Field(description="Whether one is just being made.")
    problem: str | None = Field(description="Why the last attempt failed, and what to do.")


class DiskStep(Model):
    """What is done when less than so much is free."""

    name: str
    below: int = Field(description="Bytes.")
    does: str


class Disk(Model):
    """The data folder's disk, and what takes how much of it; bytes."""

    total: int
    free: int
    spare: int = Field(description="Inside the journal, which new readings take first.")
    minimum: int = Field(description="With less free nothing is taken in.")
    journal: int
    history: int
    evidence: int
    state: int
    ballast: int
    others: int
    step: str | None = Field(description="The step that is taken now.")
    steps: list[DiskStep]
    full_in: int | None = Field(description="Milliseconds until it is full, as it grows now.")
    says: str
    warned: bool
    problem: str | None


class Gateway(Model):
    """How the gateway itself stands."""

    version: str
    box: str
    now: int
    started: int
    clock_trusted: bool
    backup: Backup | None = Field(
        default=None, description="Copies of everything; null where none are made."
    )
    brokers: dict[str, Broker]
    listener: Listener | None
    influxdb: dict[str, InfluxDB]
    ways: list[Way] = Field(description="Polls, Modbus controllers, Bluetooth.")
    channels: list[Channel] = Field(description="By which people are told of alerts.")
    codecs: Codecs
    devices: int
    received: int = Field(description="Messages taken in since the start.")
    duplicates: int = Field(description="Readings that were stored already.")
    quarantine: dict[str, int] = Field(description="Messages in it, by reason.")
    disk: Disk
    waiting: dict[str, int] = Field(description="Records that each follower has yet to handle.")
    dead_letters: dict[str, int]
    unwell: str | None = Field(
        description="Why nobody may rely on the gateway now, and its heart does not beat."
    )
    heartbeats: list[Heartbeat] = Field(description="Services that are told that it is well.")
    certificates: dict[str, int] = Field(description="When each certificate ends.")
    wrong_clocks: list[str] = Field(description="Devices whose clock is wrong.")
    problems: list[Alert] = Field(description="The open alerts about the gateway itself.")
