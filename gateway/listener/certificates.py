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

SOON = 30 * DAY
"""A certificate that ends within so many ms is told of."""
CURE = "Make a new one: holdwatch tls init. It is taken up without a restart."


class Fault(NamedTuple):
    """What is wrong with a certificate, for people, and how grave it is."""

    problem: str
    severity: str


class Certificate:
    """What one port shows: taken up anew when its files are renewed, and watched for its end."""

    def __init__(self, tls: ListenerTls) -> None:
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
        if now is not None:
            begins, ends = self._valid
            name = self._tls.certificate
            if now < begins:
                found.append(
                    Fault(f"the certificate {name} is good from {_day(begins)}", "critical")
                )
            elif ends <= now:
                found.append(Fault(f"the certificate {name} ended on {_day(ends)}", "critical"))
            elif ends - now <= SOON:
                found.append(Fault(f"the certificate {name} ends on {_day(ends)}", "warning"))
        if not found:
            return None
        grave = any(one.severity == "critical" for one in found)
        problem = "; ".join(one.problem for one in found)
        return Fault(problem, "critical" if grave else "warning")


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


def _versions(tls: ListenerTls) -> list[int]:
    files = (tls.certificate, tls.key, tls.authority)
    return [path.stat().st_mtime_ns for path in files if path is not None]


def _plain(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "its key belongs to another certificate"
    return str(error)


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d}"


def server_context(tls: ListenerTls) -> ssl.SSLContext:
    """Read the files anew; OSError (of which ssl.SSLError is one) if one cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # With TLS 1.3 each connection would be sent two tickets that hardly a sensor comes back with.
    # TLS 1.2 keeps its tickets: without them OpenSSL keeps sessions, which costs us memory.
    context.num_tickets = 0
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.authority is not None:
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
