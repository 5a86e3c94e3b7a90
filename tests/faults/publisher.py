"""A device that publishes through a real broker, and notes what the broker acknowledged."""

from __future__ import annotations

import asyncio
import time

import aiomqtt

from tests.faults.running import PATIENCE
from tests.faults.standin import Sent, payload


class Publisher:
    """Publishes readings of one device at a pace for as long as it is let, whatever happens."""

    def __init__(self, port: int, rate: float, device: str = "d-1") -> None:
        self.acknowledged: list[Sent] = []
        """What the broker acknowledged to us."""
        self._port = port
        self._pause = 1 / rate
        self._device = device
        self._number = 0
        self._began = time.time_ns() // 1_000_000 - 3600 * 1000
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            self._stopping = True
            task.cancel()
            # A client that is leaving may answer a cancellation with an error of its own.
            await asyncio.wait([task], timeout=PATIENCE)
            assert task.done(), "the publisher does not end"
            if not task.cancelled():
                task.result()

    async def _run(self) -> None:
        while not self._stopping:
            try:
                async with aiomqtt.Client("127.0.0.1", self._port, timeout=1) as client:
                    while not self._stopping:
                        await self._one(client)
                        await asyncio.sleep(self._pause)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    async def _one(self, client: aiomqtt.Client) -> None:
        sent = Sent(self._device, self._number)
        # A number that fails is not used again: whether the broker has it nobody knows.
        self._number += 1
        topic = f"cargo/site/{self._device}/readings"
        await client.publish(topic, payload(sent, self._began), qos=1)
        self.acknowledged.append(sent)
