"""Serves the page on ports that the gateway has opened, until the gateway ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from typing import TYPE_CHECKING

import structlog
import uvicorn

from gateway.web.app import make_app
from gateway.web.connections import Connection
from gateway.web.shown import Shown
from gateway.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.page import Start

log = structlog.get_logger()

GRACE = 1
"""Seconds that answers may take once we are to end; event streams never end by themselves."""


async def serve(start: Start) -> None:
    """Serve until the gateway ends or says so."""
    web = start.settings.web
    if web is None:
        raise ValueError("the page is started only where the settings have [web]")
    site = Site(start.settings, web)
    shown = Shown(web.tls) if web.tls else None
    config = uvicorn.Config(
        make_app(site),
        log_config=None,
        access_log=False,
        http=Connection,
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        ssl_context_factory=(lambda _config, _usual: shown.context) if shown else None,
    )
    server = uvicorn.Server(config)
    sockets = [socket.socket(fileno=one) for one in start.sockets]

    def stop() -> None:
        # They never end by themselves, and would be called failures if they were cut off.
        site.streams.close()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    tasks = [
        asyncio.create_task(site.run(), name="site"),
        asyncio.create_task(_until_alone(stop), name="gateway"),
        asyncio.create_task(server.serve(sockets=sockets), name="server"),
    ]
    if shown:
        tasks.append(asyncio.create_task(shown.run(), name="certificate"))
    try:
        # The gateway's end is no failure: it has the server end in order.
        ours = [one for one in tasks if one.get_name() != "gateway"]
        done, _ = await asyncio.wait(ours, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        site.close()


async def _until_alone(stop: Callable[[], None]) -> None:
    """Stop when the gateway is gone, however it went: then our standard input has an end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop()
