"""`[[routes]]`: who is told of which alerts, and when; `[acknowledgement]`: how long one holds."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.problems import mistake
from gateway.settings.values import Section, Slug
from rules.duration import DAY, MINUTE, SECOND, Duration, format_duration
from rules.grace import TimeOfDay, Zone
from rules.only import WEEKDAYS, Schedule, Weekday
from rules.rule import Severity


def _check_gather(length: int) -> int:
    if length > 5 * MINUTE:
        raise mistake("people would hear of an alert too late", 'Use at most "5 min"')
    return length


def _check_repeat(length: int) -> int:
    if not MINUTE <= length <= 7 * DAY:
        raise mistake(
            f"nobody is reminded every {format_duration(length)}", 'Use "1 min" to "7 days"'
        )
    return length


def _check_after(length: int) -> int:
    if not SECOND <= length <= 7 * DAY:
        raise mistake("a step cannot wait so long, or not at all", 'Use "1 s" to "7 days"')
    return length


def _check_longest(length: int) -> int:
    if not MINUTE <= length <= 7 * DAY:
        raise mistake(
            f"nobody has an alert for {format_duration(length)}", 'Use "1 min" to "7 days"'
        )
    return length


Patterns = tuple[Annotated[str, Field(min_length=1)], ...]


class Hours(Section):
    """Times of the week at which a route tells; what still stands when they begin is told then."""

    days: tuple[Weekday, ...] = Field(
        default=WEEKDAYS, min_length=1, description='Days of the week, such as ["mon", "fri"].'
    )
    start: TimeOfDay = Field(default="00:00", alias="from", description="From when, 06:00.")
    end: TimeOfDay = Field(
        default="00:00",
        alias="to",
        description="Until when; one that is not later than from is of the next day.",
    )
    timezone: Zone | None = Field(
        default=None,
        description="The time zone of from and to.",
        json_schema_extra={"default text": "the gateway's `timezone`"},
    )

    def schedule(self, zone: str) -> Schedule:
        """Return them as rules take them; `zone` counts where they name none."""
        return Schedule.model_validate(
            {
                "days": self.days,
                "from": self.start,
                "to": self.end,
                "timezone": self.timezone or zone,
            }
        )


class RouteStep(Section):
    """Who is told next, while nobody has the alert."""

    after: Annotated[Duration, AfterValidator(_check_after)] = Field(
        description="How long after the route has first told of the alert."
    )
    channels: tuple[str, ...] = Field(
        min_length=1, description="Names of channels; those told before hear it too by `repeat`."
    )


class Route(Section):
    """Which alerts are told to whom. What is given must all match; what is left out, matches."""

    name: Slug = Field(description="What you call this route.")
    severity: Severity = Field(default="warning", description="How grave an alert is at least.")
    devices: Patterns = Field(
        default=(),
        description="Patterns with * and ? of the devices' keys, such as reefer-*; of a "
        "consignment the key is consignment/ and its id.",
        json_schema_extra={"default text": "all"},
    )
    sites: Patterns = Field(
        default=(),
        description="Patterns of the sites at which devices are, as their cards name them.",
        json_schema_extra={"default text": "all"},
    )
    goods: Patterns = Field(
        default=(),
        description="Patterns of profiles of goods: of the consignments that a sensor speaks for, "
        "or of the consignment itself.",
        json_schema_extra={"default text": "all"},
    )
    rules: Patterns = Field(
        default=(),
        description="Patterns of the rules' names; alerts about the gateway itself have the rule "
        "gateway.",
        json_schema_extra={"default text": "all"},
    )
    hours: Hours | None = Field(
        default=None,
        description="When it tells: a table of `days`, `from`, `to` and `timezone`. An alert that "
        "still stands when the hours begin is told then; its end is told at any time. Let "
        "critical alerts have another route.",
        json_schema_extra={"default text": "always"},
    )
    channels: tuple[str, ...] = Field(
        default=(),
        description="Names of the channels that are told at first.",
        json_schema_extra={"default text": "every channel"},
    )
    steps: tuple[RouteStep, ...] = Field(
        default=(),
        description="Who is told next while nobody has the alert: tables of `after` and "
        "`channels`, the earliest first.",
        json_schema_extra={"default text": "nobody"},
    )
    repeat: Annotated[Duration, AfterValidator(_check_repeat)] | None = Field(
        default=None,
        description="How often all who were told are told again until somebody has the alert.",
        json_schema_extra={"default text": "once is enough"},
    )
    gather: Annotated[Duration, AfterValidator(_check_gather)] = Field(
        default=10 * SECOND,
        description="What happens within so long is told in one message for each channel.",
    )
    resolved: bool = Field(
        default=True, description="Whether whoever was told of the beginning is told of the end."
    )
    go_on: bool = Field(
        default=False,
        description="Whether further routes are looked at after this one has matched. A channel "
        "that several lead to is told once.",
    )

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        times = [one.after for one in self.steps]
        if times != sorted(set(times)):
            raise mistake("steps follow each other", "Put the one with the shortest `after` first")
        return self

    def reached(self) -> tuple[str, ...]:
        """Return every channel that it names, once."""
        named = (*self.channels, *(name for one in self.steps for name in one.channels))
        return tuple(dict.fromkeys(named))


class Acknowledgement(Section):
    """How long somebody has an alert; then people are told again. It ends when it gets graver."""

    shifts: tuple[TimeOfDay, ...] = Field(
        default=(),
        description='When shifts change, such as ["06:00", "14:00", "22:00"], in the gateway\'s '
        "`timezone`: whoever had an alert has it no more.",
        json_schema_extra={"default text": "there are no shifts"},
    )
    longest: Annotated[Duration, AfterValidator(_check_longest)] | None = Field(
        default=None,
        description="How long somebody has an alert that does not recover.",
        json_schema_extra={"default text": "as long as it lasts"},
    )


EVERY = Route(name="all")
"""Counts where there are no routes: whatever is a warning or more goes to every channel."""
