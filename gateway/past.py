"""A device's past, wherever it lies: in the history, and behind its cursor in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.subject import order, undated

if TYPE_CHECKING:
    from devices.reading import DeviceKey, Reading
    from gateway.history import History, HistoryReader
    from gateway.journal import Cursor, Journal

FOREVER = 2**62


class Known(NamedTuple):
    """When a device was first heard (ms since 1970), and its newest reading."""

    first: int
    last: Reading


class Past:
    """Reads both files, as far as a cursor of the journal."""

    def __init__(self, journal: Journal, history: History | HistoryReader) -> None:
        self._journal = journal
        self._history = history

    def readings(
        self, device: DeviceKey, since: int, until: Cursor, before: int = FOREVER
    ) -> list[Reading]:
        """Return a device's readings of since ≤ when < before (ms), in order, each once."""
        found = {
            (one.at, one.identity): one
            for one in self._both(device, since, until, before)
            if since <= one.when < before and not undated(one)
        }
        return sorted(found.values(), key=order)

    def known(self, device: DeviceKey, until: Cursor) -> Known | None:
        """Return from when to when a device is known, None if it never was."""
        span = self._history.span(device)
        found = self._both(device, span.last if span else FOREVER, until)
        if not found:
            return None
        first = min(one.when for one in found)
        return Known(min(first, span.first) if span else first, max(found, key=order))

    def _both(
        self, device: DeviceKey, since: int, until: Cursor, before: int = FOREVER
    ) -> list[Reading]:
        # Asked first: between the two reads the history may be stored to.
        stored = self._history.cursor
        newer = self._journal.read_device(device, stored, until)
        # Of a reading that is in both, the history's was there first, so it comes last.
        return newer + self._history.read(device, since, before)
