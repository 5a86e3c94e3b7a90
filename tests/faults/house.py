"""A gateway with TLS and credentials: two of our own, a and b, one of another owner, and others."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gateway.listener.authority import Authority
from tests.broker import free_port
from tests.faults.peer import Peer
from tests.faults.running import Running

SETTINGS = """\
[[listeners]]
port = {port}

[[listeners]]
port = {tls_port}
[listeners.tls]
certificate = "{folder}/ours/server.pem"
key = "{folder}/ours/server.key"
authority = "{folder}/ours/authority.pem"
"""
EUI = "0102030405060708"
"""A LoRaWAN device of a's."""


class House(NamedTuple):
    """A running gateway, the tokens by name, and what clients show in TLS."""

    gateway: Running
    tls_port: int
    tokens: dict[str, str]
    shows: dict[str, ssl.SSLContext]

    async def enter(self, name: str, **how: Any) -> Peer:  # noqa: ANN401 - what Peer.connect takes
        """Enter with the right token."""
        token = self.tokens[name]
        peer = await Peer.connect(self.gateway.port, user=name, password=token, **how)
        assert peer is not None
        assert peer.code == 0
        return peer


@asynccontextmanager
async def house(folder: Path, *faults: str) -> AsyncIterator[House]:
    """Start a gateway with its credentials."""
    tls_port = free_port()
    shows = dict(_certificates(folder))
    ways = SETTINGS.replace("{tls_port}", str(tls_port)).replace("{folder}", str(folder))
    gateway = Running(folder, free_port(), *faults, ways=ways)
    gateway.start()
    try:
        await gateway.listens()
        tokens = {}
        wanted: dict[str, dict[str, Any]] = {
            "a": {"speaks_for": ["d-a", EUI]},
            "b": {"speaks_for": ["d-b"]},
            "all": {"speaks_for": ["d-none"], "sees": ["*"]},
            "rival": {"speaks_for": ["*"], "sees": ["*"], "owner": "rival"},
            "gone": {},
            "card": {"speaks_for": ["d-a"], "certificate": True},
            "gone-card": {"certificate": True},
        }
        for name, more in wanted.items():
            added = await gateway.ask({"do": "add", "name": name, **more})
            tokens[name] = added["token"] or ""
        for name in ("gone", "gone-card"):
            await gateway.ask({"do": "revoke", "name": name})
        yield House(gateway, tls_port, tokens, shows)
        gateway.stop()
    finally:
        gateway.kill()


def _certificates(folder: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    now = datetime.now(UTC)
    ours = Authority.make(folder / "ours", now, "ours")
    ours.server(("localhost",), now)
    theirs = Authority.make(folder / "theirs", now, "theirs")
    shown = {name: ours.client(name, now) for name in ("card", "gone-card", "a", "nobody")}
    shown["foreign card"] = theirs.client("card", now)
    for name, issued in shown.items():
        context = ssl.create_default_context(cafile=folder / "ours" / "authority.pem")
        context.load_cert_chain(issued.certificate, issued.key)
        yield name, context
    yield "nothing", ssl.create_default_context(cafile=folder / "ours" / "authority.pem")
