"""What the gateway tells of what stands now, taken in; and since when nothing was told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog

from gateway.commands.control import NotRunningError, watch
from gateway.database import DiskError, FileError
from gateway.live import Said

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.web.now.standing import Standing
    from gateway.web.now.streams import Streams

log = structlog.get_logger()

AGAIN = 0.5
"""Seconds before it is asked again."""


class Feed:
    """Watches the gateway, and asks again whenever that ends."""

    def __init__(self, folder: Path, standing: Standing, streams: Streams) -> None:
        self._folder = folder
        self._standing = standing
        self._streams = streams
        self._decoder = msgspec.json.Decoder(Said)

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                async for said in watch(self._folder, {"do": "watch"}, self._decoder):
                    self._standing.take(said.part)
                    self._streams.told()
            except (NotRunningError, OSError, msgspec.DecodeError) as error:
                log.info("the gateway does not answer", problem=str(error))
            except (DiskError, FileError) as error:
                # All is asked again; until then the page says that it knows nothing.
                log.warning("what the gateway tells could not be taken in", problem=str(error))
            self._standing.lost()
            self._streams.told()
            await asyncio.sleep(AGAIN)
