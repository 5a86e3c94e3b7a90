"""How everything stands, what was, and what a logger's file adds to it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.asking import (
    DEFAULT,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    ask_and_show,
    errors,
    fail,
    meanings,
    print_answer,
    progress_bar,
)
from gateway.screen import plain as screen
from gateway.screen.alerts import show_alerts
from gateway.screen.status import show_status
from gateway.settings import load


def import_(  # noqa: PLR0913, PLR0917 - options of a command
    file: Annotated[
        Path, typer.Argument(help="A logger's file: a Berlinger text export, or a CSV table.")
    ],
    zone: Annotated[
        str | None,
        typer.Option(help="Time zone of the file's times, where it names none: Europe/Berlin."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device id; otherwise the one in the file.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help='What a table\'s column holds: "value=temperature °C". Repeatable.'),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Take in a logger's file as history: stored once, judged, marked retrospective."""
    with errors():
        settings = load(config)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
        request = {
            "do": "import",
            "name": file.name,
            "content": base64.b64encode(content).decode(),
            "zone": zone,
            "device": device,
            "columns": meanings(column or []),
        }
        with progress_bar(f"Taking in {file.name}", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, screen.show_import, settings, json=json)


def status(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Say how everything stands: what is wrong, how bad, and whether the gateway is well."""
    ask_and_show(config, {"do": "status"}, show_status, json=json)


def report(  # noqa: PLR0913, PLR0917 - options of a command
    device: Annotated[str, typer.Argument(help="The device's id.")],
    since: Annotated[
        str | None, typer.Option("--from", help="First local day, such as 2026-05-02.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last local day.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the days; otherwise the gateway's.")
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Show a device's past, day by day: lowest, highest, minutes outside limits and unknown."""
    request = {"do": "report", "device": device, "since": since, "until": until, "zone": zone}
    ask_and_show(config, request, screen.show_report, json=json)


def alerts(
    days: Annotated[int, typer.Option(help="Also those that ended in the last so many days.")] = 7,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List alerts that are open, and those that ended lately: when, how long, how bad."""
    ask_and_show(config, {"do": "alerts", "days": days}, show_alerts, json=json)
