"""What may be asked about who this gateway is, and what people decide where its data was copied.

A part of Commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.people import audit
from gateway.people.audit import Entry, who_of
from gateway.refusal import ControlError
from gateway.service import identity
from gateway.settings.sections import host_box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway


class IdentityCommands:
    """The commands about the gateway's name, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.by_name = {
            "identity": self.show,
            "identity-keep": self.keep,
            "identity-new": self.new,
        }

    async def show(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Who this gateway is, and whether its data was made on another machine."""
        settings = self._gateway.settings
        found = identity.read(settings.gateway.data)
        return {
            "box": settings.gateway.box,
            "prefix": settings.gateway.prefix,
            "clients": {one.name: settings.client_id(one) for one in settings.brokers},
            "made": found.made if found is not None else None,
            "in_settings": settings.gateway.says_box,
            "next": None if found is None or settings.gateway.says_box else found.box,
            "copied": identity.copied(settings.gateway.data, identity.fingerprint()),
        }

    async def keep(self, request: Mapping[str, Any], progress: object) -> dict[str, Any]:
        """Note that this gateway lives on this machine from now on, under its name."""
        identity.adopt(self._gateway.settings.gateway.data, identity.fingerprint())
        await self._done(request)
        return await self.show(request, progress)

    async def new(self, request: Mapping[str, Any], progress: object) -> dict[str, Any]:
        """Give this gateway another name, from its next start on."""
        section = self._gateway.settings.gateway
        if section.says_box:
            raise ControlError(
                f"the settings say that this gateway is {section.box}",
                "Write another `box` into [gateway], or take it out and give this again; then "
                "restart",
            )
        now = self._gateway.clock.now()
        box = identity.another(host_box())
        identity.renew(section.data, box, now, identity.fingerprint())
        await self._done(request, after=box)
        return await self.show(request, progress)

    async def _done(self, request: Mapping[str, Any], after: str | None = None) -> None:
        """Record who said so, and end the alert."""
        gateway = self._gateway
        before = gateway.settings.gateway.box
        entry = Entry(
            at=gateway.clock.now(),
            who=who_of(request),
            what=request["do"],
            object=before,
            before=before,
            after=after or before,
        )
        async with gateway.state.writing():
            audit.stage(gateway.state, entry)
        identity.tell(gateway.own_alerts, gateway.settings, identity.fingerprint())
