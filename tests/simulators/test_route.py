"""Routes lead along great circles at their speed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from simulators.route import Route, distance
from simulators.scenario import Route as Section
from tests.simulators.small import HOUR

HAMBURG, NEW_YORK = (53.55, 9.99), (40.71, -74.01)


def route(*waypoints: tuple[float, float], then: str = "stay", speed: float = 40) -> Route:
    values = {"name": "x", "by": "sea", "speed": speed, "then": then}
    return Route(Section.model_validate({**values, "waypoints": list(waypoints)}))


def at(way: Route, *hours: float) -> list[tuple[float, float, float]]:
    found = way.at(np.array(hours) * HOUR)
    return [tuple(float(one[i]) for one in found) for i in range(len(hours))]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        ((0.0, 0.0), (0.0, 90.0), 10_007.5),  # a quarter of the Earth
        ((90.0, 0.0), (-90.0, 0.0), 20_015.1),
        (HAMBURG, NEW_YORK, 6_129),
        ((0.0, 179.5), (0.0, -179.5), 111.2),
    ],
)
def test_distances_are_those_of_great_circles(
    here: tuple[float, float], there: tuple[float, float], km: float
) -> None:
    assert distance(here, there) == pytest.approx(km, rel=1e-3)
    assert route(here, there).length == pytest.approx(distance(here, there))


def test_a_ship_goes_at_its_speed_by_the_north() -> None:
    way = route(HAMBURG, NEW_YORK)
    hours = list(np.linspace(0, way.length / 40, 200))
    points = [(lat, lon) for lat, lon, _ in at(way, *hours)]
    steps = [distance(a, b) for a, b in pairwise(points)]
    assert steps == pytest.approx([way.length / 199] * 199, rel=1e-3)
    assert max(lat for lat, _ in points) > 55, "the great circle leads north of both"
    assert points[0] == pytest.approx(HAMBURG)
    assert points[-1] == pytest.approx(NEW_YORK)


def test_at_the_end_it_stays() -> None:
    way = route((0.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    before, end, later = at(way, 1, 6, 600)
    assert before[2] == 40
    assert end == later
    assert end == pytest.approx((1.0, 1.0, 0.0))
    assert at(way, -5)[0][:2] == (0.0, 0.0)


def test_or_it_goes_to_and_fro() -> None:
    way = route((0.0, 0.0), (0.0, 1.0), then="return")
    lap = 2 * way.length / 40
    there, middle, back, again = at(way, lap / 2, lap * 0.75, lap, lap * 10.25)
    assert there[1] == pytest.approx(1.0)
    assert middle[1] == pytest.approx(0.5)
    assert back[1] == pytest.approx(0.0, abs=1e-9)
    assert again[1] == pytest.approx(0.5)
    assert {one[2] for one in (there, middle, back, again)} == {40}


def test_the_date_line_is_passed_without_a_leap() -> None:
    way = route((10.0, 178.0), (10.0, -178.0))
    eastward = [lon for _, lon, _ in at(way, *range(11))]
    assert all(0 < b - a < 1 for a, b in pairwise(eastward))


def test_there_is_a_way_to_the_other_side_of_the_earth() -> None:
    way = route((30.0, 10.0), (-30.0, -170.0))
    points = [(lat, lon) for lat, lon, _ in at(way, *np.linspace(0, way.length / 40, 50))]
    steps = [distance(a, (b[0], (b[1] + 180) % 360 - 180)) for a, b in pairwise(points)]
    assert steps == pytest.approx([way.length / 49] * 49, rel=1e-3)
