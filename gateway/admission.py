"""Which source may speak for which device; and which devices came that nobody had announced.

What it guarantees: a reading is taken only if its source was given that device, by name or by a
pattern. Where nothing was given, nothing is taken. Every device that comes over our listener is
entered in the registry when it is met first: as confirmed where a credential names it in full,
else as unconfirmed, or it is refused until somebody confirms it. What is in the registry goes on.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from shlex import quote
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
"""Devices that one credential may bring and nobody has confirmed: it cannot fill the disk with
invented names. Added again after it was revoked, it may bring as many again."""


class Met(NamedTuple):
    """When a device came over the listener first (ms since 1970, UTC), and who brought it.

    Of one that was confirmed and never came, `source` is empty and `since` when it was confirmed.
    """

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
        self.unconfirmed: dict[DeviceKey, Met] = {}
        """The devices of the registry that nobody has confirmed."""
        self.confirmed: dict[DeviceKey, Met] = {}
        """The others: confirmed by a person, or by a credential that names them in full."""
        self._state = state
        self._grants = grants
        self._policy = policy
        self._clock = clock
        self._principals: dict[str, Principal] = {}
        self._named: frozenset[DeviceKey] | None = None
        self._brought: dict[str, int] = {}
        self._unrecorded: set[DeviceKey] = set()
        self._failing = False
        for owner, name, since, source, confirmed in state.rows(
            "SELECT owner, name, since, source, confirmed FROM registry"
        ):
            registry = self.confirmed if confirmed else self.unconfirmed
            registry[DeviceKey(owner, name)] = Met(since, source)

    def know(self, principal: Principal) -> None:
        """Take up a client of our listener as it now stands; a revoked one speaks for nobody."""
        self._principals[principal.source] = principal
        self._named = None
        self._brought.pop(principal.source, None)

    def waiting(self) -> dict[DeviceKey, Met]:
        """Return the unconfirmed devices that no good credential names in full either."""
        named = self._named_in_full()
        return {device: met for device, met in self.unconfirmed.items() if device not in named}

    def met(self, device: DeviceKey) -> Met | None:
        """Return what the registry says of a device, None if it does not hold it."""
        return self.confirmed.get(device) or self.unconfirmed.get(device)

    def _named_in_full(self) -> frozenset[DeviceKey]:
        if self._named is None:
            self._named = frozenset(
                DeviceKey(one.owner, device)
                for one in self._principals.values()
                if one.revoked is None
                for device in one.speaks_for
                if not is_pattern(device)
            )
        return self._named

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
                f"If it should, name all that it may: holdwatch device change {principal.name} "
                "--may-speak-for …, then holdwatch quarantine retry",
            )
        self._meet(device, principal)

    def _meet(self, device: DeviceKey, principal: Principal) -> None:
        known = self.met(device)
        if known is not None and known.source:
            return
        met = Met(self._clock.now(), principal.source)
        if known is not None or device in self._named_in_full():
            self.confirmed[device] = met
        else:
            self._take_unconfirmed(device, met, principal)
        self._unrecorded.add(device)

    def _take_unconfirmed(self, device: DeviceKey, met: Met, principal: Principal) -> None:
        problem = f"{met.source}{brought(device)}which nobody has confirmed"
        cure = (
            f"If it is yours: holdwatch device confirm {quote(str(device))}, then holdwatch "
            "quarantine retry"
        )
        if self._policy == "refused":
            raise DecodeError("unknown-device", problem, cure)
        many = self._brought.get(met.source)
        if many is None:
            many = sum(
                one.source == met.source and one.since >= principal.added
                for one in self.unconfirmed.values()
            )
        if many >= MOST_UNCONFIRMED:
            raise DecodeError(
                "unknown-device", f"{problem}, nor {many:,} others that it brought", cure
            )
        self.unconfirmed[device] = met
        self._brought[met.source] = many + 1

    async def flush(self) -> None:
        """Record the devices that were met since the last time.

        While the disk takes no writes they wait in memory for the next call. A crash forgets
        them too, and then they are met again with their next message.
        """
        if not self._unrecorded:
            return
        met, self._unrecorded = self._unrecorded, set()
        try:
            async with self._state.writing():
                # Looked up here: one may have been confirmed while we waited for our turn.
                for device in met:
                    if device in self.confirmed:
                        self._keep(device, self.confirmed[device], confirmed=True)
                    elif device in self.unconfirmed:
                        self._keep(device, self.unconfirmed[device], confirmed=False)
        except DiskError as error:
            self._unrecorded |= met
            if not self._failing:
                log.warning("new devices wait to be recorded", problem=str(error))
            self._failing = True
            return
        self._failing = False

    async def confirm(self, device: DeviceKey, along: Callable[[], None] = lambda: None) -> None:
        """Record that a device is one of ours, heard or not. Raises DiskError.

        `along` stages what belongs to it, here and when it is taken back.
        """
        async with self._state.writing():
            met = self.met(device) or Met(self._clock.now(), "")
            self._keep(device, met, confirmed=True)
            along()
        # Meanwhile it may have come for the first time.
        met = self.unconfirmed.pop(device, met)
        self.confirmed.setdefault(device, met)
        self._brought.pop(met.source, None)

    async def unconfirm(self, device: DeviceKey, along: Callable[[], None] = lambda: None) -> None:
        """Take a confirmation back: unconfirmed if it ever came, else unknown. Raises DiskError."""
        async with self._state.writing():
            if self.confirmed[device].source:
                self._keep(device, self.confirmed[device], confirmed=False)
            else:
                self._state.stage("DELETE FROM registry WHERE owner = ? AND name = ?", [device])
            along()
        met = self.confirmed.pop(device)
        if met.source:
            self.unconfirmed[device] = met
            self._brought.pop(met.source, None)

    def _keep(self, device: DeviceKey, met: Met, *, confirmed: bool) -> None:
        row = (*device, *met, int(confirmed))
        self._state.stage(
            "INSERT INTO registry (owner, name, since, source, confirmed) VALUES (?,?,?,?,?) "
            "ON CONFLICT DO UPDATE SET since = excluded.since, source = excluded.source, "
            "confirmed = excluded.confirmed",
            [row],
        )


def brought(device: DeviceKey) -> str:
    """Return the words by which a refusal of an unknown device is found in the quarantine."""
    return f" brought {device}, "
