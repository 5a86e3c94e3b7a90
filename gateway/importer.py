"""A logger's file as history: by the same way that readings from MQTT take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from devices.loggers import read
from devices.reading import IMPORTED
from gateway.pending import Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from zoneinfo import ZoneInfo

    from devices.loggers.file import LoggerFile
    from gateway.ingest import Ingest

SOURCE = "import"
"""What readings from files name as their source."""
PART = 1_000
"""Readings that are committed together, so that live ones need not wait for a whole file."""


class Imported(msgspec.Struct, frozen=True):
    """What came of a file. `known` readings had been stored before."""

    device: str
    readings: int
    stored: int
    known: int
    first: int
    last: int
    notes: tuple[str, ...]


async def import_file(  # noqa: PLR0913 - a file has this many facts beside it
    ingest: Ingest,
    name: str,
    content: bytes,
    *,
    zone: ZoneInfo | None,
    device: str | None,
    owner: str,
    received: int,
    read_whole: Callable[[LoggerFile], Awaitable[None]],
    columns: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Imported:
    """Store a file's readings; returns once they are durable.

    `received` is now (ms). `read_whole` is called with the file once it is understood, before
    anything of it is stored. Raises DecodeError, and then nothing is stored.
    """
    file = read(
        name, content, received=received, owner=owner, zone=zone, device=device, columns=columns
    )
    await read_whole(file)
    # The file itself is evidence too, if a sensor of a consignment wrote it.
    whole = Waiting(received, name.encode(), content, IMPORTED, owner, SOURCE)
    ingest.keep(whole, file.readings)
    duplicates = ingest.journal.duplicates
    for first in range(0, len(file.readings), PART):
        await ingest.store(file.readings[first : first + PART])
        progress(min(first + PART, len(file.readings)), len(file.readings))
    known = ingest.journal.duplicates - duplicates
    times = [one.when for one in file.readings]
    return Imported(
        device=file.device,
        readings=len(times),
        stored=len(times) - known,
        known=known,
        first=min(times, default=0),
        last=max(times, default=0),
        notes=tuple(file.notes),
    )
