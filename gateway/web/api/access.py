"""What a key may know of: everything else is not there, for lists and by its name alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends

from gateway.consignments.facts import Assigned
from gateway.consignments.fold import came_from
from gateway.own_alerts import KIND
from gateway.web.keys import parse_key
from gateway.web.problems import Problem
from gateway.web.visitor import Reader, Visitor
from rules.cargo.consignment import consignment_of

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.consignments.book import Book
    from gateway.web.site import Site
    from rules.alert import Alert
    from rules.cargo.consignment import Consignment


def sees_all(visitor: Visitor) -> bool:
    """Whether they may know of everything here: people, and keys for all devices."""
    return visitor.key is None or "*" in visitor.key.devices


def check_sees_all(visitor: Visitor) -> Visitor:
    """Return a visitor who may know of everything. Raises Problem."""
    if not sees_all(visitor):
        raise Problem(
            403,
            f"the key {visitor.name} is limited to some devices: this is about all of them",
            'Make one with: holdwatch key add NAME --devices "*"',
        )
    return visitor


def _whole(visitor: Reader) -> Visitor:
    return check_sees_all(visitor)


Whole = Annotated[Visitor, Depends(_whole)]
"""Whoever may read, of all devices."""


def check_complete(site: Site) -> None:
    """Refuse to say what there is before all of it is known. Raises Problem."""
    if not site.standing.complete:
        raise Problem(
            503,
            "the gateway has not told yet how everything stands",
            "Ask again in a second",
            headers={"Retry-After": "1"},
        )


def find_device(site: Site, visitor: Visitor, key: str) -> DeviceKey:
    """Return a device by its key. Raises Problem."""
    device = parse_key(key)
    if not site.standing.knows(device) or str(device) != key or not visitor.sees(device):
        check_complete(site)
        raise Problem(404, f"there is no device {key!r}", "GET /api/v1/devices lists them")
    return device


def sees_consignment(book: Book, visitor: Visitor, identity: str) -> bool:
    """Whether they may know of a consignment: of every device that ever spoke for it."""
    if sees_all(visitor):
        return True
    sensors = _ever_spoke(book, identity)
    return bool(sensors) and all(map(visitor.sees, sensors))


def _ever_spoke(book: Book, identity: str) -> set[DeviceKey]:
    """Return every sensor that was ever said to speak for it, or for those that it came from.

    Those that were withdrawn too: its facts name them.
    """
    sensors: set[DeviceKey] = set()
    ids, seen = [identity], set[str]()
    while ids:
        one = ids.pop()
        if one in seen:
            continue
        seen.add(one)
        for stated in book.facts(one):
            ids += came_from(stated.fact)
            if isinstance(stated.fact, Assigned):
                sensors.add(stated.fact.sensor)
    return sensors


def find_consignment(site: Site, visitor: Visitor, identity: str) -> Consignment:
    """Return a consignment by its id. Raises Problem."""
    site.book.look()
    found = site.book.consignment(identity)
    if found is None or not sees_consignment(site.book, visitor, identity):
        raise Problem(
            404, f"there is no consignment {identity!r}", "GET /api/v1/consignments lists them"
        )
    return found


def sees_alert(visitor: Visitor, alert: Alert, book: Book) -> bool:
    """Whether they may know of this alert.

    Those about the gateway itself name whoever troubles it, so they are not for everybody.
    """
    return sees_all(visitor) or (alert.kind != KIND and sees_subject(visitor, alert.device, book))


def sees_subject(visitor: Visitor, subject: DeviceKey, book: Book) -> bool:
    """Whether they may know of what an alert is about: a device, a consignment, a vehicle."""
    if "/" not in subject.id:
        return visitor.sees(subject)
    # A pattern of devices may match the key of something else.
    identity = consignment_of(subject)
    if identity is None or subject.owner != book.owner:
        return sees_all(visitor)
    return sees_consignment(book, visitor, identity)


def find_alert(site: Site, visitor: Visitor, identity: str) -> Alert:
    """Return an alert by its id. Raises Problem."""
    alert = site.files.state.alert(identity)
    site.book.look()
    if alert is None or not sees_alert(visitor, alert, site.book):
        raise Problem(404, f"there is no alert {identity!r}", "GET /api/v1/alerts lists them")
    return alert
