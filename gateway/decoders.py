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
from devices.models import CATALOGUE
from devices.recognition import Recognition
from gateway import __version__, ways
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost
from gateway.database import DiskError
from gateway.second_try import retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.device import Envelope
    from devices.envelopes.mapping import Mapping
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
        self.recognition = Recognition(assigned=assigned)
        self._use(self.folder)
        mappings = mappings_of(settings)
        self.envelopes = envelopes(mappings, self.recognition)
        self._mappings = repr(mappings)
        self._most_waiting = settings.journal.quarantine_size
        self._limits = settings.codecs.memory, settings.codecs.time
        self._renewed = False
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

    def use(self, settings: Settings, made: tuple[Envelope, ...], ingest: Ingest) -> None:
        """Take other settings, with the envelopes that were `made` of them by `prepared`.

        Codecs are read anew at the next look at their folder, and then what waits is tried again.
        """
        self.envelopes = made
        ingest.routes.use(made)
        self._mappings = repr(mappings_of(settings))
        self._place = settings.codec_folder
        self._expected = settings.codecs.folder is not None
        self._renewed = True
        self._limits = settings.codecs.memory, settings.codecs.time
        self._something.set()

    def prepared(self, settings: Settings) -> tuple[Envelope, ...]:
        """Return the envelopes by other settings."""
        return tuple(envelopes(mappings_of(settings), self.recognition))

    async def run(self, ingest: Ingest, state: State) -> None:
        """Follow the folder of codecs, and try again what may be decoded now, for ever."""
        ingest.backlog.most_bytes = self._most_waiting
        parts = [
            asyncio.create_task(self._follow(ingest)),
            asyncio.create_task(self._keep_trying(ingest, state)),
        ]
        try:
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()

    async def _follow(self, ingest: Ingest) -> None:
        """Look at the folder, also while much is being tried again."""
        while True:
            await asyncio.sleep(LOOK)
            renewed, self._renewed = self._renewed, False
            if renewed or await asyncio.to_thread(self.folder.changed):
                await self._renew_folder()
                ingest.backlog.look_again()
                self._something.set()

    async def _renew_folder(self) -> None:
        folder = await asyncio.to_thread(self._read)
        self._use(folder)
        self.folder = folder
        memory, time = self._limits
        await self.host.use(folder, memory=memory, time=time)
        log.info("the codecs were read anew", codecs=sorted(folder.codecs), problem=self.problem)

    def _use(self, folder: CodecFolder) -> None:
        """Have devices recognised by these codecs; by none of them, where two share a name."""
        try:
            self.recognition.use(folder.recognised)
        except ValueError as error:
            folder.refuse(str(error))
            self.recognition.use(())

    async def _keep_trying(self, ingest: Ingest, state: State) -> None:
        while True:
            self._something.clear()
            try:
                await self._try_again(ingest, state)
            except DiskError as error:
                log.warning("the quarantine is not tried again yet", problem=str(error))
                await asyncio.sleep(LOOK)
            else:
                await self._something.wait()

    async def _try_again(self, ingest: Ingest, state: State) -> None:
        fingerprint = self._fingerprint()
        if state.cursor(FINGERPRINT) != fingerprint:
            self._again.clear()
            tried = await retry(ingest)
            async with state.writing():
                state.move(FINGERPRINT, fingerprint)
            if any(tried):
                log.info("the quarantine was tried again", **tried._asdict())
        while self._again:
            device = self._again.pop()
            try:
                if ingest.journal.quarantine.count_of(device):
                    await retry(ingest, device)
            except DiskError:
                self._again.add(device)
                raise

    def _fingerprint(self) -> int:
        models = ",".join(one.id for one in CATALOGUE)
        said = f"{__version__}\0{models}\0{self._mappings}\0{self.folder.digest}"
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:7])

    def _read(self) -> CodecFolder:
        return CodecFolder(self._place, expected=self._expected)


def mappings_of(settings: Settings) -> list[Mapping]:
    """Return whose topics are other people's: of the settings, and of other ways in."""
    return [*(one.mapping() for one in settings.mappings), *ways.mappings(settings)]
