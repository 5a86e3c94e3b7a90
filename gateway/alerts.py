"""Alerts on the broker: a follower of events that keeps one retained message per open alert.

`<prefix>/alerts/<id>` holds the alert as JSON while it fires and is cleared when it closes, so
that whoever subscribes, now or later, sees what is wrong now. An alert found in the past that
is over already was never open, and is not published.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiomqtt
import msgspec
import structlog

from gateway.brokers import publishing_client
from gateway.database import DiskError
from gateway.follow import RetryLater

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.mqtt.subscriber import BrokerSettings
    from gateway.state import State, StoredEvent
    from rules.alert import Alert

log = structlog.get_logger()

AGAIN = 5.0
"""Seconds until open alerts are published again when the broker did not take them."""
TIMEOUT = 10
"""Seconds that a broker may take for one message."""


def topic(prefix: str, identity: str) -> str:
    """Return where the alert of this id is published."""
    return f"{prefix}/alerts/{identity}"


def message(alert: Alert) -> bytes:
    """Return what is published for an alert: itself as JSON, or nothing once it is closed."""
    return msgspec.json.encode(alert) if alert.ended is None else b""


class AlertPublisher:
    """Follows events and publishes to one broker."""

    limit = 100

    def __init__(self, broker: BrokerSettings, prefix: str, state: State) -> None:
        """`prefix` is the topic under which everything of this gateway is published."""
        self.name = f"alerts:{broker.name}"
        self.broker = broker.name
        self.cursor = state.cursor(self.name)
        self._broker = broker
        self._prefix = prefix
        self._state = state
        # Two connections at a time would have one client id, and throw each other out.
        self._one_at_a_time = asyncio.Lock()
        self.joined = asyncio.Event()
        """Set when the broker has been joined."""

    async def handle(self, items: Sequence[StoredEvent], cursor: int) -> None:
        """Publish these events' alerts as they now stand. Raises RetryLater."""
        latest = [self._state.alert(identity) for identity in {one.event.alert.id for one in items}]
        shown = [one for one in latest if one is not None and not one.retrospective]
        if shown:
            try:
                await self.publish(shown)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                raise RetryLater(f"{self._broker.name}: {error}") from error
        try:
            async with self._state.writing():
                self._state.move(self.name, cursor)
        except DiskError as error:
            # Published, but not noted: the same again does no harm.
            raise RetryLater(str(error)) from error
        self.cursor = cursor

    async def publish(self, alerts: Sequence[Alert]) -> None:
        """Publish alerts as they stand; returns when the broker has them."""
        async with self._one_at_a_time:
            await self._publish(alerts)

    async def _publish(self, alerts: Sequence[Alert]) -> None:
        async with (
            asyncio.timeout(TIMEOUT * len(alerts)),
            publishing_client(self._broker, "alerts", TIMEOUT) as client,
        ):
            for alert in alerts:
                await client.publish(
                    topic(self._prefix, alert.id), message(alert), qos=1, retain=True
                )

    async def remind(self) -> None:
        """Publish every open alert again each time the broker was joined, for ever.

        A broker that was started anew may have forgotten what it kept for us.
        """
        while True:
            await self.joined.wait()
            self.joined.clear()
            try:
                # Looked up with the turn taken: what closes from now on is cleared after this.
                async with self._one_at_a_time:
                    alerts = [one for one in self._state.open_alerts() if not one.retrospective]
                    if alerts:
                        await self._publish(alerts)
            except (aiomqtt.MqttError, OSError, TimeoutError, DiskError) as error:
                log.warning("open alerts are not published", name=self.name, problem=str(error))
                await asyncio.sleep(AGAIN)
                self.joined.set()
