"""Outside air, humidity and sun, by place, day and hour: a plausible climate, not a forecast.

Sources: the mean over all surfaces is the two-mode fit of North, Cahalan and Coakley ("Energy
balance climate models", 1981): 14.9 °C - 28 K * P2(sin latitude); the sea is warmer polewards,
28 °C * cos² latitude (a fit of ours to zonal means of its surface, good to some 2 K); land is
taken half way between them, since ports and their roads lie near coasts. The daily range is
about 10 K over land and below 1 K over sea (Subramaniam, "Marine Meteorology"). The seasons of
the oceans swing a few K, those of continents many more, and sooner: our amplitudes straddle
the zonal means of the NCEP reanalysis 1970 to 2000 (half the range: 13 K at 60° N, 2 K at 60° S).
Sun under a clear sky: Haurwitz (1945), as pvlib has it; declination: Cooper (1969).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.moist_air import Array, saturated

DAY = 86_400_000
"""ms."""
YEAR = 365.2425
"""Days."""
_WARMEST_LAND, _WARMEST_SEA = 205.0, 235.0
"""Day of the year, north of the equator: late July, late August."""
_SEASON_LAND, _SEASON_SEA = 0.22, 0.08
"""K of half the yearly range, per degree of latitude."""
_DAILY_LAND, _DAILY_SEA = 5.0, 0.4
"""K of half the daily range."""
_WARMEST_HOUR = 15.0
_WEATHER_LAND, _WEATHER_SEA = 2.5, 1.0
"""K of the swings from day to day, as a standard deviation."""
_PERIODS = np.array([2.7, 4.3, 7.9])
"""Days of the waves that make weather: lows and highs pass every few days."""
_WAVELENGTH = 60.0
"""Degrees of longitude from one low to the next; they travel east."""
_HUMIDITY_LAND, _HUMIDITY_SEA = 72.0, 80.0
"""%RH at the day's mean temperature."""
_NOTHING_BELOW = 10.0
"""%RH."""


class Climate:
    """The outside of every asset. The same seed makes the same weather, whenever it is asked.

    Everywhere `at` is ms since 1970, UTC; latitude and longitude are degrees (north and east are
    positive) and `sea` says who is at sea: arrays of one length.
    """

    def __init__(self, rng_seed: int = 0) -> None:
        """Draw the phases of the weather."""
        generator = np.random.default_rng(rng_seed)
        self._phases = generator.uniform(0, 2 * np.pi, len(_PERIODS))
        self._cloud_phases = generator.uniform(0, 2 * np.pi, len(_PERIODS))

    def air(self, at: int, latitude: Array, longitude: Array, sea: NDArray[np.bool_]) -> Array:
        """Return °C in the shade."""
        return self._daily_mean(at, latitude, longitude, sea) + _of_the_hour(at, longitude, sea)

    def humidity(self, at: int, latitude: Array, longitude: Array, sea: NDArray[np.bool_]) -> Array:
        """Return %RH. The water in the air stays the same all day, so nights are damp."""
        mean = self._daily_mean(at, latitude, longitude, sea)
        now = mean + _of_the_hour(at, longitude, sea)
        usual = np.where(sea, _HUMIDITY_SEA, _HUMIDITY_LAND)
        return np.clip(usual * saturated(mean) / saturated(now), _NOTHING_BELOW, 100.0)

    def sun(self, at: int, latitude: Array, longitude: Array, sea: NDArray[np.bool_]) -> Array:  # noqa: ARG002 - all three are asked alike
        """Return W/m² on a horizontal surface, clouds included."""
        angle = np.radians(latitude)
        declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + _day_of_year(at)) / 365))
        noon = np.radians(15 * (_solar_hour(at, longitude) - 12))
        height = np.sin(angle) * np.sin(declination) + np.cos(angle) * np.cos(declination) * np.cos(
            noon
        )
        up = np.maximum(height, 1e-3)
        clear = np.where(height > 0, 1098 * up * np.exp(-0.059 / up), 0.0)
        cloud = 0.5 + 0.5 * self._wave(at, latitude, longitude, self._cloud_phases)
        return clear * (1 - 0.7 * np.clip(cloud, 0, 1) ** 2)

    def _daily_mean(
        self, at: int, latitude: Array, longitude: Array, sea: NDArray[np.bool_]
    ) -> Array:
        height = np.sin(np.radians(latitude))
        over_all = 14.9 - 28 * (3 * height**2 - 1) / 2
        over_sea = 28 * (1 - height**2)
        mean = np.where(sea, over_sea, (over_all + over_sea) / 2)
        warmest = np.where(sea, _WARMEST_SEA, _WARMEST_LAND)
        season = np.where(sea, _SEASON_SEA, _SEASON_LAND) * latitude
        weather = np.where(sea, _WEATHER_SEA, _WEATHER_LAND)
        return (
            mean
            + season * np.cos(2 * np.pi * (_day_of_year(at) - warmest) / YEAR)
            + weather * self._wave(at, latitude, longitude, self._phases)
        )

    @staticmethod
    def _wave(at: int, latitude: Array, longitude: Array, phases: Array) -> Array:
        """Return the weather's wave: mean 0, standard deviation 1, at most 2.5 either way.

        It has one value at either side of the date line, since 60° go six times into the circle.
        """
        place = 2 * np.pi * (longitude / _WAVELENGTH) + np.radians(3 * latitude)
        times = 2 * np.pi * (at / DAY) / _PERIODS + phases
        scale = np.sqrt(2 / len(_PERIODS))
        waves: Array = np.sin(place - times[:, None])
        total: Array = scale * waves.sum(axis=0)
        return total


def _day_of_year(at: int) -> float:
    """Return days since the year began, by a calendar without leap days: right to a day."""
    return (at / DAY) % YEAR


def _solar_hour(at: int, longitude: Array) -> Array:
    return (at % DAY / 3_600_000 + longitude / 15) % 24


def _of_the_hour(at: int, longitude: Array, sea: NDArray[np.bool_]) -> Array:
    swing = np.where(sea, _DAILY_SEA, _DAILY_LAND)
    later = _solar_hour(at, longitude) - _WARMEST_HOUR
    return swing * np.cos(np.radians(15 * later))
