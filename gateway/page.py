"""The page's process: started with the gateway, watched, and started again if it ends.

A process of its own, so that what browsers ask never delays an acknowledgement, and what they
send is not taken apart where the journal is written. The port is opened here: a port that is
taken ends the start with a word about it, and browsers wait while the process starts again.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import struct
import sys
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, cast

import structlog

from gateway.ports import cannot_listen
from gateway.settings.broker import Broker
from gateway.settings.influxdb import InfluxDB
from gateway.settings.secret import secret_variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings
    from gateway.settings.web import Web

log = structlog.get_logger()

LENGTH = struct.Struct(">I")
BACKLOG = 512
PATIENCE = 5.0
"""Seconds that the process may take to end before it is made to."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Seconds before it is started again: doubling, capped."""
WELL = 60.0
"""Seconds after which a process that ends is no failed start."""


class Start(NamedTuple):
    """What the process is told on its standard input, pickled, behind its length."""

    settings: Settings
    """Without what is secret in them: see `without_secrets`."""
    sockets: tuple[int, ...]
    """Descriptors of the ports, open in the process too."""
    people: bool
    """Whether its log is for people, and not for a program."""


class Page:
    """Keeps the page running. `open`, then `run`."""

    def __init__(self, settings: Settings, web: Web, *, log_to: TextIO | None = None) -> None:
        """`log_to` takes its log in place of our standard error; it must be a real file."""
        self._settings = settings
        self._secret = secret_variables(settings)
        self._web = web
        self._log_to = log_to
        self._sockets: list[socket.socket] = []
        self._process: asyncio.subprocess.Process | None = None
        self._renewing = False
        self.on_problem: Callable[[str | None], None] = lambda _problem: None
        """Told why there is no page, and None when there is one again."""

    def use(self, settings: Settings, web: Web) -> None:
        """Take other settings of the same port: the process is started anew with them at once."""
        self._settings = settings
        # What once held a secret may hold it still.
        self._secret |= secret_variables(settings)
        self._web = web
        if self._process is not None and self._process.returncode is None:
            self._renewing = True
            self._process.terminate()

    def open(self) -> None:
        """Listen on the port. Raises ListenError."""
        web = self._web
        for address in web.addresses:
            six = isinstance(address, IPv6Address)
            try:
                made = socket.create_server(
                    (str(address), web.port),
                    family=socket.AF_INET6 if six else socket.AF_INET,
                    backlog=BACKLOG,
                    dualstack_ipv6=six and address.is_unspecified,
                )
            except OSError as error:
                self.close()
                raise cannot_listen(web.address, "[web]", error) from error
            made.settimeout(0)
            self._sockets.append(made)
        log.info("the page", at=web.url)

    def close(self) -> None:
        """Give the port back."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    async def run(self) -> None:
        """Run the process, and start it again when it ends, for ever."""
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while True:
            began = loop.time()
            code = await self._once()
            if self._renewing:
                self._renewing = False
                continue
            if loop.time() - began >= WELL:
                delay = FIRST_DELAY
            log.error("the page's process ended", code=code, again_in=delay)
            self.on_problem(
                f"the page's process ended (exit {code}) and is started again; the log says why"
            )
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _once(self) -> int:
        numbers = tuple(one.fileno() for one in self._sockets)
        log_to = self._log_to or sys.stderr
        # -P: a folder called "gateway" where this was started must not be taken for ours.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway.web"),
            stdin=asyncio.subprocess.PIPE,
            stderr=self._log_to,
            pass_fds=numbers,
            env=self._environment(),
        )
        self._process = process
        try:
            if process.stdin is None:
                raise RuntimeError("the process was started with a pipe")
            told = pickle.dumps(Start(without_secrets(self._settings), numbers, log_to.isatty()))
            # It may have ended already: then its exit code says so.
            with suppress(ConnectionError):
                # The pipe stays open: it ends when we do, however that comes.
                process.stdin.write(LENGTH.pack(len(told)) + told)
                await process.stdin.drain()
            return await self._watch(process)
        finally:
            await _end(process)

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in self._secret}

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        with suppress(TimeoutError):
            async with asyncio.timeout(WELL):
                return await process.wait()
        self.on_problem(None)
        return await process.wait()


def without_secrets(settings: Settings) -> Settings:
    """Return what the page may know: of other servers only where they are, and no secret."""
    known = [
        Broker.model_construct(name=one.name, host=one.host, port=one.port)
        for one in settings.brokers
    ]
    servers = [InfluxDB.model_construct(name=one.name, url=one.url) for one in settings.influxdb]
    channels = [
        cast("Any", type(one)).model_construct(
            name=one.name, link=one.link, give_up=one.give_up, test_every=one.test_every
        )
        for one in settings.channels
    ]
    less: dict[str, object] = {
        "brokers": tuple(known),
        "influxdb": tuple(servers),
        "channels": tuple(channels),
        "polls": (),
        "heartbeats": (),
        "renewal": None,
    }
    if settings.web is not None and settings.web.oidc is not None:
        less["web"] = settings.web.model_copy(update={"oidc": settings.web.oidc.shown()})
    return settings.model_copy(update=less)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
