"""Dew points against published ones, and what is kept of air, humidity and surface."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.duration import MINUTE
from rules.meters.dew import Dew, dew_point
from tests.rules.series import START

HOLD = 30 * MINUTE


@pytest.mark.parametrize(
    ("temperature", "humidity", "dew"),
    [
        # Tables of psychrometry, rounded to a tenth.
        (20.0, 50.0, 9.3),
        (25.0, 60.0, 16.7),
        (30.0, 70.0, 23.9),
        (10.0, 80.0, 6.7),
        (0.0, 100.0, 0.0),
        (35.0, 100.0, 35.0),
    ],
)
def test_dew_points_are_those_of_the_tables(
    temperature: float, humidity: float, dew: float
) -> None:
    assert dew_point(temperature, humidity) == pytest.approx(dew, abs=0.06)


@given(st.floats(-40, 60), st.floats(1, 100))
def test_at_its_dew_point_air_holds_as_much_water_as_it_can(
    temperature: float, humidity: float
) -> None:
    # Magnus: the pressure of vapour over water, hPa, computed apart from the formula under test.
    def saturated(celsius: float) -> float:
        return float(6.112 * np.exp(17.62 * celsius / (243.12 + celsius)))

    dew = dew_point(temperature, humidity)
    assert dew <= temperature + 1e-9
    assert saturated(dew) == pytest.approx(saturated(temperature) * humidity / 100)


def test_air_without_water_has_a_dew_point_below_all_that_is_shipped() -> None:
    assert dew_point(20.0, 0.0) < -200


def test_values_that_do_not_come_together_are_kept_as_long_as_they_hold() -> None:
    meter, gap = Dew(math.nan), math.nan
    assert math.isnan(meter.take(START, (20.0, gap, gap), HOLD))
    assert math.isnan(meter.take(START + MINUTE, (gap, 50.0, gap), HOLD))
    assert meter.take(START + 2 * MINUTE, (gap, gap, 5.0), HOLD) == pytest.approx(4.26, abs=0.01)
    assert meter.take(START + HOLD, (gap, gap, 9.0), HOLD) == pytest.approx(0.26, abs=0.01)
    assert math.isnan(meter.take(START + HOLD + 1, (gap, gap, 9.0), HOLD))


def test_a_surface_that_nobody_measures_may_be_a_number() -> None:
    meter = Dew(12.0)
    assert meter.take(START, (25.0, 60.0), HOLD) == pytest.approx(4.7, abs=0.05)
    assert math.isnan(meter.take(START + 2 * HOLD, (25.0, math.nan), HOLD))
