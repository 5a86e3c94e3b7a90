"""What becomes of messages in the quarantine: decoded again, or dropped for good."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from devices.device import DecodeError, Later
from gateway.pending import Waiting, fitting

if TYPE_CHECKING:
    from collections.abc import Collection

    from devices.reading import Reading
    from gateway.ingest import Ingest
    from gateway.journal import Journal
    from gateway.quarantine import Rejected


class Retried(NamedTuple):
    """How many messages left the quarantine as readings, stayed, and wait for a codec now."""

    decoded: int
    left: int
    waiting: int


async def retry(ingest: Ingest, device: str | None = None) -> Retried:
    """Decode again what lies in the quarantine, or of it what is known to be one device's.

    What is put there meanwhile is left alone, or what codecs refuse again would come up for ever.
    While much waits for codecs it waits too.
    """
    decoded = left = waiting = after = 0
    last = await _last(ingest)
    while after < last:
        while ingest.backlog.crowded:
            await ingest.backlog.room.wait()
        async with ingest.backlog.turn:
            page = _page(ingest.journal, after, last)
            if not page:
                break
            after = page[-1].number
            chosen = [one for one in page if device in {None, one.device}]
            readings, change = _decode(ingest, chosen)
            ingest.backlog.add(change.waiting)
            if readings or any(change):
                await ingest.store(readings, change.stage)
        decoded += len(change.released) - len(change.waiting)
        waiting += len(change.waiting)
        left += len(chosen) - len(change.released)
        if change.waiting:
            ingest.backlog.bell.ring()
        await asyncio.sleep(0)  # where nothing was stored, the intake goes on here
    return Retried(decoded, left, waiting)


def _decode(ingest: Ingest, chosen: list[Rejected]) -> tuple[list[Reading], Change]:
    readings: list[Reading] = []
    change = Change([], [], [])
    for one in chosen:
        try:
            decoded = ingest.decode_again(one)
        except Later:
            change.waiting.append(
                Waiting(one.received, one.topic, one.payload, one.flags, one.owner, one.source)
            )
        except DecodeError as error:
            why = (error.reason, error.detail, error.cure)
            if why != (one.reason, one.detail, one.cure):
                change.restated.append((one.number, *why))
            continue
        else:
            ingest.keep(one, decoded)
            readings += decoded
        change.released.append(one.number)
    return readings, change


async def drop(
    ingest: Ingest, numbers: Collection[int] | None = None, reason: str | None = None
) -> int:
    """Remove messages from the quarantine for good; return how many.

    Those with these numbers, that lie there for this reason; without either, all.
    """
    dropped = after = 0
    last = await _last(ingest)
    while after < last:
        async with ingest.backlog.turn:
            page = _page(ingest.journal, after, last)
            if not page:
                break
            after = page[-1].number
            chosen = [
                one.number
                for one in page
                if (numbers is None or one.number in numbers) and reason in {None, one.reason}
            ]
            dropped += len(chosen)
            await ingest.store([], Change(chosen, [], []).stage)
    return dropped


async def _last(ingest: Ingest) -> int:
    """Return the highest number there, after what has been refused until now lies there too."""
    async with ingest.backlog.turn:
        await ingest.store([])
        newest = ingest.journal.quarantine.newest(None, 1)
    return newest[0].number if newest else 0


def _page(journal: Journal, after: int, last: int) -> list[Rejected]:
    page = journal.quarantine.page(after, fitting(journal, "quarantine", after))
    return [one for one in page if one.number <= last]


class Change(NamedTuple):
    """What becomes of messages: released, with another reason, and moved to where they wait."""

    released: list[int]
    restated: list[tuple[int, str, str, str]]
    waiting: list[Waiting]

    def stage(self, journal: Journal) -> None:
        """Stage it; perhaps more than once, if the disk fails."""
        journal.quarantine.release(self.released)
        journal.quarantine.restate(self.restated)
        journal.pending.keep(self.waiting)
