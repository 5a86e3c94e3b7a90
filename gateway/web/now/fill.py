"""What was before the gateway's start: newest values and trends, looked up from the files.

In pages on the thread for what takes a while, so that people who ask something meanwhile wait
for a page at most; the devices that stand worst come first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.history import DamagedHistoryError
from gateway.web.now.trends import SPAN, STEP
from rules.subject import order, undated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.reading import DeviceKey, Reading
    from gateway.journal import Cursor
    from gateway.web.files import Archive, Files
    from gateway.web.now.standing import Standing

log = structlog.get_logger()

PAGE = 2_000
"""Readings of the journal that are read at a time."""
DEVICES = 20
"""Devices whose history is read at a time."""
MOST = 10_000
"""Devices whose history is read."""
PAUSE = 0.02
"""Seconds between two pages."""
FOREVER = 1 << 62


async def fill(standing: Standing, archive: Archive) -> None:
    """Look up the past of every device, once the feed has told which there are."""
    await standing.whole()
    cursor, head = await archive.ask(lambda files: (files.history.cursor, files.journal.head))
    while cursor < head:
        found, cursor = await archive.ask(lambda files, after=cursor: _page(files, after))  # type: ignore[misc] # mypy does not infer a default
        for device, readings in found.items():
            standing.look_up(device, readings)
        await asyncio.sleep(PAUSE)
    devices = [row.device for row in standing.rows()[:MOST]]
    for first in range(0, len(devices), DEVICES):
        page = devices[first : first + DEVICES]
        past = await archive.ask(lambda files, page=page: _past(files, page))  # type: ignore[misc] # as above
        for device, older in past:
            standing.look_up(device, older)
        await asyncio.sleep(PAUSE)


def thin(readings: Iterable[Reading]) -> list[Reading]:
    """Return of each device the newest reading in each step of a trend."""
    newest: dict[tuple[DeviceKey, int], Reading] = {}
    for one in readings:
        if undated(one):
            continue
        place = (one.device, one.when // STEP)
        before = newest.get(place)
        if before is None or order(before) < order(one):
            newest[place] = one
    return list(newest.values())


def _page(files: Files, after: Cursor) -> tuple[dict[DeviceKey, list[Reading]], Cursor]:
    batch = files.journal.read(after, PAGE)
    found: dict[DeviceKey, list[Reading]] = {}
    for one in thin(batch.readings):
        found.setdefault(one.device, []).append(one)
    return found, batch.cursor


def _past(files: Files, devices: list[DeviceKey]) -> list[tuple[DeviceKey, list[Reading]]]:
    found = []
    for device in devices:
        try:
            span = files.history.span(device)
            if span is not None:
                past = files.history.read(device, span.last - SPAN, FOREVER)
                found.append((device, thin(past)))
        except DamagedHistoryError as error:
            # The board goes on without it; who asks for this device is told.
            log.warning("a past cannot be shown", device=str(device), problem=str(error))
    return found
