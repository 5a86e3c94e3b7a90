"""What sensors make of the truth."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from simulators.encode import Encoder, decimals
from simulators.roster import DeviceEntry
from simulators.scenario import Sensors
from simulators.sensing import Samples, Sensing
from simulators.sources import SOURCES
from tests.simulators.small import MINUTE, START

STEP = 10_000


class Bench:
    """Sensors of one make in one asset whose truth is set by hand."""

    def __init__(self, count: int = 1, **section: Any) -> None:  # noqa: ANN401 - keys of a section
        given = {"channels": ["temperature"], "phase": "0 s", "noise": 0.0, "lag": "0 s"}
        self.section = Sensors.model_validate({**given, **section})
        self.devices = [DeviceEntry(f"probe-{n}", 0, self.section) for n in range(count)]
        noise, chance = np.random.default_rng(3).spawn(2)
        self.sensing = Sensing(self.devices, [], start=START, step=STEP, generators=(noise, chance))
        self.now = START
        self.truth = np.zeros((len(SOURCES), 1))
        self.sensing.feel(self.truth)
        self.samples: list[Samples] = []

    def run(self, seconds: float, **sources: float) -> list[dict[str, Any]]:
        """Let time pass with these true values; return what was told in it."""
        told: list[dict[str, Any]] = []
        for name, value in sources.items():
            self.truth[SOURCES.index(name)] = value
        encoder = Encoder(self.devices)
        for _ in range(round(seconds * 1000) // STEP):
            self.sensing.feel(self.truth.copy())
            samples = self.sensing.measure(self.now, self.now + STEP)
            self.now += STEP
            if samples is not None:
                self.samples.append(samples)
                told += [json.loads(payload) for payload in encoder.encode(samples)]
        return told


def values(told: list[dict[str, Any]], channel: str = "temperature") -> list[float]:
    return [each[channel] for each in told]


def test_a_lag_is_a_time_constant() -> None:
    probe = Bench(lag="2 min", resolution=0.001, every="10 s")
    told = values(probe.run(360, return_air=10.0))
    # Taken at the beginning of each step, so that number n is n steps old.
    assert told == pytest.approx([10 * (1 - math.exp(-n * 10 / 120)) for n in range(36)], abs=1e-3)


def test_a_reading_lies_between_the_steps_around_it() -> None:
    probe = Bench(phase="4 s", resolution=0.001)
    (told,) = probe.run(10, return_air=10.0)
    assert told["temperature"] == 4.0
    assert told["time"] == "2026-11-22T12:00:04.000Z"


def test_noise_has_its_strength_and_no_bias() -> None:
    told = np.array(values(Bench(400, noise=0.5, resolution=0.001).run(600, return_air=5.0)))[400:]
    assert np.std(told) == pytest.approx(0.5, rel=0.05)
    assert np.mean(told) == pytest.approx(5.0, abs=0.03)


def test_each_probe_is_wrong_by_something_of_its_own_always() -> None:
    probe = Bench(300, error=0.4, resolution=0.001)
    rounds = np.array(values(probe.run(240, return_air=5.0))).reshape(4, 300)[1:]
    assert np.ptp(rounds, axis=0).max() == 0
    assert np.std(rounds[0]) == pytest.approx(0.4, rel=0.15)


@pytest.mark.parametrize(
    ("resolution", "told", "places"),
    [(0.1, 4.3, 1), (0.25, 4.25, 2), (0.0625, 4.3125, 4), (0.5, 4.5, 1), (1.0, 4, 0)],
)
def test_values_are_told_in_steps(resolution: float, told: float, places: int) -> None:
    probe = Bench(resolution=resolution)
    probe.run(60, return_air=4.32)
    assert set(values(probe.run(120))) == {told}
    assert decimals(resolution) == places


def test_nothing_is_minus_zero() -> None:
    probe = Bench()
    probe.run(60, return_air=-0.01)
    probe.run(60)
    section = Encoder(probe.devices)
    assert b"-0.0" not in section.encode(probe.samples[-1])[0]


def test_a_clock_is_ahead_and_gains() -> None:
    probe = Bench(clock_offset=-30.0, clock_drift=100.0, every="60 s")
    told = probe.run(7200)
    assert told[0]["time"] == "2026-11-22T11:59:30.000Z"
    # 100 parts in a million of 119 minutes are 714 ms.
    assert told[-1]["time"] == "2026-11-22T13:58:30.714Z"
    assert probe.samples[-1].at.tolist() == [START + 119 * MINUTE]


def test_a_battery_is_even_for_long_then_sinks_then_is_dead() -> None:
    probe = Bench(channels=["battery"], battery=3.0, battery_life="100 min")
    told = values(probe.run(3 * 3600), "battery")
    assert len(told) == 100
    assert told[0] == pytest.approx(3.0, abs=0.01)
    assert told[94] == pytest.approx(2.91, abs=0.02)
    assert told[99] == pytest.approx(2.3, abs=0.1)


def test_a_shock_is_told_once_however_short() -> None:
    probe = Bench(channels=["acceleration"])
    probe.run(20, acceleration=0.0)
    probe.run(10, acceleration=5.0)
    told = values(probe.run(150, acceleration=0.0), "acceleration")
    assert [round(value) for value in told] == [5, 0]


def test_what_cannot_be_is_not_told() -> None:
    probe = Bench(channels=["humidity", "illuminance", "acceleration", "door"])
    told = probe.run(3600, humidity=100.0, illuminance=0.0, acceleration=0.0, door=1.0)
    assert max(values(told, "humidity")) == 100.0
    assert min(values(told, "illuminance")) == 0
    assert min(values(told, "acceleration")) == 0
    assert set(values(told[1:], "door")) == {1}


def test_devices_measure_at_different_times_unless_told() -> None:
    spread = Bench(60, phase=None)
    spread.run(60)
    times = [at for samples in spread.samples for at in samples.at.tolist()]
    assert len(set(times)) == 60
    assert times == sorted(times)
