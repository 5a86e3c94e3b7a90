"""What each broker that we join needs: who subscribes there, and who publishes what."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

from gateway.alerts import AlertPublisher
from gateway.brokers import broker_settings
from gateway.follow import follow
from gateway.home_assistant import HomeAssistant, Ours, Told
from gateway.mqtt.subscriber import Subscriber
from rules.kinds.threshold import HOLDS

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence
    from typing import Any

    from devices.reading import DeviceKey
    from gateway.app import Gateway
    from gateway.settings import Broker


class Joining:
    """The parts of one gateway that speak to brokers."""

    def __init__(self, gateway: Gateway, sections: Sequence[Broker]) -> None:
        """`sections`: the brokers to join."""
        self._gateway = gateway
        settings, ours = gateway.settings, gateway.settings.gateway
        brokers = [broker_settings(settings, one) for one in sections]
        self.subscribers = [
            Subscriber(
                one, gateway.ingest, gateway.brokers.listener(one.name), random=SystemRandom()
            )
            for one in brokers
        ]
        pairs = list(zip(brokers, sections, strict=True))
        self.publishers = [
            AlertPublisher(one, ours.prefix, gateway.state)
            for one, section in pairs
            if section.publish_alerts
        ]
        for publisher in self.publishers:
            gateway.brokers.on_join(publisher.broker, publisher.joined.set)
        self.homes = [
            HomeAssistant(
                one,
                Ours(ours.box, ours.prefix, section.home_assistant_prefix),
                gateway.live,
                gateway.journal.devices,
                self._told,
            )
            for one, section in pairs
            if section.home_assistant
        ]

    def parts(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what publishes, by name; who subscribes ends later than all else."""
        for one in self.publishers:
            yield one.name, follow(self._gateway.state, one)
            yield f"remind {one.name}", one.remind()
        for home in self.homes:
            yield home.name, home.run()

    def pause(self) -> None:
        """Take nothing more in."""
        for one in self.subscribers:
            one.pause()

    def stop(self) -> None:
        """Leave the brokers."""
        for one in self.subscribers:
            one.stop()

    def _told(self, device: DeviceKey) -> Told:
        """Return what Home Assistant is told of a device."""
        gateway = self._gateway
        card, model = gateway.known.card(device), gateway.recognition.model(device)
        said = (model.maker, model.name) if model else ("", card.model)
        held = int(HOLDS * gateway.known.interval(device))
        return Told(card.name, card.site, *said, held)
