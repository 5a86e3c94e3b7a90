"""Where a consignment was, in words: on which leg of its way, on what, and near which place."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules.cargo.consignment import Consignment, Leg, Place
    from rules.cargo.voices import Spoken

NEAR = 10.0
"""Kilometres within which a position is told by the name of a known place."""
FRESH = 60 * 60 * 1000
"""How old (ms) a position may be to say where something was."""
_EARTH = 6371.0
_MODES = {"road": "by road", "sea": "by sea", "air": "by air", "rail": "by rail", "store": "stored"}


class Fix(NamedTuple):
    """A position (degrees, WGS 84) at a time (ms)."""

    when: int
    latitude: float
    longitude: float


class Track:
    """Where a consignment was, by what was stated of its way and by the positions it sent."""

    def __init__(self, consignment: Consignment, spoken: Iterable[Spoken]) -> None:
        self._consignment = consignment
        self._fixes = sorted(fix for one in spoken for fix in _fixes(one))
        self._times = [fix.when for fix in self._fixes]
        self._places = list(_places(consignment))

    def place(self, begin: int, end: int) -> str:
        """Say where it was from `begin` until `end` (ms)."""
        first, last = self._leg(begin), self._leg(max(begin, end - 1))
        text = first if first == last else f"{first}; then {last}"
        fix = self._fix(begin)
        return f"{text}, near {self._near(fix)}" if fix else text

    def _leg(self, when: int) -> str:
        leg = self._consignment.leg_at(when)
        if leg is not None:
            carrier = f", {leg.vehicle}" if leg.vehicle else ""
            return (
                f"leg {leg.number}, {leg.origin.name or '?'} to {leg.destination.name or '?'}, "
                f"{_MODES[leg.mode]}{carrier}"
            )
        done = [one for one in self._consignment.legs if self._over(one, when)]
        if done:
            rest = len(self._consignment.legs) - len(done)
            where = f"at {done[-1].destination.name or '?'}"
            return f"{where}, after leg {done[-1].number}" if rest else f"{where}, after arrival"
        name = self._consignment.origin.name
        return f"at {name}, before departure" if name else "before departure"

    def _over(self, leg: Leg, when: int) -> bool:
        real = {one.leg: one for one in self._consignment.travelled}.get(leg.number)
        return real is not None and real.arrived is not None and real.arrived <= when

    def _fix(self, when: int) -> Fix | None:
        """Return the last position up to a time, else the first after it, if it is fresh."""
        place = bisect_right(self._times, when)
        for row in (place - 1, place):
            if 0 <= row < len(self._fixes) and abs(self._times[row] - when) <= FRESH:
                return self._fixes[row]
        return None

    def _near(self, fix: Fix) -> str:
        numbers = f"{fix.latitude:.4f}, {fix.longitude:.4f}"
        named = [
            (distance, place.name)
            for place in self._places
            if place.position is not None
            and (distance := kilometres(place.position, (fix.latitude, fix.longitude))) <= NEAR
        ]
        return f"{min(named)[1]} ({numbers})" if named else numbers


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance between two positions (degrees) on a sphere, km."""
    (north, east), (other_north, other_east) = a, b
    up = math.radians(other_north - north) / 2
    across = math.radians(other_east - east) / 2
    shrink = math.cos(math.radians(north)) * math.cos(math.radians(other_north))
    half = math.sin(up) ** 2 + shrink * math.sin(across) ** 2
    return 2 * _EARTH * math.asin(math.sqrt(min(1.0, half)))


def _fixes(one: Spoken) -> Iterator[Fix]:
    carries: dict[int, bool] = {}
    for reading in one.readings:
        key = id(reading.layout)
        if key not in carries:
            carries[key] = reading.layout.index("latitude") is not None
        position = reading.position if carries[key] else None
        if position is not None:
            yield Fix(reading.when, *position)


def _places(consignment: Consignment) -> Iterator[Place]:
    yield consignment.origin
    yield consignment.destination
    for leg in consignment.legs:
        yield from (leg.origin, *leg.via, leg.destination)
