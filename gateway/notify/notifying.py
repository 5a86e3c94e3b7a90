"""Makes the notifier of a gateway of its parts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.notify.about import Whereabouts
from gateway.notify.deciding import Policy
from gateway.notify.hiding import Heard, Links
from gateway.notify.mutes import Mutes
from gateway.notify.notifier import Notifier
from gateway.notify.outbox import Outbox
from gateway.notify.routes import routes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.reading import DeviceKey
    from gateway.app import Gateway
    from gateway.settings import Settings
    from gateway.settings.channels import AnyChannel


def policy_of(settings: Settings, channels: Iterable[AnyChannel]) -> Policy:
    """Return what the settings say of telling people, by the channels that there are."""
    names = tuple(one.name for one in channels)
    zone = settings.gateway.timezone
    routes = routes_of(settings.routes, names, zone)
    return Policy(routes, names, settings.acknowledgement, zone)


def notifier_of(gateway: Gateway) -> Notifier:
    """Make it. Raises FileError, DiskError."""

    def source(device: DeviceKey) -> str:
        last, met = gateway.monitor.seen_last(device), gateway.admission.met(device)
        return last.source if last is not None else met.source if met is not None else ""

    where = Whereabouts(gateway.known, gateway.book)
    notifier = Notifier(
        gateway.state,
        gateway.clock,
        Outbox(gateway.state),
        policy=policy_of(gateway.settings, gateway.settings.channels),
        where=where,
        mutes=Mutes(gateway.state),
        links=Links(where, gateway.journal.devices, source),
        maintenance=gateway.registry.maintenance,
    )
    heard = Heard(gateway.monitor.seen, source, gateway.known.interval)
    notifier.before_look = partial(notifier.watch_links, gateway.own_alerts, heard)
    return notifier
