"""Whatever the library apprise speaks: a hundred services of messages to phones and chats.

The address is the administrator's own and holds secrets: no rule of `addresses.py` applies to it,
and neither it nor a part of it is ever shown. The library is loaded when it is first needed (some
45 MB), and works on a thread that nobody waits for longer than TIMEOUT.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

from gateway.aside import aside
from gateway.notify.channel import NotSentError, clean
from gateway.notify.letter import plain
from gateway.notify.wording import OVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.notify.message import Message
    from gateway.notify.wording import Words
    from gateway.settings.channels import Apprise as Section

TIMEOUT = 60.0
"""Seconds that a service may take."""
_LOGGER = logging.getLogger("apprise")


class Apprise:
    """Sends by one service."""

    kind = "apprise"
    remark = ""

    def __init__(
        self, section: Section, worded: Callable[[Message], Words], *, timeout: float = TIMEOUT
    ) -> None:
        """`worded` puts a message into words as they are now."""
        self.name = section.name
        self._section = section
        self._worded = worded
        self._timeout = timeout
        self._service: Any = None
        self._one = threading.Lock()

    async def send(self, message: Message) -> str:
        """Send it. Raises NotSentError."""
        words, kind = self._worded(message), _kind(message)
        try:
            async with asyncio.timeout(self._timeout):
                return await aside(lambda: self._notify(words, kind))
        except TimeoutError:
            raise NotSentError(f"no answer within {self._timeout:g} s", again=True) from None

    def _notify(self, words: Words, kind: str) -> str:
        """Send on this thread. Raises NotSentError."""
        if not self._one.acquire(blocking=False):
            raise NotSentError("the service has not come back from the last attempt", again=True)
        said = _Said()
        _LOGGER.addHandler(said)
        try:
            if self._service is None:
                self._service = self._load()
            if not self._service.notify(body=plain(words), title=words.subject, notify_type=kind):
                problem = said.last or "the service did not take it, and does not say why"
                raise NotSentError(clean(problem, self._section.secrets), again=True)
        finally:
            _LOGGER.removeHandler(said)
            self._one.release()
        return "the service took it"

    def _load(self) -> Any:  # noqa: ANN401 - apprise has no types
        with warnings.catch_warnings():
            # What its parts say of modules that Python will drop is nothing to our users.
            warnings.simplefilter("ignore")
            import apprise  # noqa: PLC0415 - a gateway without such a channel need not load it

            # What it logs of addresses never leaves here but by _Said.
            _LOGGER.propagate = False
            asset = apprise.AppriseAsset(app_id="Holdwatch", app_desc="Holdwatch", app_url="")
            service = apprise.Apprise(asset=asset)
            known = service.add(self._section.address)
        if not known:
            raise NotSentError("apprise does not know such an address: check url", again=True)
        return service


class _Said(logging.Handler):
    """Keeps the last thing that apprise complained of, while only one of us listens.

    It works on threads of its own: of two channels at a time nobody knows whose words these are.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        alone = all(one is self or not isinstance(one, _Said) for one in _LOGGER.handlers)
        self.last = record.getMessage() if alone else ""


def _kind(message: Message) -> str:
    """Return what apprise calls it, for colours and sounds."""
    standing = [line.alert.severity for line in message.lines if line.occasion not in OVER]
    if message.test or not standing:
        return "info" if message.test else "success"
    return "failure" if "critical" in standing else "warning"
