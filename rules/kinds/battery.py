"""A battery that wants to be changed before it is empty."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from devices.reading import QUANTITIES
from rules.alone import LOW_LEVEL
from rules.duration import HOUR, Duration, format_duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, CLEAR, NEUTRAL, UNKNOWN, Timing
from rules.rule import SampleRule

_MARGIN = {"battery_level": 5.0, "battery": 0.1}
"""By how much it must have risen again: cold makes a battery weak for a while."""


class LowBattery(SampleRule):
    """Fires when a battery is low, and ends when it was changed."""

    kind: Literal["low_battery"] = Field(default="low_battery", description="A battery is low.")
    channel: str = Field(
        default="battery_level",
        description="battery_level (percent) or battery (volts), whichever the device sends.",
    )
    below: float | None = Field(
        default=None,
        gt=0,
        description="It is low below this: percent (15 if left out), or volts.",
    )
    clear: float | None = Field(
        default=None,
        gt=0,
        description="It is well again from here on; 5 % or 0.1 V more than below if left out.",
    )
    duration: Duration = Field(
        default=HOUR, alias="for", description="How long it must be low: sending takes a lot."
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )

    @model_validator(mode="after")
    def _of_a_battery(self) -> Self:
        quantity = self.channel.partition(".")[0]
        if quantity not in _MARGIN:
            raise ValueError(f"{self.channel} is no battery: use battery_level or battery")
        if self.below is None and quantity == "battery":
            raise ValueError("how many volts are low depends on the battery: add below = 2.4")
        low, clear = self.limits()
        if not low < clear:
            raise ValueError(f"clear = {clear} must lie above below = {low}")
        return self

    def limits(self) -> tuple[float, float]:
        """Return below what it is low, and from where on it is well again."""
        low = LOW_LEVEL if self.below is None else self.below
        margin = _MARGIN[self.channel.partition(".")[0]]
        return low, round(low + margin, 6) if self.clear is None else self.clear

    def timing(self, interval: int) -> Timing:
        """Return the durations; the first value that is well again ends it."""
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing("consecutive", self.duration, 0, "pause", hold, steps=self.steps_at())

    def condition(self, value: float, usable: bool) -> int:  # noqa: FBT001 - hot: called by position for each sample
        """Return UNKNOWN for what cannot be true, else compare with the limits."""
        if not usable:
            return UNKNOWN
        low, clear = self.limits()
        if value < low:
            return BREACH
        return CLEAR if value >= clear else NEUTRAL

    def badness(self, value: float) -> float:
        """Return how far the battery is below the limit."""
        return self.limits()[0] - value

    def calm(self) -> tuple[float, float]:
        """Return what is not low."""
        return self.limits()[0], math.inf

    def limit(self) -> str:
        """Say the limit in words: "battery below 15.0 % for 60 min"."""
        unit = QUANTITIES[self.channel.partition(".")[0]].unit
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        return f"battery below {self.limits()[0]} {unit}{lasting}"
