"""Whoever copies gives way to the intake, and goes at full speed when nothing else is done."""

from __future__ import annotations

import pytest

from gateway.pace import LONGEST, SHARE, WINDOW, Pace


class Machine:
    """A processor's time and a steady clock, told."""

    def __init__(self) -> None:
        self.used = self.now = 0.0

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
    pace = Pace(lambda: machine.used, lambda: machine.now)
    machine.passes(1.0, used=busy)
    pace.took(own)
    assert (pace.due() > 0) is rests


def test_the_rest_leaves_a_small_share_and_has_an_end() -> None:
    machine = Machine()
    pace = Pace(lambda: machine.used, lambda: machine.now)
    machine.passes(1.0, used=1.0)
    pace.took(0.003)
    assert pace.due() == pytest.approx(0.003 / SHARE)
    assert pace.due() == 0, "for nothing done there is no rest"
    pace.took(5.0)
    assert pace.due() == LONGEST


def test_once_others_are_calm_it_goes_on() -> None:
    machine = Machine()
    pace = Pace(lambda: machine.used, lambda: machine.now)
    machine.passes(1.0, used=1.0)
    assert pace.due() == 0
    pace.took(0.01)
    assert pace.due() > 0
    machine.passes(2 * WINDOW, used=0.01)
    pace.took(0.01)
    assert pace.due() == 0


def test_what_is_done_inside_counts_as_copying() -> None:
    pace = Pace()
    with pace.working():
        sum(range(200_000))
    assert pace._own > 0
