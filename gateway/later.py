"""Messages that wait for a vendor's codec: read from the journal, decoded, and stored as readings.

A message leaves the table in the transaction that holds its readings, or its place in the
quarantine. After a crash what is left is decoded again, to the same readings.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from devices.device import Call, DecodeError, Later, Output
from devices.reading import ARRIVAL
from gateway.quarantine import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.ingest import Ingest
    from gateway.journal import Journal
    from gateway.pending import Waiting

PAGE = 500
"""Messages that are decoded, and committed, together."""
UNAVAILABLE = "codecs-unavailable"
"""Why a call failed where no codec can run at all: its message goes on waiting."""
AGAIN = 5.0
"""Seconds until they are tried again."""


class Codecs(Protocol):
    """Runs vendors' codecs, elsewhere."""

    async def run(self, calls: Sequence[Call]) -> list[Output | DecodeError]:
        """Return what each call gave, in their order."""
        ...


class Decoding:
    """Decodes what waits, for ever."""

    def __init__(
        self,
        ingest: Ingest,
        codecs: Codecs,
        warned: Callable[[DeviceKey, str], None] = lambda _device, _text: None,
    ) -> None:
        """`warned` is told what codecs warn of, device by device."""
        self._ingest = ingest
        self._codecs = codecs
        self._warned = warned

    async def run(self) -> None:
        """Decode whenever something waits."""
        while True:
            bell = self._ingest.waiting_bell
            page = self._ingest.journal.pending.page(PAGE)
            if not page:
                await bell.wait()
            elif not await self._decode(page):
                await asyncio.sleep(AGAIN)

    async def _decode(self, page: Sequence[Waiting]) -> int:
        """Decode messages; return how many of them wait no longer."""
        readings: list[Reading] = []
        rejected: list[Rejected] = []
        asked: list[tuple[Waiting, Later]] = []
        for one in page:
            try:
                readings += self._ingest.decode_again(one)
            except Later as needed:
                asked.append((one, needed))
            except DecodeError as error:
                rejected.append(_rejected(one, error))
        outputs = await self._codecs.run([later.call for _, later in asked])
        waiting: set[int] = set()
        for (one, later), output in zip(asked, outputs, strict=True):
            if isinstance(output, DecodeError) and output.reason == UNAVAILABLE:
                waiting.add(one.number)
                continue
            try:
                readings += self._finish(one, later, output)
            except DecodeError as error:
                rejected.append(_rejected(one, error))
        numbers = [one.number for one in page if one.number not in waiting]
        if not numbers:
            return 0
        await self._ingest.store(
            [self._ingest.apart(one) if one.flags & ARRIVAL else one for one in readings],
            partial(_change, rejected=rejected, released=numbers),
        )
        self._ingest.waiting -= len(numbers)
        return len(numbers)

    def _finish(self, one: Waiting, later: Later, output: Output | DecodeError) -> list[Reading]:
        if isinstance(output, DecodeError):
            output.device = str(later.device)
            raise output
        for warning in output.warnings:
            self._warned(later.device, warning)
        readings = later.finish(output)
        self._ingest.routes.admit_all(one.source, readings)
        return readings


def _rejected(one: Waiting, error: DecodeError) -> Rejected:
    return Rejected(
        one.received,
        one.topic,
        one.payload,
        one.flags,
        one.owner,
        one.source,
        error.reason,
        error.detail,
        error.cure,
        error.device,
    )


def _change(journal: Journal, rejected: Sequence[Rejected], released: Sequence[int]) -> None:
    """Stage what has become of messages; perhaps more than once, if the disk fails."""
    if rejected:
        journal.quarantine.keep(rejected)
    journal.pending.release(released)
