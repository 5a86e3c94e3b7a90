"""How every device stands now: the board's rows, worst first, kept up to date by the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.reading import DeviceKey
from gateway.web.rows import Row, make_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.clock import Clock
    from gateway.live import Part, Seen
    from gateway.settings import Settings
    from gateway.web.files import Archive, Files


class Standing:
    """All devices that the gateway has told of."""

    def __init__(self, settings: Settings, files: Files, clock: Clock) -> None:
        """Know nobody yet: the feed tells."""
        self._settings = settings
        self._files = files
        self._clock = clock
        self._seen: dict[DeviceKey, Seen] = {}
        self.told: int | None = None
        """When the gateway last told something, on its clock (ms); None while it does not."""
        self.complete = False
        """Whether all that there was at the beginning has been told."""

    def take(self, part: Part) -> None:
        """Take in what has changed."""
        for one in part.devices:
            self._seen[DeviceKey(one.owner, one.id)] = one
        self.told = part.now
        self.complete = self.complete or not part.more

    def lost(self) -> None:
        """Take note that the gateway tells nothing."""
        self.told = None

    async def fill(self, archive: Archive) -> None:
        """Look up what was before the gateway's start."""

    def seen(self, device: DeviceKey) -> Seen | None:
        """Return what was last told of a device, None if it was never heard."""
        return self._seen.get(device)

    def row(self, device: DeviceKey) -> Row | None:
        """Return how a device stands, None if it was never heard."""
        seen = self._seen.get(device)
        return make_row(seen, self._settings) if seen else None

    def rows(self) -> list[Row]:
        """Return all devices, worst first."""
        return sorted((make_row(one, self._settings) for one in self._seen.values()), key=Row.rank)

    def devices(self) -> Iterable[DeviceKey]:
        """Return all devices."""
        return self._seen.keys()
