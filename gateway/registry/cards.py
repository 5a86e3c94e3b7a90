"""What people state of devices: facts, each with the time from which it holds.

A fact is never changed. A later one counts in its place, or it is withdrawn; what was judged
meanwhile can be judged again as it was. All times are ms since 1970, UTC.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from devices.reading import DeviceKey


class Card(msgspec.Struct, frozen=True):
    """How a device stands at a time; empty or None where nobody has stated anything."""

    name: str = ""
    """What people call it."""
    site: str = ""
    """Where it is, in words."""
    zone: str = ""
    """Where within the site: a cold room, a shelf."""
    container: str = ""
    """The container that it watches, by its number: MSKU9070323."""
    position: tuple[float, float] | None = None
    """Latitude and longitude, degrees, WGS 84: of a device that does not send its own."""
    model: str = ""
    """Its make and model: an id of the catalogue, a codec's name, or free words."""
    interval: int | None = None
    """How often it sends, ms."""
    note: str = ""


FIELDS: tuple[str, ...] = Card.__struct_fields__


class CardChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a card is otherwise from `since` on. What is not named stays; empty is removed."""

    kind: ClassVar[str] = "card"
    since: int
    name: str | UnsetType = UNSET
    site: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    container: str | UnsetType = UNSET
    position: tuple[float, float] | UnsetType | None = UNSET
    model: str | UnsetType = UNSET
    interval: int | UnsetType | None = UNSET
    note: str | UnsetType = UNSET
    until_then: int | UnsetType = UNSET
    """How often it was taken to send before it was said to be another model, ms: nobody could find
    that out later, and the time before must not be judged otherwise by the new one."""

    def named(self) -> dict[str, object]:
        """Return the fields that it names, with what they hold from then on."""
        values = ((field, getattr(self, field)) for field in FIELDS)
        return {field: value for field, value in values if value is not UNSET}

    def on(self, card: Card) -> Card:
        """Return a card as it is after this."""
        return msgspec.structs.replace(card, **self.named())


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor was held against a reference; what it says is corrected from `since` on."""

    kind: ClassVar[str] = "calibration"
    since: int
    channel: str
    offset: float = 0.0
    """Added to what the sensor says, in the unit of the channel."""
    as_found: float | None = None
    """What the sensor said minus the reference, before anything was adjusted; None: not told."""
    tolerance: float | None = None
    """How far from the reference what was judged may have been."""
    certificate: str = ""
    expires: int | None = None
    """When it is good no longer: the end of the last day."""
    good: bool = True
    """Whether what was judged until then was within the tolerance."""
    note: str = ""


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody works on a device: its readings mean nothing from `since` until `until`."""

    kind: ClassVar[str] = "maintenance"
    since: int
    until: int
    reason: str
    who: str
    """A person's or an API key's name; on the command line the user of the system."""


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """A device stands in for `old` from `since` on: at its place, under its rules."""

    kind: ClassVar[str] = "replaced"
    since: int
    old: DeviceKey


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the device does not hold and never did, though it was believed until `since`."""

    kind: ClassVar[str] = "withdrawn"
    since: int
    fact: int
    """The fact's number."""


Fact = CardChange | Calibration | Maintenance | Replaced | Withdrawn

KINDS: dict[str, type[Fact]] = {
    one.kind: one for one in (CardChange, Calibration, Maintenance, Replaced, Withdrawn)
}
