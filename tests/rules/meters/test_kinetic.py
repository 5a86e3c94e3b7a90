"""Mean kinetic temperature against the formula in numpy, a real logger, and its own error bound."""

from __future__ import annotations

import itertools
import math
from datetime import UTC
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.loggers import read
from rules.duration import DAY, HOUR, MINUTE
from rules.meters.kinetic import ENERGY, GAS, Kinetic, acceleration, factor, kinetic
from tests.rules.series import START

HOLD = 30 * MINUTE
Series = list[tuple[int, float]]


def exact(
    series: Series, *, energy: float = ENERGY, window: int | None = None, hold: int = HOLD
) -> tuple[float, int, float, float]:
    """Return mean, known time, and lowest and highest exponential, by the formula, by milliseconds.

    Written anew, in kelvin, without buckets: trapezoids between neighbours, cut at the window.
    """
    end = series[-1][0]
    since = -math.inf if window is None else end - window
    total, known = 0.0, 0.0
    for (begin, value), (following, after) in itertools.pairwise(series):
        if math.isnan(value):
            continue
        until = min(following, begin + hold)
        mean = one = _exponential(value, energy)
        if following - begin <= hold and not math.isnan(after):
            mean = (one + _exponential(after, energy)) / 2
        length = max(0.0, until - max(begin, since))
        total, known = total + mean * length, known + length
    if not known:
        return math.nan, 0, math.nan, math.nan
    kelvin = energy / (GAS / 1000) / -np.log(total / known)
    every = [_exponential(value, energy) for _, value in series if not math.isnan(value)]
    return float(kelvin) - 273.15, int(known), min(every), max(every)


def _exponential(value: float, energy: float) -> float:
    return float(np.exp(-energy / (GAS / 1000) / (value + 273.15)))


def taken(meter: Kinetic, series: Series, hold: int = HOLD) -> Kinetic:
    for when, value in series:
        meter.take(when, value, hold)
    return meter


def test_the_ratio_of_the_pharmacopoeia_is_ten_thousand_kelvin() -> None:
    assert factor(83.144) == pytest.approx(10_000)


@pytest.mark.parametrize(
    ("value", "reference", "times"),
    [(25.0, 25.0, 1.0), (35.0, 25.0, 2.9696), (15.0, 25.0, 0.3122), (40.0, 25.0, 4.9858)],
)
def test_goods_age_faster_by_arrhenius(value: float, reference: float, times: float) -> None:
    # With 10,000 K: e^(10000 * (1/298.15 - 1/T)).
    assert acceleration(value, reference, 83.144) == pytest.approx(times, abs=5e-5)


def test_a_steady_temperature_is_its_own_mean() -> None:
    series = [(START + n * 5 * MINUTE, 21.5) for n in range(50)]
    assert taken(kinetic(ENERGY, None), series).level == pytest.approx(21.5, abs=1e-9)


def test_half_the_time_at_20_and_half_at_30_is_as_26_3_all_the_time() -> None:
    # By hand: at 30 °C it is 3.081 times as fast as at 20 °C, on average 2.040 times:
    # 10000 / (10000 / 293.15 - ln 2.040) = 299.41 K.
    series = [(START + n * MINUTE, 20.0 if n < 5000 else 30.0) for n in range(10_001)]
    meter = taken(kinetic(ENERGY, None), series)
    assert meter.level == pytest.approx(26.26, abs=0.005)


def test_it_is_known_from_the_second_sample_on_and_never_without() -> None:
    meter = kinetic(ENERGY, DAY)
    assert math.isnan(meter.take(START, 20.0, HOLD))
    assert meter.take(START + 5 * MINUTE, 20.0, HOLD) == pytest.approx(20.0)
    assert math.isnan(taken(kinetic(ENERGY, DAY), [(START + n, math.nan) for n in range(9)]).level)


def test_it_waits_for_as_much_of_the_window_as_is_asked_for() -> None:
    meter = kinetic(ENERGY, DAY, need=HOUR)
    levels = [meter.take(START + n * 5 * MINUTE, 20.0, HOLD) for n in range(14)]
    assert [math.isnan(level) for level in levels] == [True] * 12 + [False] * 2


def test_unknown_time_is_not_in_the_sum_and_too_much_of_it_leaves_no_mean() -> None:
    meter = kinetic(ENERGY, DAY)
    taken(meter, [(START, 20.0), (START + 10 * MINUTE, 30.0)])
    told = meter.take(START + 60 * MINUTE, 30.0, HOLD)
    # Ten minutes between 20 and 30, thirty at 30, and twenty that nobody knows.
    by_hand = exact([(START, 20.0), (START + 10 * MINUTE, 30.0), (START + 60 * MINUTE, 30.0)])
    assert by_hand[1] == 40 * MINUTE
    assert told == pytest.approx(by_hand[0])
    assert math.isnan(meter.take(START + 5 * HOUR, 30.0, HOLD))


def test_what_is_older_than_the_window_is_forgotten() -> None:
    series = [(START + n * 5 * MINUTE, 40.0 if n < 100 else 5.0) for n in range(1000)]
    assert taken(kinetic(ENERGY, DAY), series).level == pytest.approx(5.0, abs=1e-6)


