"""What calibration and maintenance make of readings: by the time of each, and of nobody else's."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import (
    COUNTED,
    UNUSABLE,
    UNUSABLE_SHIFT,
    DeviceKey,
    Reading,
    reading,
)
from gateway.registry.cards import Calibration, Maintenance
from gateway.registry.corrections import Corrections
from tests.gateway.parts import CLIMATE, NOW, said

D1 = DeviceKey("", "d-1")


def calibrated(since: int, offset: float, channel: str = "temperature") -> Calibration:
    return Calibration(since=since, channel=channel, offset=offset)


def work(since: int, until: int) -> Maintenance:
    return Maintenance(since=since, until=until, reason="defrosting", who="anna")


def climate(humidity: float, temperature: float, at: int = NOW) -> Reading:
    return reading(
        device=D1,
        at=at,
        received=at,
        layout=CLIMATE,
        values=(humidity, temperature),
        sequence=7,
    )


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (NOW - 1, 4.1),
        (NOW, 4.3),
        (NOW + 9, 4.3),
        (NOW + 10, 3.8),
        (NOW + 20, 4.1),
    ],
)
def test_the_newest_calibration_before_a_reading_corrects_it(at: int, value: float) -> None:
    corrections = Corrections()
    steps = [calibrated(NOW, 0.2), calibrated(NOW + 10, -0.3), calibrated(NOW + 20, 0.0)]
    corrections.state(D1, steps, [])
    assert corrections.corrected(said(at=at, value=4.1)).values == (value,)


def test_of_two_calibrations_of_one_time_the_later_one_counts() -> None:
    corrections = Corrections()
    corrections.state(D1, [calibrated(NOW, 1.0), calibrated(NOW, 2.0)], [])
    assert corrections.corrected(said(value=4.0)).values == (6.0,)


def test_only_the_channel_that_was_calibrated_changes_and_identity_stays() -> None:
    corrections = Corrections()
    corrections.state(D1, [calibrated(NOW, 1.5, "humidity"), calibrated(NOW, 9, "co2")], [])
    one = climate(50.0, 4.0)
    assert corrections.corrected(one) == msgspec.structs.replace(one, values=(51.5, 4.0))
    # The same device, by another message without that channel.
    other = said()
    assert corrections.corrected(other) is other


def test_what_could_not_be_true_stays_so_and_what_is_missing_stays_missing() -> None:
    corrections = Corrections()
    corrections.state(D1, [calibrated(NOW, -150.0)], [])
    hot, missing = said(value=200.0), said(value=math.nan)
    assert corrections.corrected(hot).flags == hot.flags
    assert corrections.corrected(hot).value("temperature") is None
    assert math.isnan(corrections.corrected(missing).values[0])


@pytest.mark.parametrize(
    ("at", "usable"), [(NOW - 1, True), (NOW, False), (NOW + 9, False), (NOW + 10, True)]
)
def test_in_maintenance_no_value_is_usable_and_all_are_kept(at: int, *, usable: bool) -> None:
    corrections = Corrections()
    corrections.state(D1, [], [work(NOW, NOW + 10)])
    one = climate(50.0, 4.0, at)
    found = corrections.corrected(one)
    assert (found.value("humidity"), found.value("temperature")) == (
        (50.0, 4.0) if usable else (None, None)
    )
    assert (found.values, found.identity) == ((50.0, 4.0), 7)
    assert found.flags & ~UNUSABLE == COUNTED
    assert found.flags >> UNUSABLE_SHIFT == (0 if usable else 0b11)


def test_a_wrong_clock_is_judged_by_the_time_of_arrival() -> None:
    corrections = Corrections()
    corrections.state(D1, [calibrated(NOW, 1.0)], [])
    assert corrections.corrected(said(at=NOW + 10**9, received=NOW - 1, value=4)).values == (4,)
    assert corrections.corrected(said(at=0, received=NOW, value=4)).values == (5,)


def test_others_pass_untouched_and_where_nobody_is_corrected_the_list_itself_comes_back() -> None:
    corrections = Corrections()
    batch = [said("d-1"), said("d-2")]
    assert not corrections.any
    assert corrections.apply(batch) is batch
    corrections.state(DeviceKey("", "d-9"), [calibrated(0, 1.0)], [])
    assert corrections.any
    assert corrections.apply(batch) is batch
    corrections.state(D1, [calibrated(0, 1.0)], [])
    found = corrections.apply(batch)
    assert [one.values for one in found] == [(6.0,), (5.0,)]
    assert found[1] is batch[1]
    corrections.state(D1, [], [])
    assert corrections.apply(batch) is batch


def test_a_calibration_that_adds_nothing_costs_nothing() -> None:
    corrections = Corrections()
    corrections.state(D1, [calibrated(0, 0.0)], [])
    assert not corrections.any


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(-5, 5)), max_size=8),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=4),
    st.lists(st.tuples(st.sampled_from(["d-1", "d-2"]), st.integers(0, 60)), max_size=20),
)
def test_a_batch_is_corrected_as_each_of_its_readings_by_itself(
    steps: list[tuple[int, float]], spans: list[tuple[int, int]], sent: list[tuple[str, int]]
) -> None:
    corrections = Corrections()
    corrections.state(
        D1,
        [calibrated(NOW + since, offset) for since, offset in sorted(steps)],
        [work(NOW + since, NOW + since + length) for since, length in spans],
    )
    batch = [said(device, NOW + at) for device, at in sent]
    assert corrections.apply(batch) == [corrections.corrected(one) for one in batch]
    for one in corrections.apply(batch):
        at = one.when - NOW
        worked = any(since <= at < since + length for since, length in spans)
        assert bool(one.flags & UNUSABLE) == (one.device == D1 and worked)
        before = [offset for since, offset in sorted(steps, key=lambda s: s[0]) if since <= at]
        if one.device == D1 and len({since for since, _ in steps}) == len(steps):
            assert one.values[0] == pytest.approx(5 + (before[-1] if before else 0))
