"""Copies inside a gateway: what waits is kept, what is wrong is told, who is gone is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.caretaker import PRUNE_INTERVAL
from gateway.influxdb.copies import Copies, forget_others
from gateway.influxdb.delivery import PATIENCE
from gateway.settings import parse
from rules.duration import DAY
from tests.broker import free_port
from tests.gateway.influxdb.parts import House
from tests.gateway.parts import NOW, ToldClock, said

SETTINGS = """
[gateway]
box = "box"
data = "{folder}"
[journal]
keep = "1 d"
[[influxdb]]
name = "office"
url = "http://127.0.0.1:{port}"
version = "1"
[[influxdb]]
name = "branch"
url = "http://127.0.0.1:{port}"
version = "1"
[influxdb.names]
alerts = ""
gateway = ""
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway whose two servers are both away."""
    settings = parse(SETTINGS.format(folder=tmp_path, port=free_port()))
    made = await asyncio.to_thread(Gateway, settings, join=False)
    made.clock = ToldClock()
    await made.compose()
    yield made
    made.close()


def told_clock(gateway: Gateway) -> ToldClock:
    assert isinstance(gateway.clock, ToldClock)
    return gateway.clock


async def arrive(gateway: Gateway, count: int) -> None:
    """Take readings in, judge them, and bring them into the history."""
    journal, history = gateway.journal, gateway.history
    first = journal.head
    journal.append([said(at=NOW, sequence=first + i) for i in range(count)])
    journal.commit()
    batch = journal.publish()
    for one in (gateway.monitor, gateway.freight.monitor):
        await one.handle(batch.readings, batch.cursor)
        await one.checkpoint()
    history.gather(batch.readings)
    history.stage_gathered(batch.cursor)
    history.commit()


def prune(gateway: Gateway) -> int:
    """Let the gateway drop what it may; return how many readings are left."""
    told_clock(gateway).passes(PRUNE_INTERVAL)
    gateway.caretaker.prune(gateway.journal)
    gateway.journal.commit()
    return int(gateway.journal.rows("SELECT count(*) FROM reading")[0][0])


async def test_what_a_server_waits_for_stays_in_the_journal(gateway: Gateway) -> None:
    await arrive(gateway, 100)
    told_clock(gateway).passes(3 * DAY)
    assert prune(gateway) == 100
    office, branch = gateway.copies
    office.sink.sent = 80
    await office.sink.save()
    assert prune(gateway) == 100, "the other one has nothing yet"
    branch.sink.sent = 30
    assert prune(gateway) == 100, "what is not written down is forgotten with a crash"
    await branch.sink.save()
    assert prune(gateway) == 70


async def test_beyond_its_cap_a_server_keeps_the_journal_no_longer(gateway: Gateway) -> None:
    await arrive(gateway, 100)
    told_clock(gateway).passes(3 * DAY)
    for copies in gateway.copies:
        copies.sink._backlog = 0
        await copies.sink.keep_within()
    assert prune(gateway) == 1, "the newest row stays"
    assert [copies.refill.missed for copies in gateway.copies] == [[NOW // DAY]] * 2


async def test_it_ends_with_its_cursors_written_down(gateway: Gateway) -> None:
    await arrive(gateway, 10)
    for copies in gateway.copies:
        copies.sink.sent = copies.sink.cursor = 7
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(0)
    gateway.stop()
    await asyncio.wait_for(running, 20)
    assert gateway.state.cursor("influxdb:office") == 7
    assert gateway.state.cursor("influxdb:branch") == 7


async def test_a_server_that_is_away_is_told_of_and_the_intake_goes_on(gateway: Gateway) -> None:
    await arrive(gateway, 3)
    running = asyncio.create_task(gateway.run())
    try:
        async with asyncio.timeout(20):
            while not all(one.delivery.reason for one in gateway.copies):  # noqa: ASYNC110 - it gives no sign
                await asyncio.sleep(0.01)
    finally:
        gateway.stop()
        await asyncio.wait_for(running, 20)
    told_clock(gateway).passes(PATIENCE)
    for copies in gateway.copies:
        assert copies.problem is not None
        assert "gets what it misses later: cannot connect" in copies.problem
        report = copies.report()
        assert (report["well"], report["waiting"], report["written"]) == (False, 3, 0)


async def test_refused_readings_and_damage_are_told_of(gateway: Gateway) -> None:
    office, branch = gateway.copies
    assert office.problem is office.refusal is None
    await office.sink.lay_aside([(b"{}", "no")])
    branch.refill.damaged = "a block is damaged"
    assert office.refusal == (
        "has refused what lies aside. See why: holdwatch influx rejected office"
    )
    assert branch.refusal == "a block is damaged"
    office.sink.refusals.stopped = "copying has stopped"
    assert office.refusal == "copying has stopped. See holdwatch influx rejected office"
    assert office.report()["reason"] == "copying has stopped"
    assert office.report()["well"] is False
    assert office.report()["rejected"] == 1


def names(copies: Copies, gateway: Gateway) -> list[str]:
    parts = list(copies.parts(gateway.ingest, gateway.state))
    found = [getattr(part, "__qualname__", "") for part in parts]
    for part in parts:
        part.close()
    return found


async def test_alerts_and_health_are_left_out_where_they_have_no_name(gateway: Gateway) -> None:
    office, branch = gateway.copies
    assert names(office, gateway).count("follow") == 2
    assert names(branch, gateway).count("follow") == 1
    assert "HealthSink.run" in names(office, gateway)
    assert "HealthSink.run" not in names(branch, gateway)


async def test_a_server_that_the_settings_name_no_more_is_forgotten(house: House) -> None:
    followers = ["influxdb:office", "influxdb:office:alerts", "influxdb:office-2", "monitor"]
    async with house.state.writing():
        for name in followers:
            house.state.move(name, 5)
            house.state.note_missed(name, [NOW // DAY])
            house.state.bury(name, [(b"{}", "no")], NOW)
    await forget_others(house.state, ["office-2"])
    assert [house.state.cursor(name) for name in followers] == [0, 0, 5, 5]
    assert [len(house.state.missed(name)) for name in followers] == [0, 0, 1, 1]
    assert len(house.state.dead_letters()) == 4, "a person may still want to see them"
    await forget_others(house.state, [])
    assert [house.state.cursor(name) for name in followers] == [0, 0, 0, 5]
