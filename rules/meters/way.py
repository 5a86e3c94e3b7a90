"""Where a vehicle is against the way that was planned for it.

A planned line runs along great circles from point to point, in pieces of at most 50 km. A position
is held against the pieces near it on a plane of its own: distances and directions from the
position, as an azimuthal projection gives them. That knows no seam at 180° and no edge at a pole.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely  # type: ignore[import-untyped]

from rules.meters.place import RADIUS, Points

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIECE = 50.0
"""Length of a piece of a planned line at most, km: it strays from its great circle by 50 m."""
NEAR = 500.0
"""Farther away than this (km) the nearest corner is told: by then half a km makes no difference."""


def _vector(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Return the unit vector from the centre of the earth, shape (3,)."""
    north, east = math.radians(latitude), math.radians(longitude)
    flat = math.cos(north)
    return np.array([flat * math.cos(east), flat * math.sin(east), math.sin(north)])


def _pieces(points: Points) -> NDArray[np.float64]:
    """Return the corners of a planned line, unit vectors of shape (n, 3), close to one another."""
    vectors = [_vector(*point) for point in points]
    found = [vectors[0]]
    for begin, end in pairwise(vectors):
        angle = 2 * math.asin(min(1.0, float(np.linalg.norm(end - begin)) / 2))
        count = max(1, math.ceil(angle * RADIUS / PIECE))
        for step in range(1, count + 1):
            # Along the great circle; between opposite points every way is as short as another.
            share = step / count
            if math.sin(angle) < 1e-9:
                between = begin * (1 - share) + end * share if angle < 1 else end
            else:
                between = (
                    math.sin((1 - share) * angle) * begin + math.sin(share * angle) * end
                ) / math.sin(angle)
            found.append(between / np.linalg.norm(between))
    return np.array(found)


class Way:
    """A planned line."""

    def __init__(self, points: Points) -> None:
        """Take the points that it runs through, in order; at least one."""
        self._corners = _pieces(points)

    def distance(self, latitude: float, longitude: float) -> float:
        """Return how far a position is from the line, km."""
        here = _vector(latitude, longitude)
        chords = np.linalg.norm(self._corners - here, axis=1)
        far = 2 * RADIUS * np.arcsin(np.minimum(1.0, chords / 2))
        nearest = float(far.min())
        if len(far) == 1 or nearest > NEAR:
            return nearest
        near = np.minimum(far[:-1], far[1:]) <= nearest + PIECE
        plane = _plane(here, self._corners, far)
        lines = shapely.linestrings(np.stack([plane[:-1][near], plane[1:][near]], axis=1))
        # A piece may be shorter than numbers can tell: one of its ends is as near as any of it.
        with np.errstate(divide="ignore", invalid="ignore"):
            found = shapely.distance(lines, shapely.Point(0, 0))
        return min(nearest, float(np.nanmin(found)))


def _plane(
    here: NDArray[np.float64], corners: NDArray[np.float64], far: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return corners on a plane around a position, km, shape (n, 2)."""
    axis = np.array([0.0, 0.0, 1.0] if abs(here[2]) < 0.9 else [1.0, 0.0, 0.0])
    east = np.cross(axis, here)
    east /= np.linalg.norm(east)
    north = np.cross(here, east)
    flat = np.stack([corners @ east, corners @ north], axis=1)
    lengths = np.linalg.norm(flat, axis=1)
    scale = np.divide(far, lengths, out=np.zeros_like(far), where=lengths > 0)
    return np.asarray(flat * scale[:, None])


@lru_cache(maxsize=256)
def way(points: Points) -> Way:
    """Return the planned line through these points; the same for the same."""
    return Way(points)
