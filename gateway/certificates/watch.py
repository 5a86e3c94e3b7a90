"""All certificates that the gateway lives by: renewed, taken up, and watched for their end.

    certificate ADDRESS                of a listener's port; the listener takes it up
    certificate page                   of the page; its process takes it up
    certificate broker NAME            which we show to a broker
    certificate authority of SERVER    by which we know a broker, an InfluxDB or a web service
    renewal                            of our own certificate, where the settings have [renewal]

Those that we show or know others by as a client are read anew at each connection.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from gateway.certificates.renewal import Renewer
from gateway.listener.certificates import CURE, Certificate, Fault, lasting, validity
from gateway.settings.secret import secret_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.app import Gateway
    from gateway.own_alerts import OwnAlerts
    from gateway.settings import Settings

EVERY = 60.0
"""Seconds between looks."""
PAGE = "page"
RENEWAL = "renewal"


class Shown(NamedTuple):
    """A file of somebody's certificates."""

    name: str
    file: Path
    authorities: bool
    """Whether it names whom we trust: then one that is still good is enough."""


def shown(settings: Settings) -> Iterator[Shown]:
    """Yield the certificates that we show, or know others by, as a client."""
    for one in settings.brokers:
        if one.tls is not None and one.tls.certificate is not None:
            yield Shown(f"broker {one.name}", one.tls.certificate, authorities=False)
        if one.tls is not None and one.tls.ca is not None:
            yield Shown(f"authority of {one.name}", one.tls.ca, authorities=True)
    for other in (*settings.influxdb, *settings.polls, *settings.channels):
        ca = getattr(other, "ca", None)
        if ca is not None:
            yield Shown(f"authority of {other.name}", ca, authorities=True)


def watched(settings: Settings) -> list[str]:
    """Return what there may be alerts about: "certificate" and one of these."""
    ports = [one.address for one in settings.listeners if one.tls is not None]
    page = [PAGE] if settings.web is not None and settings.web.tls is not None else []
    return [*ports, *page, *(one.name for one in shown(settings))]


class CertificateWatch:
    """Looks after the certificates of one gateway, but for those of its listener."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._take(gateway.settings)

    def _take(self, settings: Settings) -> None:
        """Look after what these settings name."""
        self._settings = settings
        self._shown = list(shown(settings))
        self._page: Certificate | None = None
        if settings.web is not None and settings.web.tls is not None:
            self._page = Certificate(settings.web.tls)
        self._renewer = (
            Renewer(settings.renewal, secret_variables(settings))
            if settings.renewal is not None
            else None
        )

    async def run(self) -> None:
        """Look at them, for ever."""
        while True:
            clock = self._gateway.clock
            await self.look(clock.now() if clock.trusted() else None)
            await asyncio.sleep(EVERY)

    async def look(self, now: int | None) -> None:
        """Look at them now; `now` is in ms since 1970, None while our clock cannot be trusted."""
        alerts = self._gateway.own_alerts
        if self._settings is not self._gateway.settings:
            self._take(self._gateway.settings)
            alerts.forget("certificate", watched(self._settings))
            alerts.forget(RENEWAL, [""] if self._renewer is not None else [])
        if self._renewer is not None and now is not None:
            # Before the rest is looked at: what is renewed now need not be told of.
            fault = await self._renewer.look(now)
            self._tell(alerts, RENEWAL, fault, "Look at [renewal], and try: holdwatch tls renew")
        page = self._page
        if page is not None:
            self._tell(alerts, f"certificate {PAGE}", page.look(now), CURE)
        for one in self._shown:
            fault = await asyncio.to_thread(_fault, one, now)
            cure = "Ask whoever runs that server for a new one, and put it in that place."
            self._tell(alerts, f"certificate {one.name}", fault, cure)

    def _tell(self, alerts: OwnAlerts, subject: str, fault: Fault | None, cure: str) -> None:
        if fault is None:
            alerts.report(subject, None)
        else:
            alerts.report(subject, fault.problem, fault.severity, cure)


def _fault(one: Shown, now: int | None) -> Fault | None:
    """Return what is wrong with somebody's certificates, if anything."""
    try:
        begins, ends = _last(one.file) if one.authorities else validity(one.file)
    except (OSError, ValueError) as error:
        return Fault(f"cannot read {one.file}: {error}", "warning")
    return None if now is None else lasting(str(one.file), begins, ends, now)


def _last(path: Path) -> tuple[int, int]:
    """Return from when until when the one of a file is good that lasts longest. As `validity`."""
    from cryptography import x509  # noqa: PLC0415 - see listener/certificates.py

    found = x509.load_pem_x509_certificates(path.read_bytes())
    last = max(found, key=lambda one: one.not_valid_after_utc)
    begins, ends = last.not_valid_before_utc, last.not_valid_after_utc
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)
