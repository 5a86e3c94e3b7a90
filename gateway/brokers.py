"""How it stands with each broker that we join, and what of it is an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiomqtt
import msgspec
import structlog

from gateway.mqtt.subscriber import BrokerSettings
from gateway.mqtt.tls import Tls, client_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.own_alerts import OwnAlerts
    from gateway.settings import Broker, Settings

log = structlog.get_logger()

JOINED = frozenset({"connected", "limited"})
"""States of a broker in which we hear what it sends."""
UNHEARD = 60_000
"""A broker that cannot be reached for so many ms is an alert."""


def publishing_client(
    broker: BrokerSettings, role: str, timeout: float, will: aiomqtt.Will | None = None
) -> aiomqtt.Client:
    """Return a client that publishes to a broker, beside the one that subscribes there.

    `role` tells it from others of ours; `timeout` is how many seconds one message may take.
    """
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=f"{broker.client_id}-{role}",
        username=broker.username,
        password=broker.password,
        tls_context=client_context(broker.tls) if broker.tls else None,
        protocol=aiomqtt.ProtocolVersion.V311,
        timeout=timeout,
        will=will,
    )


class BrokerState(msgspec.Struct):
    """How it stands with a broker: `since` is ms since 1970, `detail` a sentence for people."""

    state: str
    since: int
    detail: str


class Brokers:
    """The state of each broker, by name."""

    def __init__(self, clock: Clock) -> None:
        self.states: dict[str, BrokerState] = {}
        self._clock = clock
        self._on_join: dict[str, list[Callable[[], None]]] = {}

    def on_join(self, name: str, call: Callable[[], None]) -> None:
        """Have something done whenever a broker was joined."""
        self._on_join.setdefault(name, []).append(call)

    def listener(self, name: str) -> Callable[[str, str], None]:
        """Return what a subscriber tells its states to."""

        def tell(state: str, detail: str) -> None:
            log.info("broker", name=name, state=state, detail=detail)
            before = self.states.get(name)
            if before is None or (before.state in JOINED) != (state in JOINED):
                self.states[name] = BrokerState(state, self._clock.now(), detail)
                for call in self._on_join.get(name, ()) if state in JOINED else ():
                    call()
            elif state != "connecting":
                # "connecting" between two failures is no news: the trouble began with the first.
                before.state, before.detail = state, detail

        return tell

    def joined_since(self) -> int | None:
        """Return since when the latest one is joined (ms), None while none is.

        With one of two brokers away its devices are reported missing too: one alert too many
        is better than none.
        """
        joined = [one.since for one in self.states.values() if one.state in JOINED]
        return max(joined, default=None)

    def check(self, alerts: OwnAlerts) -> None:
        """Raise and clear the alerts about brokers."""
        now = self._clock.now()
        for name, broker in self.states.items():
            if broker.state == "limited":
                alerts.report(f"broker {name}", broker.detail, "warning")
            elif broker.state == "connected":
                alerts.report(f"broker {name}", None)
            elif now - broker.since >= UNHEARD:
                alerts.report(f"broker {name}", broker.detail)


def broker_settings(settings: Settings, broker: Broker) -> BrokerSettings:
    """Return a broker's section as the subscriber takes it."""
    tls = broker.tls
    return BrokerSettings(
        name=broker.name,
        host=broker.host,
        port=broker.port,
        topics=broker.topics,
        client_id=settings.client_id(broker),
        username=broker.username,
        password=broker.secret.get_secret_value() if broker.secret else None,
        tls=Tls(tls.ca, tls.certificate, tls.key) if tls else None,
        version=broker.version,
        keep_alive=broker.keep_alive // 1000,
        session_expiry=broker.session_expiry // 1000,
        owner=settings.owner(broker),
    )
