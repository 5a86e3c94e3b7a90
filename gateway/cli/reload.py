"""`holdwatch reload`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.cli.asking import (
    DEFAULT,
    Json,
    SettingsPath,
    errors,
    print_answer,
    who,
)
from gateway.commands.control import NotRunningError
from gateway.commands.control import ask as ask_running
from gateway.refusal import ControlError
from gateway.screen.settings import show_reloaded
from gateway.settings.whereabouts import to_ask

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings


def reload(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Have the running gateway load its settings anew: all that is safe, or nothing.

    It is asked also where they have mistakes: it logs them, and tells people by an alert.
    """
    with errors():
        settings, mistakes = to_ask(config)
        try:
            answer = asyncio.run(_ask(settings, config.resolve()))
        except ControlError:
            if mistakes is not None:
                raise mistakes from None
            raise
    print_answer(answer, show_reloaded, settings, json=json)


async def _ask(settings: Settings, file: Path) -> Any:  # noqa: ANN401 - whatever the command answers
    request = {"do": "reload", "who": who(), "file": str(file)}
    try:
        return await ask_running(settings.gateway.data, request)
    except NotRunningError:
        raise ControlError(
            "no gateway is running that could load them",
            "The settings count from its next start: holdwatch run",
        ) from None
