"""A command with no gateway running: in its place, for this one command."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.app import Gateway
from gateway.cli.asking import ATTEMPTS, PATIENCE
from gateway.clock import Clock
from gateway.commands.commands import LOOKING, Commands
from gateway.machine import AlreadyRunningError
from gateway.refusal import ControlError
from gateway.service.identity import fingerprint, first_start
from gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


async def answer(
    settings: Settings, request: dict[str, Any], progress: Callable[[int, int], None]
) -> Any:  # noqa: ANN401 - whatever the command answers
    """Answer a request. Raises what opening a gateway raises, and ControlError."""
    looking = request["do"] in LOOKING
    data = settings.gateway.data
    if looking and not (data / "journal.db").exists():
        raise ControlError(f"nothing has ever been stored in {data}", "Begin with: holdwatch run")
    if not looking:
        settings = first_start(settings, Clock().now(), fingerprint())
    gateway = Gateway(settings, join=False)
    try:
        await gateway.compose(looking=looking)
        if looking:
            given = await Commands(gateway).answer(request, progress)
        else:
            given = await _while_running(gateway, request, progress)
    finally:
        gateway.close()
    if isinstance(given, dict):
        given["running"] = False
    return given


async def _while_running(
    gateway: Gateway, request: dict[str, Any], progress: Callable[[int, int], None]
) -> Any:  # noqa: ANN401 - whatever the command answers
    running = asyncio.create_task(gateway.run())
    answering = asyncio.create_task(Commands(gateway).answer(request, progress))
    # If the gateway ends with an error, nobody would answer.
    await asyncio.wait([running, answering], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        answering.cancel()
        running.result()
    gateway.stop()
    await running
    return await answering


async def open_gateway(settings: Settings) -> Gateway:
    """Open the data folder, under a name made now if it is the first start.

    A command that is at work there is waited for.
    """
    settings = first_start(settings, Clock().now(), fingerprint())
    for _ in range(ATTEMPTS - 1):
        try:
            return Gateway(settings)
        except AlreadyRunningError:
            await asyncio.sleep(PATIENCE)
    return Gateway(settings)
