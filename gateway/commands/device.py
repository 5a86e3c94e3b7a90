"""What a person may ask about credentials, and about devices that nobody has announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import check_device_id
from devices.reading import DeviceKey
from gateway.admission import brought
from gateway.listener.ends import last_ends
from gateway.listener.principal import Principal
from gateway.people import audit
from gateway.people.audit import Entry, Who, who_of
from gateway.refusal import ControlError
from gateway.registry.confirming import Confirming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.admission import Admission
    from gateway.clock import Clock
    from gateway.journal import Journal
    from gateway.listener.principals import Along, Principals
    from gateway.state import State


class DeviceCommands:
    """The commands about credentials and new devices, by name: a part of Commands."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        owner: str,
        principals: Principals,
        admission: Admission,
        journal: Journal,
        *,
        state: State,
        clock: Clock,
        connected: Callable[[], Mapping[str, int]],
        replaced_by: Callable[[DeviceKey], tuple[DeviceKey, int] | None],
    ) -> None:
        """`owner`: of devices where nobody says another.

        `connected`: how many connections each principal has now, by its name. `replaced_by`: who
        stands in for a device, and since when.
        """
        self._owner = owner
        self._principals = principals
        self._admission = admission
        self._journal = journal
        self._state = state
        self._clock = clock
        self._connected = connected
        self._replaced_by = replaced_by
        self._confirming = Confirming(admission, state, clock)
        self.by_name = {
            "add": self.add,
            "change": self.change,
            "revoke": self.revoke,
            "confirm": self.confirm,
            "device-confirm": self.confirm_many,
            "unconfirm": self.unconfirm,
            "credentials": self.credentials,
        }

    async def add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Add a credential; the one answer that ever holds its token."""
        owner = request.get("owner")
        speaks_for, sees = _patterns(request, "speaks_for"), _patterns(request, "sees") or ()
        if speaks_for is None:
            speaks_for = () if sees else (request["name"],)
        principal = Principal(
            name=request["name"],
            owner=self._owner if owner is None else owner,
            speaks_for=speaks_for,
            sees=sees,
            certificate=bool(request.get("certificate")),
        )
        token = await self._principals.add(principal, self._noting(request, "add"))
        added = self._principals.get(principal.name) or principal
        return {**msgspec.structs.asdict(added), "token": token}

    async def change(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Give a credential other patterns; how it shows who it is stays."""
        speaks_for, sees = _patterns(request, "speaks_for"), _patterns(request, "sees")
        if speaks_for is None and sees is None:
            raise ControlError(
                "nothing was said that could be changed", "Use --may-speak-for, --may-see or both"
            )
        changed = await self._principals.change(
            request["name"], speaks_for, sees, self._noting(request, "change")
        )
        return msgspec.structs.asdict(changed)

    async def revoke(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a credential connect no more, and end its connections."""
        revoked = await self._principals.revoke(request["name"], self._noting(request, "revoke"))
        return msgspec.structs.asdict(revoked)

    async def confirm(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Say that a device is one of ours, whether it was heard already or not.

        `since` and `source`: when it came first, and who brought it.
        """
        device = device_key(request["device"], self._owner)
        return (await self._confirm([device], who_of(request)))[0]

    async def confirm_many(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Say of several `devices` that they are ours, or of `all` that wait for it.

        Of all, those are `left_out` that may be a mistyped id, or are in use no more.
        """
        if bool(request.get("all")) == bool(request.get("devices")):
            raise ControlError("say which: devices, or all", "Name devices, or use --all")
        left_out: dict[DeviceKey, str] = {}
        if request.get("all"):
            waiting = sorted(self._admission.waiting())
            left_out = self._doubtful(waiting)
            devices = [one for one in waiting if one not in left_out]
        else:
            devices = [device_key(one, self._owner) for one in request["devices"]]
        return {
            "devices": await self._confirm(devices, who_of(request)),
            "left_out": [{"device": str(one), "why": why} for one, why in left_out.items()],
        }

    def _doubtful(self, devices: Sequence[DeviceKey]) -> dict[DeviceKey, str]:
        """Return those of which nobody should say in passing that they are ours, and why not."""
        heard = set(self._journal.devices())
        found: dict[DeviceKey, str] = {}
        for device in devices:
            by = self._replaced_by(device)
            if device not in heard:
                found[device] = "nothing that it sent was understood"
            elif by is not None:
                found[device] = f"{by[0]} stands in for it"
        return found

    async def _confirm(self, devices: Sequence[DeviceKey], who: Who) -> list[dict[str, Any]]:
        """Confirm devices, all or none; return how each stood."""
        devices = list(dict.fromkeys(devices))
        for device in devices:
            check_device_id(device.id)
        admission, heard = self._admission, set(self._journal.devices())
        known = {device: admission.met(device) for device in devices}
        already = {device for device in devices if device in admission.confirmed}
        waited = set(admission.unconfirmed)

        await self._confirming.confirm(devices, who)
        return [
            {
                "device": str(device),
                "already": device in already,
                "since": met.since if met and met.source else None,
                "source": met.source if met and met.source else None,
                "heard": device in heard,
                # One that came was let in. To look takes long, where it is done for many.
                "quarantined": 0 if device in waited else self._refused(device),
            }
            for device, met in known.items()
        ]

    def _refused(self, device: DeviceKey) -> int:
        return self._journal.quarantine.count_with("unknown-device", brought(device))

    async def unconfirm(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take a confirmation back, such as that of a mistyped name."""
        device = device_key(request["device"], self._owner)
        if device not in self._admission.confirmed:
            raise ControlError(f"{device} is not confirmed", "See: holdwatch device list")
        await self._confirming.unconfirm(device, who_of(request))
        return {"device": str(device), "unconfirmed": device in self._admission.unconfirmed}

    async def credentials(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Every credential by name, without what would let anybody use it."""
        connected, ends = self._connected(), last_ends(self._journal)
        return {
            "credentials": [
                {
                    **msgspec.structs.asdict(one),
                    "connections": connected.get(one.name, 0),
                    "end": ends[one.name]._asdict() if one.name in ends else None,
                }
                for one in self._principals.all()
            ]
        }

    def _noting(self, request: Mapping[str, Any], what: str) -> Along:
        """Return what stages an entry of the audit trail about a credential."""
        who = who_of(request)

        def stage(before: Principal | None, after: Principal) -> None:
            known = None if before is None else msgspec.structs.asdict(before)
            self._stage(who, what, after.name, known, msgspec.structs.asdict(after))

        return stage

    def _stage(self, who: Who, what: str, object_: str, before: object, after: object) -> None:
        now = self._clock.now()
        audit.stage(
            self._state,
            Entry(
                at=now, who=who, what=f"device-{what}", object=object_, before=before, after=after
            ),
        )


def _patterns(request: Mapping[str, Any], what: str) -> tuple[str, ...] | None:
    """Return the patterns that were given, None if none were; a single "" is to have none."""
    given = request.get(what)
    if given is None:
        return None
    return () if given == [""] else tuple(given)


def device_key(text: str, owner: str) -> DeviceKey:
    """Return whom a person means: an id of `owner`'s, or "another owner/id"."""
    other, slash, name = text.rpartition("/")
    return DeviceKey(other if slash else owner, name)
