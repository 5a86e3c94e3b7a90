"""What goods may spend outside of their label in all their life: a budget, used up bit by bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from devices.reading import QUANTITIES
from rules.duration import Duration, format_duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, CLEAR, UNKNOWN, StepAt, Timing
from rules.meters.kinetic import acceleration
from rules.rule import SampleRule, Severity

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment

FASTEST = 1e6
"""A budget is used up no faster than this: by then an hour is more than a century."""


class StabilityBudget(SampleRule):
    """Fires when so much of the time allowed out of range is used up, and again when all of it is.

    It never starts again: what was used up before, on other legs or in another's hands, is carried.
    """

    kind: Literal["stability_budget"] = Field(
        default="stability_budget", description="Time out of range, over the product's life."
    )
    channel: str = Field(default="temperature", description="The channel that it is out of range.")
    low: float | None = Field(default=None, description="The lowest value that uses nothing up.")
    high: float | None = Field(default=None, description="The highest value that uses nothing up.")
    allowed: Duration = Field(gt=0, description="The whole budget.")
    carried: Duration = Field(
        default=0, description="Used up before the first reading; a consignment says its own."
    )
    warn_at: float = Field(
        default=50.0,
        gt=0,
        le=100,
        description="Percent of the budget at which it fires, as grave as severity says. Used up "
        "it is critical.",
    )
    q10: float | None = Field(
        default=None,
        ge=1,
        le=10,
        description="How many times faster it is used up for each 10 °C above reference.",
    )
    energy: float | None = Field(
        default=None,
        ge=10,
        le=400,
        description="The same by activation energy (Arrhenius), kJ/mol.",
    )
    reference: float | None = Field(
        default=None,
        ge=-100,
        le=100,
        description="For q10 and energy: the temperature at which an hour uses up an hour, °C.",
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )
    spikes: Literal["ignore", "judge"] = Field(
        default="ignore",
        description="What becomes of a value that has jumped faster than anything real does: it "
        "waits for the next one to confirm it, or counts at once.",
    )

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.channel == "*":
            raise ValueError("a budget is about one channel: name it")
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both: outside of them the budget is used up")
        low, high = self.limits()
        if not low < high:
            raise ValueError(f"low = {low} must lie below high = {high}")
        return self

    @model_validator(mode="after")
    def _weighed_by_temperature(self) -> Self:
        if self.q10 is not None and self.energy is not None:
            raise ValueError("q10 and energy say the same in two ways: keep one of them")
        weighed = self.q10 is not None or self.energy is not None
        if weighed != (self.reference is not None):
            raise ValueError(
                "q10 or energy and reference go together: reference is the temperature at which "
                "an hour uses up an hour"
            )
        if weighed and (self.channel.partition(".")[0] != "temperature" or self.high is None):
            raise ValueError("q10 and energy weigh what is above high: of a temperature, with high")
        if self.steps:
            raise ValueError("the steps of a budget are warn_at and all of it: leave out steps")
        return self

    def bound(self, consignment: Consignment) -> Self:
        """Return the rule with what the consignment has used up before."""
        rule = super().bound(consignment)
        return rule.model_copy(update={"carried": self.carried + consignment.carried})

    def limits(self) -> tuple[float, float]:
        """Return the lowest and highest value that uses nothing up; infinite where none is."""
        low = -math.inf if self.low is None else self.low
        return low, math.inf if self.high is None else self.high

    def rate(self, value: float) -> float:
        """Return how fast the budget is used up at a value: 0 in range, 1 by the clock.

        By q10 or energy only above `high`: what cold does is another matter.
        """
        low, high = self.limits()
        if low <= value <= high:
            return 0.0
        if value < low or self.reference is None:
            return 1.0
        if self.q10 is not None:
            return min(FASTEST, float(self.q10 ** ((value - self.reference) / 10)))
        return min(FASTEST, acceleration(value, self.reference, self.energy or 0.0))

    def timing(self, interval: int) -> Timing:
        """Return the durations: it fires at `warn_at`, and is graver when all is used up."""
        warned = self._warned()
        steps = (StepAt(after=self.allowed),) if warned < self.allowed else ()
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing("cumulative", warned, 0, "pause", hold, carried=self.carried, steps=steps)

    def severity_at(self, step: int) -> Severity:
        """Return the rule's own severity, critical when all is used up."""
        return "critical" if step or self.warn_at == 100 else self.severity

    def condition(self, value: float, usable: bool) -> int:  # noqa: FBT001 - hot: called by position for each sample
        """Return UNKNOWN for what cannot be true, BREACH out of range.

        Where enough was used up before, that is to be told with the first reading, whatever it is.
        """
        if not usable:
            return UNKNOWN
        low, high = self.limits()
        return CLEAR if low <= value <= high and not self._told_at_once() else BREACH

    def waits(self) -> bool:
        """Say whether an impossible jump waits to be confirmed."""
        return self.spikes == "ignore"

    def badness(self, value: float) -> float:
        """Return how far the value is out of range."""
        low, high = self.limits()
        return max(low - value, value - high)

    def calm(self) -> tuple[float, float]:
        """Return the range; nothing where it is to be told at once."""
        return (math.inf, -math.inf) if self._told_at_once() else self.limits()

    def limit(self) -> str:
        """Say the limit in words: "36 h of the 72 h allowed outside 2.0 to 8.0 °C used up"."""
        unit = QUANTITIES[self.channel.partition(".")[0]].unit
        space = f" {unit}" if unit else ""
        if self.low is None:
            out = f"above {self.high}{space}"
        elif self.high is None:
            out = f"below {self.low}{space}"
        else:
            out = f"outside {self.low} to {self.high}{space}"
        allowed = format_duration(self.allowed)
        if self._warned() == self.allowed:
            return f"the {allowed} allowed {out} used up"
        return f"{format_duration(self._warned())} of the {allowed} allowed {out} used up"

    def _warned(self) -> int:
        return max(1, int(self.allowed * self.warn_at / 100))

    def _told_at_once(self) -> bool:
        return self.carried >= self._warned()
