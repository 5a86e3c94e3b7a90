from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import pytest

from simulators.connection import LONGEST_DELAY, UNDER_WAY
from simulators.transmit import Target, Transmission, TransmitError
from tests.broker import Broker, free_port
from tests.gateway.listener.serving import Door, serving
from tests.simulators.small import HOUR, MINUTE, START, readings, sent, simulation
from tests.simulators.told_clock import ToldClock

WITHIN = 20.0
"""Seconds that a test waits for what must come."""


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - a connection rings no bell for tests
            await asyncio.sleep(0.001)


async def acknowledged(transmission: Transmission, count: int) -> None:
    """Wait until so many messages are."""
    await until(lambda: transmission.progress().acknowledged == count)


def at(port: int, **fields: Any) -> Target:  # noqa: ANN401 - those of a Target
    return Target("127.0.0.1", port, **fields)


def past(target: Target) -> Transmission:
    """Return what sends the small scenario, which is over."""
    return Transmission(simulation(), target, ToldClock(START + HOUR))


@asynccontextmanager
async def running(transmission: Transmission, speed: float | None = None) -> AsyncIterator[None]:
    """Send an hour meanwhile, to its end."""
    async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as group:
        group.create_task(transmission.run(until=START + HOUR, speed=speed))
        yield


async def stored(door: Door) -> list[tuple[str, int]]:
    """Return device and sequence number of each reading in the journal."""
    await door.settle()
    found = door.journal.read(0, 10**6).readings
    return sorted((one.device.id, one.identity) for one in found)


def expected(more: str = "") -> list[tuple[str, int]]:
    return sorted((one.device.id, one.identity) for one in readings(sent(more)))


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("connections", [1, 3])
async def test_all_is_stored_once(
    tmp_path: Path, version: Literal["3.1.1", "5"], connections: int
) -> None:
    async with serving(tmp_path) as door:
        transmission = past(at(door.port, version=version, connections=connections))
        async with running(transmission):
            pass
        assert await stored(door) == expected()
        done = transmission.progress()
        assert (done.sent, done.acknowledged, done.again) == (len(sent()), len(sent()), 0)
        assert (done.now, done.trouble) == (START + HOUR, "")
        assert [end.why for end in (await door.ends()).values()] == []


async def test_simulated_time_goes_with_the_clock_once_it_has_caught_up(tmp_path: Path) -> None:
    clock = ToldClock(START + 20 * MINUTE)
    async with serving(tmp_path) as door:
        transmission = Transmission(simulation(), at(door.port), clock)
        async with running(transmission):
            for minute in (20, 20.5, 21, 45):
                clock.passes(START + round(minute * MINUTE) - clock.now())
                await acknowledged(transmission, len(sent(minutes=minute)))
                assert transmission.progress().now == clock.now()
            clock.passes(HOUR)
        assert await stored(door) == expected()


async def test_simulated_time_goes_as_many_times_faster_as_asked(tmp_path: Path) -> None:
    clock = ToldClock(START + 10 * HOUR)
    async with serving(tmp_path) as door:
        source = simulation()
        transmission = Transmission(source, at(door.port), clock)
        async with running(transmission, speed=60):
            await until(lambda: clock.awaited)
            clock.passes(10_000)
            await until(lambda: source.now == START + 10 * MINUTE)
            assert transmission.progress().speed == pytest.approx(60)
            clock.passes(50_000)


MANY = """
[[assets]]
name = "many-{n}"
kind = "cold-room"
count = 40
place = [50.0, 4.3]
    [[assets.sensors]]
    channels = ["temperature"]
"""


async def test_a_gateway_that_stores_nothing_stops_the_simulation(tmp_path: Path) -> None:
    async with serving(tmp_path) as door:
        door.disk.clear()
        source = simulation(MANY)
        transmission = Transmission(source, at(door.port), ToldClock(START + HOUR))
        async with running(transmission):
            await until(lambda: transmission.progress().sent == UNDER_WAY)
            stopped_at = source.now
            await asyncio.sleep(0.1)
            assert (transmission.progress().sent, source.now) == (UNDER_WAY, stopped_at)
            assert stopped_at < START + 10 * MINUTE
            assert transmission.progress().acknowledged == 0
            door.disk.set()
        assert await stored(door) == expected(MANY)


