"""Cargo sweat, container rain: something is colder than the dew point of the air around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from rules.duration import format_duration
from rules.meters.dew import Dew
from rules.meters.level import LastingRule
from rules.rule import check_channel


class Condensation(LastingRule):
    """Fires when a surface is colder than the dew point of the air around it, for long enough."""

    kind: Literal["condensation"] = Field(
        default="condensation", description="Dew on cargo or walls."
    )
    channel: str = Field(default="temperature", description="The temperature of the air.")
    humidity: str = Field(default="humidity", description="The humidity of the same air.")
    surface: str | float = Field(
        description="The temperature of cargo or wall: a channel such as temperature.wall, or a "
        "number, °C."
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="By how much the surface must be warmer than the dew point, °C.",
    )

    METER: ClassVar[type] = Dew

    @field_validator("humidity", "surface")
    @classmethod
    def _exists(cls, channel: str | float) -> str | float:
        return check_channel(channel) if isinstance(channel, str) else channel

    @model_validator(mode="after")
    def _what_each_is(self) -> Self:
        wanted = {"channel": "temperature", "humidity": "humidity", "surface": "temperature"}
        for name, quantity in wanted.items():
            given = getattr(self, name)
            if isinstance(given, str) and given.partition(".")[0] != quantity:
                raise ValueError(f"{name} = {given!r} is no {quantity}: name a channel that is one")
        if self.surface == self.channel:
            raise ValueError(
                f"surface and air are both {self.channel}: name the channel of cargo or wall, "
                "or write its temperature as a number"
            )
        if isinstance(self.surface, float) and not -100 <= self.surface <= 100:
            raise ValueError(f"surface = {self.surface} °C is no temperature of cargo or wall")
        return self

    def inputs(self) -> tuple[str, ...]:
        """Return air, humidity and, where it is measured, surface."""
        surface = (self.surface,) if isinstance(self.surface, str) else ()
        return (self.channel, self.humidity, *surface)

    def combine(self, place: int, values: Sequence[float]) -> float:
        """Return what several sensors' values count as; the worst surface is the coldest."""
        if place < 2 or self.counts == "mean":
            return super().combine(place, values)
        # The other way round, by the sign.
        return -super().combine(place, [-one for one in values])

    def meter(self) -> Dew:
        """Return a meter that has seen nothing."""
        return Dew(self.surface if isinstance(self.surface, float) else math.nan)

    def most(self) -> float:
        """Return how far below the dew point it may be: not at all, and above by the margin."""
        return -self.margin

    def unit(self) -> str:
        """Return the unit of the level."""
        return "°C below the dew point"

    def limit(self) -> str:
        """Say the limit in words: "temperature.wall below the dew point for 30 min"."""
        what = self.surface if isinstance(self.surface, str) else f"a surface of {self.surface} °C"
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        if self.margin:
            return f"{what} less than {self.margin} °C above the dew point{lasting}"
        return f"{what} below the dew point{lasting}"
