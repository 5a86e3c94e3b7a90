"""`holdwatch doctor`: looks at everything a gateway rests on, and says what to do."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated, Any

import msgspec
import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, err, errors, out
from gateway.commands.control import NotRunningError
from gateway.commands.control import ask as ask_running
from gateway.doctor.case import Case
from gateway.doctor.checks import examine
from gateway.refusal import ControlError
from gateway.screen.doctor import show_findings
from gateway.settings import Settings, load


def doctor(
    config: SettingsPath = DEFAULT,
    offline: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--offline", help="Connect to nobody.")
    ] = False,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Look at disk, clock, certificates, permissions and connections, and say what to do.

    Changes nothing. Ends with 1 if something is to be mended.
    """
    with errors():
        settings = load(config)
        with err.status("Looking", spinner="line") as shown:
            case = Case(
                settings=settings,
                now=time.time_ns() // 1_000_000,
                running=asyncio.run(_health(settings)),
            )
            found = examine(case, lambda what: shown.update(f"Looking at: {what}"), offline=offline)
    if json:
        told = [{"about": name, **one._asdict()} for name, one in found]
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told)).decode() + "\n")
    else:
        show_findings(out, found)
    if any(one.state == "problem" for _, one in found):
        raise typer.Exit(REFUSED)


async def _health(settings: Settings) -> dict[str, Any] | None:
    """Return what the running gateway says of itself, None where none runs."""
    try:
        told: dict[str, Any] = await ask_running(
            settings.gateway.data, {"do": "health"}, lambda _done, _all: None
        )
    except (NotRunningError, ControlError):
        return None
    return told
