"""Whether this gateway is there, on each broker that is told of alerts.

`<prefix>/status` holds, retained, that it is online and how many alerts are open. The broker itself
says that it is not, by our last will, when the connection ends without a good-bye: whoever
watches `holdwatch/+/status` sees every box, and which of them are gone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiomqtt
import msgspec
import structlog

from gateway.brokers import publishing_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.mqtt.subscriber import BrokerSettings

log = structlog.get_logger()

LOOK = 5.0
"""Seconds between looks at what has changed."""
AGAIN, LONGEST = 5.0, 120.0
"""Seconds until the next attempt when the broker does not let us: doubling, capped."""
TIMEOUT = 10
GOOD_BYE = 2.0
"""Seconds that a good-bye may take."""


class Presence:
    """Tells one broker."""

    def __init__(
        self, broker: BrokerSettings, prefix: str, status: Callable[[], Mapping[str, Any]]
    ) -> None:
        """`status` returns what is told while we are there."""
        self.name = f"presence:{broker.name}"
        self.topic = f"{prefix}/status"
        self._broker = broker
        self._status = status
        self._problem: str | None = None

    async def run(self) -> None:
        """Be there, for ever; again after each failure."""
        delay = AGAIN
        while True:
            try:
                async with self._client() as client:
                    if self._problem is not None:
                        log.info("the broker knows again that we are there", name=self.name)
                    self._problem, delay = None, AGAIN
                    await self._stay(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                if self._problem is None:
                    log.warning("not published", name=self.name, problem=str(error))
                self._problem = str(error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST)

    def _client(self) -> aiomqtt.Client:
        will = aiomqtt.Will(self.topic, self._gone(), qos=1, retain=True)
        return publishing_client(self._broker, "status", TIMEOUT, will)

    async def _stay(self, client: aiomqtt.Client) -> None:
        """Publish what changes. Raises aiomqtt.MqttError when the broker is gone."""
        told: Mapping[str, Any] | None = None
        try:
            while True:
                status = self._status()
                if status != told:
                    message = msgspec.json.encode({"online": True, **status})
                    await client.publish(self.topic, message, qos=1, retain=True)
                    told = status
                # Nothing is subscribed to; what ends this but the time is the connection's end.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        async for _ in client.messages:
                            pass
        except asyncio.CancelledError:
            # The good-bye keeps the broker from publishing our will.
            with suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(GOOD_BYE):
                    await client.publish(self.topic, self._gone(), qos=1, retain=True)
            raise

    def _gone(self) -> bytes:
        known = {name: one for name, one in self._status().items() if name != "alerts"}
        return msgspec.json.encode({"online": False, **known})
