"""The small lines that tell where values are going."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.web.now.trends import HEIGHT, SPAN, STEP, WIDTH, Trend, Trends
from gateway.web.now.watched import Limits
from tests.gateway.web.told import NOW

DEVICE = DeviceKey("", "fridge-1")
WANTED = ("temperature",)


def line(values: list[tuple[int, float | None]], limits: Limits | None = None) -> Trend | None:
    """The trend after values, each at so many steps from the beginning."""
    trends = Trends()
    for step, value in values:
        trends.note(DEVICE, NOW + step * STEP, WANTED, (value,), WANTED)
    return trends.of(DEVICE, "temperature", limits)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([4.0, 4.0, 4.1], "steady"),
        ([4.0, 5.0, 6.0], "rising"),
        ([6.0, 5.0, 4.0], "falling"),
        # Where it is going counts, and not where it was hours ago.
        ([20.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.1], "steady"),
    ],
)
def test_a_trend_is_told_in_a_word(values: list[float], word: str) -> None:
    trend = line(list(enumerate(values)))
    assert trend is not None
    assert trend.word == word


@pytest.mark.parametrize("values", [[], [4.0], [4.0, 5.0]])
def test_too_little_is_no_trend(values: list[float]) -> None:
    assert line(list(enumerate(values))) is None


def test_a_value_that_cannot_be_true_is_no_point() -> None:
    trend = line([(0, 4.0), (1, None), (2, 4.0), (3, 4.0)])
    assert trend is not None
    assert len(trend.points.split()) == 3


def test_limits_that_are_near_are_drawn() -> None:
    values: list[tuple[int, float | None]] = [(0, 6.0), (1, 7.0), (2, 9.0)]
    trend = line(values, Limits(-30.0, 8.0))
    assert trend is not None
    assert len(trend.limits) == 1
    newest = int(trend.points.rpartition(",")[2])
    assert newest < trend.limits[0]  # above it, since y points downwards


def test_what_was_before_is_filled_in_behind_what_is_known() -> None:
    live: list[tuple[int, float | None]] = [(4, 4.0), (5, 5.0), (6, 6.0)]
    before: list[tuple[int, float | None]] = [(2, 2.0), (3, 3.0), (4, 44.0)]
    assert line(live + before) == line(before[:2] + live)


@given(
    st.lists(
        st.tuples(
            st.integers(-100, 100), st.floats(-200, 150, allow_nan=False, allow_infinity=False)
        ),
        max_size=80,
    )
)
def test_a_line_stays_within_its_frame(values: list[tuple[int, float]]) -> None:
    trend = line(list(values), Limits(2.0, 8.0))
    if trend is None:
        return
    points = [tuple(map(int, one.split(","))) for one in trend.points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert all(0 <= y <= HEIGHT for y in trend.limits)
    assert [x for x, _ in points] == sorted({x for x, _ in points})
    newest = max(step for step, _ in values)
    kept = {step for step, _ in values if step > newest - SPAN // STEP}
    assert len(points) == len(kept)
