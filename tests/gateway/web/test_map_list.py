"""What the list beside the map costs: bounded, however many devices there are."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.web.files import Archive
from gateway.web.now import map_list
from gateway.web.now.map_list import AGAIN, AGAIN_EACH, MapList
from gateway.web.site import Site
from tests.gateway.parts import ToldClock
from tests.gateway.web.told import SETTINGS, Told, seen, settings, status

MANY = 5_000
LONGEST = 0.05
"""Seconds for which nobody else has a turn."""


class Looked:
    """A map over what a gateway tells."""

    def __init__(self, folder: Path) -> None:
        self.told = Told(folder)
        self.archive = Archive(folder)
        self.clock = ToldClock()
        parts: dict[str, Any] = {
            "standing": self.told.standing,
            "archive": self.archive,
            "clock": self.clock,
            "settings": settings(SETTINGS),
        }
        self.list = MapList(cast("Site", SimpleNamespace(**parts)))

    def take(self, count: int, longitude: float | None = None) -> None:
        """Tell of so many devices, with a position if a longitude is given."""
        self.told.take(
            *(
                seen(f"truck-{one:04}", temperature=4.0, latitude=50.0, longitude=longitude)
                for one in range(count)
            )
        )

    def close(self) -> None:
        self.archive.close()
        self.told.close()


@pytest.fixture
async def looked(tmp_path: Path) -> AsyncIterator[Looked]:
    made = Looked(tmp_path)
    yield made
    made.close()


async def longest_wait(done: asyncio.Task[Any]) -> float:
    """Return for how long (s) others had no turn at most, until a task is done."""
    longest, before = 0.0, time.perf_counter()
    while not done.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return longest


async def test_of_very_many_devices_those_that_stand_worst_are_on_the_map(looked: Looked) -> None:
    looked.take(MANY, longitude=10.0)
    bad = seen("fridge-1", temperature=11.0, latitude=1.0, longitude=1.0, rules=(status(),))
    looked.told.take(bad)
    text = await looked.list.text()
    keys = re.findall(r'data-key="([^"]+)"', text)
    assert len(keys) == map_list.MOST
    assert keys[0] == "fridge-1"
    assert f"{MANY + 1 - map_list.MOST} more stand no worse" in text
    assert f'data-again="{AGAIN_EACH * map_list.MOST}"' in text


async def test_of_devices_without_a_position_some_are_named_and_all_are_counted(
    looked: Looked,
) -> None:
    looked.take(MANY)
    text = await looked.list.text()
    assert f"{MANY:d} without a position" in text
    assert text.count("<li>") == map_list.MOST_NOWHERE
    assert f"And {MANY - map_list.MOST_NOWHERE} more" in text


async def test_a_short_list_is_all_there_and_fetched_soon_again(looked: Looked) -> None:
    looked.take(3, longitude=10.0)
    text = await looked.list.text()
    assert text.count("data-key=") == 3
    assert f'data-again="{AGAIN}"' in text
    assert "more stand" not in text


async def test_it_is_made_once_for_all_who_look_until_it_is_old(looked: Looked) -> None:
    looked.take(3, longitude=10.0)
    first, second = await asyncio.gather(looked.list.text(), looked.list.text())
    assert first is second
    looked.take(4, longitude=10.0)
    assert await looked.list.text() is first
    looked.clock.passes(AGAIN)
    assert (await looked.list.text()).count("data-key=") == 4


async def test_what_goes_wrong_once_is_tried_again(
    looked: Looked, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked.take(1, longitude=10.0)

    def fail(*_template: object, **_context: object) -> str:
        raise OSError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(map_list, "render", fail)
        with pytest.raises(OSError, match="no memory"):
            await looked.list.text()
    assert "truck-0000" in await looked.list.text()


async def test_it_is_written_aside(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def render(*_template: object, **_context: object) -> str:
        threads.append(threading.get_ident())
        return "written"

    monkeypatch.setattr(map_list, "render", render)
    assert await looked.list.text() == "written"
    assert threads != [threading.get_ident()]


async def test_others_have_their_turn_while_a_long_list_is_made(looked: Looked) -> None:
    looked.take(MANY, longitude=10.0)
    await looked.list.text()
    waits = []
    # Other work of this machine may hold up one of them.
    for _ in range(3):
        looked.take(MANY, longitude=11.0)
        looked.clock.passes(60_000)
        waits.append(await longest_wait(asyncio.create_task(looked.list.text())))
    assert min(waits) < LONGEST
