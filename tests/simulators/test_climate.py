"""The outside: is it where and when it should be?"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.climate import DAY, Climate
from simulators.moist_air import Array, relative, saturated, vapour

HOUR = DAY // 24
Place = tuple[Array, Array, NDArray[np.bool_]]


def moment(text: str) -> int:
    """Return ms since 1970 of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def at(latitude: float, longitude: float = 0.0, *, sea: bool = False) -> Place:
    """Return one place as the climate wants it."""
    return np.array([latitude]), np.array([longitude]), np.array([sea])


def month(text: str, place: Place) -> float:
    """Return the mean °C of the thirty days that follow, over eight weathers."""
    start = moment(text)
    hours = range(start, start + 30 * DAY, 3 * HOUR)
    return float(
        np.mean([Climate(seed).air(hour, *place)[0] for seed in range(8) for hour in hours])
    )


@pytest.mark.parametrize(
    ("place", "january", "july"),
    [
        (at(1.3, 103.8), 27, 28),  # Singapore: 26.5 and 28.5
        (at(51.9, 4.5), 3, 18),  # Rotterdam
        (at(-33.9, 18.4), 21, 13),  # Cape Town
        (at(0.0, -30.0, sea=True), 27, 27),  # the equatorial Atlantic
        (at(45.0, -30.0, sea=True), 13, 18),  # the North Atlantic
        (at(-45.0, 60.0, sea=True), 15, 9),  # the southern Indian Ocean: 11 and 7
    ],
    ids=["Singapore", "Rotterdam", "Cape Town", "equator", "Atlantic", "Indian Ocean"],
)
def test_months_are_near_their_climate(place: Place, january: float, july: float) -> None:
    """Within 8 K: a simple climate, and Rotterdam's winter is milder than its latitude's."""
    assert month("2026-01-05", place) == pytest.approx(january, abs=8)
    assert month("2026-07-05", place) == pytest.approx(july, abs=8)


def test_seasons_are_the_other_way_round_in_the_south() -> None:
    """And greater over land than over sea."""
    swing = {}
    for name, place in (
        ("north", at(50)),
        ("south", at(-50)),
        ("sea", at(50, sea=True)),
    ):
        swing[name] = month("2026-07-05", place) - month("2026-01-05", place)
    assert swing["north"] > 15
    assert swing["south"] < -15
    assert 3 < swing["sea"] < 10


@pytest.mark.parametrize(("sea", "low", "high"), [(False, 8, 14), (True, 0.5, 2.5)])
def test_days_swing_over_land_and_hardly_over_sea(*, sea: bool, low: float, high: float) -> None:
    """Warmest in the afternoon of the place, not of Greenwich."""
    start = moment("2026-05-10")
    place = at(10, 90, sea=sea)
    hours = np.array([Climate(3).air(start + hour * HOUR, *place)[0] for hour in range(24)])
    assert low < np.ptp(hours) < high
    if not sea:
        assert (int(hours.argmax()) + 6) % 24 == pytest.approx(15, abs=1)


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("2026-06-21T12:00", 23.44, 0.0),
        ("2026-12-21T12:00", -23.44, 0.0),
        ("2026-03-20T00:00", 0.0, 180.0),
        ("2026-09-23T18:00", 0.0, -90.0),
    ],
)
def test_sun_stands_overhead_where_it_does(text: str, latitude: float, longitude: float) -> None:
    """Solstices and equinoxes, at noon of the place: up to 1035 W/m² (Haurwitz)."""
    sky = [Climate(seed).sun(moment(text), *at(latitude, longitude))[0] for seed in range(30)]
    assert max(sky) == pytest.approx(1098 * np.exp(-0.059), rel=0.02)
    assert min(sky) > 250


def test_sun_is_down_at_night_and_in_the_polar_winter() -> None:
    """Zero, and never below."""
    climate = Climate()
    assert climate.sun(moment("2026-06-21T00:00"), *at(45))[0] == 0
    noon = moment("2026-12-21T12:00")
    assert climate.sun(noon, *at(70))[0] == 0
    assert climate.sun(moment("2026-06-21T00:00"), *at(70))[0] > 0


def test_a_clear_day_in_june_gives_what_is_measured() -> None:
    """About 8.5 kWh/m² at 50° N under a clear sky; the mean of all skies is less."""
    start = moment("2026-06-21")
    hours = [
        [Climate(seed).sun(start + hour * HOUR, *at(50))[0] for hour in range(24)]
        for seed in range(40)
    ]
    days = np.sum(hours, axis=1) / 1000
    assert days.max() == pytest.approx(8.5, rel=0.05)
    assert 4 < days.mean() < 7


def test_sea_air_is_damp_and_land_air_dries_by_day() -> None:
    """About 80 % over sea; over land the water stays and the warmth comes and goes."""
    climate = Climate(1)
    start = moment("2026-07-01")
    sea = [climate.humidity(start + hour * HOUR, *at(40, sea=True))[0] for hour in range(24)]
    land = [climate.humidity(start + hour * HOUR, *at(40))[0] for hour in range(24)]
    assert np.mean(sea) == pytest.approx(80, abs=4)
    assert np.ptp(sea) < 8
    assert land[4] > land[15] + 25
    assert 10 <= min(land) < max(land) <= 100


def test_the_same_seed_makes_the_same_weather_in_any_order() -> None:
    """It is asked for any moment, forwards or back, and a second time."""
    place = (np.array([50.0, -20.0]), np.array([8.0, 30.0]), np.array([False, True]))
    moments = [moment("2026-02-01") + number * HOUR for number in range(50)]
    forwards = [Climate(5).air(one, *place).tolist() for one in moments]
    climate = Climate(5)
    backwards = [climate.air(one, *place).tolist() for one in reversed(moments)]
    assert forwards == backwards[::-1]
    assert Climate(6).air(moments[0], *place).tolist() != forwards[0]


def test_weather_is_one_across_the_date_line() -> None:
    """A ship that crosses it finds no other day."""
    for one in range(moment("2026-02-01"), moment("2026-02-05"), 7 * HOUR):
        west, east = (Climate(2).air(one, *at(30, side, sea=True))[0] for side in (-180, 180))
        assert west == pytest.approx(east)


@pytest.mark.parametrize(
    ("degrees", "grams"),
    [(-20.0, 0.78), (0.0, 3.77), (20.0, 14.7), (30.0, 27.2)],
)
def test_air_holds_what_psychrometric_tables_say(degrees: float, grams: float) -> None:
    """g/kg over water, at sea level."""
    assert saturated(np.array([degrees]))[0] * 1000 == pytest.approx(grams, rel=0.02)


def test_humidity_goes_there_and_back() -> None:
    """And never above 100 %."""
    warm = np.array([25.0])
    assert relative(warm, vapour(warm, np.array([40.0])))[0] == pytest.approx(40)
    assert relative(np.array([5.0]), vapour(warm, np.array([90.0])))[0] == 100
