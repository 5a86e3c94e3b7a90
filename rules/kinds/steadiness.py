"""A value that does not stay within a band, wherever that lies: humidity around a painting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
from pydantic import Field

from devices.reading import QUANTITIES
from rules.duration import Duration, format_duration
from rules.meters.level import LastingRule
from rules.meters.window import Extremes


class Width(msgspec.Struct, array_like=True, gc=False):
    """The width of the band that all values of a window lie in: its level.

    Nobody knows it (NaN) while the newest value is unknown, or the only one in the window.
    """

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
            self.level = within.highest - within.lowest
        return self.level


class Steadiness(LastingRule):
    """Fires when the highest and the lowest value of a window are too far apart.

    A band of ±10 has a width of 20.
    """

    kind: Literal["steadiness"] = Field(
        default="steadiness", description="A value that does not stay within a band."
    )
    width: float = Field(
        gt=0,
        description="How far the highest and the lowest may lie apart: for a band of ±10 it is 20.",
    )
    within: Duration = Field(
        gt=0, description="The time in which; at least twice the time from reading to reading."
    )

    METER: ClassVar[type] = Width

    def combine(self, place: int, values: Sequence[float]) -> float:  # noqa: ARG002 - one signature for all meters
        """Return the mean of several sensors' values, unless one of them is to count.

        To take now this one and now that one would look like a change.
        """
        return math.fsum(values) / len(values)

    def meter(self) -> Width:
        """Return a meter that has seen nothing."""
        return Width(Extremes(self.within))

    def most(self) -> float:
        """Return the limit."""
        return self.width

    def unit(self) -> str:
        """Return the unit of the level."""
        return QUANTITIES[self.channel.partition(".")[0]].unit

    def limit(self) -> str:
        """Say the limit in words: "more than 20.0 %RH between lowest and highest within 1 day"."""
        much = f"{self.width} {self.unit()}".rstrip()
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        within = format_duration(self.within)
        return f"more than {much} between lowest and highest within {within}{lasting}"
