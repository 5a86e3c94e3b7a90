"""What is held stays in the history, all else goes as it always did, and what is known is told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.history import History
from gateway.history.held import EVER, FOREVER, NOTHING, Days, Held, known_from
from tests.gateway.parts import said

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400_000
HOUR = DAY // 24
DEVICES = [DeviceKey("", name) for name in ("d-1", "d-2", "d-3")]
D1, D2, D3 = DEVICES
FIRST = 20_000
"""A day since 1970, in 2024."""


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(tmp_path / "history.db")
    yield opened
    opened.close()


def at(day: float) -> int:
    return int((FIRST + day) * DAY)


def store(history: History, *days: float, device: DeviceKey = D1) -> None:
    history.gather([said(device.id, at(one)) for one in days])
    history.stage_gathered(history.cursor + 1)
    history.commit()


def days_of(history: History, device: DeviceKey = D1) -> list[float]:
    return [one.at / DAY - FIRST for one in history.read(device, 0, FOREVER)]


def test_of_an_old_day_only_what_is_held_stays(history: History) -> None:
    for device in DEVICES:
        store(history, 0.5, 1.5, 2.5, 3.5, device=device)
    held = Held([(D1, at(1.9), at(2.1))])
    assert history.prune(at(3), held=held) == 7
    assert days_of(history, D1) == [1.5, 2.5, 3.5], "by whole days"
    assert days_of(history, D2) == days_of(history, D3) == [3.5]
    assert history.pruned_before == at(3)


def test_size_takes_nothing_that_is_held_and_says_by_how_much_it_is_too_large(
    history: History,
) -> None:
    for day in range(20):
        for device in DEVICES:
            store(history, *(day + n / 100 for n in range(50)), device=device)
    held = Held([(D1, at(0), at(30))])
    history.prune(0, 1, held)
    assert len(days_of(history, D1)) == 20 * 50
    assert len(days_of(history, D2)) == len(days_of(history, D3)) == 50, "the newest day stays"
    assert history.over_size == history.size() - 1
    history.prune(0, 10**9, held)
    assert history.over_size == 0
    history.prune(0, 1, NOTHING)
    assert len(days_of(history, D1)) == 50
    assert history.over_size == 0, "the newest day is nobody's fault"


def test_what_is_held_no_more_goes_and_what_comes_late_goes_too(history: History) -> None:
    store(history, 0.5, 1.5)
    store(history, 0.5, device=D2)
    held = Held([(D1, at(0), at(2))])
    assert history.prune(at(5), held=held) == 1
    store(history, 0.75, device=D2)
    store(history, 0.75)
    assert history.prune(at(5), held=held) == 1
    assert days_of(history) == [0.5, 0.75, 1.5]
    assert history.prune(at(5), held=Held([(D1, at(1), at(2))])) == 2
    assert days_of(history) == [1.5]
    assert history.prune(at(5)) == 1


@pytest.mark.parametrize(
    ("spared", "until", "expected"),
    [
        ([], FOREVER, 10),
        ([], 5, 5),
        ([Days(7, 10)], FOREVER, 7),
        ([Days(7, 12)], FOREVER, 7),
        ([Days(3, 5), Days(7, 10)], FOREVER, 7),
        ([Days(3, 5), Days(7, 9)], FOREVER, 10),
        ([Days(3, 5), Days(7, 9)], 5, 3),
        ([Days(3, 5), Days(7, 9)], 6, 6),
        ([Days(3, 5), Days(7, 9)], 3, 3),
    ],
)
def test_what_is_known_is_what_was_spared_without_a_hole(
    spared: list[Days], until: int, expected: int
) -> None:
    until = until if until == FOREVER else until * DAY
    assert known_from(10 * DAY, spared, until) == expected * DAY


def test_what_is_known_is_known_to_readers_and_after_a_restart(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    store(history, 0.5, 1.5, 2.5, 3.5)
    store(history, 0.5, 1.5, 2.5, 3.5, device=D2)
    assert history.known_from(D1) == 0
    history.prune(at(3), held=Held([(D1, at(1), at(9))]))
    history.close()
    history = History(tmp_path / "history.db")
    with history.opened() as reader:
        for one in (history, reader):
            assert (one.known_from(D1), one.known_from(D2)) == (at(1), at(3))
            assert one.known_from(D1, at(2)) == at(1)
            assert one.known_from(D2, at(2)) == at(2)
    history.prune(at(3), held=NOTHING)
    assert history.known_from(D1) == at(3)
    assert days_of(history) == [3.5]
    history.close()


def test_a_span_holds_what_it_touches_and_nothing_else() -> None:
    held = Held([(D1, 10, 20), (D1, 20, 30), (D1, 50, 60), (D2, 5, 5)])
    assert [held.holds(D1, when, when) for when in (9, 10, 19, 29, 30, 49, 50, 59, 60)] == [
        *(False, True, True, True, False, False, True, True, False)
    ]
    assert held.holds(D1, 30, 50)
    assert not held.holds(D1, 30, 49)
    assert not held.holds(D2, EVER, FOREVER)
    assert held.devices == {D1}
    assert held == Held([(D1, 50, 60), (D1, 10, 30)])


class Store(NamedTuple):
    """Readings of devices, each on a day."""

    readings: list[tuple[DeviceKey, int]]


class Prune(NamedTuple):
    """What ended before a day goes, but for spans of a device: first day, and how many days."""

    before: int
    size: int | None
    spans: list[tuple[DeviceKey, int, int]]


_device = st.sampled_from(DEVICES)
_day = st.integers(0, 12)
_store = st.builds(Store, st.lists(st.tuples(_device, _day), max_size=8))
_spans = st.lists(st.tuples(_device, _day, st.integers(1, 4)), max_size=4)
_prune = st.builds(Prune, _day, st.sampled_from([None, 1, 60_000]), _spans)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(_store | _prune, min_size=2, max_size=14))
def test_nothing_that_is_held_is_deleted_and_all_else_is_as_before(
    steps: list[Store | Prune],
) -> None:
    with TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.db")
        try:
            ever: set[tuple[DeviceKey, int]] = set()
            for step in steps:
                if isinstance(step, Prune):
                    prunes(history, step)
                    knows(history, ever)
                    continue
                for device, day in step.readings:
                    when = at(day) + history.cursor
                    store(history, when / DAY - FIRST, device=device)
                    ever |= {(device, one.at) for one in history.read(device, when - 1, when + 2)}
        finally:
            history.close()


def here(history: History) -> set[tuple[DeviceKey, int]]:
    return {(one.device, one.at) for d in DEVICES for one in history.read(d, 0, FOREVER)}


def prunes(history: History, step: Prune) -> None:
    """What is gone may be, and what is left must."""
    held = Held([(device, at(day), at(day + count)) for device, day, count in step.spans])
    before = here(history)
    newest = max((when for _, when in before), default=0) // DAY
    history.prune(at(step.before), step.size, held)
    after = here(history)
    for device, when in before:
        day = when // DAY
        spared = held.holds(device, day * DAY, (day + 1) * DAY - 1)
        old = (day + 1) * DAY <= at(step.before)
        large = step.size is not None and day != newest
        if spared or not (old or large):
            assert (device, when) in after
        elif old or step.size == 1:
            assert (device, when) not in after


def knows(history: History, ever: set[tuple[DeviceKey, int]]) -> None:
    """Of what it says is known, nothing is missing."""
    after = here(history)
    for device in DEVICES:
        for end in (FOREVER, at(4), at(8)):
            known = history.known_from(device, end)
            assert {one for one in ever if one[0] == device and known <= one[1] < end} <= after
