"""A value that changes too fast: a compressor that fails, a door that was left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import msgspec
from pydantic import Field, model_validator

from devices.reading import QUANTITIES
from rules.duration import Duration, format_duration
from rules.meters.level import LastingRule
from rules.meters.window import Extremes

Way = Literal["rises", "falls", "changes"]


class Rate(msgspec.Struct, array_like=True, gc=False):
    """How much the newest value differs from what was within the window: its level.

    Nobody knows it (NaN) while the newest value is unknown, or the only one in the window.
    """

    way: Way
    within: Extremes
    level: float = math.nan
    when: int | None = None
    """Time of the last usable value, ms."""

    def take(self, when: int, value: float, hold: int) -> float:  # noqa: ARG002 - one signature for all meters
        """Take a value and return the level: see `rules.meter`."""
        self.level = math.nan
        if math.isnan(value):
            return self.level
        within, before = self.within, self.when
        within.add(when, value)
        within.pass_to(when)
        self.when = when
        if before is not None and before >= when - within.length:
            risen, fallen = value - within.lowest, within.highest - value
            if self.way == "rises":
                self.level = risen
            else:
                self.level = fallen if self.way == "falls" else max(risen, fallen)
        return self.level


class RateOfChange(LastingRule):
    """Fires when a value has risen, fallen or changed by too much within a time.

    The newest value is held against the lowest and highest within the time before it.
    """

    kind: Literal["rate_of_change"] = Field(
        default="rate_of_change", description="A value that changes too fast."
    )
    rises: float | None = Field(default=None, gt=0, description="It must not rise by more.")
    falls: float | None = Field(default=None, gt=0, description="It must not fall by more.")
    changes: float | None = Field(
        default=None, gt=0, description="It must not rise or fall by more."
    )
    within: Duration = Field(
        gt=0, description="The time in which; at least twice the time from reading to reading."
    )

    METER: ClassVar[type] = Rate

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = {"rises": self.rises, "falls": self.falls, "changes": self.changes}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) != 1:
            named = " and ".join(given) or "none of them"
            raise ValueError(f"give exactly one of rises, falls, changes: here is {named}")
        return self

    def _way(self) -> tuple[Way, float]:
        if self.rises is not None:
            return "rises", self.rises
        if self.falls is not None:
            return "falls", self.falls
        return "changes", self.changes or 0.0

    def combine(self, place: int, values: Sequence[float]) -> float:  # noqa: ARG002 - one signature for all meters
        """Return the mean of several sensors' values, unless one of them is to count.

        To take now this one and now that one would look like a change.
        """
        return math.fsum(values) / len(values)

    def meter(self) -> Rate:
        """Return a meter that has seen nothing."""
        return Rate(self._way()[0], Extremes(self.within))

    def most(self) -> float:
        """Return the limit."""
        return self._way()[1]

    def unit(self) -> str:
        """Return the unit of the level."""
        return QUANTITIES[self.channel.partition(".")[0]].unit

    def limit(self) -> str:
        """Say the limit in words: "rises by more than 5.0 °C within 30 min"."""
        way, most = self._way()
        much = f"{most} {self.unit()}".rstrip()
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        return f"{way} by more than {much} within {format_duration(self.within)}{lasting}"
