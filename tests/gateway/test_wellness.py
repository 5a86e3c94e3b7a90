"""What stops a heartbeat, and what does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from gateway.wellness import LATE
from rules.duration import SECOND
from tests.gateway.parts import ToldClock, said

if TYPE_CHECKING:
    from devices.reading import Reading
    from gateway.app import Gateway
    from tests.gateway.asked import Asked

NO_SPACE = "database or disk is full"


def failing(name: str) -> Callable[[Gateway, pytest.MonkeyPatch], None]:
    def fail(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        part: Any = gateway
        for step in name.split("."):
            part = getattr(part, step)
        monkeypatch.setattr(part, "problem", NO_SPACE)

    return fail


def take(gateway: Gateway, reading: Reading) -> None:
    gateway.journal.append([reading])
    gateway.journal.commit()
    gateway.journal.publish()


def full(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.disk, "free", lambda: 1_000)
    gateway.caretaker.check_disk()


def read_only(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(gateway.settings.gateway.data)
    changed = os.statvfs_result([*real[:8], real.f_flag | os.ST_RDONLY, real.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda _path: changed)


def no_clock(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.clock, "trusted", lambda: False)


def no_page(gateway: Gateway, _monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.own_alerts.report("page", "the page's process ended (exit 1)")


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (failing("ingest"), "the disk takes no writes: " + NO_SPACE),
        (failing("state"), "the disk takes no writes: " + NO_SPACE),
        (failing("history"), "the disk takes no writes: " + NO_SPACE),
        (failing("evidence"), "the disk takes no writes: " + NO_SPACE),
        (full, "nothing is taken in: only 0.0 MB are free"),
        (read_only, "can only be read: its disk has failed"),
        (no_clock, "the clock is not trusted"),
        (no_page, "the page's process ended"),
    ],
    ids=["journal", "state", "history", "evidence", "full", "read-only", "clock", "page"],
)
async def test_what_makes_a_gateway_useless_stops_the_beat(
    ask: Asked,
    monkeypatch: pytest.MonkeyPatch,
    break_it: Callable[[Gateway, pytest.MonkeyPatch], None],
    words: str,
) -> None:
    wellness = ask.gateway.outward.wellness
    assert wellness.problem() is None
    break_it(ask.gateway, monkeypatch)
    assert words in (wellness.problem() or "")


async def test_readings_that_are_not_judged_stop_the_beat(ask: Asked) -> None:
    gateway, wellness = ask.gateway, ask.gateway.outward.wellness
    clock = gateway.clock
    assert isinstance(clock, ToldClock)
    take(gateway, said(at=clock.wall))
    wellness.look()
    clock.passes(LATE)
    wellness.look()
    assert wellness.behind() == LATE
    assert wellness.problem() is None
    take(gateway, said(at=clock.wall))
    clock.passes(1 * SECOND)
    wellness.look()
    assert wellness.behind() == LATE + 1 * SECOND  # the oldest counts
    assert "waited for" in (wellness.problem() or "")


async def test_a_judge_that_keeps_up_is_well_however_much_comes(ask: Asked) -> None:
    gateway, wellness = ask.gateway, ask.gateway.outward.wellness
    clock = gateway.clock
    assert isinstance(clock, ToldClock)
    for _ in range(5):
        take(gateway, said(at=clock.wall))
        wellness.look()
        clock.passes(LATE)
        batch = gateway.ingest.read(gateway.monitor.cursor, 100)
        await gateway.monitor.handle(*batch)
        items = gateway.ingest.read(gateway.freight.monitor.cursor, 100)
        await gateway.freight.monitor.handle(*items)
        wellness.look()
        assert wellness.behind() == 0
        assert wellness.problem() is None


async def test_alerts_and_warnings_stop_nothing(ask: Asked) -> None:
    ask.gateway.own_alerts.report("broker main", "cannot be reached")
    ask.gateway.own_alerts.report("certificate 0.0.0.0:8883", "ends in 3 days", "warning")
    assert ask.gateway.outward.wellness.problem() is None
