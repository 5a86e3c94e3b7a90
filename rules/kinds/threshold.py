"""Too warm, too cold, too dry: a value beyond a limit for too long."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from devices.reading import QUANTITIES
from rules.duration import Duration, format_duration
from rules.lifecycle import BREACH, CLEAR, NEUTRAL, UNKNOWN, Timing
from rules.rule import SampleRule

HOLDS = 2.5
"""Intervals that a sample speaks for, so that one lost radio message is not a gap."""


class Threshold(SampleRule):
    """Fires when a channel is above, below or outside its limits for long enough."""

    kind: Literal["threshold"] = Field(default="threshold", description="A limit for a value.")
    above: float | None = Field(default=None, description="Values above this are a breach.")
    below: float | None = Field(default=None, description="Values below this are a breach.")
    outside: tuple[float, float] | None = Field(
        default=None, description="Values below the first or above the second are a breach."
    )
    inclusive: bool = Field(
        default=False, description="Whether a value exactly at the limit is a breach too."
    )
    mode: Literal["instant", "consecutive", "cumulative"] = Field(
        default="consecutive",
        description="instant: at the first breach. consecutive: after an unbroken time in "
        "breach. cumulative: after a total time in breach.",
    )
    duration: Duration = Field(
        default=0, alias="for", description="How long in breach before it fires."
    )
    clear: float | tuple[float, float] | None = Field(
        default=None,
        description="The limit behind which it is well again, when that is not the alarm's "
        "own: a number, for outside a pair within it.",
    )
    clear_for: Duration = Field(
        default=0, description="How long it must be well before the alarm ends."
    )
    gap: Literal["pause", "reset"] = Field(
        default="pause",
        description="What a time without knowledge does to the timers: they stand still, or "
        "they start again.",
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )
    reset_after: Duration | None = Field(
        default=None,
        gt=0,
        description="For cumulative: after how long without a breach the total starts again, "
        "which also ends the alarm; never if left out.",
    )

    @field_validator("channel")
    @classmethod
    def _one_channel(cls, channel: str) -> str:
        if channel == "*":
            raise ValueError("a limit needs one channel: write one rule for each")
        return channel

    @model_validator(mode="after")
    def _one_limit(self) -> Threshold:
        given = [name for name in ("above", "below", "outside") if getattr(self, name) is not None]
        if len(given) != 1:
            named = " and ".join(given) or "none of them"
            raise ValueError(f"give exactly one of above, below, outside: here is {named}")
        low, high = self.limits()
        if not all(map(math.isfinite, [x for x in self._numbers() if x is not None])):
            raise ValueError("limits must be finite numbers")
        if low >= high:
            raise ValueError(
                f"outside = [{low}, {high}] leaves nothing inside: put the lower limit first"
            )
        return self

    @model_validator(mode="after")
    def _durations_fit_the_mode(self) -> Threshold:
        if self.mode == "instant" and self.duration:
            raise ValueError(
                'mode = "instant" fires at once: leave out for, or write mode = "consecutive"'
            )
        if self.mode == "cumulative":
            if not self.duration:
                raise ValueError('mode = "cumulative" needs a total: add for = "10 h" or the like')
            if self.clear_for:
                raise ValueError("a cumulative total does not clear: use reset_after for clear_for")
        elif self.reset_after is not None:
            raise ValueError(
                'reset_after is about a total: leave it out, or write mode = "cumulative"'
            )
        return self

    @model_validator(mode="after")
    def _clear_is_inside(self) -> Threshold:
        if self.clear is None:
            return self
        pair = isinstance(self.clear, tuple)
        if pair != (self.outside is not None):
            raise ValueError("clear is one number for above and below, a pair for outside")
        low, high = self.limits()
        clear_low, clear_high = self.clear_limits()
        if self.above is not None and not clear_high < high:
            raise ValueError(f"clear = {clear_high} must lie below above = {high}")
        if self.below is not None and not clear_low > low:
            raise ValueError(f"clear = {clear_low} must lie above below = {low}")
        if self.outside is not None and not low <= clear_low <= clear_high <= high:
            raise ValueError(
                f"clear = [{clear_low}, {clear_high}] must lie inside outside = [{low}, {high}]"
            )
        return self

    def _numbers(self) -> tuple[float | None, ...]:
        clear = self.clear if isinstance(self.clear, tuple) else (self.clear,)
        return (self.above, self.below, *(self.outside or ()), *clear)

    def limits(self) -> tuple[float, float]:
        """Return the lowest and highest value without breach; infinite where there is no limit."""
        if self.outside is not None:
            return self.outside
        low = -math.inf if self.below is None else self.below
        high = math.inf if self.above is None else self.above
        return low, high

    def clear_limits(self) -> tuple[float, float]:
        """Return the lowest and highest value that is CLEAR (at them it is, if no breach)."""
        if self.clear is None:
            return self.limits()
        if isinstance(self.clear, tuple):
            return self.clear
        if self.above is not None:
            return -math.inf, self.clear
        return self.clear, math.inf

    spikes: Literal["ignore", "judge"] = Field(
        default="ignore",
        description="What becomes of a value that has jumped faster than anything real does, as "
        "from 4 to 90 °C in a minute. ignore: it waits for the next one, and counts if that "
        "confirms it, else it is taken as unknown. judge: it counts at once.",
    )

    def timing(self, interval: int) -> Timing:
        """Return the durations; `hold` is 2.5 intervals unless it is set."""
        return Timing(
            mode=self.mode,
            duration=self.duration,
            clear_duration=self.clear_for,
            gap=self.gap,
            hold=int(HOLDS * interval) if self.hold is None else self.hold,
            reset_after=self.reset_after,
            steps=self.steps_at(),
        )

    def condition(self, value: float, usable: bool) -> int:  # noqa: FBT001 - hot: called by position for each sample
        """Return UNKNOWN for what cannot be true, else compare with the limits."""
        if not usable:
            return UNKNOWN
        low, high = self.limits()
        if self.inclusive:
            if value <= low or value >= high:
                return BREACH
        elif value < low or value > high:
            return BREACH
        low, high = self.clear_limits()
        return CLEAR if low <= value <= high else NEUTRAL

    def waits(self) -> bool:
        """Say whether an impossible jump waits to be confirmed."""
        return self.spikes == "ignore"

    def settles(self) -> bool:
        """Whether all within the limits is CLEAR."""
        return self.clear is None

    def badness(self, value: float) -> float:
        """Return how far the value is beyond the nearer limit."""
        low, high = self.limits()
        return max(low - value, value - high)

    def calm(self) -> tuple[float, float]:
        """Return the limits: strictly between them nothing is a breach."""
        return self.limits()

    def limit(self) -> str:
        """Say the limit in words: "above 8.0 °C for 60 min"."""
        unit = QUANTITIES[self.channel.partition(".")[0]].unit
        space = f" {unit}" if unit else ""
        if self.outside is not None:
            words = f"outside {self.outside[0]} to {self.outside[1]}{space}"
        elif self.above is not None:
            words = f"{'at or ' if self.inclusive else ''}above {self.above}{space}"
        else:
            words = f"{'at or ' if self.inclusive else ''}below {self.below}{space}"
        if self.outside is not None and self.inclusive:
            words += ", limits included,"
        if not self.duration:
            return words.rstrip(",")
        total = " in total" if self.mode == "cumulative" else ""
        return f"{words} for {format_duration(self.duration)}{total}"
