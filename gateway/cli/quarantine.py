"""`holdwatch quarantine`: messages that could not be decoded."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, ask_and_show, fail
from gateway.screen import quarantine as screen

quarantine_app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not be decoded: kept whole, with the reason, until they can be.",
)


@quarantine_app.command("list")
def quarantine_list(  # noqa: PLR0913, PLR0917 - options of a command
    limit: Annotated[int, typer.Option(help="At most so many messages, or kinds of them.")] = 50,
    after: Annotated[
        int, typer.Option(help="Only messages after this number; each of them is shown.")
    ] = 0,
    device: Annotated[str | None, typer.Option(help="Only those of this device.")] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those with this reason: not-json.")
    ] = None,
    each: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--all", help="Each message, also where many are of a kind.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List messages that could not be decoded: why, and what to do about it.

    Those of one device with the same reason are shown as one; with --json each is told.
    """
    request = {
        "do": "quarantine",
        "limit": limit,
        "after": after,
        "device": device,
        "reason": reason,
        "gathered": not (each or after or json),
    }
    ask_and_show(config, request, screen.show_quarantine, json=json)


@quarantine_app.command("drop")
def quarantine_drop(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Their numbers, as `quarantine list` shows them.")
    ] = None,
    everything: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--all", help="All of them.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Remove messages for good, such as those of a device that never made sense."""
    if everything == bool(numbers):
        raise fail("Say which: numbers, or --all.", REFUSED)
    ask_and_show(config, {"do": "drop", "numbers": numbers}, screen.show_drop, json=json)


@quarantine_app.command("retry")
def quarantine_retry(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Decode them again, after the settings were corrected and the gateway restarted."""
    ask_and_show(config, {"do": "retry"}, screen.show_retry, json=json)
