"""What is given up while a disk gets full: in one order, and not to and fro."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import ladder
from gateway.ladder import COPIES, HISTORY, INTAKE, JOURNAL, STEPS, WELL, Room, Sample
from rules.duration import DAY, HOUR

MB = 10**6
LEAST = 100 * MB
ROOMS = st.integers(0, 1000 * MB)


def room(free: float, spare: float = 0) -> Room:
    return Room(10_000 * MB, int(free * MB), int(spare * MB), LEAST)


@pytest.mark.parametrize(
    ("free", "spare", "step"),
    [
        (1000, 0, WELL),
        (250, 0, WELL),
        (249, 0, JOURNAL),
        (199, 0, COPIES),
        (149, 0, HISTORY),
        (99, 0, INTAKE),
        (0, 0, INTAKE),
        (99, 300, WELL),
        (60, 60, HISTORY),
        (49, 1000, INTAKE),
    ],
)
def test_each_step_has_its_mark(free: float, spare: float, step: int) -> None:
    """Room inside the journal counts, as long as half of what must stay free is free."""
    assert ladder.stands(room(free, spare), WELL) == step


@pytest.mark.parametrize(
    ("free", "before", "step"),
    [
        (105, INTAKE, INTAKE),
        (111, INTAKE, HISTORY),
        (160, HISTORY, HISTORY),
        (166, HISTORY, COPIES),
        (260, JOURNAL, JOURNAL),
        (276, JOURNAL, WELL),
    ],
)
def test_a_step_is_left_only_where_there_is_clearly_more_room(
    free: float, before: int, step: int
) -> None:
    assert ladder.stands(room(free), before) == step


@given(ROOMS, ROOMS, st.integers(WELL, INTAKE))
def test_with_less_room_nobody_stands_higher(free: int, less: int, before: int) -> None:
    more, fewer = max(free, less), min(free, less)
    stands = [ladder.stands(Room(10**10, one, 0, LEAST), before) for one in (more, fewer)]
    assert stands[0] <= stands[1]


def test_nothing_is_received_before_all_else_was_given_up() -> None:
    assert [one.name for one in STEPS] == ["journal", "copies", "history", "intake"]
    assert [one.times for one in STEPS] == sorted((one.times for one in STEPS), reverse=True)


def falling(perday: float, hours: int, start: float = 2000) -> list[Sample]:
    return [Sample(n * HOUR, int((start - perday * n / 24) * MB)) for n in range(hours)]


@pytest.mark.parametrize(
    ("samples", "free", "days"),
    [
        pytest.param(falling(50, 5), 2000, None, id="too little is known"),
        pytest.param(falling(50, 48), 1100, 20, id="as before"),
        pytest.param(falling(0, 48), 1100, None, id="nothing grows"),
        pytest.param(falling(-50, 48), 1100, None, id="there is more and more room"),
        pytest.param(falling(50, 48), 50, 0, id="full already"),
    ],
)
def test_the_day_on_which_it_is_full_is_forecast(
    samples: list[Sample], free: float, days: int | None
) -> None:
    left = ladder.full_in(samples, room(free))
    assert (None if left is None else round(left / DAY)) == days


def test_a_large_file_that_came_and_went_does_not_make_a_forecast() -> None:
    samples = falling(10, 7 * 24)
    samples[80] = samples[80]._replace(usable=300 * MB)
    left = ladder.full_in(samples, room(1500))
    assert left is not None
    assert left > 100 * DAY


@pytest.mark.parametrize(
    ("free", "days", "before", "warned"),
    [
        (2000, None, False, False),
        (2000, 15, False, False),
        (2000, 13, False, True),
        (2000, 20, True, True),
        (2000, 22, True, False),
        (299, None, False, True),
        (320, None, True, True),
        (340, None, True, False),
    ],
)
def test_people_know_in_time_and_not_to_and_fro(
    free: float, days: int | None, *, before: bool, warned: bool
) -> None:
    left = None if days is None else days * DAY
    assert ladder.warns(room(free), left, 14 * DAY, before) == warned


@pytest.mark.parametrize(
    ("free", "spare", "step", "days", "words"),
    [
        (280, 0, WELL, 9, "280 MB are free: enough for about 9 days; below 250 MB readings that"),
        (180, 0, COPIES, None, "180 MB are free; so an InfluxDB gets what it still lacks from"),
        (180, 0, COPIES, None, "below 150 MB the oldest days leave the history"),
        (120, 60, HISTORY, 2, "120 MB are free, and 60 MB inside the journal; so the oldest"),
        (9, 0, INTAKE, None, "9.0 MB are free; so nothing more is received or acknowledged"),
    ],
)
def test_it_is_said_what_is_given_up_and_what_is_next(
    free: float, spare: float, step: int, days: int | None, words: str
) -> None:
    left = None if days is None else days * DAY
    assert words in ladder.sentence(room(free, spare), step, left)


def test_where_room_in_the_journal_just_counts_nobody_goes_to_and_fro() -> None:
    step, seen = WELL, []
    for free in (51, 49, 51, 49, 54, 56, 54):
        step = ladder.stands(room(free, 500), step)
        seen.append(step)
    assert seen == [WELL, INTAKE, INTAKE, INTAKE, INTAKE, WELL, WELL]
