"""The controller alone, with temperatures handed to it."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.kinds import KINDS, Kind
from simulators.refrigeration import REST, Refrigeration

KIND = {kind.name: kind for kind in KINDS}


class Bench:
    """One unit whose sensors show what the test says."""

    def __init__(self, kind: Kind, set_point: float) -> None:
        """Begin with all sensors at the set point."""
        self.unit = Refrigeration([kind])
        self.set_point = set_point

    def step(
        self,
        supply: float = 0.0,
        returned: float = 0.0,
        coil: float = -30.0,
        *,
        seconds: float = 10.0,
        powered: bool = True,
        heating: bool = True,
    ) -> tuple[float, float, float]:
        """Step with temperatures relative to the set point; return duty, heat and fans."""
        self.unit.control(
            seconds,
            set_point=np.array([self.set_point]),
            supply=np.array([self.set_point + supply]),
            returned=np.array([self.set_point + returned]),
            coil=np.array([coil]),
            powered=np.array([powered]),
            heating=np.array([heating]),
        )
        return float(self.unit.duty[0]), float(self.unit.heat[0]), float(self.unit.fans[0])


def test_frozen_compressor_switches_at_its_band_around_the_return_air() -> None:
    """On 0.2 K above, off 0.2 K below, and neither in between."""
    bench = Bench(KIND["reefer-frozen"], -18.0)
    assert bench.step(returned=0.19)[0] == 0
    assert bench.step(returned=0.21)[0] == 1
    for _ in range(round(REST / 10)):
        assert bench.step(returned=-0.19)[0] == 1
    assert bench.step(returned=-0.21)[0] == 0


def test_compressor_rests_between_switches() -> None:
    """However warm it gets, it does not start again at once; nor stop at once."""
    bench = Bench(KIND["cold-room"], 5.0)
    assert bench.step(returned=2)[0] == 1
    running = 0
    while bench.step(returned=-2)[0] == 1:
        running += 10
    assert running == REST - 10
    resting = 0
    while bench.step(returned=2)[0] == 0:
        resting += 10
    assert resting == REST - 10


def test_chilled_compressor_gives_more_the_warmer_its_supply_air() -> None:
    """A part of its power, which grows as long as the air stays too warm."""
    bench = Bench(KIND["reefer"], 2.0)
    parts = [bench.step(supply=0.5)[0] for _ in range(60)]
    assert 0 < parts[0] < 0.1
    assert (np.diff(parts) > 0).all()
    assert bench.step(supply=50.0)[0] == 1


def test_chilled_unit_heats_when_its_supply_air_is_too_cold() -> None:
    """Unless that is not allowed; then it does nothing."""
    bench = Bench(KIND["reefer"], 2.0)
    duty, heat, fans = bench.step(supply=-4.0)
    assert (duty, fans) == (0, 1)
    assert heat > 0.2
    assert bench.step(supply=-4.0, heating=False)[:2] == (0, 0)


@pytest.mark.parametrize(
    ("name", "set_point", "heats"),
    [("cold-room", 5.0, True), ("freezer", -20.0, False), ("reefer-frozen", -18.0, False)],
)
def test_switching_unit_heats_what_must_not_freeze(
    *, name: str, set_point: float, heats: bool
) -> None:
    """Far below its set point, and only where goods are not frozen anyway."""
    bench = Bench(KIND[name], set_point)
    for _ in range(30):
        bench.step(returned=-3.5)
    assert (bench.step(returned=-3.5)[1] == 1) is heats
    assert bench.step(returned=0.1)[1] == 0


def defrost(bench: Bench) -> int:
    """Let time pass until the fans stop for a defrost; return the seconds."""
    for number in range(10_000):
        if bench.unit.defrosting[0]:
            return 10 * number
        bench.step()
    return -1


def test_defrost_melts_then_cools_the_coil_before_the_fans_run() -> None:
    """Heater on and fans off until 15 °C; then the compressor, and the fans once it is cold."""
    bench = Bench(KIND["reefer"], 2.0)
    assert defrost(bench) <= KIND["reefer"].defrost_every
    assert bench.step(coil=-5.0) == (0, 1, 0)
    assert bench.step(coil=14.0) == (0, 1, 0)
    assert bench.step(coil=15.0) == (1, 0, 0)
    assert bench.step(coil=10.0) == (1, 0, 0)
    assert bench.step(coil=1.0)[2] == 1
    assert not bench.unit.defrosting[0]
    assert defrost(bench) == pytest.approx(KIND["reefer"].defrost_every, abs=60)


def test_defrost_ends_though_the_coil_stays_cold() -> None:
    """A broken heater: after 45 minutes, and five more of cooling, the unit goes on."""
    bench = Bench(KIND["freezer"], -20.0)
    defrost(bench)
    paused = 0
    while bench.unit.defrosting[0]:
        bench.step(coil=-1.0)
        paused += 10
    assert paused == pytest.approx(2_700 + 300, abs=30)


def test_no_defrost_above_ten_degrees() -> None:
    """There is no ice to melt."""
    assert defrost(Bench(KIND["strong-room"], 20.0)) == -1


def test_nothing_runs_without_power() -> None:
    """Nor does the clock of the defrost; when power is back, the unit starts again."""
    bench = Bench(KIND["cold-room"], 5.0)
    bench.step(returned=5.0)
    for _ in range(3_000):
        assert bench.step(returned=5.0, powered=False) == (0, 0, 0)
    assert bench.step(returned=5.0) == (1, 0, 1)


def test_power_cut_in_a_defrost_is_only_a_pause() -> None:
    """The heater goes on where it was."""
    bench = Bench(KIND["reefer"], 2.0)
    defrost(bench)
    assert bench.step(coil=-5.0, powered=False) == (0, 0, 0)
    assert bench.step(coil=-5.0) == (0, 1, 0)


def test_units_of_a_fleet_defrost_at_different_times() -> None:
    """Not all sensors of a fleet may see their bump in the same minute."""
    unit = Refrigeration([KIND["reefer"]] * 50)
    air, yes = np.full(50, 2.0), np.ones(50, dtype=bool)
    most = 0
    for _ in range(2_160):
        unit.control(
            10,
            set_point=air,
            supply=air,
            returned=air,
            coil=np.where(unit.defrosting, 15.0, -5.0),
            powered=yes,
            heating=yes,
        )
        most = max(most, int(np.count_nonzero(unit.defrosting)))
    assert 0 < most <= 3


@pytest.mark.parametrize(
    ("inside", "outside", "watts"),
    [(2.0, 38.0, 10_250), (-18.0, 38.0, 6_010), (-29.0, 38.0, 3_230)],
)
def test_capacity_is_the_makers(inside: float, outside: float, watts: float) -> None:
    """At three temperatures of specification SS1WN1 (Reeferco), of which two went in."""
    unit = Refrigeration([KIND["reefer"]])
    given = unit.capacity(np.array([inside]), np.array([outside]), np.array([1.0]))
    assert given[0] == pytest.approx(watts, rel=0.15)


def test_capacity_falls_with_heat_outside_and_with_refrigerant() -> None:
    """Never to nothing, unless nothing is left."""
    unit = Refrigeration([KIND["truck"]])

    def watts(inside: float, outside: float, cooling: float) -> float:
        one = (np.array([value]) for value in (inside, outside, cooling))
        return float(unit.capacity(*one)[0])

    assert watts(2, 45, 1) < watts(2, 38, 1) < watts(2, 20, 1)
    assert watts(2, 38, 0.5) == pytest.approx(watts(2, 38, 1) / 2)
    assert watts(-60, 38, 1) > 0
    assert watts(2, 38, 0) == 0
