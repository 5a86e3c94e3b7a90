"""Heartbeats outward: services that raise an alarm when they do not hear from us any more.

A gateway that is dead, cut off or without power cannot tell so. Somebody else must notice: each
service of the settings is called again and again, and only while the gateway is truly well
(see wellness.py). An alert that is open stops nothing; it is told in other ways.

An address is called as the administrator wrote it, also one of a private network: whoever can
write the settings can read all our files anyway. A redirect is not followed, and proxies of the
environment are not asked. No call holds up anything: each is made on a thread of its own.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from gateway import __version__
from gateway.aside import aside
from rules.duration import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from gateway.clock import Clock
    from gateway.own_alerts import OwnAlerts
    from gateway.settings.heartbeats import Heartbeat

    Status = Callable[[], Mapping[str, Any]]
    """What is sent along, where the settings say so."""

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds that a service may take to answer."""
LONGEST = 30.0
"""Seconds after which a call is given up, though a name server or a slow answer still holds it."""
AGAIN = 15 * SECOND
"""ms until a call that failed is made again, if the next one is not due before."""
UNHEARD = 3 * MINUTE
"""A service that could not be told for so many ms is an alert."""


class NotHeardError(Exception):
    """A service was not told: why, and what to do."""


class BeatReport(msgspec.Struct):
    """How it stands with a service. Times are ms since 1970, UTC."""

    name: str
    well: bool
    since: int
    """Since when it has been so."""
    last: int | None
    """When it was last told."""
    reason: str
    """Why it was not told; empty while it is."""


class Heart:
    """Tells one service, for ever."""

    def __init__(
        self,
        section: Heartbeat,
        clock: Clock,
        *,
        unwell: Callable[[], str | None],
        status: Status,
    ) -> None:
        """`unwell` says why the gateway is not well, None while it is."""
        self.name = section.name
        self.report = BeatReport(section.name, well=True, since=clock.now(), last=None, reason="")
        self._section = section
        self._clock = clock
        self._unwell = unwell
        self._status = status
        self._caller = Caller(section)
        self._told = ""
        self._failing_since: int | None = None

    async def run(self) -> None:
        """Beat, for ever."""
        while True:
            again = await self.beat()
            await asyncio.sleep(again / 1000)

    async def beat(self) -> int:
        """Tell the service once if the gateway is well; return in how many ms again."""
        unwell = self._unwell()
        if unwell != (self._told or None):
            self._told = unwell or ""
            words = "the heartbeat stops" if unwell else "the heart beats"
            log.warning(words, name=self.name, problem=self._told)
        if unwell is not None:
            return min(self._section.every, AGAIN)
        body = msgspec.json.encode(self._status()) if self._section.with_status else None
        report = self.report
        try:
            await self._call(body)
        except NotHeardError as error:
            self._failed(str(error))
            return min(self._section.every, AGAIN)
        now = self._clock.now()
        if not report.well:
            log.warning("the heart is heard again", name=self.name)
            report.well, report.since, report.reason = True, now, ""
        self._failing_since, report.last = None, now
        return self._section.every

    async def _call(self, body: bytes | None) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await aside(lambda: self._caller.call(body))
        except TimeoutError:
            host = self._section.host
            raise NotHeardError(f"no whole answer from {host} within {LONGEST:g} s") from None

    def _failed(self, why: str) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        if self.report.well or self.report.reason != why:
            log.warning("a heartbeat was not heard", name=self.name, problem=why)
        if self.report.well:
            self.report.well, self.report.since = False, self._clock.now()
        self.report.reason = why

    def problem(self) -> str | None:
        """Say why the service has not been told for some time, None where it has."""
        since = self._failing_since
        if since is None or self._clock.monotonic() - since < UNHEARD:
            return None
        return (
            f"the service {self.name} does not hear that this gateway is well, and may raise an "
            f"alarm: {self.report.reason}"
        )

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()


class Hearts:
    """All of the settings' services."""

    def __init__(self, hearts: list[Heart]) -> None:
        self.all = hearts

    def parts(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs, by name."""
        for one in self.all:
            yield f"heartbeat {one.name}", one.run()

    def check(self, alerts: OwnAlerts) -> None:
        """Raise and clear the alerts about services that are not told."""
        for one in self.all:
            alerts.report(f"heartbeat {one.name}", one.problem(), "warning")


class Caller:
    """Calls one service. It blocks: call it on a thread, one at a time."""

    def __init__(self, section: Heartbeat) -> None:
        self._section = section
        self._pool: urllib3.PoolManager | None = None
        self._one = threading.Lock()

    def call(self, body: bytes | None) -> None:
        """Call the service. Raises NotHeardError."""
        if not self._one.acquire(blocking=False):
            # A thread for each call that hangs would be too many in a week.
            raise NotHeardError(f"{self._section.host} has not answered the call before this one")
        try:
            self._call(body)
        finally:
            self._one.release()

    def _call(self, body: bytes | None) -> None:
        section = self._section
        headers = {"User-Agent": f"holdwatch/{__version__}"}
        if section.secret is not None:
            token = section.secret.get_secret_value()
            bearer = section.token_header.lower() == "authorization"
            headers[section.token_header] = f"Bearer {token}" if bearer else token
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            reply = self._open().request(
                section.method or ("GET" if body is None else "POST"),
                section.address,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=PATIENCE),
            )
        except HTTPError as error:
            raise NotHeardError(self._fault(error)) from None
        # What it says else does not matter: its connection is not used again.
        reply.close()
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            raise NotHeardError(
                f"{section.host} answers {reply.status} and sends to another address, where we do "
                "not follow. Write that address as url"
            )
        if reply.status >= HTTPStatus.BAD_REQUEST:
            cure = _CURES.get(reply.status, "Ask whoever runs that service")
            raise NotHeardError(f"{section.host} answers {reply.status}. {cure}")

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _open(self) -> urllib3.PoolManager:
        if self._pool is None:
            self._pool = urllib3.PoolManager(ssl_context=self._context())
        return self._pool

    def _context(self) -> ssl.SSLContext | None:
        section = self._section
        if not section.address.startswith("https:"):
            return None
        try:
            return ssl.create_default_context(cafile=section.ca)
        except OSError as error:
            raise NotHeardError(
                f"{section.ca} cannot be used as ca: {error.strerror or error}. Give the file "
                "(PEM) of the authority that signed the service's certificate"
            ) from None

    def _fault(self, error: HTTPError) -> str:
        """Return what is wrong in our words: the library's may hold the address, a secret."""
        host = self._section.host
        if isinstance(error, NameResolutionError):
            return f"no such host: {host}. Check url, and the name server"
        if isinstance(error, NewConnectionError):
            why = str(error.__cause__ or error.__context__ or "").rpartition("] ")[2]
            return f"cannot connect to {host}: {why}. Is the service running there?"
        if isinstance(error, TimedOut):
            return f"no answer from {host} within {PATIENCE:g} s. Is it reached from this network?"
        if isinstance(error, SSLError):
            return (
                f"no trusted connection to {host}. Give as ca the file of the authority that "
                "signed its certificate, and see that our clock is right"
            )
        return f"no answer from {host} ({type(error).__name__}). Check url"


_CURES = {
    401: "Check token_file",
    403: "Check token_file",
    404: "Check url: the check may have been deleted there",
    410: "Check url: the check may have been deleted there",
    429: "It is called too often: set every to more",
}
