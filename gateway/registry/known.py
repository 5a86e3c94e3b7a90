"""How a device stands, by all that is known: what people stated, the settings, and its model.

Field by field the registry's card comes first, then the first section of the settings that
matches the device. How often it sends its model says too, if nobody else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from gateway.registry.cards import Card, CardChange
from gateway.settings.sections import INTERVAL
from rules.plan import EVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.model import Model
    from devices.reading import DeviceKey
    from gateway.registry.registry import Registry
    from gateway.settings import Settings
    from rules.plan import Intervals


class Known:
    """What counts of a device, whoever said it."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        model: Callable[[DeviceKey], Model | None] = lambda _device: None,
    ) -> None:
        self.model = model
        """Returns what a device was recognised as, None where nobody knows."""
        self._registry = registry
        self._settings = settings

    def use(self, settings: Settings) -> None:
        """Take what other settings say from now on."""
        self._settings = settings

    def card(self, device: DeviceKey, when: int | None = None) -> Card:
        """Return how a device stood at a time (ms), or stands now; its interval is never None.

        Settings are not dated: what they say now counts at all times.
        """
        card = self._registry.card(device, when)
        section = self._settings.device(device)
        if section is None:
            name = site = model = ""
            position = None
        else:
            name, site, model = section.name or "", section.site or "", section.model or ""
            position = section.position
        return Card(
            name=card.name or name,
            site=card.site or site,
            zone=card.zone,
            container=card.container,
            position=card.position or position,
            model=card.model or model,
            interval=self.interval(device, when),
            note=card.note,
        )

    def interval(self, device: DeviceKey, when: int | None = None) -> int:
        """Return how often a device sends, ms."""
        said = self._registry.card(device, when).interval
        if said is None:
            section = self._settings.device(device)
            said = section.interval if section is not None else None
        if said is not None:
            return said
        for since, _, change in self._registry.stated(device, CardChange):
            if when is not None and when < since and change.until_then is not UNSET:
                return int(change.until_then)
        model = self.model(device)
        return model.longest if model is not None else INTERVAL

    def intervals(self, device: DeviceKey) -> Intervals:
        """Return how often a device sends, and since when: as it was stated, with its dates.

        What settings say is not dated: it counts for all times of which nothing is stated. A model
        counts from when it was stated on, and one that was recognised for all times.
        """
        found = [(EVER, self.interval(device, EVER))]
        for since, _ in self._registry.cards(device):
            interval = self.interval(device, since)
            if interval != found[-1][1]:
                found.append((since, interval))
        return tuple(found)

    def assigned(self, device: DeviceKey) -> str:
        """Return what people said that a device is, "" where nobody did."""
        said = self._registry.card(device).model
        if said:
            return said
        section = self._settings.device(device)
        return (section.model or "") if section is not None else ""
