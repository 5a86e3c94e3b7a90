"""What becomes of messages in the quarantine: decoded again, or dropped for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.device import DecodeError, Later
from gateway.pending import Waiting

if TYPE_CHECKING:
    from collections.abc import Collection

    from devices.reading import Reading
    from gateway.ingest import Ingest
    from gateway.journal import Journal

PAGE = 500
"""Messages that are decoded again, or dropped, in one transaction."""


class Retried(NamedTuple):
    """How many messages left the quarantine as readings, stayed, and wait for a codec now."""

    decoded: int
    left: int
    waiting: int


async def retry(ingest: Ingest, device: str | None = None) -> Retried:
    """Decode again what lies in the quarantine, or of it what is known to be one device's."""
    decoded = left = waiting = after = 0
    while page := ingest.journal.quarantine.page(after, PAGE):
        readings: list[Reading] = []
        change = Change([], [], [])
        after = page[-1].number
        for one in page:
            if device not in {None, one.device}:
                continue
            try:
                readings += ingest.decode_again(one)
            except Later:
                change.waiting.append(
                    Waiting(one.received, one.topic, one.payload, one.flags, one.owner, one.source)
                )
            except DecodeError as error:
                left += 1
                why = (error.reason, error.detail, error.cure)
                if why != (one.reason, one.detail, one.cure):
                    change.restated.append((one.number, *why))
                continue
            else:
                decoded += 1
            change.released.append(one.number)
        waiting += len(change.waiting)
        ingest.waiting += len(change.waiting)
        await ingest.store(readings, change.stage)
        if change.waiting:
            ingest.waiting_bell.ring()
    return Retried(decoded, left, waiting)


async def drop(
    ingest: Ingest, numbers: Collection[int] | None = None, reason: str | None = None
) -> int:
    """Remove messages from the quarantine for good; return how many.

    Those with these numbers, that lie there for this reason; without either, all.
    """
    dropped = after = 0
    while page := ingest.journal.quarantine.page(after, PAGE):
        chosen = [
            one.number
            for one in page
            if (numbers is None or one.number in numbers) and reason in {None, one.reason}
        ]
        dropped += len(chosen)
        after = page[-1].number
        await ingest.store([], Change(chosen, [], []).stage)
    return dropped


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
