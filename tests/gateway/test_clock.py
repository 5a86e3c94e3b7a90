"""Our own clock: never before what is over, steps that are told, and when it is doubted."""

from __future__ import annotations

import pytest

from gateway.clock import DOUBT, HOLD, RELEASED, WAKING, Clock
from rules.duration import DAY, HOUR, MINUTE, SECOND

LAST = RELEASED + 100 * DAY
"""When the last reading of the life before was received."""
YEARS_AGO = 1_577_836_800_000
"""2020."""


class Machine(Clock):
    """A machine that is told its clock, and who keeps it."""

    def __init__(
        self, wall: int, *, kept: bool = False, battery: bool = False, up: int = 0, last: int = LAST
    ) -> None:
        self.wall = wall
        self.up = up
        super().__init__(last, kept=lambda: kept, battery=lambda: battery)

    def _wall(self) -> int:
        return self.wall

    def monotonic(self) -> int:
        return self.up

    def passes(self, length: int, *, set_by: int = 0) -> int:
        """Let time pass, and somebody set the clock; return what the clock says it was set by."""
        self.up += length
        self.wall += length + set_by
        return self.corrected()


def test_a_clock_that_wakes_in_the_past_goes_on_from_what_is_over() -> None:
    clock = Machine(YEARS_AGO, battery=True)
    assert clock.now() == LAST
    assert not clock.trusted()
    assert clock.passes(HOUR) == 0
    assert clock.now() == LAST + HOUR
    assert not clock.trusted()


def test_where_nothing_is_known_it_begins_when_this_version_was_made() -> None:
    assert Machine(YEARS_AGO, last=0).now() == RELEASED


def test_the_jump_to_the_truth_is_one_step_and_everything_is_later_than_before() -> None:
    clock = Machine(YEARS_AGO, kept=True)
    clock.passes(MINUTE)
    before = clock.now()
    truth = LAST + 3 * DAY
    moved = clock.passes(SECOND, set_by=truth - clock.wall - SECOND)
    assert clock.now() == truth
    assert moved == truth - before - SECOND
    assert clock.trusted()
    assert clock.passes(SECOND) == 0


def test_it_steps_only_where_somebody_is_told_of_it() -> None:
    clock = Machine(LAST + HOUR, kept=True)
    clock.wall += DAY
    assert clock.now() == LAST + HOUR
    assert clock.passes(0) == DAY
    assert clock.now() == LAST + HOUR + DAY


def test_drift_is_followed_and_is_no_correction() -> None:
    clock = Machine(LAST + HOUR, kept=True)
    for _ in range(1000):
        assert clock.passes(SECOND, set_by=5) == 0
    assert clock.now() == clock.wall


@pytest.mark.parametrize(
    ("kept", "battery", "up", "trusted"),
    [
        pytest.param(False, False, 0, False, id="it wakes where it wrote down its time"),
        pytest.param(True, False, 0, True, id="a time server keeps it"),
        pytest.param(False, True, 0, True, id="it has a battery"),
        pytest.param(False, False, WAKING, True, id="nobody will ever set it"),
    ],
)
def test_a_clock_that_may_yet_be_set_is_not_trusted(
    *, kept: bool, battery: bool, up: int, trusted: bool
) -> None:
    clock = Machine(LAST + MINUTE, kept=kept, battery=battery, up=up)
    assert clock.now() == LAST + MINUTE
    assert clock.trusted() == trusted


def test_a_time_server_knows_better_than_an_earlier_life_that_was_ahead() -> None:
    assert Machine(LAST - DAY, kept=True).now() == LAST - DAY
    assert Machine(LAST - DAY, battery=True).now() == LAST


def test_a_clock_that_is_set_back_for_a_while_is_not_followed_and_not_trusted() -> None:
    clock = Machine(LAST + DAY, kept=True)
    assert clock.trusted()
    assert clock.passes(SECOND, set_by=-2 * HOUR) == 0
    assert clock.now() == LAST + DAY + SECOND
    assert not clock.trusted()
    assert clock.passes(HOLD - SECOND, set_by=2 * HOUR) == 0
    assert clock.trusted()
    assert clock.now() == clock.wall


def test_a_clock_that_stays_set_back_is_followed_and_trusted_again_in_time() -> None:
    clock = Machine(LAST + DAY, kept=True)
    clock.passes(SECOND, set_by=-2 * HOUR)
    assert clock.passes(HOLD) == -2 * HOUR
    assert clock.now() == clock.wall
    assert not clock.trusted()
    clock.passes(HOUR)
    assert not clock.trusted()
    clock.passes(HOUR)
    assert clock.trusted()


def test_a_clock_that_was_years_ahead_is_trusted_again_after_a_day() -> None:
    clock = Machine(LAST + 700 * DAY, kept=True)
    clock.passes(SECOND, set_by=-700 * DAY)
    assert clock.passes(HOLD) == -700 * DAY
    assert not clock.trusted()
    clock.passes(DOUBT)
    assert clock.trusted()


def test_a_few_seconds_back_are_followed_at_once() -> None:
    clock = Machine(LAST + DAY, kept=True)
    assert clock.passes(SECOND, set_by=-3 * SECOND) == -3 * SECOND
    assert clock.trusted()


def test_nothing_is_called_old_for_a_day_after_a_leap() -> None:
    clock = Machine(LAST + HOUR, kept=True)
    assert clock.steady()
    clock.passes(SECOND, set_by=3650 * DAY)
    assert not clock.steady()
    clock.passes(DAY)
    assert clock.steady()
    assert not Machine(LAST + 3650 * DAY).steady()
