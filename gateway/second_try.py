"""What becomes of messages in the quarantine: decoded again, or dropped for good."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from devices.reading import Reading
    from gateway.ingest import Ingest
    from gateway.journal import Journal

PAGE = 500
"""Messages that are decoded again, or dropped, in one transaction."""


async def retry(ingest: Ingest) -> tuple[int, int]:
    """Decode again what lies in the quarantine; return how many messages left and stayed."""
    left = stayed = after = 0
    while page := ingest.journal.quarantine.page(after, PAGE):
        readings: list[Reading] = []
        released: list[int] = []
        restated: list[tuple[int, str, str, str]] = []
        for one in page:
            try:
                readings += ingest.decode_again(one)
            except DecodeError as error:
                why = (error.reason, error.detail, error.cure)
                if why != (one.reason, one.detail, one.cure):
                    restated.append((one.number, *why))
                continue
            released.append(one.number)
        left += len(released)
        stayed += len(page) - len(released)
        after = page[-1].number
        await ingest.store(readings, partial(_change, released=released, restated=restated))
    return left, stayed


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
        await ingest.store([], partial(_change, released=chosen))
    return dropped


def _change(
    journal: Journal,
    released: Sequence[int],
    restated: Sequence[tuple[int, str, str, str]] = (),
) -> None:
    """Stage what has become of messages; perhaps more than once, if the disk fails."""
    journal.quarantine.release(released)
    journal.quarantine.restate(restated)
