"""Where a vehicle is: how far off the planned way, and how long it has stood there."""

from __future__ import annotations

import math

import msgspec

RADIUS = 6371.0088
"""Mean radius of the earth, km."""

Points = tuple[tuple[float, float], ...]
"""Latitude and longitude of each, degrees, WGS 84."""


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return how far two positions are apart over the ground, km."""
    south, north = math.radians(one[0]), math.radians(other[0])
    east = math.radians(other[1] - one[1])
    square = (
        math.sin((north - south) / 2) ** 2
        + math.cos(south) * math.cos(north) * math.sin(east / 2) ** 2
    )
    return 2 * RADIUS * math.asin(min(1.0, math.sqrt(square)))


class Stray(msgspec.Struct, array_like=True, gc=False):
    """How far a position is from the planned line, km: its level. Unknown without a line."""

    route: Points
    level: float = math.nan

    def take(self, when: int, value: tuple[float, float], hold: int) -> float:  # noqa: ARG002 - one signature for all meters
        """Take latitude and longitude and return the level: see `rules.meter`."""
        known = self.route and not math.isnan(value[0]) and not math.isnan(value[1])
        if known:
            # Geometry takes a while to load, and most gateways never need it.
            from rules.meters.way import way  # noqa: PLC0415 - see above

            self.level = way(self.route).distance(*value)
        else:
            self.level = math.nan
        return self.level


class Standing(msgspec.Struct, array_like=True, gc=False):
    """For how many minutes it has stood where no known stop is near: its level.

    It stands while it is within `radius` (km) of where it was when it came to stand, at `place`
    since `since` (ms). Where nobody knew for longer than a position speaks, it may have been away.
    """

    stops: Points
    radius: float
    near: float
    level: float = math.nan
    place: tuple[float, float] | None = None
    since: int = 0
    when: int = 0
    known: bool = False
    """Whether `place` is near a known stop."""

    def take(self, when: int, value: tuple[float, float], hold: int) -> float:
        """Take latitude and longitude and return the level: see `rules.meter`."""
        if math.isnan(value[0]) or math.isnan(value[1]):
            self.level = math.nan
            return self.level
        place = self.place
        if place is None or when - self.when > hold or apart(place, value) > self.radius:
            self.place, self.since = value, when
            self.known = any(apart(stop, value) <= self.near for stop in self.stops)
        self.when = when
        self.level = 0.0 if self.known else (when - self.since) / 60_000
        return self.level
