"""`holdwatch`: what a person types.

Exit codes: 0 done; 1 refused or not understood, and the message says why; 2 a wrong option;
3 mistakes in the settings; 4 a file that is damaged, newer, or on a failing disk; 5 another
gateway works in the data folder.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gateway import __version__
from gateway.cli.asking import out
from gateway.logs import configure

WHERE: dict[str, str] = {
    "init": "begin:init",
    "check": "begin:check",
    "run": "run:run",
    "reload": "reload:reload",
    "quarantine": "quarantine:quarantine_app",
    "alert": "alerts:alert_app",
    "notify": "notify:notify_app",
    "mute": "notify:mute_app",
    "device": "devices:device_app",
    "consignment": "consignment:consignment_app",
    "influx": "influx:influx_app",
    "goods": "goods:goods_app",
    "rules": "rules:rules_app",
    "user": "people:user_app",
    "screen": "people:screen_app",
    "key": "people:key_app",
    "tls": "tls:tls_app",
    "identity": "identity:identity_app",
    "install": "install:install",
    "uninstall": "install:uninstall",
    "backup": "backup:backup_app",
    "restore": "backup:restore",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "simulate": "simulate:simulate",
    "audit": "people:audit",
    "import": "standing:import_",
    "status": "standing:status",
    "report": "standing:report",
    "alerts": "standing:alerts",
}
"""Each command or group: the module of this room, and what it is called there."""


class OnDemand(dict[str, Any]):
    """Commands by name, each loaded when it is looked up: all together take a Pi some seconds."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(WHERE))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - typer's own, in each version another
        module, _, what = WHERE[name].partition(":")
        found = getattr(importlib.import_module(f"gateway.cli.{module}"), what)
        holder = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False)
        holder.callback()(lambda: None)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        return typer.main.get_group(holder).commands[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as above
        """Return a command, `default` for one that there is not."""
        return self[name] if name in self else default  # noqa: SIM401 - the dict's own would load nothing


class Commands(TyperGroup):
    """All commands."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**{**settings, "commands": OnDemand()})


app = typer.Typer(
    name="holdwatch",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="The flight recorder of cargo: receives what sensors say over MQTT, loses nothing it "
    "has acknowledged, and judges it.\n\nBegin with `holdwatch init`, then `holdwatch run`.",
    epilog="Exit codes: 0 done · 1 refused · 2 wrong option · 3 mistakes in the settings · "
    "4 a file or the disk · 5 already running",
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    configure(sys.stderr, quiet=True)


def main() -> None:
    """Run the command line."""
    app()
