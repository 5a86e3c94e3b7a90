"""Where every device is: as it last said itself, else as its card or the settings say.

What is said while the page runs comes by the feed. What was said before is looked up once, in
pages, on the thread for what takes a while.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from devices.reading import Position
from gateway.web.now.way import LATITUDE, LONGITUDE, fixes, together
from rules.duration import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.live import Seen
    from gateway.web.files import Files
    from gateway.web.now.way import Fixes
    from gateway.web.site import Site

LOOK_BACK = 30 * DAY
"""Positions of the history that are older (ms) are not where anybody looks."""
AGAIN = 60 * SECOND
"""A device that says its position apart from all else is looked up so often (ms)."""
PATIENCE = 1.0
"""Seconds that one waits at most for what was said before; the map fills later."""
PART = 500
"""Devices that are looked at before others have their turn."""
LOOK = 0.1
"""Seconds until it is asked again whether the feed has told of every device."""
MOST = 5
"""Such devices that are looked up at a time."""


class Place(NamedTuple):
    """Where a device is, and when it said so (ms); `at` None: somebody stated it."""

    position: Position
    at: int | None


class Places:
    """Where everything is. One for a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._last: dict[DeviceKey, Place] = {}
        self._heard: dict[DeviceKey, Seen] = {}
        self._looked: dict[DeviceKey, int] = {}
        self._past: asyncio.Task[None] | None = None

    async def find(self) -> dict[DeviceKey, Place]:
        """Return where every device is of which anything is known."""
        past = self._past
        if past is None:
            past = self._past = asyncio.create_task(self._look_back(), name="places")
        await asyncio.wait([past], timeout=PATIENCE)
        if past.done() and past.exception() is not None:
            self._past = None
            past.result()
        found: dict[DeviceKey, Place] = {}
        quiet: list[DeviceKey] = []
        for number, device in enumerate(list(self._site.standing.devices())):
            place = self._place(device, quiet)
            if place is not None:
                found[device] = place
            if number % PART == PART - 1:
                await asyncio.sleep(0)
        await self._look_again(quiet, found)
        return found

    def _place(self, device: DeviceKey, quiet: list[DeviceKey]) -> Place | None:
        """Return where a device is, None if nobody knows; `quiet`: those that do not say now."""
        seen = self._site.standing.seen(device)
        if seen is not None and self._heard.get(device) is not seen:
            said = _said(seen)
            if said is not None:
                self._heard[device] = seen
                self._note(device, said)
            elif device in self._last:
                quiet.append(device)
        if device in self._last:
            return self._last[device]
        position = self._site.standing.register.of(device).card.position
        return Place(Position(*position), None) if position else None

    def _note(self, device: DeviceKey, place: Place) -> None:
        before = self._last.get(device)
        if before is None or (before.at or 0) <= (place.at or 0):
            self._last[device] = place

    async def _look_back(self) -> None:
        """Look up what was said before we listened."""
        archive, standing = self._site.archive, self._site.standing
        while not standing.complete:  # noqa: ASYNC110 - it is told once, at the start
            await asyncio.sleep(LOOK)
        async for said in archive.newer(_positions):
            for device, place in said:
                self._note(device, place)
        devices = [one for one in standing.devices() if one not in self._last]
        since = self._site.clock.now() - LOOK_BACK
        async for stored in archive.of_each(devices, partial(_stored, since)):
            for device, place in stored:
                self._note(device, place)

    async def _look_again(self, quiet: list[DeviceKey], found: dict[DeviceKey, Place]) -> None:
        """Look up devices whose newest reading says no position: an older one may be new."""
        now = self._site.clock.now()
        due = [one for one in quiet if now - self._looked.get(one, 0) >= AGAIN][:MOST]
        for device in due:
            self._looked[device] = now
            since = self._last[device].at or now - DAY
            known = await self._site.archive.ask(
                lambda files, device=device, since=since: fixes(files, device, since, now + DAY)  # type: ignore[misc] # mypy does not infer a default
            )
            place = _last(known)
            if place is not None:
                self._note(device, place)
                found[device] = self._last[device]


def _said(seen: Seen) -> Place | None:
    values = dict(zip(seen.channels, seen.values, strict=True))
    latitude, longitude = values.get(LATITUDE), values.get(LONGITUDE)
    if latitude is None or longitude is None:
        return None
    return Place(Position(latitude, longitude), seen.when)


def _positions(readings: Sequence[Reading]) -> list[tuple[DeviceKey, Place]]:
    return [
        (one.device, Place(one.position, one.when)) for one in readings if one.position is not None
    ]


def _stored(since: int, files: Files, device: DeviceKey) -> Place | None:
    north = files.history.series(device, LATITUDE, since, 1 << 52)
    if not len(north.when):
        return None
    return _last(together(north, files.history.series(device, LONGITUDE, since, 1 << 52)))


def _last(found: Fixes) -> Place | None:
    if not len(found.when):
        return None
    position = Position(float(found.latitude[-1]), float(found.longitude[-1]))
    return Place(position, int(found.when[-1]))
