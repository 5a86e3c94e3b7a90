"""E-mail: one letter to all addresses of a channel, by a mail server that takes it from us.

By `smtplib` of the standard library, on a thread of its own: it is kept as long as Python is, and
a server that hangs holds up nobody (`aside`). Source: RFC 5321, RFC 5322 and RFC 3834.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from gateway.aside import aside
from gateway.notify.channel import NotSentError, clean
from gateway.notify.letter import html, plain
from gateway.notify.phrases import one_line
from gateway.settings.channels import mail_of

if TYPE_CHECKING:
    from gateway.notify.message import Message
    from gateway.notify.wording import Words
    from gateway.settings.channels import Email

TIMEOUT = 30.0
"""Seconds that each word of the server may take."""
THREADS = 20
"""Alerts of a message to whose thread it belongs, at most: a header may not grow without end."""
_OURS = frozenset({503, 521, 530, 534, 535, 538, 454, 523, 524, 525})
"""Codes about who we are, and not about this message: somebody can put that right."""

Refused = Mapping[str, tuple[int, bytes]]
"""Addresses that a server does not take a letter for, and what it says to them."""
Worded = Callable[["Message"], "Words"]


class Mail:
    """Sends by one mail server."""

    kind = "email"

    def __init__(self, section: Email, worded: Worded, *, timeout: float = TIMEOUT) -> None:
        """`worded` puts a message into words as they are now."""
        self.name = section.name
        self.remark = ""
        self._section = section
        self._worded = worded
        self._timeout = timeout
        self._took: dict[str, set[str]] = {}
        self._one = threading.Lock()

    async def send(self, message: Message) -> str:
        """Send to whoever has not got it yet. Raises NotSentError."""
        letter = self._letter(message)
        try:
            took, refused = await aside(lambda: self._post(message.id, letter))
        except smtplib.SMTPResponseException as error:
            raise self._refusal(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotSentError(self._words(error), again=True) from None
        said = f"not taken for {self._of(refused)}"
        if any(code < 500 or code in _OURS for code, _ in refused.values()):
            raise NotSentError(said, again=True)
        if not took:
            raise NotSentError(said, again=False)
        self._took.pop(message.id, None)
        self.remark = said if refused else ""
        done = f"{self._section.host} took it for {', '.join(sorted(took))}"
        return clean(f"{done}; {said}" if refused else done, self._section.secrets)

    def _letter(self, message: Message) -> EmailMessage:
        words, section = self._worded(message), self._section
        name, sender = mail_of(section.sender)
        letter = EmailMessage(SMTP)
        letter["Subject"] = one_line(words.subject)
        letter["From"] = Address(name, addr_spec=sender)
        letter["To"] = [
            Address(who, addr_spec=address) for who, address in map(mail_of, section.to)
        ]
        letter["Date"] = format_datetime(datetime.fromtimestamp(message.made / 1000, UTC))
        domain = sender.rpartition("@")[2]
        letter["Message-ID"] = f"<{_token(message.id)}@{domain}>"
        # Every message about an alert answers one that never was: so mail programs put all that is
        # about it together.
        alerts = list(dict.fromkeys(line.alert.id for line in message.lines))[:THREADS]
        if alerts:
            roots = [f"<alert.{_token(alert)}@{domain}>" for alert in alerts]
            letter["In-Reply-To"] = roots[0]
            letter["References"] = " ".join(roots)
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Holdwatch-Message"] = _token(message.id)
        if any(line.alert.severity == "critical" for line in message.lines):
            letter["Importance"] = "high"
        letter.set_content(plain(words), cte="quoted-printable")
        letter.add_alternative(html(words), subtype="html", cte="quoted-printable")
        return letter

    def _post(self, identity: str, letter: EmailMessage) -> tuple[set[str], Refused]:
        """Return who has got it by now, and whom the server refused. It blocks.

        Raises NotSentError, SMTPException, OSError.
        """
        if not self._one.acquire(blocking=False):
            # Two at a time would send it twice; and a thread for each attempt at a server that
            # never comes to an end would be too many in a week.
            raise NotSentError(
                f"{self._section.host} has not come back from the last attempt", again=True
            )
        try:
            return self._post_to_rest(identity, letter)
        finally:
            self._one.release()

    def _post_to_rest(self, identity: str, letter: EmailMessage) -> tuple[set[str], Refused]:
        section = self._section
        took = self._took.get(identity, set())
        sender = mail_of(section.sender)[1]
        wanted = [address for _, address in map(mail_of, section.to) if address not in took]
        if not wanted:
            # An attempt that we did not wait for has come to its end since.
            return took, {}
        server = self._connected()
        try:
            if section.username is not None and section.secret is not None:
                server.login(section.username, section.secret.get_secret_value())
            try:
                refused: Refused = server.send_message(letter, sender, wanted)
            except smtplib.SMTPRecipientsRefused as error:
                refused = error.recipients
            # Whatever the server says to our farewell, it has taken the letter.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()
        took |= set(wanted) - set(refused)
        if took:
            self._took[identity] = took
        return took, refused

    def _connected(self) -> smtplib.SMTP:
        section = self._section
        if section.tls == "none":
            return smtplib.SMTP(section.host, section.port, timeout=self._timeout)
        context = ssl.create_default_context(cafile=section.ca)
        if section.tls == "tls":
            return smtplib.SMTP_SSL(
                section.host, section.port, timeout=self._timeout, context=context
            )
        server = smtplib.SMTP(section.host, section.port, timeout=self._timeout)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server

    def _refusal(self, code: int, said: bytes | str) -> NotSentError:
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        return NotSentError(
            clean(f"{self._section.host} answers {code} {text}", self._section.secrets),
            again=code < 500 or code in _OURS,
        )

    def _of(self, refused: Refused) -> str:
        said = "; ".join(
            f"{who}: {code} {text.decode(errors='replace')}"
            for who, (code, text) in refused.items()
        )
        return clean(said, self._section.secrets)

    def _words(self, error: Exception) -> str:
        where = f"{self._section.host}:{self._section.port}"
        if isinstance(error, socket.gaierror):
            text = "there is no such host: check host, and the name server"
        elif isinstance(error, TimeoutError):
            text = f"no answer within {self._timeout:g} s"
        elif isinstance(error, ssl.SSLCertVerificationError):
            text = f"its certificate is not to be trusted: {error.verify_message}. Give its "
            text += "authority as ca"
        elif isinstance(error, ConnectionRefusedError):
            text = "nobody listens there: check host and port"
        elif isinstance(error, smtplib.SMTPNotSupportedError):
            text = f"{error}: check tls, username and the server's settings"
        else:
            text = str(error) or type(error).__name__
        return clean(f"{where}: {text}", self._section.secrets)


def _token(text: str) -> str:
    """Return an id as headers may hold it."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", text)
