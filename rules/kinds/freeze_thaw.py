"""Goods that were frozen and thawed, again and again: the cycles count, not the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import msgspec
from pydantic import Field, model_validator

from rules.duration import Duration, format_duration
from rules.meters.level import LevelRule

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment


class Cycles(msgspec.Struct, array_like=True, gc=False):
    """How often it was frozen, and has thawed again: its level.

    `lasted` is how long (ms) it has been cold enough in this run, `cold` whether the last sample
    was. Time that nobody knows does not count, and does not break the run either.
    """

    freezes: float
    thaws: float
    length: int
    count: int = 0
    level: float = math.nan
    when: int = 0
    cold: bool = False
    lasted: int = 0
    frozen: bool = False

    def take(self, when: int, value: float, hold: int) -> float:
        """Take a temperature (°C, NaN where unknown) and return the level: see `rules.meter`."""
        if self.cold:
            self.lasted += min(hold, when - self.when)
            self.frozen = self.frozen or self.lasted >= self.length
        self.when = when
        self.cold = value <= self.freezes
        if math.isnan(value):
            self.level = math.nan
            return self.level
        if self.cold:
            self.frozen = self.frozen or not self.length
        elif not self.frozen:
            self.lasted = 0
        elif value >= self.thaws:
            self.count += 1
            self.frozen, self.lasted = False, 0
        self.level = float(self.count)
        return self.level


class FreezeThaw(LevelRule):
    """Fires when goods were frozen and thawed more often than they stand, and stays."""

    kind: Literal["freeze_thaw"] = Field(
        default="freeze_thaw", description="Frozen and thawed too often."
    )
    channel: str = Field(default="temperature", description="The goods' temperature.")
    freezes: float = Field(description="At this and below the goods freeze, °C.")
    thaws: float = Field(description="At this and above they have thawed, °C.")
    duration: Duration = Field(
        default=0, alias="for", description="How long it must be that cold before they are frozen."
    )
    allowed: int = Field(ge=0, description="How many cycles they stand: the next one fires.")
    cycles: int = Field(
        default=0, ge=0, description="Cycles before the first reading; a consignment says its own."
    )

    METER: ClassVar[type] = Cycles

    @model_validator(mode="after")
    def _thaws_above(self) -> Self:
        if not self.freezes < self.thaws:
            raise ValueError(
                f"thaws = {self.thaws} must lie above freezes = {self.freezes}, or every "
                "flutter around it would be a cycle"
            )
        return self

    def bound(self, consignment: Consignment) -> Self:
        """Return the rule with the cycles that the consignment has been through before."""
        rule = super().bound(consignment)
        return rule.model_copy(update={"cycles": self.cycles + consignment.cycles})

    def combine(self, place: int, values: Sequence[float]) -> float:
        """Return what several sensors' values count as; the worst is the coldest."""
        if self.counts == "mean":
            return super().combine(place, values)
        return -super().combine(place, [-one for one in values])

    def meter(self) -> Cycles:
        """Return a meter that has seen nothing but what was before."""
        return Cycles(self.freezes, self.thaws, self.duration, self.cycles)

    def most(self) -> float:
        """Return the limit."""
        return float(self.allowed)

    def unit(self) -> str:
        """Return the unit of the level."""
        return "cycles"

    def limit(self) -> str:
        """Say the limit in words: "more than 3 times frozen at -0.5 °C for 60 min and thawed"."""
        times = "once" if self.allowed == 1 else f"{self.allowed} times"
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        frozen = f"frozen at {self.freezes} °C or below{lasting} and thawed at {self.thaws} °C"
        return f"more than {times} {frozen}" if self.allowed else frozen
