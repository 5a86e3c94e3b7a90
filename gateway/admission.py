"""Which source may speak for which device; and which devices came that nobody had announced.

What it guarantees: a reading is taken only if its source was given that device, by name or by a
pattern. Where nothing was given, nothing is taken. Every device is entered in the registry when
it is met first, with what it was recognised as: as confirmed where a credential, a source's
`speaks_for` or the settings name it in full, else as unconfirmed; or, over our listener, it is
refused until somebody confirms it. What is in the registry goes on. Files enter nobody: they
tell of the past.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from shlex import quote
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from devices.device import DecodeError
from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.importer import SOURCE
from gateway.listener.principal import is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from gateway.clock import Clock
    from gateway.listener.principal import Principal
    from gateway.state import State

log = structlog.get_logger()

MOST_UNCONFIRMED = 10_000
"""Devices that one source may bring and nobody has confirmed: it cannot fill the disk with
invented names. A credential that is added again after it was revoked may bring as many again."""
MOST_UNMET = 10_000
"""Devices whose make is remembered while they have not been admitted yet."""
BEFORE_ALL = 0
"""Before everything that was ever entered (ms)."""
_ADOPTED = "adopted"
"""The fact that says since when the devices of every source are entered."""


class Met(NamedTuple):
    """When a device came first (ms since 1970, UTC), and who brought it.

    Of one that was confirmed and never came, `source` is empty and `since` when it was confirmed.
    """

    since: int
    source: str


class StrangerError(DecodeError):
    """A source that spoke for a device for which it may not speak."""

    def __init__(self, source: str, device: DeviceKey, cure: str) -> None:
        super().__init__("may-not-speak-for", f"{source} may not speak for device {device}", cure)


class Admission:
    """Asked by ingest, once for each source and device, what may come in."""

    def __init__(
        self,
        state: State,
        grants: Mapping[str, tuple[str, ...]],
        policy: Literal["unconfirmed", "refused"],
        clock: Clock,
        *,
        named: Iterable[str] = (),
    ) -> None:
        """Read the registry. Raises FileError, DiskError.

        `grants`: source → patterns of device ids, for what is no listener. `policy`: what becomes
        of a device that comes over the listener, that nobody has named in full, and that is not in
        the registry. `named`: keys of devices that the settings name; patterns name nobody.
        """
        self.on_stranger: Callable[[DeviceKey, str], None] = lambda _device, _source: None
        """Called when a source speaks for a device that it may not speak for."""
        self.unconfirmed: dict[DeviceKey, Met] = {}
        """The devices of the registry that nobody has confirmed."""
        self.confirmed: dict[DeviceKey, Met] = {}
        """The others: confirmed by a person, or named in full by a credential or the settings."""
        self.known_as: dict[DeviceKey, tuple[str, str]] = {}
        """What devices of the registry were recognised as, and why."""
        self._state = state
        self._grants = dict(grants)
        self._cures: dict[str, str] = {}
        self._told = frozenset(one for one in named if not is_pattern(one))
        self._policy = policy
        self._clock = clock
        self._principals: dict[str, Principal] = {}
        self._named: frozenset[DeviceKey] | None = None
        self._brought: dict[str, int] = {}
        self._unlisted: set[str] = set()
        self._unmet: dict[DeviceKey, tuple[str, str]] = {}
        self._unrecorded: set[DeviceKey] = set()
        self._failing = False
        for owner, name, since, source, confirmed, recognised, why in state.rows(
            "SELECT owner, name, since, source, confirmed, recognised, why FROM registry"
        ):
            registry = self.confirmed if confirmed else self.unconfirmed
            device = DeviceKey(owner, name)
            registry[device] = Met(since, source)
            if recognised:
                self.known_as[device] = (recognised, why)

    async def adopt(self, devices: Iterable[DeviceKey], *, looking: bool = False) -> None:
        """Enter as confirmed, once in the life of a data folder, whoever was heard before this.

        Before, only devices of our listener were entered: those of a broker are no strangers.
        Whoever is only `looking` writes nothing. Raises DiskError.
        """
        if self._state.rows("SELECT 1 FROM fact WHERE kind = ? LIMIT 1", (_ADOPTED,)):
            return
        now = self._clock.now()
        known = {device: Met(now, "") for device in devices if self.met(device) is None}
        if not looking:
            async with self._state.writing():
                for device, met in known.items():
                    self._keep(device, met, confirmed=True)
                self._state.stage(
                    "INSERT INTO fact (owner, device, kind, since, body) VALUES ('','',?,?,'{}')",
                    [(_ADOPTED, now)],
                )
        self.confirmed |= known

    def use(self, policy: Literal["unconfirmed", "refused"], named: Iterable[str]) -> None:
        """Take what other settings say from now on; see `__init__`."""
        self._policy = policy
        self._told = frozenset(one for one in named if not is_pattern(one))

    def grant(self, source: str, patterns: tuple[str, ...] | None, cure: str = "") -> None:
        """Let a source that is no listener speak for devices; None: for nobody any more.

        `cure` is what to do where it speaks for others.
        """
        if patterns is None:
            self._grants.pop(source, None)
        else:
            self._grants[source] = patterns
        self._cures[source] = cure
        self._brought.pop(source, None)
        self._unlisted.discard(source)

    def know(self, principal: Principal) -> None:
        """Take up a client of our listener as it now stands; a revoked one speaks for nobody."""
        self._principals[principal.source] = principal
        self._named = None
        self._brought.pop(principal.source, None)

    def waiting(self) -> dict[DeviceKey, Met]:
        """Return the unconfirmed devices that nothing names in full either."""
        return {
            device: met
            for device, met in self.unconfirmed.items()
            if not self._is_named(device, met.source)
        }

    def met(self, device: DeviceKey) -> Met | None:
        """Return what the registry says of a device, None if it does not hold it."""
        return self.confirmed.get(device) or self.unconfirmed.get(device)

    def recognised(self, device: DeviceKey, what: str, why: str) -> None:
        """Take note of what a device is, and how that is known; before or after it is met."""
        if self.met(device) is None:
            if len(self._unmet) >= MOST_UNMET:
                del self._unmet[next(iter(self._unmet))]
            self._unmet[device] = (what, why)
        elif self.known_as.get(device) != (what, why):
            self.known_as[device] = (what, why)
            self._unrecorded.add(device)

    def _is_named(self, device: DeviceKey, source: str) -> bool:
        """Whether a device is named in full: by a credential, by its source's grant, or settings.

        A name in a grant that looks like a pattern is none: no id holds a star.
        """
        return (
            device in self._named_in_full()
            or str(device) in self._told
            or device.id in self._grants.get(source, ())
        )

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

    def check(self, source: str, device: DeviceKey, *, again: bool = False) -> None:
        """Return if the source may speak for the device. Raises DecodeError if not.

        `again`: its message came long ago and was told of then, so that no stranger is told of.
        """
        try:
            self._check(source, device)
        except StrangerError:
            if not again:
                self.on_stranger(device, source)
            raise

    def _check(self, source: str, device: DeviceKey) -> None:
        principal = self._principals.get(source)
        if principal is None:
            if not any(fnmatchcase(device.id, one) for one in self._grants.get(source, ())):
                raise StrangerError(
                    source,
                    device,
                    self._cures.get(source)
                    or "If it should, add the device to its `speaks_for` in the settings",
                )
            if source != SOURCE:
                self._meet(device, source, None)
            return
        if principal.revoked is not None or not principal.may_speak_for(device):
            raise StrangerError(
                source,
                device,
                f"If it should, name all that it may: holdwatch device change {principal.name} "
                "--may-speak-for …, then holdwatch quarantine retry",
            )
        self._meet(device, source, principal)

    def _meet(self, device: DeviceKey, source: str, principal: Principal | None) -> None:
        """Enter a device, unless it is there. Raises DecodeError for one that is refused."""
        known = self.met(device)
        if known is not None and known.source:
            return
        met = Met(self._clock.now(), source)
        if known is not None or self._is_named(device, source):
            self.confirmed[device] = met
        elif not self._take_unconfirmed(device, met, principal):
            return
        what = self._unmet.pop(device, None)
        if what is not None:
            self.known_as[device] = what
        self._unrecorded.add(device)

    def _take_unconfirmed(self, device: DeviceKey, met: Met, principal: Principal | None) -> bool:
        """Enter a device that nobody has named; say whether it was. Raises DecodeError."""
        problem = f"{met.source}{brought(device)}which nobody has confirmed"
        cure = (
            f"If it is yours: holdwatch device confirm {quote(str(device))}, then holdwatch "
            "quarantine retry"
        )
        if principal is not None and self._policy == "refused":
            raise DecodeError("unknown-device", problem, cure)
        many = self._brought.get(met.source)
        if many is None:
            added = BEFORE_ALL if principal is None else principal.added
            many = sum(
                one.source == met.source and one.since >= added for one in self.unconfirmed.values()
            )
        if many >= MOST_UNCONFIRMED:
            if principal is None:
                self._leave_out(met.source)
                return False
            raise DecodeError(
                "unknown-device", f"{problem}, nor {many:,} others that it brought", cure
            )
        self.unconfirmed[device] = met
        self._brought[met.source] = many + 1
        return True

    def _leave_out(self, source: str) -> None:
        """Say, once, that devices of a source are taken in and not entered any more."""
        if source not in self._unlisted:
            self._unlisted.add(source)
            log.warning(
                "devices are taken in without being listed: nobody has confirmed the others",
                source=source,
                unconfirmed=MOST_UNCONFIRMED,
                cure="holdwatch device confirm, or narrow what the source may speak for",
            )

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

    async def confirm(
        self, devices: Collection[DeviceKey], along: Callable[[], None] = lambda: None
    ) -> None:
        """Record that devices are ours, heard or not: all of them, or none. Raises DiskError.

        `along` stages what belongs to it, here and when one is taken back.
        """
        async with self._state.writing():
            known = {one: self.met(one) or Met(self._clock.now(), "") for one in devices}
            for device, met in known.items():
                self._keep(device, met, confirmed=True)
            along()
        for device, met in known.items():
            # Meanwhile it may have come for the first time.
            now = self.unconfirmed.pop(device, met)
            self.confirmed.setdefault(device, now)
            self._brought.pop(now.source, None)

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

    async def forget(self, device: DeviceKey) -> None:
        """Remove a device, as if it had never been named or met. Raises DiskError."""
        async with self._state.writing():
            self._state.stage("DELETE FROM registry WHERE owner = ? AND name = ?", [device])
        self.confirmed.pop(device, None)
        met = self.unconfirmed.pop(device, None)
        if met is not None:
            self._brought.pop(met.source, None)
        self.known_as.pop(device, None)
        self._unrecorded.discard(device)

    def _keep(self, device: DeviceKey, met: Met, *, confirmed: bool) -> None:
        row = (*device, *met, int(confirmed), *self.known_as.get(device, ("", "")))
        self._state.stage(
            "INSERT INTO registry (owner, name, since, source, confirmed, recognised, why) "
            "VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET since = excluded.since, "
            "source = excluded.source, confirmed = excluded.confirmed, "
            "recognised = excluded.recognised, why = excluded.why",
            [row],
        )


def brought(device: DeviceKey) -> str:
    """Return the words by which a refusal of an unknown device is found in the quarantine."""
    return f" brought {device}, "
