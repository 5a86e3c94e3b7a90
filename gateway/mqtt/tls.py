"""How we speak TLS as a client."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec


class Tls(msgspec.Struct, frozen=True):
    """Files in PEM form. Without `ca` the system's authorities are trusted.

    `certificate` and `key` are ours, where the broker wants them. `verify = False` accepts
    any certificate: whoever sits in between can then read and forge everything.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True


def client_context(tls: Tls) -> ssl.SSLContext:
    """Read the files anew; OSError (of which ssl.SSLError is one) if one cannot be used."""
    if tls.ca is not None and not tls.ca.is_file():
        # ssl does not name the file that it misses.
        raise FileNotFoundError(2, "no such file", str(tls.ca))
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.ca is not None:
        # From Python 3.13 on, certificates that lack what RFC 5280 asks for are refused, as most
        # home-made authorities do. Here one is trusted by name: the same on every version.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        for path in (tls.certificate, tls.key):
            if path is not None and not path.is_file():
                raise FileNotFoundError(2, "no such file", str(path))
        context.load_cert_chain(tls.certificate, tls.key)
    return context
