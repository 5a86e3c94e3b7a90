"""`holdwatch run`."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import structlog

from gateway import __version__
from gateway.app import Gateway
from gateway.cli.alone import open_gateway
from gateway.cli.asking import DEFAULT, SettingsPath, err, errors
from gateway.commands.commands import UNTIL_LEFT, Commands
from gateway.commands.control import ControlServer
from gateway.logs import configure
from gateway.machine import tune
from gateway.people.audit import Who, system_user
from gateway.screen.people import page_address, show_password
from gateway.screen.settings import start_line
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from gateway.logs.secret_words import Hidden

log = structlog.get_logger()


def run(config: SettingsPath = DEFAULT) -> None:
    """Run the gateway until it is told to stop (Ctrl-C, or SIGTERM)."""
    with errors():
        settings = load(config)
        hidden = configure(sys.stderr, settings)
        for warning in settings.warnings:
            _tell("settings", warning, wrong=True)
        tune()
        asyncio.run(_run(settings, hidden))


async def _run(settings: Settings, hidden: Hidden) -> None:
    gateway = await open_gateway(settings)
    gateway.reloading.on_switch.append(lambda: hidden.use(gateway.settings))
    loop = asyncio.get_running_loop()
    if not err.is_terminal:
        # A terminal that is closed says the same, and then we end.
        loop.add_signal_handler(signal.SIGHUP, gateway.reloading.ask)
    try:
        await gateway.compose()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, gateway.stop)
        _tell("started", start_line(gateway.settings))
        await _welcome(gateway)
        await gateway.run(
            ControlServer(settings.gateway.data, Commands(gateway).answer, UNTIL_LEFT)
        )
    finally:
        gateway.close()


def _tell(event: str, words: str, *, wrong: bool = False) -> None:
    """Say something at the start: to a person on a terminal, else as a line of the log."""
    if err.is_terminal:
        warned = f"Warning: {words}" if wrong else words
        err.print(warned, style="yellow" if wrong else None, soft_wrap=True, markup=False)
    elif wrong:
        log.warning(event, says=words)
    else:
        log.info(event, says=words, version=__version__)


async def _welcome(gateway: Gateway) -> None:
    """Say where the page is. Where nobody can log in yet, make an administrator, show the password.

    To a person alone: it must not come to lie in a log.
    """
    web = gateway.settings.web
    if web is None:
        return
    if err.is_terminal:
        err.print(f"The page: {page_address(web)}", soft_wrap=True, highlight=False)
    if not gateway.people.empty():
        return
    if not err.is_terminal:
        words = "Nobody can log in to the page yet: holdwatch user add NAME --role administrator"
        _tell("people", words, wrong=True)
        return
    first = await gateway.people.first(Who(system_user(), "command line"))
    if first is not None:
        name, password = first
        show_password(err, gateway.settings, {"name": name, "password": password})
