"""A report as it is asked for: of a gateway with its files, with no broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.reading import IMPORTED, Reading
from gateway.app import Gateway
from gateway.commands.commands import Commands
from gateway.refusal import ControlError
from gateway.settings import parse
from rules.duration import DAY, MINUTE
from tests.gateway.parts import NOW, ToldClock, said

SETTINGS = """
[gateway]
box = "here"
data = "{folder}"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "10 min"
hold = "30 min"
severity = "critical"
"""
MORNING = NOW - NOW % DAY
"""Midnight UTC of the day that the clock shows."""


class Asked:
    """A gateway that has heard something, and what it answers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.commands = Commands(gateway)

    async def take(self, *readings: Reading) -> None:
        journal, monitor = self.gateway.journal, self.gateway.monitor
        journal.append(readings)
        journal.commit()
        journal.publish()
        batch = journal.read(monitor.cursor, 1_000)
        await monitor.handle(batch.readings, batch.cursor)

    async def archive(self) -> None:
        batch = self.gateway.journal.read(self.gateway.archivist.cursor, 1_000)
        await self.gateway.archivist.handle(batch.readings, batch.cursor)
        await self.gateway.archivist.store()

    async def report(self, device: str = "d-1", **request: str) -> dict[str, Any]:
        answer = await self.commands.answer(
            {"do": "report", "device": device, **request}, lambda _done, _all: None
        )
        assert isinstance(answer, dict)
        return answer


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    gateway = await asyncio.to_thread(Gateway, parse(SETTINGS.format(folder=tmp_path)), join=False)
    gateway.clock = ToldClock(MORNING + 12 * 60 * MINUTE)
    await gateway.compose()
    yield Asked(gateway)
    gateway.close()


def day(number: int) -> str:
    """Return the date so many days from today."""
    return datetime.fromtimestamp((MORNING + number * DAY) / 1000, UTC).date().isoformat()


def brief(report: dict[str, Any]) -> list[tuple[str, int, float, float]]:
    return [
        (one["date"], one["readings"], one["minutes"][0]["above"], one["minutes"][0]["unknown"])
        for one in report["days"]
    ]


@pytest.mark.parametrize("archived", [False, True])
async def test_a_device_that_fell_silent_is_unknown_until_now(
    asked: Asked, *, archived: bool
) -> None:
    await asked.take(said(at=MORNING - DAY - 60 * MINUTE, value=9.0))
    if archived:
        await asked.archive()
    assert brief(await asked.report()) == [
        (day(-2), 1, 30, 30),
        (day(-1), 0, 0, 1440),
        (day(0), 0, 0, 720),
    ]
    assert brief(await asked.report(until=day(-1))) == [(day(-2), 1, 30, 30), (day(-1), 0, 0, 1440)]
    assert brief(await asked.report(until=day(5)))[-1] == (day(0), 0, 0, 720)


async def test_a_breach_is_counted_to_now_and_no_further(asked: Asked) -> None:
    now = asked.gateway.clock.now()
    await asked.take(said(at=now - 20 * MINUTE, value=9.0), said(at=now - 5 * MINUTE, value=9.5))
    answer = await asked.report()
    assert brief(answer) == [(day(0), 2, 20, 0)]
    (alert,) = answer["days"][0]["alerts"]
    assert (alert["rule"], alert["ended"], alert["worst"]) == ("too-warm", None, 9.5)


async def test_days_without_a_reading_know_what_the_last_one_before_them_holds(
    asked: Asked,
) -> None:
    await asked.take(said(at=MORNING - 3 * DAY, value=4.0), said(at=MORNING - DAY, value=4.0))
    await asked.take(said(at=MORNING - DAY - 10 * MINUTE, value=9.0))
    await asked.archive()
    assert brief(await asked.report(since=day(-2), until=day(-2))) == [(day(-2), 1, 10, 1430)]
    await asked.take(said(at=MORNING - 10 * MINUTE, value=9.0))
    assert brief(await asked.report(since=day(0))) == [(day(0), 0, 20, 700)]


async def test_an_imported_file_ends_with_its_last_day_unless_more_is_asked(asked: Asked) -> None:
    await asked.take(said(at=MORNING - 3 * DAY + 60 * MINUTE, value=9.0, flags=IMPORTED))
    assert brief(await asked.report()) == [(day(-3), 1, 30, 0)]
    assert [one[3] for one in brief(await asked.report(until=day(-1)))] == [1350, 1440, 1440]
    assert brief(await asked.report(since=day(-1), until=day(-1))) == [(day(-1), 0, 0, 1440)]


async def test_of_a_device_that_was_never_heard_nothing_is_known(asked: Asked) -> None:
    with pytest.raises(ControlError, match=r"nothing is known of d-9\. See `holdwatch device"):
        await asked.report("d-9")


async def test_before_its_first_reading_it_says_from_when_a_device_is_known(asked: Asked) -> None:
    await asked.take(said(at=MORNING))
    await asked.archive()
    await asked.take(said(at=MORNING + MINUTE))
    with pytest.raises(ControlError, match=f"d-1 is known from {day(0)} on"):
        await asked.report(until=day(-1))
