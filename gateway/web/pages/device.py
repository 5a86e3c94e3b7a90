"""`/device/…`: all that is stated of one device; what people do to that is in device_acts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from devices.models import CATALOGUE
from gateway.commands.control import NotRunningError
from gateway.people import audit
from gateway.registry import fields
from gateway.registry.cards import Calibration
from gateway.web.keys import parse_key
from gateway.web.look import local, moment, show_at
from gateway.web.now.register import is_over
from gateway.web.pages.account import Changed, changes
from gateway.web.pages.sensor import unknown
from gateway.web.pages.sensor_files import ordered
from gateway.web.visitor import Viewer, Visitor, site_of
from rules.duration import format_duration
from rules.remark import WORDS

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.people.audit import Entry
    from gateway.web.files import Files
    from gateway.web.now.register import Registered
    from gateway.web.site import Site

router = APIRouter()

REASONS = ("Cleaning", "Battery change", "Calibration", "Moved to another place", "Defrosting")
"""For maintenance, by one tap."""
LENGTHS = ("30 min", "2 h", "8 h", "1 d")
LABELS = {
    "name": "Name",
    "site": "Site",
    "zone": "Zone within the site",
    "container": "Container number",
    "position": "Position",
    "model": "Make and model",
    "interval": "Sends every",
    "note": "Note",
}
"""Fields of a card, in the order of the form."""
EXAMPLES = {
    "name": "Vaccine fridge",
    "site": "Warehouse 2",
    "zone": "Cold room 3",
    "container": "MSKU 907032 3",
    "position": "53.54, 9.98",
    "model": "dragino-lht65",
    "interval": "10 min",
    "note": "",
}
ENTRIES = 30
"""Of the audit trail, the newest."""
LOOKED_AT = 200_000
"""Entries of the audit trail that are looked through for those."""
GAPS = 50
"""Of the ledger of messages that never came, the newest."""
TIMES = {"since", "until"}
"""Keys of what an entry of the audit trail holds that are times."""
TOLD = {"who", "good", "reason"}
"""Keys that say again what stands beside them."""
DONE = {
    "set": "Named and placed",
    "confirm": "Confirmed",
    "unconfirm": "Confirmation taken back",
    "calibrate": "Calibrated",
    "withdraw": "Calibration withdrawn",
    "maintain": "Maintenance",
    "replace": "One for another",
}
"""What was done, by the commands' names."""


class Field(NamedTuple):
    """A field of the card: as stated, and what counts where nothing is."""

    name: str
    label: str
    stated: str
    counts: str
    example: str


class Stated(NamedTuple):
    """A calibration: its number, whether it is the one that counts now, and whether it is over."""

    number: int
    calibration: Calibration
    counts: bool
    over: bool


class Done(NamedTuple):
    """Something that was done to the device."""

    entry: Entry
    what: str
    changes: list[Changed]


@router.get("/device/{key:path}")
async def device_page(request: Request, visitor: Viewer, key: str) -> Response:
    """Show all that is stated of a device."""
    return await show_device(request, visitor, key)


def name_of(key: str) -> str:
    """Return a device as commands name it: with its owner, also where that is nobody."""
    device = parse_key(key)
    return f"{device.owner}/{device.id}"


def find(site: Site, key: str) -> Registered:
    """Return a device that was heard or named. Raises Problem."""
    device = parse_key(key)
    if not site.standing.knows(device):
        raise unknown(key)
    return site.standing.register.of(device)


async def show_device(
    request: Request, visitor: Visitor, key: str, doubt: dict[str, Any] | None = None
) -> Response:
    """Show a device; `doubt`: what rests on a sensor that was just found to be wrong."""
    site = site_of(request)
    about = find(site, key)
    device = about.device
    zone, now = site.settings.zone(device), site.clock.now()
    seen, registry = site.standing.seen(device), site.standing.register.registry
    told = await _told(site, device)
    return show_at(
        request,
        visitor,
        "device.html",
        about=about,
        key=about.key,
        heard=seen is not None,
        place=zone,
        card=_card(site, about),
        channels=ordered(set(seen.channels), frozenset()) if seen else (),
        calibrations=_calibrations(site, about, now),
        maintenances=registry.maintenances(device)[:-4:-1],
        line=registry.line(device),
        replacements=_replacements(site, about),
        models=[one.id for one in CATALOGUE],
        reasons=REASONS,
        lengths=LENGTHS,
        remark_words=WORDS,
        quality=told["quality"] if told else None,
        missing=told["missing"][: -GAPS - 1 : -1] if told else [],
        done=await site.archive.ask(lambda files: _history(files, about.key, zone, now)),
        doubt=doubt,
    )


async def _told(site: Site, device: DeviceKey) -> dict[str, Any] | None:
    """Return what the gateway alone knows, None while it does not answer."""
    try:
        told: dict[str, Any] = await site.ask("device-show", device=f"{device.owner}/{device.id}")
    except (NotRunningError, OSError):
        return None
    return told


def _card(site: Site, about: Registered) -> list[Field]:
    stated = site.standing.register.registry.card(about.device)
    return [
        Field(
            name,
            label,
            fields.text_of(stated, name),
            fields.text_of(about.card, name),
            EXAMPLES[name],
        )
        for name, label in LABELS.items()
    ]


def _calibrations(site: Site, about: Registered, now: int) -> list[Stated]:
    """Return the calibrations of a device, newest first."""
    stated = site.standing.register.registry.stated(about.device, Calibration)
    newest = {one.fact.channel: one.number for one in stated}
    return [
        Stated(number, one, newest[one.channel] == number, is_over(one, now))
        for _, number, one in reversed(stated)
    ]


def _replacements(site: Site, about: Registered) -> list[str]:
    """Return devices that may stand in for this one: the new ones, the newest first."""
    standing = site.standing
    waiting = [
        one
        for one in map(standing.register.of, standing.devices())
        if one.stand == "unconfirmed" and one.device != about.device
    ]
    return [one.key for one in sorted(waiting, key=lambda one: -(one.since or 0))[:20]]


def _history(files: Files, key: str, zone: str, now: int) -> list[Done]:
    """Return what was done to a device, newest first; that it was replaced, too."""
    found = audit.of_object(files.state, key, "device-", ENTRIES, LOOKED_AT)
    by = files.registry.replaced_by(parse_key(key))
    if by is not None:
        other = audit.of_object(files.state, str(by[0]), "device-replace", ENTRIES, LOOKED_AT)
        found = sorted([*found, *other], key=lambda one: -one.number)[:ENTRIES]
    return [
        Done(
            entry,
            DONE.get(entry.what.removeprefix("device-"), entry.what),
            _changes(entry, zone, now),
        )
        for entry in found
    ]


def _changes(entry: Entry, zone: str, now: int) -> list[Changed]:
    """Return what an entry changed; times as people at the place read them."""

    def readable(told: object) -> object:
        if not isinstance(told, dict):
            return told
        return {
            LABELS.get(name, name.replace("_", " ")).lower(): _readable(name, value, zone, now)
            for name, value in told.items()
            if value is not None and value != "" and name not in TOLD
        }

    return changes(
        msgspec.structs.replace(entry, before=readable(entry.before), after=readable(entry.after))
    )


def _readable(name: str, value: object, zone: str, now: int) -> object:
    """Return what an entry of the audit trail holds as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in TIMES and isinstance(value, int):
        return moment(value, zone, now)
    if name == "expires" and isinstance(value, int):
        return local(value - 1, zone, "%d %b %Y")
    if name == "interval" and isinstance(value, int):
        return format_duration(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else value
