"""Which source may speak for which device; and which devices came that nobody had announced.

What it guarantees: a reading is taken only if its source was given that device, by name or by a
pattern. Where nothing was given, nothing is taken. A device that a client of our listener brings
by a pattern, and that nobody has named in full, goes into the registry as unconfirmed, or is
refused until it is confirmed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from devices.device import DecodeError
from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.listener.principal import is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clock import Clock
    from gateway.listener.principal import Principal
    from gateway.state import State

log = structlog.get_logger()

MOST_UNCONFIRMED = 10_000
"""Devices that may wait to be confirmed: a client cannot fill the disk with invented names."""


class Unconfirmed(NamedTuple):
    """When a device was met that nobody has confirmed (ms since 1970, UTC), and who brought it."""

    since: int
    source: str


class Admission:
    """Asked by ingest, once for each source and device, what may come in."""

    def __init__(
        self,
        state: State,
        grants: Mapping[str, tuple[str, ...]],
        policy: Literal["unconfirmed", "refused"],
        clock: Clock,
    ) -> None:
        """Read the registry. Raises FileError, DiskError.

        `grants`: source → patterns of device ids, for what is no listener. `policy`: what becomes
        of a device that nobody has named in full, and that is not in the registry.
        """
        self.on_stranger: Callable[[DeviceKey, str], None] = lambda _device, _source: None
        """Called when a source speaks for a device that it may not speak for."""
        self.unconfirmed: dict[DeviceKey, Unconfirmed] = {}
        """The devices that wait to be confirmed; also in the registry, a second later."""
        self._state = state
        self._grants = grants
        self._policy = policy
        self._clock = clock
        self._principals: dict[str, Principal] = {}
        self._confirmed: set[DeviceKey] = set()
        self._unrecorded: dict[DeviceKey, Unconfirmed] = {}
        self._failing = False
        for owner, name, since, source, confirmed in state.rows(
            "SELECT owner, name, since, source, confirmed FROM registry"
        ):
            if confirmed:
                self._confirmed.add(DeviceKey(owner, name))
            else:
                self.unconfirmed[DeviceKey(owner, name)] = Unconfirmed(since, source)

    def know(self, principal: Principal) -> None:
        """Take up a client of our listener as it now stands; a revoked one speaks for nobody."""
        self._principals[principal.source] = principal

    def waiting(self) -> dict[DeviceKey, Unconfirmed]:
        """Return the unconfirmed devices that no good credential names in full either."""
        named = {
            DeviceKey(one.owner, device)
            for one in self._principals.values()
            if one.revoked is None
            for device in one.speaks_for
            if not is_pattern(device)
        }
        return {device: met for device, met in self.unconfirmed.items() if device not in named}

    def check(self, source: str, device: DeviceKey) -> None:
        """Return if the source may speak for the device. Raises DecodeError if not."""
        principal = self._principals.get(source)
        if principal is None:
            grants = self._grants.get(source, ())
            if not any(fnmatchcase(device.id, one) for one in grants):
                self.on_stranger(device, source)
                raise DecodeError(
                    "may-not-speak-for",
                    f"{source} may not speak for device {device}",
                    "If it should, add the device to its `speaks_for` in the settings",
                )
            return
        if principal.revoked is not None or not principal.may_speak_for(device):
            self.on_stranger(device, source)
            raise DecodeError(
                "may-not-speak-for",
                f"{source} may not speak for device {device}",
                "If it should, give it another credential: holdwatch device revoke "
                f"{principal.name}, then holdwatch device add {principal.name} --may-speak-for …",
            )
        if not principal.names(device):
            self._meet(device, source)

    def _meet(self, device: DeviceKey, source: str) -> None:
        if device in self._confirmed or device in self.unconfirmed:
            return
        cure = f"If it is yours: holdwatch device confirm {device}, then holdwatch quarantine retry"
        if self._policy == "refused":
            raise DecodeError(
                "unknown-device", f"{source} brought {device}, which nobody has confirmed", cure
            )
        if len(self.unconfirmed) >= MOST_UNCONFIRMED:
            raise DecodeError(
                "unknown-device",
                f"{source} brought {device}, and {MOST_UNCONFIRMED:,} devices wait to be "
                "confirmed already",
                cure,
            )
        met = Unconfirmed(self._clock.now(), source)
        self.unconfirmed[device] = self._unrecorded[device] = met

    async def flush(self) -> None:
        """Record the devices that were met since the last time.

        While the disk takes no writes they wait in memory for the next call. A crash forgets
        them too, and then they are met again with their next message.
        """
        if not self._unrecorded:
            return
        met = dict(self._unrecorded)
        try:
            async with self._state.writing():
                # One that was confirmed meanwhile stays so.
                self._state.stage(
                    "INSERT OR IGNORE INTO registry VALUES (?,?,?,?,0)",
                    [(*device, one.since, one.source) for device, one in met.items()],
                )
        except DiskError as error:
            if not self._failing:
                log.warning("new devices wait to be recorded", problem=str(error))
            self._failing = True
            return
        self._failing = False
        for device in met:
            self._unrecorded.pop(device, None)

    async def confirm(self, device: DeviceKey) -> None:
        """Record that a device is one of ours, heard or not. Raises DiskError."""
        met = self.unconfirmed.get(device) or Unconfirmed(self._clock.now(), "")
        async with self._state.writing():
            self._state.stage(
                "INSERT INTO registry VALUES (?,?,?,?,1) "
                "ON CONFLICT (owner, name) DO UPDATE SET confirmed = 1",
                [(*device, met.since, met.source)],
            )
        self._confirmed.add(device)
        self.unconfirmed.pop(device, None)
        self._unrecorded.pop(device, None)
