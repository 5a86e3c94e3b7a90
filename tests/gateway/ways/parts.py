"""What tests of the ways in share: a journal with its ingest and state, running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from devices.envelopes import envelopes
from devices.envelopes.mapping import Mapping
from devices.reading import DeviceKey, Reading
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.state import State
from tests.gateway.parts import ToldClock


def admit_all(_source: str, _device: DeviceKey, **_: bool) -> None:
    """Let every source speak for every device."""


class House:
    """A gateway's intake over one folder."""

    def __init__(self, folder: Path, mappings: Iterable[Mapping] = ()) -> None:
        self.clock = ToldClock()
        self.journal = Journal(folder / "journal.db")
        self.state = State(folder / "state.db")
        self.ingest = Ingest(
            self.journal, envelopes(mappings), self.clock, admit=admit_all, interval=0
        )

    def stored(self) -> Sequence[Reading]:
        """Return all readings of the journal."""
        return self.journal.read(0, 100_000).readings

    def quarantined(self) -> list[bytes]:
        """Return the messages in the quarantine."""
        return [one.payload for one in self.journal.quarantine.page(0, 1_000)]


@asynccontextmanager
async def house(folder: Path, mappings: Iterable[Mapping] = ()) -> AsyncIterator[House]:
    """Run an intake until the block ends."""
    made = House(folder, mappings)
    running = asyncio.create_task(made.ingest.run())
    try:
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        made.journal.close()
        made.state.close()
