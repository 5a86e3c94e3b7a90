"""The archivist stores when there is much or when it has waited long, and drops what is old."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices.reading import DeviceKey
from gateway.archivist import LONG, MANY, Archivist
from gateway.history import History
from tests.gateway.parts import NOW, ToldClock, said

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400_000
DEVICE = DeviceKey("", "d-1")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(tmp_path / "history.db")
    yield opened
    opened.close()


def archivist(history: History, clock: ToldClock, *, keep_size: int | None = None) -> Archivist:
    return Archivist(history, clock, keep=30 * DAY, keep_size=keep_size)


async def test_few_readings_wait_and_the_journal_keeps_them_meanwhile(history: History) -> None:
    one = archivist(history, ToldClock())
    await one.handle([said(at=NOW)], 1)
    assert (one.cursor, history.cursor) == (1, 0)
    assert history.read(DEVICE, 0, 2 * NOW) == []


async def test_many_readings_are_stored_together(history: History) -> None:
    one = archivist(history, ToldClock())
    for first in range(0, MANY, 10_000):
        await one.handle([said(at=NOW + i) for i in range(first, first + 10_000)], first + 10_000)
    assert history.cursor == MANY
    assert len(history.read(DEVICE, 0, 2 * NOW)) == MANY


async def test_a_quiet_site_is_stored_after_a_quarter_of_a_day(history: History) -> None:
    clock = ToldClock()
    one = archivist(history, clock)
    await one.handle([said(at=NOW)], 1)
    clock.passes(LONG)
    await one.handle([said(at=NOW + LONG)], 2)
    assert history.cursor == 2


async def test_days_that_are_too_old_go(history: History) -> None:
    clock = ToldClock()
    one = archivist(history, clock)
    await one.handle([said(at=NOW)], 1)
    await one.store()
    clock.passes(40 * DAY)
    await one.handle([said(at=clock.now())], 2)
    await one.store()
    assert [found.at for found in history.read(DEVICE, 0, 2 * NOW)] == [clock.now()]


async def test_of_a_history_over_its_size_the_newest_day_stays(history: History) -> None:
    clock = ToldClock()
    one = archivist(history, clock, keep_size=1)
    await one.handle([said(at=NOW - 3 * DAY), said(at=NOW - DAY), said(at=NOW)], 3)
    await one.store()
    assert [found.at for found in history.read(DEVICE, 0, 2 * NOW)] == [NOW]
