"""Everything by which bytes become readings: envelopes, recognition, and vendors' codecs.

What could not be decoded is tried again by itself when something of this has changed: at a start
with other mappings, codecs, or another version of this program; when a file in the folder of
codecs changes; and when somebody says what make of device one is.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import structlog

from devices.envelopes import envelopes
from devices.recognition import Recognition
from gateway import __version__, ways
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost
from gateway.database import DiskError
from gateway.second_try import retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.reading import DeviceKey
    from gateway.ingest import Ingest
    from gateway.settings import Settings
    from gateway.state import State

log = structlog.get_logger()

LOOK = 5.0
"""Seconds between looks at the folder of codecs."""
FINGERPRINT = "decoding"
"""Under this name it is kept by what the quarantine was decoded last."""


class Decoders:
    """What one gateway decodes by."""

    def __init__(self, settings: Settings, assigned: Callable[[DeviceKey], str]) -> None:
        """Read the codecs. `assigned` returns what somebody said that a device is, or ""."""
        self._place = settings.codec_folder
        self._expected = settings.codecs.folder is not None
        self.folder = self._read()
        self.host = CodecHost(self.folder, memory=settings.codecs.memory, time=settings.codecs.time)
        self.host.on_problem = self._tell
        self._no_process: str | None = None
        self.recognition = Recognition(codecs=self.folder.recognised, assigned=assigned)
        mappings = [*(one.mapping() for one in settings.mappings), *ways.mappings(settings)]
        self.envelopes = envelopes(mappings, self.recognition)
        self._mappings = repr(mappings)
        self._again: set[str] = set()
        self._something = asyncio.Event()

    @property
    def problem(self) -> str | None:
        """What is wrong with the codecs, None where nothing is."""
        wrong = [self._no_process] if self._no_process else []
        return "; ".join([*wrong, *self.folder.problems]) or None

    def _tell(self, problem: str | None) -> None:
        self._no_process = problem

    def renew(self, device: DeviceKey) -> None:
        """Take note that somebody says otherwise what a device is; its messages are tried again."""
        self.recognition.forget(device)
        self._again.add(str(device))
        self._something.set()

    async def run(self, ingest: Ingest, state: State) -> None:
        """Follow the folder of codecs, and try again what may be decoded now, for ever."""
        while True:
            try:
                await self._try_again(ingest, state)
            except DiskError as error:
                log.warning("the quarantine is not tried again yet", problem=str(error))
            try:
                await asyncio.wait_for(self._something.wait(), LOOK)
            except TimeoutError:
                await self._look()

    async def _look(self) -> None:
        if not await asyncio.to_thread(self.folder.changed):
            return
        folder = await asyncio.to_thread(self._read)
        self.recognition.use(folder.recognised)
        self.folder = folder
        await self.host.use(folder)
        log.info("the codecs were read anew", codecs=sorted(folder.codecs), problem=self.problem)

    async def _try_again(self, ingest: Ingest, state: State) -> None:
        self._something.clear()
        fingerprint = self._fingerprint()
        devices, self._again = self._again, set()
        if state.cursor(FINGERPRINT) != fingerprint:
            tried = await retry(ingest)
            async with state.writing():
                state.move(FINGERPRINT, fingerprint)
            if any(tried):
                log.info("the quarantine was tried again", **tried._asdict())
            return
        for device in devices:
            if ingest.journal.quarantine.count_of(device):
                await retry(ingest, device)

    def _fingerprint(self) -> int:
        said = f"{__version__}\0{self._mappings}\0{self.folder.digest}"
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:7])

    def _read(self) -> CodecFolder:
        return CodecFolder(self._place, expected=self._expected)
