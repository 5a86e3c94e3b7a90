"""What answers about the registry hold, and what is sent to change it. Times are ms since 1970."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from gateway.web.api.alert_models import Alert
from gateway.web.api.asked import Channel
from gateway.web.api.models import Calibration, Model

MOST_MINUTES = 31 * 24 * 60
Text = Annotated[str, Field(max_length=100)]
Note = Annotated[str, Field(max_length=500)]
Time = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
Number = Annotated[int, Path(ge=1, lt=1 << 53)]
Difference = Annotated[float, Field(ge=-100_000, le=100_000)]


class Confirmed(Model):
    """A device is one of ours."""

    device: str
    already: bool = Field(description="Whether somebody had confirmed it before.")


class CardChange(Model):
    """What of a card is to be otherwise. What is not named stays; empty or null is removed."""

    name: Text | None = None
    site: Text | None = None
    zone: Text | None = None
    container: Text | None = Field(default=None, description="Its check digit must be right.")
    position: (
        tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
        | None
    ) = None
    model: Text | None = Field(default=None, description="An id of the catalogue, or free words.")
    interval: Annotated[int, Field(ge=1_000, le=366 * 86_400_000)] | None = None
    note: Note | None = None
    since: Time | None = Field(default=None, description="From when on; left out: from now.")


class NewCalibration(Model):
    """A sensor was held against a reference."""

    channel: Channel
    offset: Difference = Field(default=0.0, description="Added to what the sensor says.")
    as_found: Difference | None = Field(
        default=None, description="What it said minus the reference, before anything was adjusted."
    )
    tolerance: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None, description="How far off it may have been; left out: 0.5."
    )
    certificate: Annotated[str, Field(min_length=1, max_length=100)]
    expires: Time = Field(description="When it is good no longer.")
    since: Time | None = Field(default=None, description="From when on; left out: from now.")
    note: Note = ""


class Doubt(Model):
    """What rests on a sensor that was wrong by more than its tolerance."""

    since: int | None = Field(description="When it was last known to be right; null: never.")
    until: int
    readings: int
    first: int | None
    last: int | None
    alerts: list[Alert]


class NumberedCalibration(Calibration):
    """A calibration with its number, by which it can be withdrawn."""

    number: int


class Calibrated(Model):
    """A calibration was entered."""

    calibration: NumberedCalibration
    doubt: Doubt | None = Field(description="Where it found the sensor wrong.")


class NewMaintenance(Model):
    """Somebody works on the device."""

    minutes: int = Field(ge=0, le=MOST_MINUTES, description="For how long from now; 0 ends it.")
    reason: str = Field(default="", max_length=500, description="Needed, but to end it.")


class Replacement(Model):
    """Another device stands in for this one."""

    by: str = Field(min_length=1, max_length=300, description="The other one's key.")
    since: Time | None = Field(default=None, description="From when on; left out: from now.")
    undo: bool = Field(default=False, description="Take it back.")


class Gap(Model):
    """Messages `first` to `last` never came, from between two readings: their times."""

    first: int
    last: int
    after: int
    before: int
    messages: int


class Gaps(Model):
    """The ledger of messages that never came, the newest first."""

    items: list[Gap]


class TableMistake(Model):
    """What is wrong in a line, and what to do."""

    line: int
    problem: str
    cure: str


class TableChange(Model):
    """What a line changes, as texts."""

    line: int
    device: str
    before: dict[str, str]
    after: dict[str, str]


class Table(Model):
    """What a table changes, or would change. While a line is wrong nothing is changed."""

    devices: int
    dry: bool
    mistakes: list[TableMistake]
    changes: list[TableChange]
