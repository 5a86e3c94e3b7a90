"""A real SMTP server on a free loopback port: keeps what it takes, refuses what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class MailServer:
    """What it took, and what it says: an answer per address, or to all of a letter."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answers: dict[str, str] = {}
        """By address; "DATA" and "MAIL" for the words of the same name."""
        self.logins: list[tuple[str, str]] = []
        self.password = ""
        self.holds = 0.0
        """Seconds until it answers to a letter."""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        await asyncio.sleep(self.holds)
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 queued"

    def login(
        self, _server: object, _session: object, _how: object, _way: str, given: object
    ) -> Any:  # noqa: ANN401 - aiosmtpd's own
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password.decode() == self.password, handled=False)


@contextmanager
def mail_server(
    starttls: ssl.SSLContext | None = None, *, password: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """Run one. `starttls`: it wants it before all else; `tls`: from the beginning."""
    server = MailServer()
    server.password = password
    login: dict[str, Any] = {}
    if password:
        login = {
            "authenticator": server.login,
            "auth_required": True,
            "auth_require_tls": starttls is not None,
        }
    controller = Controller(
        server,
        hostname=server.host,
        port=server.port,
        ready_timeout=10,
        tls_context=starttls,
        require_starttls=starttls is not None,
        ssl_context=tls,
        **login,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
