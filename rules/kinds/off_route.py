"""Goods that are where nobody planned: off their way, or standing at no known stop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from rules.distance import Distance, format_distance
from rules.duration import MINUTE, Duration, format_duration
from rules.meters.level import LevelRule
from rules.meters.place import Standing, Stray
from rules.part import part_of
from rules.rule import Rule

if TYPE_CHECKING:
    from rules.cargo.consignment import Consignment

Point = tuple[float, float]


class _Way(LevelRule):
    """What all of it shares: the planned way, and positions as what is measured."""

    kind: Literal["off_route"] = Field(
        default="off_route", description="Off the planned way, or an unplanned stop."
    )
    channel: str = Field(
        default="latitude", description="Positions are latitude and longitude: leave it as it is."
    )
    route: tuple[Point, ...] = Field(
        default=(),
        description="The planned way: latitude and longitude of each point, in order. A "
        "consignment says its own, by the places of its legs.",
    )
    stops: tuple[Point, ...] = Field(
        default=(), description="Known stops besides the points of the way, latitude and longitude."
    )

    @field_validator("channel")
    @classmethod
    def _positions(cls, channel: str) -> str:
        if channel.partition(".")[0] != "latitude":
            raise ValueError(f"{channel} is no position: use latitude, or leave channel out")
        return channel

    @field_validator("route", "stops")
    @classmethod
    def _on_earth(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        for north, east in points:
            if not (-90 <= north <= 90 and -180 <= east <= 180):
                raise ValueError(
                    f"[{north}, {east}] is no place on earth: write latitude, then longitude"
                )
        return points

    def bound(self, consignment: Consignment) -> Self:
        """Return the rule with the way of a consignment, where the rule says none."""
        rule = super().bound(consignment)
        if self.route:
            return rule
        places = [
            place for leg in consignment.legs for place in (leg.origin, *leg.via, leg.destination)
        ]
        if not places:
            places = [consignment.origin, consignment.destination]
        found = [place.position for place in places if place.position is not None]
        route = tuple(one for one, last in zip(found, [None, *found], strict=False) if one != last)
        return rule.model_copy(update={"route": route})

    def inputs(self) -> tuple[str, ...]:
        """Return latitude and longitude, of the same place."""
        return self.channel, self.channel.replace("latitude", "longitude", 1)

    def combine(self, place: int, values: Sequence[float]) -> float:  # noqa: ARG002 - one signature for all meters
        """Return the first that is known: sensors of one consignment travel together."""
        return next((one for one in values if not math.isnan(one)), math.nan)


class Corridor(_Way):
    """How far from the planned way it is, as it is judged."""

    corridor: Distance = Field(description="As the rule has it.")
    duration: Duration = Field(default=0, alias="for", description="As the rule has it.")

    METER: ClassVar[type] = Stray

    def meter(self) -> Stray:
        """Return a meter that has seen nothing."""
        return Stray(self.route)

    def lasting(self) -> tuple[int, int]:
        """Return `for`; the first position within the corridor ends it."""
        return self.duration, 0

    def most(self) -> float:
        """Return the corridor, km."""
        return self.corridor

    def unit(self) -> str:
        """Return the unit of the level."""
        return "km"

    def limit(self) -> str:
        """Say the limit in words: "more than 20 km off the planned way for 10 min"."""
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        return f"more than {format_distance(self.corridor)} off the planned way{lasting}"


class Stop(_Way):
    """How long it has stood where no stop is known, as it is judged."""

    stop: Duration = Field(description="As the rule has it.")
    near: Distance = Field(description="As the rule has it.")
    radius: Distance = Field(description="As the rule has it.")

    METER: ClassVar[type] = Standing

    def meter(self) -> Standing:
        """Return a meter that has seen nothing."""
        return Standing(tuple(dict.fromkeys((*self.route, *self.stops))), self.radius, self.near)

    def most(self) -> float:
        """Return how long it may stand, in minutes; so long is too long."""
        return math.nextafter(self.stop / MINUTE, 0)

    def unit(self) -> str:
        """Return the unit of the level."""
        return "min"

    def limit(self) -> str:
        """Say the limit in words: "stopped for 30 min, no known stop within 1 km"."""
        near = format_distance(self.near)
        return f"stopped for {format_duration(self.stop)}, no known stop within {near}"


class OffRoute(_Way):
    """Fires when goods leave the planned way, and when they stop where no stop is known.

    These are two alerts: NAME-corridor and NAME-stop.
    """

    corridor: Distance = Field(
        default=20.0,
        gt=0,
        description="How far from the planned way they may be.",
    )
    duration: Duration = Field(
        default=10 * MINUTE,
        alias="for",
        description="How long they must be outside of the corridor before it fires.",
    )
    stop: Duration = Field(
        default=30 * MINUTE, gt=0, description="How long they may stand where no stop is known."
    )
    near: Distance = Field(
        default=1.0, gt=0, description="How near a known stop, or a point of the way, must be."
    )
    radius: Distance = Field(
        default=0.2, gt=0, description="They stand while they move no farther than this."
    )

    @model_validator(mode="after")
    def _parts_are_right(self) -> Self:
        if self.steps:
            raise ValueError("leaving the way and stopping are two alerts: leave out steps")
        if self.radius >= self.corridor:
            raise ValueError("radius is what counts as standing still: make it less than corridor")
        self.parts()  # as rules of their own they must be right too
        return self

    def parts(self) -> tuple[Rule, ...]:
        """Return one rule about the way, and one about stops."""
        return part_of(self, Corridor, "corridor"), part_of(self, Stop, "stop")

    def limit(self) -> str:
        """Say the limits in words."""
        return "; ".join(part.limit() for part in self.parts())
