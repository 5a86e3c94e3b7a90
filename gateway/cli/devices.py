"""`holdwatch device`: which there are, and the credentials they connect with."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, ask_and_show, fail
from gateway.cli.catalogue import catalogue
from gateway.cli.learn import learn
from gateway.cli.registry import add_to
from gateway.screen import devices as screen

device_app = typer.Typer(
    no_args_is_help=True,
    help="Devices: what is known of them, and the credentials by which they connect to us.",
)
device_app.command()(catalogue)
device_app.command()(learn)
add_to(device_app)

Name = Annotated[str, typer.Argument(help="The credential's name.")]
MaySpeakFor = typer.Option(
    metavar="PATTERN",
    help="Device ids that it may send readings of: fridge-1, or `fridge-*`. Repeatable; '' is "
    "none.",
)
MaySee = typer.Option(
    metavar="PATTERN",
    help="Device ids whose alerts it may read, beyond those; `*` is also what concerns the "
    "gateway. Repeatable; '' is none.",
)


@device_app.command("list")
def device_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List every device: what and where it is, its last values, and where its rules stand."""
    ask_and_show(config, {"do": "devices"}, screen.show_devices, json=json)


@device_app.command("add")
def device_add(  # noqa: PLR0913, PLR0917 - options of a command
    name: Annotated[
        str,
        typer.Argument(help="Its user name, or its certificate's common name: fridge-1."),
    ],
    may_speak_for: Annotated[list[str] | None, MaySpeakFor] = None,
    may_see: Annotated[list[str] | None, MaySee] = None,
    owner: Annotated[
        str | None, typer.Option(help="Whose devices they are; otherwise the gateway's owner.")
    ] = None,
    certificate: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--certificate", help="It shows a TLS certificate, and has no token.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Let a device connect: make a credential, and show its token, this one time.

    With neither --may-speak-for nor --may-see it speaks for the device that is called as it is.
    """
    request = {
        "do": "add",
        "name": name,
        "speaks_for": may_speak_for,
        "sees": may_see,
        "owner": owner,
        "certificate": certificate,
    }
    ask_and_show(config, request, screen.show_added, json=json)


@device_app.command("change")
def device_change(
    name: Name,
    may_speak_for: Annotated[list[str] | None, MaySpeakFor] = None,
    may_see: Annotated[list[str] | None, MaySee] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Give a credential other patterns in place of those it has; its token stays."""
    request = {"do": "change", "name": name, "speaks_for": may_speak_for, "sees": may_see}
    ask_and_show(config, request, screen.show_changed, json=json)


@device_app.command("revoke")
def device_revoke(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Let a credential connect no more, and end its connections."""
    ask_and_show(config, {"do": "revoke", "name": name}, screen.show_revoked, json=json)


@device_app.command("confirm")
def device_confirm(
    devices: Annotated[list[str] | None, typer.Argument(help="The devices' ids.")] = None,
    everything: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--all", help="All that are unconfirmed and understood.")
    ] = False,
    undo: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--undo", help="Take it back, such as for a mistyped id.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that devices are yours which nobody has named: they are no longer unconfirmed."""
    if everything == bool(devices):
        raise fail("Say which: ids of devices, or --all.", REFUSED)
    if not undo:
        request = {"do": "device-confirm", "devices": devices, "all": everything}
        ask_and_show(config, request, screen.show_confirmed, json=json)
        return
    if devices is None or len(devices) != 1:
        raise fail("Take back one at a time.", REFUSED)
    request = {"do": "unconfirm", "device": devices[0]}
    ask_and_show(config, request, screen.show_unconfirmed, json=json)


@device_app.command("credentials")
def device_credentials(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List credentials: what each may, whether it is connected, and which are revoked."""
    ask_and_show(config, {"do": "credentials"}, screen.show_credentials, json=json)
