"""Keeps the streams honest: who may still listen, and which wall screens are connected."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from gateway.commands.control import NotRunningError
from gateway.database import DiskError, FileError
from gateway.refusal import ControlError
from gateway.web.now.streams import CHECK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.state import State
    from gateway.web.now.streams import Streams

log = structlog.get_logger()

TELL = 5.0
"""Seconds between two words to the gateway; it believes each for three times as long."""
LOOK = 0.5
"""Seconds between two looks."""


class Screens:
    """Tells the gateway which wall screens are connected, and ends the streams of who is out."""

    def __init__(self, streams: Streams, state: State, ask: Callable[..., Awaitable[Any]]) -> None:
        self._streams = streams
        self._state = state
        self._ask = ask
        self._told: list[str] = []
        self._tell_at = 0.0
        self._check_at = 0.0
        self._written = 0

    async def run(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        while True:
            pause = LOOK
            try:
                await self.look(loop.time())
            except (DiskError, FileError) as error:
                # Looked at again: logins that ended meanwhile are found then.
                log.warning("logins could not be looked up", problem=str(error))
                self._check_at, pause = 0.0, TELL
            await asyncio.sleep(pause)

    async def look(self, now: float) -> None:
        """Do what is due. `now`: seconds, never set back."""
        # Counts what others write: a login that ends, ends its streams at once.
        written = int(self._state.rows("PRAGMA data_version")[0][0])
        if written != self._written or now >= self._check_at:
            self._written, self._check_at = written, now + CHECK
            self._streams.check()
        connected = self._streams.screens()
        if connected != self._told or (connected and now >= self._tell_at):
            await self._tell(connected, now)

    async def _tell(self, connected: list[str], now: float) -> None:
        try:
            await self._ask("screens", connected=connected)
        except (ControlError, NotRunningError, OSError) as error:
            # It is told again, and a gateway that is away misses nobody.
            log.info("the gateway was not told of screens", problem=str(error))
            return
        self._told, self._tell_at = connected, now + TELL
