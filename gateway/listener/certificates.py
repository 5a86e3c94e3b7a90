"""How we speak TLS as a server. Who signs certificates is in authority.py."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from gateway.settings.listener import ListenerTls
from rules.duration import DAY

SOON = 30 * DAY
"""A certificate that ends within so many ms is told of."""


class Certificate:
    """What one port shows: taken up anew when its files are renewed, and watched for its end."""

    def __init__(self, tls: ListenerTls) -> None:
        """Read the files. Raises OSError, ValueError."""
        self.context = server_context(tls)
        self._tls = tls
        self._files = _versions(tls)
        self._expires = expires(tls.certificate)

    def look(self, now: int) -> str | None:
        """Take up renewed files; return what is wrong with the certificate, None if it is well.

        `now` is in ms since 1970, UTC. Connections that stand keep what they were shown.
        """
        try:
            files = _versions(self._tls)
            if files != self._files:
                self.context.load_cert_chain(self._tls.certificate, self._tls.key)
                self._expires = expires(self._tls.certificate)
                self._files = files
        except (OSError, ValueError) as error:
            return f"the renewed certificate cannot be used, and the old one is shown: {error}"
        if self._expires - now > SOON:
            return None
        end = datetime.fromtimestamp(self._expires / 1000, UTC)
        verb = "ended" if self._expires <= now else "ends"
        return f"the certificate {self._tls.certificate} {verb} on {end:%Y-%m-%d}"


def _versions(tls: ListenerTls) -> list[int]:
    return [path.stat().st_mtime_ns for path in (tls.certificate, tls.key) if path is not None]


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


def expires(path: Path) -> int:
    """Return when the first of the file's certificates ends, in ms since 1970, UTC.

    OSError if the file cannot be read, ValueError if it holds no certificate.
    """
    # Here, because it takes 11 MB that a gateway without TLS need not spend.
    from cryptography import x509  # noqa: PLC0415 - as above

    found = x509.load_pem_x509_certificates(path.read_bytes())
    return int(min(one.not_valid_after_utc for one in found).timestamp() * 1000)
