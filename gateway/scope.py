"""Whose readings somebody may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from devices.reading import DeviceKey


class Scope(NamedTuple):
    """Whose readings may be seen. Today all; one day a partner's grant."""

    owners: frozenset[str] | None = None

    def allows(self, device: DeviceKey) -> bool:
        """Whether this device's readings may be seen."""
        return self.owners is None or device.owner in self.owners


ALL = Scope()
