"""How far from the way: on roads and oceans, across 180°, and at the poles."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.duration import MINUTE
from rules.meters.place import RADIUS, Points, Standing, Stray, apart
from rules.meters.way import way
from tests.rules.series import START

HAMBURG, BERLIN, MUNICH = (53.55, 9.99), (52.52, 13.40), (48.14, 11.58)
HOLD = 30 * MINUTE


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        (HAMBURG, BERLIN, 256),
        (BERLIN, MUNICH, 504),
        ((0.0, 0.0), (0.0, 1.0), 111.2),
        ((0.0, 179.5), (0.0, -179.5), 111.2),
        ((89.9, 0.0), (89.9, 180.0), 22.2),
        ((0.0, 0.0), (0.0, 180.0), math.pi * RADIUS),
    ],
)
def test_distances_over_the_ground(
    one: tuple[float, float], other: tuple[float, float], kilometres: float
) -> None:
    assert apart(one, other) == pytest.approx(kilometres, rel=0.004)
    assert apart(other, one) == apart(one, other)


@pytest.mark.parametrize(
    ("route", "position", "kilometres"),
    [
        ((HAMBURG, BERLIN), HAMBURG, 0.0),
        ((HAMBURG, BERLIN), (53.0483, 11.7154), 0.0),  # midway
        # These by the formula for the distance across a track, computed apart.
        ((HAMBURG, BERLIN), (52.27, 10.52), 113.2),  # Braunschweig
        ((HAMBURG, BERLIN, MUNICH), (51.34, 12.37), 33.9),  # Leipzig
        ((BERLIN,), HAMBURG, 255.1),
        (((0.0, 0.0), (0.0, 10.0)), (1.0, 5.0), 111.2),
        (((0.0, 0.0), (0.0, 10.0)), (0.0, 11.0), 111.2),
        (((0.0, 179.0), (0.0, -179.0)), (1.0, 180.0), 111.2),
        (((0.0, 179.0), (0.0, -179.0)), (1.0, -180.0), 111.2),
        (((0.0, 179.0), (0.0, -179.0)), (0.0, 0.0), 179 * 111.195),
        (((80.0, 0.0), (80.0, 180.0)), (90.0, 0.0), 0.0),
        (((80.0, 0.0), (80.0, 180.0)), (89.0, 90.0), 111.2),
        (((-80.0, -90.0), (-80.0, 90.0)), (-90.0, 45.0), 0.0),
        (((0.0, 0.0), (0.0, 0.0)), (1.0, 0.0), 111.2),
    ],
)
def test_how_far_from_the_planned_line(
    route: Points, position: tuple[float, float], kilometres: float
) -> None:
    assert way(route).distance(*position) == pytest.approx(kilometres, rel=0.002, abs=1.0)


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
places = st.tuples(latitudes, longitudes)


@given(st.lists(places, min_size=1, max_size=4), places)
def test_no_place_on_earth_breaks_it(
    points: list[tuple[float, float]], here: tuple[float, float]
) -> None:
    found = way(tuple(points)).distance(*here)
    nearest = min(apart(one, here) for one in points)
    assert 0 <= found <= nearest + 1e-3
    assert all(way(tuple(points)).distance(*one) < 1e-3 for one in points)


@given(places, places, st.floats(0, 1))
def test_the_line_is_the_shortest_way(
    begin: tuple[float, float], end: tuple[float, float], share: float
) -> None:
    length = apart(begin, end)
    assume(1 < length < 19_000)
    line = way((begin, end))
    # A point on the great circle, by the formula for intermediate points.
    angle = length / RADIUS
    near, far = (
        math.sin((1 - share) * angle) / math.sin(angle),
        math.sin(share * angle) / math.sin(angle),
    )
    x, y, z = (
        near * one + far * other for one, other in zip(_vector(*begin), _vector(*end), strict=True)
    )
    between = (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))
    assert line.distance(*between) < 0.06


def _vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return (
        math.cos(north) * math.cos(east),
        math.cos(north) * math.sin(east),
        math.sin(north),
    )


def test_without_a_way_or_a_position_nobody_knows() -> None:
    assert math.isnan(Stray(()).take(START, HAMBURG, HOLD))
    assert math.isnan(Stray((BERLIN,)).take(START, (math.nan, 13.0), HOLD))
    assert math.isnan(Standing((), 0.2, 1.0).take(START, (52.0, math.nan), HOLD))


def test_its_state_is_read_back_with_its_way() -> None:
    meter = Stray((HAMBURG, BERLIN))
    meter.take(START, MUNICH, HOLD)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(meter), type=Stray)
    assert again == meter
    assert again.take(START, BERLIN, HOLD) == pytest.approx(0, abs=1e-6)


def standing(meter: Standing, *steps: tuple[float, tuple[float, float]]) -> list[float]:
    return [meter.take(START + int(minutes * MINUTE), place, HOLD) for minutes, place in steps]


def test_it_stands_while_it_is_near_where_it_came_to_stand() -> None:
    meter = Standing((), 0.2, 1.0)
    moved, shaken = (52.53, 13.40), (52.5205, 13.4005)
    steps = [(0, BERLIN), (10, shaken), (20, BERLIN), (30, moved), (40, moved)]
    assert standing(meter, *steps) == [0, 10, 20, 0, 10]


def test_where_a_stop_is_known_it_may_stand() -> None:
    meter = Standing((BERLIN,), 0.2, 1.0)
    assert standing(meter, (0, (52.525, 13.40)), (25, (52.525, 13.40))) == [0, 0]
    assert standing(meter, (30, HAMBURG), (55, HAMBURG)) == [0, 25]


def test_after_a_silence_it_may_have_been_away() -> None:
    assert standing(Standing((), 0.2, 1.0), (0, BERLIN), (29, BERLIN), (60, BERLIN)) == [0, 29, 0]
