"""A consignment with sensors, in a gateway with real files: stated, heard, stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devices.device import Origin
from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.consignments.facts import Assigned, Created, Delivered, Fact
from gateway.mqtt.packets import Publish
from rules.duration import DAY, HOUR
from tests.gateway.parts import NOW

START = NOW - 10 * DAY
"""When the voyage began, ms."""
D1, D2, D3 = (DeviceKey("acme", f"d-{number}") for number in (1, 2, 3))
FROM = Origin("acme", "import")
"""Whoever may speak for all devices."""


async def state(gateway: Gateway, identity: str, *facts: tuple[int, Fact]) -> None:
    """State facts of a consignment, each with its true time (ms)."""
    async with gateway.book.changing() as change:
        for at, fact in facts:
            change.state(identity, fact, at=at, entered=gateway.clock.now(), who="mia")
    gateway.caretaker.check_evidence()


async def begun(gateway: Gateway, *sensors: DeviceKey, identity: str = "A-1") -> None:
    """Let there be a consignment that sensors speak for."""
    version = gateway.goods.all()[0].version()
    said = [(START, Assigned(sensor=one)) for one in sensors]
    await state(gateway, identity, (START, Created(goods="any", version=version)), *said)


async def delivered(gateway: Gateway, *, at: int = NOW - HOUR, identity: str = "A-1") -> None:
    await state(gateway, identity, (at, Delivered()))


def message(sensor: DeviceKey, at: int, value: float = 4.5) -> Publish:
    body = json.dumps({"time": at, "temperature": value, "seq": at // 1000})
    topic = f"cargo/hall/{sensor.id}/readings"
    return Publish(topic.encode(), body.encode(), 1, 1, retain=False, dup=False)


async def heard(gateway: Gateway, sensor: DeviceKey, *times: int) -> None:
    """Let messages of a sensor arrive, each with a reading; returns when they are durable."""
    await gateway.ingest.deliver(FROM, [message(sensor, at) for at in times])


async def archived(gateway: Gateway) -> None:
    """Bring all readings into the history; what is too old, or too much, goes."""
    batch = gateway.journal.read(gateway.archivist.cursor, 10**6)
    await gateway.archivist.handle(batch.readings, batch.cursor)
    await gateway.archivist.store()


@asynccontextmanager
async def taking(gateway: Gateway) -> AsyncIterator[None]:
    """Let the gateway take in what comes meanwhile."""
    task = asyncio.create_task(gateway.ingest.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
