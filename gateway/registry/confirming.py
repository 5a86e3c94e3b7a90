"""To say that devices are ours, and to take it back: with an entry in the audit trail for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.people import audit
from gateway.people.audit import Entry, Who

if TYPE_CHECKING:
    from collections.abc import Collection

    from devices.reading import DeviceKey
    from gateway.admission import Admission
    from gateway.clock import Clock
    from gateway.state import State


class Confirming:
    """Confirms devices for somebody."""

    def __init__(self, admission: Admission, state: State, clock: Clock) -> None:
        self._admission = admission
        self._state = state
        self._clock = clock

    async def confirm(self, devices: Collection[DeviceKey], who: Who, reason: str = "") -> None:
        """Confirm devices, all or none. Raises DiskError."""
        already = {device for device in devices if device in self._admission.confirmed}

        def along() -> None:
            for device in devices:
                self._note("confirm", device, who, reason, confirmed=device in already)

        await self._admission.confirm(devices, along)

    async def unconfirm(self, device: DeviceKey, who: Who, reason: str = "") -> None:
        """Take a confirmation back. Raises DiskError."""
        await self._admission.unconfirm(
            device, lambda: self._note("unconfirm", device, who, reason, confirmed=True)
        )

    def _note(
        self, what: str, device: DeviceKey, who: Who, reason: str, *, confirmed: bool
    ) -> None:
        """Stage an entry about a device, which was `confirmed` before, or not."""
        audit.stage(
            self._state,
            Entry(
                at=self._clock.now(),
                who=who,
                what=f"device-{what}",
                object=str(device),
                reason=reason,
                before={"confirmed": confirmed},
                after={"confirmed": what == "confirm"},
            ),
        )
