"""What the gateway notes of devices by itself, looked up in the files every few seconds.

Who was met and as what, how many of a device's messages lie in the quarantine, how good its
readings are: nobody waits for that, and of many devices it is much to read.
"""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import structlog

from devices.reading import DeviceKey
from gateway.database import DiskError, FileError
from gateway.quality_store import counts
from gateway.registry.registry import Entered
from gateway.web.now.fill import recent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.web.files import Archive, Files
    from gateway.web.now.standing import Standing
    from gateway.web.now.streams import Streams

log = structlog.get_logger()

AGAIN = 5.0
"""Seconds between two looks."""
WHOLE = 6
"""Each so manieth is at the quality of readings too: it is saved every minute."""


class Noted(NamedTuple):
    """What is noted of all devices."""

    entered: Mapping[DeviceKey, Entered]
    quarantined: Mapping[str, int]
    """Messages of each device in the quarantine, by its key."""
    quality: Mapping[DeviceKey, Mapping[str, int]] | None = None
    """How often what was remarked on each device's readings; None: nobody has looked."""


def noted(files: Files, *, whole: bool = False) -> Noted:
    """Return what is noted, with the quality of readings if `whole`.

    Raises FileError, DiskError.
    """
    rows = files.state.rows(
        "SELECT owner, name, since, source, confirmed, recognised, why FROM registry"
    )
    entered = {
        DeviceKey(owner, name): Entered(since, source, bool(confirmed), what, why)
        for owner, name, since, source, confirmed, what, why in rows
    }
    quality = counts(files.state) if whole else None
    return Noted(entered, files.journal.quarantine.counts_by_device(), quality)


async def follow(standing: Standing, streams: Streams, archive: Archive) -> None:
    """Keep what is noted of devices up to date, for ever."""
    for turn in count():
        whole = turn % WHOLE == 0
        try:
            standing.note(await archive.ask(partial(noted, whole=whole)))
            for device in standing.corrected():
                readings = await archive.ask(lambda files, device=device: recent(files, device))  # type: ignore[misc] # mypy does not infer a default
                standing.look_up(device, readings)
        except (DiskError, FileError) as error:
            log.warning("what is noted of devices cannot be read", problem=str(error))
        streams.told()
        await asyncio.sleep(AGAIN)