async def test_what_was_not_acknowledged_is_sent_again_after_a_crash(tmp_path: Path) -> None:
    clock = ToldClock(START + HOUR)
    async with serving(tmp_path) as door:
        door.disk.clear()
        transmission = Transmission(simulation(), at(door.port), clock)
        async with running(transmission):
            await until(lambda: transmission.progress().sent)
            await door.crash()
            await until(lambda: transmission.progress().trouble)
            clock.passes(2_000)
        assert transmission.progress().again > 0
        assert transmission.progress().trouble == ""
        assert await stored(door) == expected()


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_nothing_is_lost_while_the_broker_restarts(
    tmp_path: Path, version: Literal["3.1.1", "5"]
) -> None:
    clock = ToldClock(START)
    with Broker(tmp_path, "max_queued_messages 0") as broker:
        reader = aiomqtt.Client(broker.host, broker.port, identifier="reader", clean_session=False)
        async with reader:
            await reader.subscribe("cargo/#", qos=1)
        transmission = Transmission(simulation(), at(broker.port, version=version), clock)
        async with running(transmission):
            clock.passes(20 * MINUTE)
            await acknowledged(transmission, len(sent(minutes=20)))
            broker.stop()
            clock.passes(20 * MINUTE)
            await until(lambda: transmission.progress().trouble)
            for _ in range(6):
                clock.passes(round(LONGEST_DELAY * 1000))
                await asyncio.sleep(0.01)
            broker.start()
            clock.passes(HOUR)
        found: list[bytes] = []
        async with reader, asyncio.timeout(WITHIN):
            async for message in reader.messages:
                found.append(bytes(message.payload))
                if len(found) == len(sent()):
                    break
        assert sorted(found) == sorted(message.payload for message in sent())


async def test_no_more_is_under_way_than_the_broker_takes(tmp_path: Path) -> None:
    with Broker(tmp_path, "max_inflight_messages 3") as broker:
        transmission = past(at(broker.port))
        async with running(transmission):
            pass
        assert transmission.progress().again == 0
        assert transmission.progress().acknowledged == len(sent())


async def test_what_the_broker_refuses_is_not_called_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic write cargo/house/#\n")
    (tmp_path / "acl").chmod(0o600)
    with Broker(tmp_path, f"acl_file {tmp_path}/acl") as broker:
        transmission = past(at(broker.port))
        async with running(transmission):
            pass
    done = transmission.progress()
    others = sum(not message.topic.startswith("cargo/house/") for message in sent())
    assert (done.refused, done.reason) == (others, "Not authorized")
    assert done.acknowledged == len(sent()) - others


async def test_told_to_stop_it_awaits_what_is_under_way(tmp_path: Path) -> None:
    async with serving(tmp_path) as door:
        door.disk.clear()
        transmission = past(at(door.port))
        async with running(transmission):
            await until(lambda: transmission.progress().sent)
            transmission.stop()
            await asyncio.sleep(0)
            door.disk.set()
        done = transmission.progress()
        assert done.acknowledged == done.sent == len(await stored(door))


async def test_told_to_stop_while_nobody_is_there_it_ends(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        clock = ToldClock(START)
        transmission = Transmission(simulation(), at(broker.port), clock)
        async with running(transmission):
            clock.passes(10 * MINUTE)
            await until(lambda: transmission.progress().acknowledged)
            broker.kill()
            await until(lambda: transmission.progress().trouble)
            transmission.stop()
        assert transmission.progress().now < START + HOUR


async def failure(target: Target) -> str:
    with pytest.raises(TransmitError) as caught:
        await past(target).run(until=START + HOUR, speed=None)
    return str(caught.value)


async def test_nothing_listens() -> None:
    port = free_port()
    assert f"Nothing listens on 127.0.0.1:{port}" in await failure(at(port))


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_wrong_password_is_told_at_once(
    tmp_path: Path, version: Literal["3.1.1", "5"]
) -> None:
    async with serving(tmp_path, port={"anonymous": False}) as door:
        token = await door.add("simulator")
        right = at(door.port, version=version, user="simulator", password=token)
        words = await failure(right._replace(password="00" * 16))
        assert "does not let simulator in with this password" in words
        words = await failure(right._replace(user=None, password=None))
        assert "in who has no user name" in words
        async with running(past(right)):
            pass
        assert await stored(door) == expected()


async def test_credentials_that_are_revoked_end_it(tmp_path: Path) -> None:
    clock = ToldClock(START)
    async with serving(tmp_path, port={"anonymous": False}) as door:
        token = await door.add("simulator")
        target = at(door.port, user="simulator", password=token)
        transmission = Transmission(simulation(), target, clock)
        task = asyncio.create_task(transmission.run(until=None, speed=None))
        clock.passes(MINUTE)
        await until(lambda: transmission.progress().acknowledged)
        await door.principals.revoke("simulator")
        await until(lambda: transmission.progress().trouble)
        clock.passes(2_000)
        with pytest.raises(TransmitError, match="does not let simulator in"):
            await asyncio.wait_for(task, WITHIN)
