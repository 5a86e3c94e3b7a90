"""A sensor that speaks, and says only what cannot be true."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from rules.duration import Duration, format_duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, CLEAR, Timing
from rules.rule import SampleRule


class NoUsableData(SampleRule):
    """Fires when a channel's values are missing or out of physical range for too long."""

    kind: Literal["no_usable_data"] = Field(
        default="no_usable_data", description="A sensor that sends only impossible values."
    )
    channel: str = Field(
        default="*", description="The channel it watches; * watches each channel by itself."
    )
    duration: Duration = Field(
        alias="for", gt=0, description="How long without one usable value before it fires."
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )

    def timing(self, interval: int) -> Timing:
        """Return the durations: one usable value ends it."""
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing("consecutive", self.duration, 0, "pause", hold, steps=self.steps_at())

    def condition(self, value: float, usable: bool) -> int:  # noqa: ARG002, FBT001 - one signature for all kinds
        """Return CLEAR for a usable value, else BREACH."""
        return CLEAR if usable else BREACH

    def badness(self, value: float) -> float:  # noqa: ARG002 - one signature for all kinds
        """Return 0: no impossible value is worse than another."""
        return 0.0

    def calm(self) -> tuple[float, float]:
        """Return everything: a usable value is never a breach."""
        return -math.inf, math.inf

    def limit(self) -> str:
        """Say the limit in words: "no usable value for 60 min"."""
        return f"no usable value for {format_duration(self.duration)}"
