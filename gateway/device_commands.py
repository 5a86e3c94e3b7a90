"""What a person may ask about credentials, and about devices that nobody has announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import check_device_id
from devices.reading import DeviceKey
from gateway.listener.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.admission import Admission
    from gateway.listener.ends import End
    from gateway.listener.principals import Principals


class DeviceCommands:
    """The commands about credentials and new devices, by name: a part of Commands."""

    def __init__(
        self,
        owner: str,
        principals: Principals,
        admission: Admission,
        *,
        connected: Callable[[], Mapping[str, int]],
        ends: Callable[[], Mapping[str, End]],
    ) -> None:
        """`owner`: of devices where nobody says another.

        By a principal's name, `connected`: how many connections it has now; `ends`: how its last
        one ended that ended without a good-bye.
        """
        self._owner = owner
        self._principals = principals
        self._admission = admission
        self._connected = connected
        self._ends = ends
        self.by_name = {
            "add": self.add,
            "revoke": self.revoke,
            "confirm": self.confirm,
            "credentials": self.credentials,
        }

    async def add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Add a credential; the one answer that ever holds its token."""
        owner = request.get("owner")
        principal = Principal(
            name=request["name"],
            owner=self._owner if owner is None else owner,
            speaks_for=tuple(request.get("speaks_for") or (request["name"],)),
            sees=tuple(request.get("sees") or ()),
            certificate=bool(request.get("certificate")),
        )
        token = await self._principals.add(principal)
        added = self._principals.get(principal.name) or principal
        return {**msgspec.structs.asdict(added), "token": token}

    async def revoke(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a credential connect no more, and end its connections."""
        revoked = await self._principals.revoke(request["name"])
        return msgspec.structs.asdict(revoked)

    async def confirm(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Say that a device is one of ours, whether it was heard already or not."""
        device = device_key(request["device"], self._owner)
        check_device_id(device.id)
        met = self._admission.unconfirmed.get(device)
        await self._admission.confirm(device)
        return {
            "device": str(device),
            "since": met.since if met else None,
            "source": met.source if met else None,
        }

    async def credentials(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Every credential by name, without what would let anybody use it."""
        connected, ends = self._connected(), self._ends()
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


def device_key(text: str, owner: str) -> DeviceKey:
    """Return whom a person means: an id of `owner`'s, or "another owner/id"."""
    other, slash, name = text.rpartition("/")
    return DeviceKey(other if slash else owner, name)
