"""A real broker says whether a gateway is there: also when it went without a word."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import aiomqtt

from gateway import presence
from gateway.mqtt.subscriber import BrokerSettings
from gateway.presence import Presence
from tests.broker import Broker, broker  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

STATUS: dict[str, Any] = {"box": "dock", "version": "1", "started": 1, "alerts": {"critical": 0}}
TOPIC = "holdwatch/dock/status"


def settings(port: int) -> BrokerSettings:
    return BrokerSettings(
        name="main", host="127.0.0.1", port=port, topics=("cargo/#",), client_id="hw-dock"
    )


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", port, timeout=10) as client:
        await client.subscribe(TOPIC, qos=1)
        yield client


async def newest(client: aiomqtt.Client) -> tuple[dict[str, Any], bool]:
    async with asyncio.timeout(20):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            return json.loads(message.payload), message.retain
    raise AssertionError("messages never end")


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_it_is_online_retained_and_offline_after_a_good_bye(broker: Broker) -> None:  # noqa: F811 - the fixture
    task = asyncio.create_task(
        Presence(settings(broker.port), "holdwatch/dock", lambda: STATUS).run()
    )
    async with watching(broker.port) as client:
        assert (await newest(client))[0] == {"online": True, **STATUS}
        await end(task)
        assert (await newest(client))[0] == {
            "online": False,
            "box": "dock",
            "version": "1",
            "started": 1,
        }
    async with watching(broker.port) as later:
        told, retained = await newest(later)
        assert (told["online"], retained) == (False, True)


async def test_a_number_that_changes_is_told(
    broker: Broker,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "LOOK", 0.05)
    status = {**STATUS}
    task = asyncio.create_task(
        Presence(settings(broker.port), "holdwatch/dock", lambda: dict(status)).run()
    )
    async with watching(broker.port) as client:
        await newest(client)
        status["alerts"] = {"critical": 1}
        assert (await newest(client))[0]["alerts"] == {"critical": 1}
    await end(task)


async def test_the_broker_tells_who_went_without_a_word(broker: Broker) -> None:  # noqa: F811 - the fixture
    its = Presence(settings(broker.port), "holdwatch/dock", lambda: STATUS)
    async with watching(broker.port) as client:
        task = asyncio.create_task(its.run())
        assert (await newest(client))[0]["online"] is True
        # Another client of the same id: the broker cuts the connection, as a dead network would.
        async with aiomqtt.Client("127.0.0.1", broker.port, identifier="hw-dock-status"):
            assert (await newest(client))[0]["online"] is False
        await end(task)


async def test_it_comes_again_when_the_broker_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "AGAIN", 0.1)
    with Broker(tmp_path) as one:
        task = asyncio.create_task(
            Presence(settings(one.port), "holdwatch/dock", lambda: STATUS).run()
        )
        async with watching(one.port) as client:
            await newest(client)
        await asyncio.to_thread(one.kill)
        await asyncio.to_thread(one.start)
        async with watching(one.port) as client:
            assert (await newest(client))[0]["online"] is True
        await end(task)
