"""Messages that wait for a vendor's codec: read from the journal, decoded, and stored as readings.

A message leaves the table in the transaction that holds its readings, or its place in the
quarantine. After a crash what is left is decoded again, to the same readings.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from devices.device import Call, DecodeError, Later, Output
from gateway.quarantine import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.ingest import Ingest
    from gateway.journal import Journal
    from gateway.pending import Waiting

UNAVAILABLE = "codecs-unavailable"
"""Why a call failed where no codec can run at all: its message goes on waiting."""
AGAIN = 5.0
"""Seconds until they are tried again."""
RESTING = "codec-resting"
"""Why a call was not made: its message waits, while there is room for that, and others go on."""
AFTER_REST = 30.0
"""Seconds until those are tried again."""


class Codecs(Protocol):
    """Runs vendors' codecs, elsewhere."""

    async def run(
        self, calls: Sequence[Call], devices: Sequence[DeviceKey]
    ) -> list[Output | DecodeError]:
        """Return what each call gave, in their order. `devices`: for whom each of them is."""
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
        self._after = 0
        """The number up to which what still waits was passed over."""
        self._back_at = 0.0
        """When that is looked at again, on the loop's clock; 0 where there is none."""
        self._changes = 0

    async def run(self) -> None:
        """Decode whenever something waits."""
        backlog = self._ingest.backlog
        while True:
            self._perhaps_go_back()
            page = self._ingest.journal.pending.page(self._after)
            if not page:
                await self._rest()
                continue
            async with backlog.turn:
                left = await self._decode(page)
            if UNAVAILABLE in left:
                await asyncio.sleep(AGAIN)
                self._after = 0
                continue
            self._after = page[-1].number
            if left and not self._back_at:
                self._back_at = asyncio.get_running_loop().time() + AFTER_REST

    def _perhaps_go_back(self) -> None:
        """Begin anew where what was passed over may be decoded now."""
        backlog = self._ingest.backlog
        over = 0 < self._back_at <= asyncio.get_running_loop().time()
        if over or backlog.changes != self._changes:
            self._changes = backlog.changes
            self._after, self._back_at = 0, 0.0

    async def _rest(self) -> None:
        """Wait until something more waits, or what was passed over is to be looked at again."""
        until = self._back_at or None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._ingest.backlog.bell.wait()

    async def _decode(self, page: Sequence[Waiting]) -> set[str]:
        """Decode messages; return for what reasons some of them go on waiting."""
        readings: list[Reading] = []
        rejected: list[Rejected] = []
        asked: list[tuple[Waiting, Later]] = []
        for one in page:
            try:
                readings += self._understood(one, self._ingest.decode_again(one))
            except Later as needed:
                asked.append((one, needed))
            except DecodeError as error:
                rejected.append(_rejected(one, error))
        outputs = await self._codecs.run(
            [later.call for _, later in asked], [later.device for _, later in asked]
        )
        waiting: dict[int, str] = {}
        for (one, later), output in zip(asked, outputs, strict=True):
            if isinstance(output, DecodeError) and self._goes_on_waiting(output.reason):
                waiting[one.number] = output.reason
                continue
            try:
                readings += self._understood(one, self._finish(one, later, output))
            except DecodeError as error:
                rejected.append(_rejected(one, error))
        done = [one for one in page if one.number not in waiting]
        if done:
            await self._ingest.store(
                readings,
                partial(_change, rejected=rejected, released=[one.number for one in done]),
            )
            self._ingest.backlog.take(done)
        return set(waiting.values())

    def _understood(self, one: Waiting, readings: list[Reading]) -> list[Reading]:
        """Return the readings of a message, each at a time of its own."""
        readings = [self._ingest.apart(each) for each in readings]
        self._ingest.keep(one, readings)
        return readings

    def _goes_on_waiting(self, reason: str) -> bool:
        """Whether a message that no codec looked at stays where it is.

        One that only rests must not keep others from waiting.
        """
        return reason == UNAVAILABLE or (reason == RESTING and not self._ingest.backlog.crowded)

    def _finish(self, one: Waiting, later: Later, output: Output | DecodeError) -> list[Reading]:
        if isinstance(output, DecodeError):
            output.device = str(later.device)
            raise output
        for warning in output.warnings:
            self._warned(later.device, warning)
        readings = later.finish(output)
        self._ingest.routes.admit_all(one.source, readings, again=True)
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
