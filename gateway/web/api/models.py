"""What answers hold, as the API's description has it. Times are ms since 1970, UTC.

Answers are encoded as they are made; tests hold them against these models.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.acts import LONGEST_TEXT, Kind

Flag = Literal[
    "no-clock",
    "clock-ahead",
    "clock-behind",
    "retained",
    "imported",
    "own-clock-untrusted",
    "calibrated",
    "maintenance",
]
Stands = Literal["critical", "warning", "info", "pending", "unknown", "ok"]


class Model(BaseModel):
    """What is not declared is not there."""

    model_config = ConfigDict(extra="forbid")


class Health(Model):
    """Whether the gateway answers."""

    status: Literal["ok", "waiting"] = Field(
        description="ok: it has told how everything stands. waiting: it does not, or not yet."
    )
    version: str


class Value(Model):
    """The newest value of a channel; null where it is missing or cannot be true."""

    value: float | None
    unit: str


class Card(Model):
    """What a device is called, where and what it is: as stated, else by settings and model."""

    name: str
    site: str
    zone: str = Field(description="Where within the site.")
    container: str = Field(description="By its ISO 6346 number.")
    position: tuple[float, float] | None = Field(description="Latitude and longitude, degrees.")
    model: str
    interval: int = Field(description="How often it sends, ms.")
    note: str


class Calibration(Model):
    """What a sensor said was held against a reference, and is corrected from `since` on."""

    since: int
    channel: str
    offset: float = Field(description="Added to what the sensor says.")
    as_found: float | None = Field(description="What it said minus the reference, before that.")
    tolerance: float | None
    certificate: str
    expires: int | None = Field(description="When it is good no longer.")
    good: bool = Field(description="Whether what was judged until then was within the tolerance.")
    note: str


class Maintenance(Model):
    """What is sent from `since` until `until` is kept and does not count."""

    since: int
    until: int
    reason: str
    who: str


class Device(Model):
    """How a device stands."""

    device: str = Field(description="Its key: the id, or owner/id.")
    name: str
    site: str
    state: Stands = Field(description="The worst that a rule says of it.")
    at: int | None = Field(description="When its newest reading was true.")
    received: int | None = Field(description="When that was heard.")
    flags: list[Flag]
    channels: dict[str, Value]
    since: int | None = Field(description="When what is wrong began.")
    alert: str | None = Field(description="The id of the worst open alert about it.")
    alerts: int = Field(description="How many are open.")
    acknowledged: bool
    holder: str = Field(description="Who has that alert; empty: nobody.")
    muted_until: int | None
    unconfirmed: bool = Field(description="Nobody has confirmed that it is one of ours.")
    registered: Literal["unconfirmed", "confirmed", "replaced"]
    recognised: str = Field(description="What it was recognised as; empty: nobody knows.")
    card: Card
    maintenance: Maintenance | None = Field(description="The one that it is in.")
    calibrations: list[Calibration] = Field(description="The newest of each channel.")
    replaced_by: str | None = Field(description="The device that stands in for it now.")
    replaces: str | None = Field(description="The device that it stands in for.")
    quality: dict[str, int] = Field(description="How often what was remarked on its readings.")
    quarantined: int = Field(description="Its messages in the quarantine.")


class Rule(Model):
    """Where a rule stands on one channel of a device; its channel is "" for lost contact."""

    rule: str
    version: str
    kind: str
    severity: str
    channel: str
    state: str
    since: int | None
    value: float | None
    worst: float | None
    worst_at: int | None
    begin: int | None
    pending_until: int | None
    alert: str | None = Field(description="The id of the alert that it is, or may become.")


class DeviceDetail(Device):
    """How a device stands, by its rules."""

    zone: str = Field(description="The time zone of its place.")
    position: tuple[float, float] | None = Field(description="Where somebody said it stands.")
    rules: list[Rule] = Field(description="Empty while every rule that judges it is content.")
    why: str = Field(description="How it was recognised.")
    first: int | None = Field(description="When it came first; null: never, or nobody knows.")
    source: str = Field(description="Who brought it.")


class Devices(Model):
    """A page of devices, by key."""

    items: list[Device]
    next: str | None


class Reading(Model):
    """A reading as it came."""

    when: int = Field(description="When it counts: `at`, or `received` where its clock is wrong.")
    at: int = Field(description="When it was measured, as the device says.")
    received: int
    flags: list[Flag]
    values: dict[str, float | None] = Field(
        description="As they count. null: missing, it cannot be true, or it is of maintenance."
    )
    raw: dict[str, float | None] = Field(
        description="What the device said, of the channels where that is not what counts."
    )


class Bucket(Model):
    """What was measured in one length of time. Without a usable value all values are null."""

    readings: int
    usable: int = Field(description="How many had a value that can be true.")
    min: float | None
    max: float | None
    first: float | None
    last: float | None
    mean: float | None
    flags: list[Flag]


class Summary(Model):
    """One length of time, by channel."""

    start: int
    end: int
    channels: dict[str, Bucket]


class Readings(Model):
    """A page of readings, oldest first."""

    items: list[Reading]
    next: str | None


class Summaries(Model):
    """A page of lengths of time, oldest first."""

    items: list[Summary]
    next: str | None


class Alert(Model):
    """An alert as it stands."""

    id: str
    rule: str
    version: str
    kind: str
    severity: str
    device: str
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
    number: int


class Facts(Model):
    """What now counts of that."""

    acknowledged: Act | None
    assigned: Act | None
    muted: Act | None
    notes: list[Act]


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


class Refused(Model):
    """Why a message, or a part of it, lies in the quarantine, and what to do."""

    reason: str = Field(description="A short name, by which such messages are counted.")
    detail: str
    cure: str


class Pushed(Model):
    """What became of a message. All of it is on the disk."""

    readings: int
    later: int = Field(description="Messages that a vendor's codec reads soon.")
    quarantine: list[Refused] = Field(
        description="What could not be understood. It is kept, and need not be sent again."
    )


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


class Disk(Model):
    """Bytes that are free, and in use by each of our files."""

    free: int
    journal: int
    history: int
    state: int
    problem: str | None


class Gateway(Model):
    """How the gateway itself stands."""

    version: str
    box: str
    now: int
    started: int
    clock_trusted: bool
    brokers: dict[str, Broker]
    listener: Listener | None
    influxdb: dict[str, InfluxDB]
    ways: list[Way] = Field(description="Polls, Modbus controllers, Bluetooth.")
    codecs: Codecs
    devices: int
    received: int = Field(description="Messages taken in since the start.")
    duplicates: int = Field(description="Readings that were stored already.")
    quarantine: dict[str, int] = Field(description="Messages in it, by reason.")
    disk: Disk
    waiting: dict[str, int] = Field(description="Records that each follower has yet to handle.")
    dead_letters: dict[str, int]
    wrong_clocks: list[str] = Field(description="Devices whose clock is wrong.")
    problems: list[Alert] = Field(description="The open alerts about the gateway itself.")


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
