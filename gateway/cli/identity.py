"""`holdwatch identity`: who this gateway is, and what to do where its data was copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.asking import DEFAULT, Json, SettingsPath, ask_and_show
from gateway.screen.plain import when

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

identity_app = typer.Typer(
    no_args_is_help=True,
    help="Who this gateway is: the name that brokers and topics know it by.",
)


@identity_app.command("show")
def identity_show(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Show the name, client ids and topics of this gateway, and whether its data was copied."""
    ask_and_show(config, {"do": "identity"}, _show, json=json)


@identity_app.command("keep")
def identity_keep(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Keep the name on this machine: it takes the place of the one where the data was made."""
    ask_and_show(config, {"do": "identity-keep"}, _show, json=json)


@identity_app.command("new")
def identity_new(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Make another name, from the next start on: the data is a copy, and its origin goes on."""
    ask_and_show(config, {"do": "identity-new"}, _show, json=json)


def _show(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    made = f", made {when(settings, answer['made'])}" if answer["made"] is not None else ""
    said = "as the settings say" if answer["in_settings"] else f"kept with the data{made}"
    console.print(f"This gateway is {answer['box']}, {said}.", soft_wrap=True)
    console.print(f"Its topics begin with {answer['prefix']}/", soft_wrap=True, markup=False)
    for broker, client in answer["clients"].items():
        console.print(f"Broker {broker} knows it as {client}", soft_wrap=True, markup=False)
    if answer["next"] not in {None, answer["box"]}:
        console.print(f"From its next start on it is {answer['next']}: restart it.", soft_wrap=True)
    if answer["copied"]:
        console.print(
            "[yellow]! Its data was made on another machine.[/] If this one takes its place: "
            "holdwatch identity keep. If the other goes on: holdwatch identity new",
            soft_wrap=True,
        )
