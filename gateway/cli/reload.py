"""`holdwatch reload`."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.cli.asking import (
    DEFAULT,
    Json,
    SettingsPath,
    errors,
    print_answer,
    who,
)
from gateway.commands.control import ControlError, NotRunningError
from gateway.commands.control import ask as ask_running
from gateway.screen.settings import show_reloaded
from gateway.settings import Settings, load


def reload(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Have the running gateway load its settings anew: all that is safe, or nothing."""
    with errors():
        settings = load(config)
        answer = asyncio.run(_ask(settings))
    print_answer(answer, show_reloaded, settings, json=json)


async def _ask(settings: Settings) -> Any:  # noqa: ANN401 - whatever the command answers
    file = str(settings.file.path) if settings.file else None
    try:
        return await ask_running(
            settings.gateway.data, {"do": "reload", "who": who(), "file": file}
        )
    except NotRunningError:
        raise ControlError(
            "no gateway is running that could load them",
            "The settings count from its next start: holdwatch run",
        ) from None
