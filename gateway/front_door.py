"""The front door: who may connect to us, what serves them, and what it announces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.listener.announcer import Announcer
from gateway.listener.listener import Listener
from gateway.listener.principal import anonymous
from gateway.listener.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.app import Gateway
    from gateway.listener.principal import Principal
    from gateway.settings.listener import Listener as Port


class FrontDoor:
    """Makes the listener of one gateway, and keeps it to what credentials allow."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def made(self, ports: Sequence[Port]) -> tuple[Listener | None, Announcer | None]:
        """Make what serves those who connect to us, where a port is to be listened on."""
        gateway = self._gateway
        section = gateway.settings.gateway
        if not ports:
            return None, None
        if any(one.anonymous for one in ports):
            gateway.admission.know(anonymous(section.owner))
        announcer = Announcer(gateway.state, section.prefix, section.box, gateway.started)
        listener = Listener(
            ports,
            gateway.settings.clients,
            owner=section.owner,
            intake=gateway.ingest,
            sessions=Sessions(gateway.journal),
            principals=gateway.principals,
            announcer=announcer,
            clock=gateway.clock,
        )
        return listener, announcer

    def attend(self) -> None:
        """Let in whom credentials name, and follow what becomes of them."""
        gateway = self._gateway
        for principal in gateway.principals.all():
            gateway.admission.know(principal)
        gateway.principals.on_change = self._on_principal
        gateway.principals.on_rights = self._on_rights
        if gateway.listener is not None:
            gateway.listener.on_blocked = gateway.intruders.guessed
            gateway.listener.on_rivals = gateway.intruders.displaced

    def _on_principal(self, principal: Principal) -> None:
        self._know(principal)
        if self._gateway.listener is not None:
            self._gateway.listener.disconnect(principal.name)

    def _on_rights(self, principal: Principal) -> None:
        self._know(principal)
        if self._gateway.listener is not None:
            self._gateway.listener.renew(principal)

    def _know(self, principal: Principal) -> None:
        self._gateway.admission.know(principal)
        self._gateway.ingest.routes.forget_admitted(principal.source)
