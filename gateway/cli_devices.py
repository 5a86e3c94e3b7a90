"""`holdwatch device`: the devices that were heard, and the credentials they connect with."""

from __future__ import annotations

import typer

from gateway import screen
from gateway.asking import DEFAULT, Json, SettingsPath, ask_and_show

device_app = typer.Typer(no_args_is_help=True, help="Devices that were heard, and credentials.")


@device_app.command("list")
def device_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List every device that was heard, with its last value and where its rules stand."""
    ask_and_show(config, {"do": "devices"}, screen.show_devices, json=json)
