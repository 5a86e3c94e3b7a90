"""All the time that goods have spent beyond one limit or another, each with its own total."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from devices.reading import QUANTITIES
from rules.duration import Duration, format_duration
from rules.kinds.threshold import HOLDS
from rules.lifecycle import BREACH, CLEAR, UNKNOWN, Timing
from rules.part import part_of
from rules.rule import SampleRule, Severity, Step


class Band(BaseModel):
    """Values beyond one limit, and how long in all goods may have them."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )

    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="What the band is called: its alerts are those of the rule NAME-BAND.",
    )
    above: float | None = Field(default=None, description="Values above this are in the band.")
    below: float | None = Field(default=None, description="Values below this are in the band.")
    inclusive: bool = Field(
        default=False, description="Whether a value exactly at the limit is in the band too."
    )
    duration: Duration = Field(alias="for", gt=0, description="How long in all before it fires.")
    severity: Severity | None = Field(
        default=None, description="How grave an alert of this band is; as the rule's if left out."
    )
    steps: tuple[Step, ...] = Field(
        default=(), description="Where an alert of this band becomes graver, in rising order."
    )
    note: str = Field(
        default="", description="What the operator should do; the rule's note if left out."
    )

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        given = [one for one in (self.above, self.below) if one is not None]
        if len(given) != 1 or not math.isfinite(given[0]):
            raise ValueError(f"band {self.name!r} needs one finite limit: above = 8 or below = 2")
        return self


class ExposureBand(SampleRule):
    """One band of an exposure, as it is judged."""

    kind: Literal["exposure"] = Field(default="exposure", description="One band of an exposure.")
    band: Band = Field(description="The band.")
    reset_after: Duration | None = Field(default=None, description="As the exposure has it.")
    hold: Duration | None = Field(default=None, description="As the exposure has it.")
    spikes: Literal["ignore", "judge"] = Field(
        default="ignore", description="As the exposure has it."
    )

    def timing(self, interval: int) -> Timing:
        """Return the durations: all time in the band adds up."""
        hold = int(HOLDS * interval) if self.hold is None else self.hold
        return Timing(
            "cumulative",
            self.band.duration,
            0,
            "pause",
            hold,
            reset_after=self.reset_after,
            steps=self.steps_at(),
        )

    def condition(self, value: float, usable: bool) -> int:  # noqa: FBT001 - hot: called by position for each sample
        """Return UNKNOWN for what cannot be true, BREACH in the band."""
        if not usable:
            return UNKNOWN
        beyond = self.badness(value)
        return BREACH if beyond > 0 or (beyond == 0 and self.band.inclusive) else CLEAR

    def waits(self) -> bool:
        """Say whether an impossible jump waits to be confirmed."""
        return self.spikes == "ignore"

    def badness(self, value: float) -> float:
        """Return how far the value is beyond the band's limit."""
        if self.band.above is not None:
            return value - self.band.above
        return (self.band.below or 0.0) - value

    def calm(self) -> tuple[float, float]:
        """Return what lies before the band."""
        if self.band.above is not None:
            return -math.inf, self.band.above
        return self.band.below or 0.0, math.inf

    def limit(self) -> str:
        """Say the limit in words: "12 h in total above 8.0 °C"."""
        band = self.band
        unit = QUANTITIES[self.channel.partition(".")[0]].unit
        way = f"above {band.above}" if band.above is not None else f"below {band.below}"
        at = "at or " if band.inclusive else ""
        return f"{format_duration(band.duration)} in total {at}{way} {unit}".rstrip()


class Exposure(SampleRule):
    """Fires for each of its bands when all time in that band adds up to its own length."""

    kind: Literal["exposure"] = Field(
        default="exposure", description="All time beyond limits, each with its own total."
    )
    bands: tuple[Band, ...] = Field(
        min_length=1,
        description="The bands, each with name, above or below, and for. They may overlap: what "
        "is above 25 is above 8 as well.",
    )
    reset_after: Duration | None = Field(
        default=None,
        gt=0,
        description="After how long out of a band its total starts again, which also ends its "
        "alarm; never if left out.",
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

    @field_validator("channel")
    @classmethod
    def _one_channel(cls, channel: str) -> str:
        if channel == "*":
            raise ValueError("an exposure is about one channel: write one rule for each")
        return channel

    @model_validator(mode="after")
    def _bands_differ(self) -> Self:
        names = [band.name for band in self.bands]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two bands are called {twice[0]!r}: give each a name of its own")
        if self.steps:
            raise ValueError("steps belong to a band: write them there")
        self.parts()  # as rules of their own they must be right too
        return self

    def parts(self) -> tuple[ExposureBand, ...]:
        """Return a rule for each band, called NAME-BAND."""
        return tuple(
            part_of(
                self,
                ExposureBand,
                band.name,
                band=band,
                severity=band.severity or self.severity,
                note=band.note or self.note,
                steps=band.steps,
            )
            for band in self.bands
        )

    def timing(self, interval: int) -> Timing:
        """Return the durations of the first band; each is judged by its own."""
        return self.parts()[0].timing(interval)

    def limit(self) -> str:
        """Say the limits in words."""
        return "; ".join(part.limit() for part in self.parts())
