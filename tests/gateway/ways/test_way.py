"""What every way in does: what nobody foresaw costs it a while, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.database import FileError
from gateway.ways import way
from gateway.ways.way import PATIENCE, Way
from rules.duration import MINUTE
from tests.gateway.parts import ToldClock


class Told(Way):
    """A way in that does what it is told, one after the other, and then rests."""

    def __init__(self, *errors: Exception | None) -> None:
        self.clock = ToldClock()
        super().__init__("told", MINUTE, self.clock)
        self.tried = 0
        self.rests = asyncio.Event()
        self._left: Iterator[Exception | None] = iter(errors)

    async def _take_in(self) -> None:
        for error in self._left:
            self.tried += 1
            if error is not None:
                raise error
            self._fare.well()
        self.rests.set()
        await asyncio.Event().wait()


async def until_it_rests(one: Told) -> None:
    running = asyncio.create_task(one.run())
    await one.rests.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "AGAIN", 0.0)


async def test_what_nobody_foresaw_is_told_logged_once_and_tried_again() -> None:
    one = Told(ValueError("x"), ValueError("y"), TypeError("z"))
    with capture_logs() as logs:
        await until_it_rests(one)
    assert one.tried == 3
    assert not one.report.well
    assert "it broke off, which nobody foresaw (TypeError)" in one.report.reason
    assert one.problem is None
    one.clock.passes(PATIENCE)
    assert str(one.problem).startswith("told: it broke off")
    traced = [each["exc_info"] for each in logs if each["log_level"] == "error"]
    assert [type(each) for each in traced] == [ValueError, TypeError]


async def test_it_is_well_again_and_a_later_error_is_logged_anew() -> None:
    one = Told(ValueError("x"), None, ValueError("x"), None)
    with capture_logs() as logs:
        await until_it_rests(one)
    assert one.report.well
    assert sum(each["log_level"] == "error" for each in logs) == 2


async def test_a_file_that_must_not_be_used_ends_the_gateway() -> None:
    one = Told(FileError(Path("state.db"), "it is damaged", "Take the backup"))
    with pytest.raises(FileError, match="damaged"):
        await one.run()
