"""The certificate that browsers are shown: taken up anew when it is renewed, without a restart."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import structlog

from gateway.listener.certificates import Certificate

if TYPE_CHECKING:
    from gateway.settings.web import WebTls

log = structlog.get_logger()

EVERY = 10.0
"""Seconds between looks at the files."""


class Shown:
    """What the page shows: `context` stays one and the same, and shows what is newest."""

    def __init__(self, tls: WebTls) -> None:
        """Read the files. Raises OSError, ValueError."""
        self._certificate = Certificate(tls)
        self.context = Certificate(tls).context
        self.context.sni_callback = self._begin

    async def run(self) -> None:
        """Look whether the files are renewed, for ever. The gateway tells people what is wrong."""
        told = ""
        while True:
            await asyncio.sleep(EVERY)
            fault = self._certificate.look(None)
            if fault is not None and fault.problem != told:
                log.warning("the page's certificate", problem=fault.problem)
            told = fault.problem if fault is not None else ""

    def _begin(self, connection: ssl.SSLObject, _name: str | None, _context: object) -> None:
        """Let a connection that begins show the newest; those that stand keep theirs."""
        connection.context = self._certificate.context
