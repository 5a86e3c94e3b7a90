"""When a rule applies: on which legs, in which stages, at which times of the week.

Outside of that it takes everything as well: it begins no alarm, and what fires ends.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from rules.cargo.consignment import EVER, FOREVER, Mode, Stage
from rules.grace import TimeOfDay, Zone

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Windows = tuple[tuple[int, int], ...]


class Schedule(BaseModel):
    """Times of the week, by the clock on the wall."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )

    days: tuple[Weekday, ...] = Field(
        default=WEEKDAYS, min_length=1, description='Days of the week, such as ["mon", "fri"].'
    )
    start: TimeOfDay = Field(default="00:00", alias="from", description="From when, 06:00.")
    end: TimeOfDay = Field(
        default="00:00",
        alias="to",
        description="Until when; one that is not later than from is of the next day.",
    )
    timezone: Zone = Field(default="UTC", description="The time zone of from and to.")

    def applies(self, when: int) -> bool:
        """Say whether a time (ms) is within it."""
        moment = dt.datetime.fromtimestamp(when / 1000, _zone(self.timezone))
        clock = f"{moment:%H:%M}"
        today = WEEKDAYS[moment.weekday()]
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        yesterday = WEEKDAYS[moment.weekday() - 1]
        begun = today in self.days and clock >= self.start
        return begun or (yesterday in self.days and clock < self.end)


class Only(BaseModel):
    """When a rule applies. What is left out does not limit it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )

    legs: tuple[int, ...] = Field(default=(), description="Numbers of legs of a consignment.")
    modes: tuple[Mode, ...] = Field(
        default=(), description="How a leg is travelled: road, sea, air, rail or store."
    )
    stages: tuple[Stage, ...] = Field(
        default=(), description="Stages of a consignment, such as in_transit."
    )
    schedule: Schedule | None = Field(default=None, description="Times of the week.")
    _windows: Windows | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _something(self) -> Only:
        if not (self.travels() or self.schedule):
            raise ValueError("only = {} limits nothing: name legs, modes, stages or a schedule")
        return self

    def travels(self) -> bool:
        """Whether it is about consignments: their legs or stages."""
        return bool(self.legs or self.modes or self.stages)

    def bound(self, consignment: Consignment) -> Only:
        """Return it for one consignment: from when until when its legs and stages are meant."""
        found = self.model_copy()
        found._windows = _windows(self, consignment) if self.travels() else None  # noqa: SLF001 - its own
        return found

    def applies(self, when: int) -> bool:
        """Say whether a rule applies at a time (ms)."""
        windows = self._windows
        if windows is not None and not any(since <= when < until for since, until in windows):
            return False
        return self.schedule is None or self.schedule.applies(when)


def changes(consignment: Consignment) -> list[int]:
    """Return each time (ms) at which a consignment changes its leg or stage, in order."""
    found = {one.since for one in consignment.stages}
    for leg in consignment.legs:
        found |= {time for time in (leg.departs, leg.arrives) if time is not None}
    for real in consignment.travelled:
        found |= {time for time in (real.departed, real.arrived) if time is not None}
    return sorted(time for time in found if EVER < time < FOREVER)


def _windows(only: Only, consignment: Consignment) -> Windows:
    edges = [EVER, *changes(consignment), FOREVER]
    return tuple(
        (since, until) for since, until in pairwise(edges) if _means(only, consignment, since)
    )


def _means(only: Only, consignment: Consignment, when: int) -> bool:
    if only.stages and consignment.stage_at(when) not in only.stages:
        return False
    if not (only.legs or only.modes):
        return True
    leg = consignment.leg_at(when)
    return (
        leg is not None
        and (not only.legs or leg.number in only.legs)
        and (not only.modes or leg.mode in only.modes)
    )


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
