"""A sensor whose calibration has expired: what it says may be true, and proves nothing."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from devices.reading import EXPIRED
from rules.duration import Duration, format_duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, Timing
from rules.rule import SampleRule


class CalibrationExpired(SampleRule):
    """Fires when a device goes on measuring after its calibration has expired."""

    kind: Literal["calibration_expired"] = Field(
        default="calibration_expired", description="Measured after the calibration had expired."
    )
    channel: str = Field(
        default="temperature",
        description="A channel that the device sends: it stands for all of the device, which "
        "counts as expired with any of its calibrations.",
    )
    duration: Duration = Field(
        default=0, alias="for", description="How long it may go on measuring all the same."
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long a reading speaks for when no other follows; 2.5 intervals of "
        "the device if left out.",
    )

    judges_flags: ClassVar[int] = EXPIRED

    @field_validator("channel")
    @classmethod
    def _one_channel(cls, channel: str) -> str:
        if channel == "*":
            raise ValueError("one channel stands for all of a device: name one that it sends")
        return channel

    def timing(self, interval: int) -> Timing:
        """Return the durations: a reading by a valid calibration ends it."""
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing("consecutive", self.duration, 0, "pause", hold, steps=self.steps_at())

    def condition(self, value: float, usable: bool) -> int:  # noqa: ARG002, FBT001 - one signature for all kinds
        """Return BREACH: it is asked only of readings that carry the flag."""
        return BREACH

    def badness(self, value: float) -> float:  # noqa: ARG002 - one signature for all kinds
        """Return 0: no value is worse than another."""
        return 0.0

    def calm(self) -> tuple[float, float]:
        """Return everything: no value is a breach by itself."""
        return -math.inf, math.inf

    def limit(self) -> str:
        """Say the limit in words: "measured with an expired calibration"."""
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        return f"measured with an expired calibration{lasting}"
