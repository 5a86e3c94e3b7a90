"""Whom an alert is about, in people's words: its name, its site, its goods.

By what is known now: a sensor's goods are those of the consignments that it speaks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.cargo.absence import VEHICLE
from rules.cargo.consignment import consignment_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.reading import DeviceKey
    from gateway.consignments.book import Book
    from gateway.registry.known import Known
    from rules.cargo.consignment import Consignment

DECIDED = frozenset({"released", "rejected"})
"""In these stages goods are nobody's worry any more."""


class About(NamedTuple):
    """Who somebody is. Several sites and goods where it is about several devices."""

    devices: tuple[str, ...]
    """Keys of devices, or of consignments, for patterns."""
    name: str = ""
    sites: tuple[str, ...] = ()
    goods: tuple[str, ...] = ()


class Whereabouts:
    """Looks up whom alerts are about."""

    def __init__(self, known: Known, book: Book) -> None:
        self._known = known
        self._book = book

    def about(self, device: DeviceKey, now: int) -> About:
        """Return who a device, a consignment or a vehicle is at a time (ms)."""
        key = (str(device),)
        identity = consignment_of(device)
        if identity is not None:
            consignment = self._book.consignment(identity)
            if consignment is None:
                return About(key, identity)
            sites = self._sites(self.sensors(device, now))
            name = consignment.description or identity
            return About(key, name, sites, (consignment.goods,))
        if device.id.startswith(VEHICLE):
            carried = self._carried(device.id.removeprefix(VEHICLE), now)
            goods = tuple(dict.fromkeys(one.goods for one in carried))
            return About(key, device.id.removeprefix(VEHICLE), (), goods)
        card = self._known.card(device)
        spoken = (one for one in self._book.of(device) if device in _sensors(one, now))
        goods = tuple(dict.fromkeys(one.goods for one in spoken))
        return About(key, card.name, (card.site,) if card.site else (), goods)

    def sensors(self, device: DeviceKey, now: int) -> tuple[DeviceKey, ...]:
        """Return the sensors that speak for a device, a consignment or a vehicle."""
        identity = consignment_of(device)
        if identity is not None:
            consignment = self._book.consignment(identity)
            return () if consignment is None else _sensors(consignment, now)
        if device.id.startswith(VEHICLE):
            carried = self._carried(device.id.removeprefix(VEHICLE), now)
            return tuple(dict.fromkeys(each for one in carried for each in _sensors(one, now)))
        return (device,)

    def interval(self, device: DeviceKey, now: int) -> int:
        """Return after how long (ms) whoever speaks for it must have been heard."""
        return max(map(self._known.interval, self.sensors(device, now)), default=0)

    def _carried(self, vehicle: str, now: int) -> list[Consignment]:
        legs = ((one, one.leg_at(now)) for one in self._book.all() if one.stage not in DECIDED)
        return [one for one, leg in legs if leg is not None and leg.vehicle == vehicle]

    def _sites(self, devices: Iterable[DeviceKey]) -> tuple[str, ...]:
        found = (self._known.card(one).site for one in devices)
        return tuple(dict.fromkeys(one for one in found if one))


def _sensors(consignment: Consignment, now: int) -> tuple[DeviceKey, ...]:
    """Return the sensors that speak for a consignment at a time (ms), until it is decided."""
    if consignment.stage in DECIDED:
        return ()
    return tuple(
        dict.fromkeys(
            one.sensor
            for one in consignment.assignments
            if one.since <= now and (one.until is None or now < one.until)
        )
    )
