"""How we speak TLS as a server. Who signs certificates is in authority.py."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.settings.listener import ListenerTls


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
