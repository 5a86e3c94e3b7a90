"""Webhooks: each message as JSON to a web service, signed after Standard Webhooks.

Source: the Standard Webhooks specification: `webhook-id` names the message and stays when it is
sent again, `webhook-timestamp` is when it is sent (s), and each signature in `webhook-signature` is
`v1,` and the HMAC-SHA256 over both and the body, in base64. While keys change there are two.
"""

from __future__ import annotations

import base64
import hmac
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.influxdb.answers import Reply, retry_after
from gateway.notify.addresses import ForbiddenError, resolve
from gateway.notify.channel import NotSentError, clean
from gateway.notify.document import document
from gateway.notify.post import Answer, BadAnswerError, Post

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.clock import Clock
    from gateway.notify.addresses import Resolve
    from gateway.notify.message import Message
    from gateway.notify.wording import Wording
    from gateway.settings.channels import Webhook as Section

TIMEOUT = 20.0
"""Seconds for all of it: name, connection, message, answer."""
REFUSED = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 431})
"""Statuses that speak of the message itself: the same would be refused again. 410: never again."""


def sign(keys: Iterable[bytes], identity: str, seconds: int, body: bytes) -> str:
    """Return what `webhook-signature` holds: a signature by each key, with spaces between."""
    signed = f"{identity}.{seconds}.".encode() + body
    return " ".join(
        f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys
    )


class Webhook:
    """Sends to one web service."""

    kind = "webhook"
    remark = ""

    def __init__(
        self,
        section: Section,
        wording: Wording,
        clock: Clock,
        *,
        ask: Resolve = resolve,
        timeout: float = TIMEOUT,
    ) -> None:
        """`ask` resolves names."""
        self.name = section.name
        self._section = section
        self._wording = wording
        self._clock = clock
        self._timeout = timeout
        context = None
        if section.url.startswith("https:"):
            context = ssl.create_default_context(cafile=section.ca)
        self._post = Post(section.url, context, section.networks, ask)

    async def send(self, message: Message) -> str:
        """Post it. Raises NotSentError."""
        body = document(message, self._wording)
        seconds = self._clock.now() // 1000
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(self._section.keys, message.id, seconds, body),
        }
        try:
            answer = await self._post.send(body, headers, self._timeout)
        except (ForbiddenError, BadAnswerError, OSError) as error:
            raise NotSentError(self._words(error), again=True) from None
        return self._judge(answer)

    def _judge(self, answer: Answer) -> str:
        said = clean(
            f"{answer.status} {_phrase(answer.status)} {answer.body.decode(errors='replace')}",
            self._section.secrets,
        )
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return said
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise NotSentError(
                f"{said}: it sends elsewhere, which is not followed. Write the last address as url",
                again=True,
            )
        told = {"Retry-After": "retry-after", "Date": "date"}
        asked = {name: answer.headers.get(key, "") for name, key in told.items()}
        after = retry_after(Reply(answer.status, asked, b""))
        raise NotSentError(said, again=answer.status not in REFUSED, after=after)

    def _words(self, error: Exception) -> str:
        where = f"{self._post.host}:{self._post.port}"
        if isinstance(error, ForbiddenError):
            text = f"{error}. If it is meant, name its network in allow"
        elif isinstance(error, socket.gaierror):
            text = f"{where}: there is no such host: check url, and the name server"
        elif isinstance(error, TimeoutError):
            text = f"{where}: no answer within {self._timeout:g} s"
        elif isinstance(error, ssl.SSLCertVerificationError):
            text = f"{where}: its certificate is not to be trusted: {error.verify_message}"
        elif isinstance(error, ConnectionRefusedError):
            text = f"{where}: nobody listens there"
        elif isinstance(error, ConnectionError):
            text = f"{where}: it closed the connection"
        else:
            text = f"{where}: {error}"
        return clean(text, self._section.secrets)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