def test_after_a_long_silence_it_begins_anew() -> None:
    series = [(START, 40.0), (START + MINUTE, 40.0), (START + 9 * DAY, 5.0)]
    series += [(START + 9 * DAY + n * MINUTE, 5.0) for n in range(1, 1440)]
    assert taken(kinetic(ENERGY, DAY), series).level == pytest.approx(5.0, abs=1e-6)


def test_heat_that_leaves_the_window_takes_no_precision_along() -> None:
    # 150 °C counts a billion billion times more than -60 °C does.
    series = [(START + n * MINUTE, 150.0 if n < 60 else -60.0) for n in range(3000)]
    meter = taken(kinetic(ENERGY, DAY), series)
    assert meter.level == pytest.approx(-60.0, abs=1e-6)


@pytest.mark.parametrize("energy", [10.0, 83.0, 83.144, 400.0])
@pytest.mark.parametrize("value", [-200.0, -80.0, 0.0, 60.0, 150.0])
def test_every_energy_and_temperature_can_be_told(energy: float, value: float) -> None:
    meter = taken(kinetic(energy, DAY), [(START, value), (START + MINUTE, value)])
    assert meter.level == pytest.approx(value, abs=1e-6)


steps = st.lists(
    st.tuples(
        st.sampled_from([1, 5, 5, 5, 12, 30, 31, 90, 700]),
        st.one_of(st.floats(-20, 45), st.just(math.nan)),
    ),
    min_size=2,
    max_size=60,
)


def series_of(pairs: list[tuple[int, float]]) -> Series:
    when, found = START, []
    for minutes, value in pairs:
        when += minutes * MINUTE
        found.append((when, value))
    return found


@given(steps)
def test_over_a_voyage_it_is_the_formula(pairs: list[tuple[int, float]]) -> None:
    series = series_of(pairs)
    level = taken(kinetic(ENERGY, None), series).level
    mean, known, _, _ = exact(series)
    passed = series[-1][0] - series[0][0]
    if known and known >= passed / 2:
        assert level == pytest.approx(mean, abs=1e-6)
    else:
        assert math.isnan(level)


@given(steps, st.sampled_from([3 * HOUR, DAY, 2 * DAY]))
def test_in_a_window_it_errs_by_no_more_than_is_stated(
    pairs: list[tuple[int, float]], window: int
) -> None:
    series = series_of(pairs)
    meter = taken(kinetic(ENERGY, window, need=1), series)
    mean, known, low, high = exact(series, window=window)
    bucket = meter.width
    if known < bucket:
        return
    # The bound of the module's docstring; unknown time in the oldest bucket counts as if it were
    # as far from the mean as any exponential.
    error = bucket / 4 / (known - bucket / 4) * (high - low)
    told = _exponential(meter.level, ENERGY)
    assert abs(told - _exponential(mean, ENERGY)) <= error * (1 + 1e-9) + 1e-25


@pytest.mark.parametrize(
    ("low", "high", "error"), [(5.0, 5.0, 1e-9), (15.0, 30.0, 0.07), (20.0, 40.0, 0.21)]
)
def test_in_a_month_of_heat_and_cold_it_errs_by_a_few_hundredths(
    low: float, high: float, error: float
) -> None:
    # Twelve hours warm, twelve hours cold: the worst there is for buckets of fifteen hours.
    middle = 25.0 if high > low else low
    series = []
    for n in range(50 * 288):
        warm = high if n % 288 < 144 else low
        series.append((START + n * 5 * MINUTE, warm if n < 20 * 288 else middle))
    meter, worst = kinetic(ENERGY, 30 * DAY), 0.0
    for place, (when, value) in enumerate(series):
        meter.take(when, value, HOLD)
        if place > 31 * 288 and place % 97 == 0:
            mean = exact(series[max(0, place - 31 * 288) : place + 1], window=30 * DAY)[0]
            worst = max(worst, abs(meter.level - mean))
    assert worst <= error


def test_its_state_is_small_and_read_back_as_it_was() -> None:
    series = [(START + n * HOUR, 20.0 + n % 7) for n in range(24 * 60)]
    meter = taken(kinetic(ENERGY, 30 * DAY), series, 2 * HOUR)
    packed = msgspec.msgpack.encode(meter)
    assert len(packed) < 1000
    again = msgspec.msgpack.decode(packed, type=Kinetic)
    assert msgspec.msgpack.encode(again) == packed
    following = (series[-1][0] + HOUR, 30.0, 2 * HOUR)
    assert again.take(*following) == meter.take(*following)


def test_a_parcel_that_a_real_logger_went_with_has_the_mean_that_it_prints(vectors: Path) -> None:
    path = vectors / "loggers" / "qtag-clm-doc-lr_run02.txt"
    if not path.exists():
        pytest.skip(f"{path} is absent: set HOLDWATCH_TEST_VECTORS")
    found = read("q.txt", path.read_bytes(), received=START, zone=UTC, device="trip-1")
    rows = [(one.when, one.values[0]) for one in found.readings]
    # The device gives each row the same weight, and cuts off after one decimal: 10.5.
    alike = [*rows, (rows[-1][0] + 10 * MINUTE, math.nan)]
    level = taken(kinetic(83.0, None), alike, 10 * MINUTE - 1).level
    assert level == pytest.approx(10.584, abs=5e-4)
    # Trapezoids give the first and the last row half as much.
    assert taken(kinetic(83.0, None), rows).level == pytest.approx(level, abs=0.12)
