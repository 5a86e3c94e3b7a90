"""Ships and trucks on their way: where they are at a time, and how fast.

A route leads along great circles of a sphere of the Earth's mean radius, at one speed. It is
spelled out as a table of points, close enough that a straight line between two is as good.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.length import SECOND
from simulators.scenario import Point
from simulators.scenario import Route as Section

Floats = NDArray[np.float64]

EARTH: Final = 6371.0088
"""km: mean radius of the Earth (IUGG)."""
FASTEST: Final = {"sea": 60.0, "road": 120.0}
"""km/h. The fastest container ships make some 27 knots, 50 km/h; trucks 80 to 110 by law."""
_CLOSE = 5.0
"""km between two points of the table; the arc leaves its chord by less than a metre there."""


def distance(here: Point, there: Point) -> float:
    """Return km along the great circle (haversine formula)."""
    (lat, lon), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (here, there))
    half = math.sin((lat2 - lat) / 2) ** 2
    half += math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def between(here: Point, there: Point, parts: Floats) -> Floats:
    """Return points of the great circle, [n, 2] in degrees, at parts 0 to 1 of the way.

    For two points opposite to each other, which any great circle joins, one is taken.
    """
    a, b = _vector(here), _vector(there)
    angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
    across = b - (a @ b) * a
    if np.linalg.norm(across) < 1e-9:
        across = np.cross(a, np.array([0.0, 0.0, 1.0]) if abs(a[2]) < 0.9 else np.eye(3)[0])
    across = across / np.linalg.norm(across)
    turned = parts[:, None] * angle
    points = np.cos(turned) * a + np.sin(turned) * across
    latitude = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
    longitude = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    return np.column_stack([latitude, longitude])


def _vector(point: Point) -> Floats:
    latitude, longitude = map(math.radians, point)
    level = math.cos(latitude)
    return np.array([level * math.cos(longitude), level * math.sin(longitude), math.sin(latitude)])


class Route:
    """One route, and where somebody is who has travelled on it for so long."""

    def __init__(self, section: Section) -> None:
        self.by = section.by
        self.speed = section.speed
        """km/h."""
        self._then = section.then
        points: list[Floats] = []
        marks: list[Floats] = []
        covered = 0.0
        for here, there in pairwise(section.waypoints):
            length = distance(here, there)
            parts = np.linspace(0.0, 1.0, max(2, math.ceil(length / _CLOSE) + 1))
            points.append(between(here, there, parts))
            marks.append(covered + parts * length)
            covered += length
        path = np.concatenate(points)
        self.length = covered
        """km."""
        self._marks = np.concatenate(marks)
        self._latitude = path[:, 0]
        # Without the leap from 180 to -180, so that there is a middle between any two.
        self._longitude = np.unwrap(path[:, 1], period=360.0)

    def at(self, travelled: Floats) -> tuple[Floats, Floats, Floats]:
        """Return latitude and longitude (degrees) and speed (km/h) after so many ms under way.

        The longitude goes on beyond 180 where the date line is passed.
        """
        covered = np.maximum(travelled, 0.0) / SECOND / 3600 * self.speed
        if self._then == "return":
            lap = covered % (2 * self.length)
            covered = np.where(lap > self.length, 2 * self.length - lap, lap)
            speed = np.full(len(covered), self.speed)
        else:
            speed = np.where(covered < self.length, self.speed, 0.0)
        latitude = np.interp(covered, self._marks, self._latitude)
        longitude = np.interp(covered, self._marks, self._longitude)
        return latitude, longitude, speed
