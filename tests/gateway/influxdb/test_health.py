"""The gateway's own numbers are copied; while that fails they wait, for a day at most."""

from __future__ import annotations

import pytest

from gateway.influxdb import health as module
from gateway.influxdb.health import KEPT, HealthSink
from tests.gateway.influxdb.parts import AWAY, House, Office, during, lines
from tests.gateway.parts import NOW, ToldClock

MINUTE = 60_000
MS = 1_000_000
"""Nanoseconds."""


def sink(house: House, office: Office, clock: ToldClock) -> HealthSink:
    return HealthSink(
        house.delivery(office),
        lines(),
        box="box",
        numbers=lambda: {"received": 5.0, "memory": float(clock.now() - NOW)},
        clock=clock,
    )


async def test_a_point_holds_the_numbers_as_they_are_then(house: House, office: Office) -> None:
    clock = ToldClock()
    one = sink(house, office, clock)
    await one.once()
    clock.passes(MINUTE)
    await one.once()
    assert office.points == {
        (b"gateway,box=box", NOW * MS): b"received=5.0,memory=0.0",
        (b"gateway,box=box", (NOW + MINUTE) * MS): b"received=5.0,memory=60000.0",
    }
    assert len(office.sent()) == 2


async def test_points_wait_while_the_server_is_away_the_oldest_no_longer_than_a_day(
    house: House, office: Office
) -> None:
    clock = ToldClock()
    one = sink(house, office, clock)
    office.fault = lambda _lines: AWAY
    for _ in range(KEPT + 9):
        await one.once()
        clock.passes(MINUTE)
    office.fault = lambda _lines: None
    await one.once()
    assert office.times == [(NOW + i * MINUTE) * MS for i in range(10, KEPT + 10)]
    before = len(office.requests)
    clock.passes(MINUTE)
    await one.once()
    assert len(office.requests[before]) == 1, "nothing waits any more"


async def test_a_point_that_is_refused_is_let_go(house: House, office: Office) -> None:
    clock = ToldClock()
    one = sink(house, office, clock)
    office.bad = {NOW * MS}
    await one.once()
    clock.passes(MINUTE)
    await one.once()
    assert office.times == [(NOW + MINUTE) * MS]
    assert len(office.sent()) == 2


async def test_it_goes_on_for_ever(
    house: House, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)
    clock = ToldClock()
    office.fault = lambda _lines: clock.passes(MINUTE)
    await during(lambda: len(office.times) > 3, sink(house, office, clock).run())
    assert office.times[:3] == [(NOW + i * MINUTE) * MS for i in range(3)]
