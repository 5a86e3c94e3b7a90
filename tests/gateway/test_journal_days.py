"""What the journal knows of its rows without reading them: their days, and what they weigh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import IMPORTED, Reading
from gateway.journal import Journal
from rules.duration import DAY
from tests.gateway.parts import NOW, said

TODAY = NOW // DAY


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    yield opened
    opened.close()


def store(journal: Journal, readings: Sequence[Reading]) -> None:
    journal.append(readings)
    journal.commit()
    journal.publish()


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (0, 0),
        (1, 0),
        (DAY - 1, 0),
        (DAY, 1),
        (-1, -1),
        (-DAY, -1),
        (-DAY - 1, -2),
        (-(10**12), -(10**12) // DAY),
        (NOW, TODAY),
    ],
)
def test_the_day_of_a_moment(journal: Journal, at: int, day: int) -> None:
    """Also before 1970: an old logger may have a clock that was never set."""
    store(journal, [said(at=at, flags=IMPORTED)])
    assert journal.days(0, journal.head) == {day}


@pytest.mark.parametrize(
    ("until", "newest"),
    [(4, None), (5, 5), (NOW - 1, 5), (NOW, NOW), (NOW + 8, NOW), (2**62, NOW + 9)],
)
def test_the_newest_time_up_to_a_moment(journal: Journal, until: int, newest: int | None) -> None:
    assert journal.newest_at(until) is None
    store(journal, [said(at=at, received=NOW) for at in (NOW, NOW + 9, 5)])
    assert journal.newest_at(until) == newest


@pytest.mark.parametrize(("at", "received"), [(NOW + 9 * DAY, NOW), (5, NOW), (-5, NOW)])
def test_of_a_wrong_clock_the_day_of_arrival_counts(
    journal: Journal, at: int, received: int
) -> None:
    store(journal, [said(at=at, received=received)])
    assert journal.days(0, 1) == {TODAY}


@pytest.mark.parametrize(
    ("after", "until", "days"),
    [(0, 4, {1, 2, 3, 4}), (1, 3, {2, 3}), (2, 2, set()), (3, 99, {4}), (4, 4, set())],
)
def test_between_two_cursors(journal: Journal, after: int, until: int, days: set[int]) -> None:
    store(journal, [said(at=day * DAY, flags=IMPORTED) for day in (1, 2, 3, 4)])
    assert journal.days(after, until) == days


@given(moments=st.lists(st.integers(-(2**52), 2**52), max_size=30))
def test_as_python_divides(
    tmp_path_factory: pytest.TempPathFactory, moments: Sequence[int]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.db", synchronous="OFF")
    readings = [said(at=at, sequence=i) for i, at in enumerate(moments)]
    store(journal, readings)
    assert journal.days(0, journal.head) == {one.when // DAY for one in readings}
    journal.close()


def test_how_many_rows_a_size_holds(journal: Journal) -> None:
    assert journal.rows_of(0) == 0
    store(journal, [said(at=NOW + i) for i in range(5_000)])
    size = journal.size()
    assert journal.rows_of(size) == 5_000
    assert journal.rows_of(2 * size) == 10_000
    assert journal.rows_of(0) == 0


def test_rows_that_are_gone_do_not_count(journal: Journal) -> None:
    store(journal, [said(at=NOW + i) for i in range(4_000)])
    before = journal.rows_of(10**6)
    for _ in range(2):
        journal.prune(3_000, NOW + 4_000, 10**12)
        journal.commit()
    assert journal.rows_of(journal.size()) == 1_000
    assert journal.rows_of(10**6) == pytest.approx(before, rel=0.3)
