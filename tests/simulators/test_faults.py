"""Each kind of fault does what its line in the table says, from its onset to its end."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

import numpy as np
import pytest

from simulators.faults import FAULTS, Fault
from simulators.simulation import Message, Simulation
from tests.simulators.small import MINUTE, START, fault, objects, sent, series, simulation


def after(more: str, minutes: float) -> Simulation:
    """Return the small scenario as it is after so many minutes."""
    running = simulation(more)
    running.advance(START + round(minutes * MINUTE))
    return running


def control(name: str, more: str, minutes: float) -> float:
    """Return a control of the first cold room, after so many minutes."""
    return float(getattr(after(more, minutes).assets, name)[1])


@pytest.mark.parametrize(
    ("kind", "more", "name", "then"),
    [
        ("compressor_failure", "", "cooling", 0.0),
        ("compressor_failure", "severity = 0.25", "cooling", 0.75),
        ("compressor_wear", 'over = "10 min"\nseverity = 0.5', "cooling", 0.5),
        ("refrigerant_leak", 'over = "10 min"\nseverity = 0.5', "cooling", 0.75),
        ("wrong_set_point", "", "set_point", 15.0),
        ("wrong_set_point", "size = -4.0\nseverity = 0.5", "set_point", 3.0),
        ("power_cut", "", "powered", 0.0),
        ("door_open", "severity = 0.3", "door", 0.3),
    ],
)
def test_an_asset_has_the_fault_from_its_onset_to_its_end(
    kind: str, more: str, name: str, then: float
) -> None:
    text = fault(kind, "room-1", more=more)
    sound = control(name, "", 25)
    assert sound != then
    assert control(name, text, 9.9) == control(name, "", 9.9)
    assert control(name, text, 25) == pytest.approx(then)
    assert control(name, text, 30.2) == control(name, "", 30.2)
    others = getattr(after(text, 25).assets, name)[[0, 2]]
    assert np.array_equal(others, getattr(after("", 25).assets, name)[[0, 2]])


def test_wear_grows_evenly() -> None:
    text = fault("compressor_wear", "room-1", more='over = "10 min"')
    # The physics is one step ahead, and its controls are those at the step's beginning.
    assert control("cooling", text, 15) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["compressor_failure", "power_cut", "door_open"])
def test_what_is_not_cooled_gets_warm(kind: str) -> None:
    text = fault(kind, "room-1", lasts="4 h")
    warm, sound = after(text, 240).assets, after("", 240).assets
    assert warm.return_air[1] > sound.return_air[1] + 1
    assert warm.cargo[1] > sound.cargo[1]


def test_a_drifting_sensor_tells_more_and_more() -> None:
    spoilt = sent(fault("sensor_drift", "room-1-1", more='over = "20 min"\nsize = 4.0'))
    sound = dict(series(sent(), "room-1-1", "temperature"))
    drift = [(at, value - sound[at]) for at, value in series(spoilt, "room-1-1", "temperature")]
    assert all(
        wrong == pytest.approx(4.0 * (at - 10) / 20 if 10 <= at < 30 else 0, abs=0.051)
        for at, wrong in drift
    )
    door = series(spoilt, "room-1-1", "door")
    assert door == series(sent(), "room-1-1", "door")


def test_a_frozen_sensor_says_the_same_again() -> None:
    text = fault("frozen_value", "room-1-1")
    told = series(sent(text), "room-1-1", "battery")
    during = {value for at, value in told if 10 <= at < 30}
    assert len(during) == 1
    assert len({value for at, value in told if at >= 30}) > 3
    assert during == {[value for at, value in told if at < 10][-1]}


def test_spikes_are_few_and_far_off() -> None:
    text = fault("spikes", "room-*", "0 s", "4 h")
    rooms = [f"room-{a}-{b}" for a in "12" for b in "12"]
    messages, sound = sent(text, 240), sent("", 240)
    wrong = [
        value - true
        for room in rooms
        for (_, value), (_, true) in zip(
            series(messages, room, "temperature"), series(sound, room, "temperature"), strict=True
        )
    ]
    spikes = [each for each in wrong if each]
    assert {round(each) for each in spikes} == {-30, 30}
    assert 0.03 < len(spikes) / len(wrong) < 0.07


def test_a_battery_sags_and_then_the_device_is_silent() -> None:
    text = fault("dead_battery", "room-1-1", "13 h", "1 h")
    volts = series(sent(text, 15 * 60), "room-1-1", "battery")
    assert fmean(value for at, value in volts if at < 60) == pytest.approx(3.6, abs=0.01)
    assert fmean(value for at, value in volts if 12.9 * 60 <= at < 13 * 60) == pytest.approx(
        2.53, abs=0.02
    )
    assert not [at for at, _ in volts if 13 * 60 <= at < 14 * 60]
    assert fmean(value for at, value in volts if at >= 14 * 60) == pytest.approx(3.6, abs=0.01)
    counts = [each["seq"] for each in objects(sent(text, 15 * 60)) if "battery" in each]
    assert max(counts) == 15 * 60 * 60 // 50


def test_a_clock_jumps_and_comes_back() -> None:
    sound, wrong = sent(), sent(fault("clock_jump", "truck", more="size = -7200.0"))
    told = [minute for minute, _ in series(wrong, "truck", "speed")]
    right = [minute for minute, _ in series(sound, "truck", "speed")]
    assert [a - b for a, b in zip(told, right, strict=True)] == [
        -120 if 10 <= minute < 30 else 0 for minute in right
    ]
    assert [message.at for message in wrong] == [message.at for message in sound]


def test_a_theft_is_seen_felt_and_leads_away() -> None:
    text = fault("theft", "truck", lasts="30 min", more="severity = 0.8")
    messages, sound = sent(text), sent()
    shocks = [at for at, value in series(messages, "truck", "acceleration") if value > 3]
    assert len(shocks) in {1, 2}
    assert 10 <= shocks[0] <= 12
    light = series(messages, "truck", "illuminance")
    assert all((value > 100) == (10 < at < 40) for at, value in light if abs(at - 40) > 0.3)
    speeds = [value for at, value in series(messages, "truck", "speed") if 13 < at < 38]
    assert fmean(speeds) == pytest.approx(40, abs=0.5)
    assert dict(series(messages, "truck", "latitude"))[50] == pytest.approx(
        series(messages, "truck", "latitude")[-1][1], abs=1e-3
    )
    (end, (north, east)) = _last(messages), _last(sound)
    assert abs(end[0] - north) + abs(end[1] - east) > 0.1


def _last(messages: list[Message]) -> tuple[float, float]:
    position = [each["position"] for each in objects(messages) if "position" in each][-1]
    return position["lat"], position["lon"]


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_kind_runs_and_leaves_other_devices_alone(name: str) -> None:
    grows = 'over = "20 min"' if FAULTS[name].over else ""
    messages, sound = sent(fault(name, "room-2*", more=grows), 60), sent()
    truck, other = ([m for m in each if m.device == "truck"] for each in (messages, sound))
    assert truck == other
    assert messages != sound


def test_a_fault_grows_to_its_severity_and_ends() -> None:
    one = Fault(FAULTS["compressor_wear"], "x", 100, 300, 0.5, 50, 0.0, np.array([0]))
    degrees = [one.degree(now) for now in (99, 100, 125, 150, 299, 300)]
    assert degrees == [0, 0, 0.25, 0.5, 0.5, 0]
    assert all(a <= b for a, b in pairwise(degrees[:5]))


def test_what_stands_is_robbed_where_it_is() -> None:
    told = series(sent(fault("theft", "*")), "room-1-1", "door")
    assert all(value == 1 for at, value in told if 11 < at < 29)
    robbed, sound = after(fault("theft", "*"), 40)._around, after("", 40)._around
    moved = np.flatnonzero(robbed.latitude != sound.latitude)
    assert moved.tolist() == [0], "the truck alone"
