"""An authority of a test's own, and a server's certificate for localhost and 127.0.0.1."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from gateway.listener.authority import Authority


def make(folder: Path, *names: str) -> Path:
    """Make both; return the authority's certificate."""
    now = datetime.now(UTC).replace(microsecond=0)  # TLS looks at the real clock
    authority = Authority.make(folder, now, "test")
    authority.server(names or ("localhost", "127.0.0.1"), now)
    return folder / "authority.pem"


def server_context(folder: Path) -> ssl.SSLContext:
    """What a server shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
