"""What answers about devices hold, as the API's description has it. Times are ms since 1970, UTC.

Answers are encoded as they are made; tests hold them against these models.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

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

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number is meant: Python takes them for 1 and 0."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and "bool" not in str(field.annotation):
            raise ValueError("this is neither true nor false")
        return value


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
    unit: str = Field(description="Of a value that is a total or the like; empty: its channel's.")


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
