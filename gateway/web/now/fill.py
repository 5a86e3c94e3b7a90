"""What was before the gateway's start: newest values and trends, looked up from the files.

In pages on the thread for what takes a while, so that people who ask something meanwhile wait
for a page at most; the devices that stand worst come first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.web.now.trends import SPAN, STEP
from rules.subject import order, undated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.web.files import Archive, Files
    from gateway.web.now.standing import Standing

MOST = 10_000
"""Devices whose history is read."""
PAUSE = 0.02
"""Seconds between two pages."""
FOREVER = 1 << 62


async def fill(standing: Standing, archive: Archive) -> None:
    """Look up the past of every device, once the feed has told which there are."""
    await standing.whole()
    async for found in archive.newer(_by_device):
        for device, readings in found.items():
            standing.look_up(device, readings)
        await asyncio.sleep(PAUSE)
    devices = [row.device for row in standing.rows()[:MOST]]
    async for past in archive.of_each(devices, _past):
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


def recent(files: Files, device: DeviceKey) -> list[Reading]:
    """Return what is shown of a device's last hours, wherever it lies."""
    known = files.past.known(device, files.journal.head)
    if known is None:
        return []
    return thin(files.past.readings(device, known.last.when - SPAN, files.journal.head))


def _by_device(readings: Sequence[Reading]) -> dict[DeviceKey, list[Reading]]:
    found: dict[DeviceKey, list[Reading]] = {}
    for one in thin(readings):
        found.setdefault(one.device, []).append(one)
    return found


def _past(files: Files, device: DeviceKey) -> list[Reading] | None:
    span = files.history.span(device)
    return thin(files.history.read(device, span.last - SPAN, FOREVER)) if span else None
