"""Whoever copies gives way to the intake, and goes at full speed when nothing else is done."""

from __future__ import annotations

import pytest

from gateway.pace import GENTLE, LIVE, LONGEST, SHARE, WINDOW, Pace


class Machine:
    """A processor's time, a steady clock and what has arrived, told."""

    def __init__(self) -> None:
        self.used = self.now = 0.0
        self.arrived = 0

    def pace(self) -> Pace:
        return Pace(lambda: self.arrived, lambda: self.used, lambda: self.now)

    def passes(self, seconds: float, *, used: float) -> None:
        self.now += seconds
        self.used += used


@pytest.mark.parametrize(
    ("busy", "own", "rests"),
    [
        (0.1, 0.0, False),
        (0.6, 0.5, False),  # it is the copying itself that is busy
        (0.9, 0.1, True),
        (1.3, 0.1, True),  # commits on another thread
        (1.0, 0.9, False),
    ],
)
def test_it_rests_where_others_are_busy(busy: float, own: float, *, rests: bool) -> None:
    machine = Machine()
    pace = machine.pace()
    machine.passes(1.0, used=busy)
    pace.took(own)
    assert (pace.due() > 0) is rests


def test_the_rest_leaves_a_small_share_and_has_an_end() -> None:
    machine = Machine()
    pace = machine.pace()
    machine.passes(1.0, used=1.0)
    pace.took(0.003)
    assert pace.due() == pytest.approx(0.003 / SHARE)
    assert pace.due() == 0, "for nothing done there is no rest"
    pace.took(5.0)
    assert pace.due() == LONGEST


@pytest.mark.parametrize(("rate", "live"), [(0, False), (LIVE - 1, False), (LIVE, True)])
def test_while_readings_come_in_it_takes_a_part_of_the_time(rate: int, *, live: bool) -> None:
    machine = Machine()
    pace = machine.pace()
    machine.passes(1.0, used=0.1)
    machine.arrived += rate
    pace.took(0.01)
    assert pace.due() == (pytest.approx(0.01 / GENTLE) if live else 0)
    assert pace.live is live


def test_once_others_are_calm_it_goes_on() -> None:
    machine = Machine()
    pace = machine.pace()
    machine.passes(1.0, used=1.0)
    assert pace.due() == 0
    pace.took(0.01)
    assert pace.due() > 0
    machine.passes(2 * WINDOW, used=0.01)
    pace.took(0.01)
    assert pace.due() == 0


def test_what_is_done_inside_counts_as_copying() -> None:
    pace = Pace(lambda: 0)
    with pace.working():
        sum(range(200_000))
    assert pace._own > 0
