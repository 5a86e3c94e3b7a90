"""Grace: a breach that an open door or a defrost excuses, for a bounded time, and counted.

An excused breach fills no timer and ends no alarm. What is excused is told with the alarm, so that
nobody has to guess why it was late.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from devices.reading import QUANTITIES
from rules.duration import DAY, Duration, format_duration

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_NEVER = -(1 << 62)


def check_zone(name: str) -> str:
    """Return the name of a time zone. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone: use a name such as Europe/Berlin") from None
    return name


def check_clock(text: str) -> str:
    """Return a time of day such as 06:30. Raises ValueError."""
    if not _CLOCK.fullmatch(text):
        raise ValueError(f'{text!r} is no time of day: write it as "06:30"')
    return text


Zone = Annotated[str, AfterValidator(check_zone)]
TimeOfDay = Annotated[str, AfterValidator(check_clock)]


class Grace(BaseModel):
    """When a breach is excused, and for how long at most."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )

    channel: str | None = Field(
        default=None,
        description="A channel that excuses it while it has just risen to 1: door, or a "
        "controller's channel for defrost such as occupancy.defrost.",
    )
    at: tuple[TimeOfDay, ...] = Field(
        default=(), description='Times of day at which it begins, such as ["02:00", "14:00"].'
    )
    duration: Duration = Field(
        alias="for", gt=0, description="How long it excuses at most from its beginning."
    )
    every: Duration = Field(
        default=0,
        description="How long after one beginning another may follow at the earliest; "
        "twice its length if left out.",
    )
    timezone: Zone = Field(default="UTC", description="The time zone of `at`.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Grace:
        if (self.channel is None) == (not self.at):
            raise ValueError('give either channel = "door" or at = ["02:00"]')
        if self.channel is not None and self.channel.partition(".")[0] not in QUANTITIES:
            raise ValueError(f"there is no quantity {self.channel!r}: use door")
        if self.every and self.every < self.duration:
            raise ValueError("every must be at least as long as for, or grace would never end")
        if self.duration >= DAY:
            raise ValueError("a grace of a day or more excuses everything: make it shorter")
        return self

    def begins(self, state: Graced, when: int, value: float) -> None:
        """Take a value of `channel`: a rise to 1 begins the grace, unless it is too soon."""
        is_open = value >= 0.5
        if is_open and not state.open and when - state.begun >= (self.every or 2 * self.duration):
            state.begun = when
        state.open = is_open

    def excuses(self, state: Graced, when: int) -> bool:
        """Say whether a breach at this time (ms) is excused."""
        if self.channel is not None:
            return state.begun <= when < state.begun + self.duration
        moment = dt.datetime.fromtimestamp(when / 1000, ZoneInfo(self.timezone))
        return any(0 <= _since(moment, text) < self.duration for text in self.at)

    def words(self) -> str:
        """Say it in words: "20 min after the door opens"."""
        length = format_duration(self.duration)
        if self.channel is not None:
            return f"{length} after {self.channel} opens"
        return f"{length} from {' and '.join(self.at)} ({self.timezone})"


class Graced(msgspec.Struct, array_like=True, gc=False):
    """The state of a grace: when the present one began (ms), and whether the door is open."""

    begun: int = _NEVER
    open: bool = False


def _since(moment: dt.datetime, text: str) -> float:
    """Return the ms since it was last this time of day, by the clock on the wall."""
    hour, minute = map(int, text.split(":"))
    begun = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if begun > moment:
        begun -= dt.timedelta(days=1)
    return (moment - begun).total_seconds() * 1000
