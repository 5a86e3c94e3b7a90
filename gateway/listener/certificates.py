"""How we speak TLS as a server. Who signs certificates is in authority.py."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.settings.listener import ListenerTls
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.own_alerts import OwnAlerts
    from gateway.settings.address import OurCertificate

LADDER = ((7 * DAY, 12, "critical"), (30 * DAY, 6, "warning"), (60 * DAY, 4, "info"))
"""Before its end a certificate is told of: so many ms, or such a part of its life if that is less
(a certificate for 90 days is renewed with 30 left, one for a day with 8 h), and how gravely."""
CURE = (
    "Renew it: holdwatch tls init, or with a company's authority holdwatch tls request, then "
    "holdwatch tls accept. It is taken up without a restart."
)


GRAVITY = {"critical": 0, "warning": 1, "info": 2}


class Fault(NamedTuple):
    """What is wrong with a certificate, for people, and how grave it is."""

    problem: str
    severity: str


class Certificate:
    """What one port shows: taken up anew when its files are renewed, and watched for its end."""

    def __init__(self, tls: OurCertificate) -> None:
        """Read the files. Raises OSError, ValueError."""
        self._tls = tls
        self._read()

    def _read(self) -> None:
        files = _versions(self._tls)
        context, valid = server_context(self._tls), validity(self._tls.certificate)
        # Only now: files that do not fit together leave everything as it was.
        self.context, self._valid, self._files = context, valid, files

    def look(self, now: int | None) -> Fault | None:
        """Take up renewed files; return what is wrong with the certificate, None if it is well.

        `now` is in ms since 1970, UTC, None if it is not known. Connections that stand keep what
        they were shown.
        """
        found = []
        try:
            if _versions(self._tls) != self._files:
                self._read()
        except (OSError, ValueError) as error:
            why = (
                f"the renewed certificate cannot be used, and the old one is shown: {_plain(error)}"
            )
            found.append(Fault(why, "warning"))
        if now is not None and (fault := lasting(str(self._tls.certificate), *self._valid, now)):
            found.append(fault)
        if not found:
            return None
        problem = "; ".join(one.problem for one in found)
        return Fault(problem, min((one.severity for one in found), key=GRAVITY.__getitem__))


def lasting(name: str, begins: int, ends: int, now: int) -> Fault | None:
    """Return what is wrong with the time for which a certificate is good (ms), if anything."""
    if now < begins:
        return Fault(f"the certificate {name} is good from {day(begins)}", "critical")
    if ends <= now:
        return Fault(f"the certificate {name} ended on {day(ends)}", "critical")
    severity = nearness(ends - now, ends - begins)
    return Fault(f"the certificate {name} ends on {day(ends)}", severity) if severity else None


def nearness(left: int, life: int) -> str | None:
    """Return how grave it is that so much is left of a life (ms), None while it is not."""
    near = (one for before, part, one in LADDER if left <= min(before, life // part))
    return next(near, None)


def tell_faults(alerts: OwnAlerts, faults: Mapping[str, Fault | None]) -> None:
    """Raise and clear the alerts about certificates, by the addresses of their ports."""
    told = {one.channel: one.reason for one in alerts.open_alerts}
    for address, fault in faults.items():
        subject = f"certificate {address}"
        if fault is None or fault.problem != told.get(subject):
            # What is wrong now is something else than what was told.
            alerts.report(subject, None)
        if fault is not None:
            alerts.report(subject, fault.problem, fault.severity, CURE)


def _versions(tls: OurCertificate) -> list[int]:
    files = (tls.certificate, tls.key, _authority(tls))
    return [path.stat().st_mtime_ns for path in files if path is not None]


def _plain(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "its key belongs to another certificate"
    return str(error)


def day(moment: int) -> str:
    """Return the day of a time in ms since 1970, UTC, for people."""
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d}"


def _authority(tls: OurCertificate) -> Path | None:
    return tls.authority if isinstance(tls, ListenerTls) else None


def server_context(tls: OurCertificate) -> ssl.SSLContext:
    """Read the files anew; OSError (of which ssl.SSLError is one) if one cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With TLS 1.3 each connection would be sent two tickets that hardly a sensor comes back with.
    # TLS 1.2 keeps its tickets: without them OpenSSL keeps sessions, which costs us memory.
    context.num_tickets = 0
    context.load_cert_chain(tls.certificate, tls.key)
    if isinstance(tls, ListenerTls) and tls.authority is not None:
        context.load_verify_locations(tls.authority)
        context.verify_mode = ssl.CERT_REQUIRED if tls.require_certificate else ssl.CERT_OPTIONAL
        # As where we are the client: an authority is trusted by name, though it may lack what
        # RFC 5280 asks for. The same on every version of Python.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def validity(path: Path) -> tuple[int, int]:
    """Return from when until when all of the file's certificates are good, in ms since 1970, UTC.

    OSError if the file cannot be read, ValueError if it holds no certificate.
    """
    # Here, because it takes 11 MB that a gateway without TLS need not spend.
    from cryptography import x509  # noqa: PLC0415 - as above

    found = x509.load_pem_x509_certificates(path.read_bytes())
    begins = max(one.not_valid_before_utc for one in found)
    ends = min(one.not_valid_after_utc for one in found)
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)
