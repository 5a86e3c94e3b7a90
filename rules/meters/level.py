"""Rules about a level that must not be too high: all meters of ours are read so."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from rules.duration import Duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, CLEAR, UNKNOWN, Timing
from rules.meter import MeterRule


class LevelRule(MeterRule):
    """A rule that is broken while the level of its meter is above `most()`."""

    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )

    @model_validator(mode="after")
    def _one_channel(self) -> Self:
        if "*" in self.inputs():
            raise ValueError("it measures one channel: name it, and write one rule for each")
        return self

    def most(self) -> float:
        """Return the highest level that is well."""
        raise NotImplementedError

    def lasting(self) -> tuple[int, int]:
        """Return for how long it must be broken, and well again, before anybody is told (ms)."""
        return 0, 0

    def timing(self, interval: int) -> Timing:
        """Return the durations; `hold` is 2.5 intervals unless it is set."""
        duration, clear = self.lasting()
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing("consecutive", duration, clear, "pause", hold, steps=self.steps_at())

    def condition(self, value: float, usable: bool) -> int:  # noqa: ARG002, FBT001 - a level that nobody knows is NaN
        """Return UNKNOWN where nobody knows the level, else compare it."""
        if value > self.most():
            return BREACH
        return UNKNOWN if math.isnan(value) else CLEAR

    def badness(self, value: float) -> float:
        """Return how far the level is beyond what is well."""
        return value - self.most()

    def calm(self) -> tuple[float, float]:
        """Return the levels that are no breach."""
        return -math.inf, self.most()


class LastingRule(LevelRule):
    """The same, told only when it has lasted."""

    duration: Duration = Field(
        default=0, alias="for", description="How long it must last before it fires."
    )
    clear_for: Duration = Field(
        default=0, description="How long it must be well before the alarm ends."
    )

    def lasting(self) -> tuple[int, int]:
        """Return `for` and `clear_for`."""
        return self.duration, self.clear_for
