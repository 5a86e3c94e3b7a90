"""`holdwatch user`, `screen`, `key` and `audit`: who may use the page and the API, and who did."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, Json, SettingsPath, ask_and_show
from gateway.people.api_keys import SCOPES
from gateway.people.person import ROLES
from gateway.screen import people as screen

user_app = typer.Typer(no_args_is_help=True, help="People who may use the page.")
screen_app = typer.Typer(
    no_args_is_help=True,
    help="Wall screens: each has a link of its own that only looks, and never expires.",
)
key_app = typer.Typer(no_args_is_help=True, help="Keys by which programs use the HTTP API.")

Name = Annotated[str, typer.Argument(help="Small letters, digits and hyphens: anna.")]


@user_app.command("add")
def user_add(
    name: Name,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "viewer",
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Let a person use the page: make a password, and show it, this one time."""
    request = {"do": "user-add", "name": name, "role": role}
    ask_and_show(config, request, screen.show_password, json=json)


@user_app.command("reset")
def user_reset(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Give a person another password, show it this one time, and log the person out everywhere."""
    ask_and_show(config, {"do": "user-reset", "name": name}, screen.show_password, json=json)


@user_app.command("list")
def user_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List people: which role each has, and when each was last seen."""
    ask_and_show(config, {"do": "user-list"}, screen.show_users, json=json)


@user_app.command("role")
def user_role(
    name: Name,
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(ROLES)}.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Give a person another role; the person has to log in again."""
    request = {"do": "user-role", "name": name, "role": role}
    ask_and_show(config, request, screen.show_role, json=json)


@user_app.command("remove")
def user_remove(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Let a person in no more; what the person did stays on record."""
    ask_and_show(config, {"do": "user-remove", "name": name}, screen.show_removed, json=json)


@user_app.command("admit")
def user_admit(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Let a person in again who was removed here and signs in at your company's provider."""
    ask_and_show(config, {"do": "user-admit", "name": name}, screen.show_admitted, json=json)


@screen_app.command("add")
def screen_add(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Make a wall screen's link, and show it, this one time."""
    ask_and_show(config, {"do": "screen-add", "name": name}, screen.show_screen, json=json)


@screen_app.command("list")
def screen_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List wall screens: which are connected, and when each was last seen."""
    ask_and_show(config, {"do": "screen-list"}, screen.show_screens, json=json)


@screen_app.command("revoke")
def screen_revoke(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """End a wall screen's link; nobody misses the screen any more."""
    ask_and_show(config, {"do": "screen-revoke", "name": name}, screen.show_removed, json=json)


@key_app.command("add")
def key_add(  # noqa: PLR0913, PLR0917 - options of a command
    name: Name,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may: {', '.join(SCOPES)}. Repeatable; left out, read."),
    ] = None,
    devices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Devices that it knows of: `fridge-*`, `owner/fridge-*`. Repeatable; left out, "
            "all.",
        ),
    ] = None,
    push: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Devices whose readings it may push: `fridge-*`. Repeatable. Without --scope it "
            "may do nothing else.",
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="Whose devices those are.", show_default="the gateway's owner"),
    ] = None,
    days: Annotated[int, typer.Option(help="For how many days it is good.")] = 365,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Let a program use the HTTP API, or push readings: make a key, and show it, this one time."""
    request = {
        "do": "key-add",
        "name": name,
        "scopes": scope,
        "devices": devices,
        "push": push,
        "owner": owner,
        "expires_days": days,
    }
    ask_and_show(config, request, screen.show_key, json=json)


@key_app.command("list")
def key_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List keys: what each may, and until when."""
    ask_and_show(config, {"do": "key-list"}, screen.show_keys, json=json)


@key_app.command("revoke")
def key_revoke(name: Name, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Let a key do nothing any more."""
    ask_and_show(config, {"do": "key-revoke", "name": name}, screen.show_key_revoked, json=json)


def audit(
    limit: Annotated[int, typer.Option(help="At most so many entries.")] = 50,
    before: Annotated[
        int | None, typer.Option(help="Only entries with a smaller number.", show_default=False)
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List who did what and when, and what was before; newest first."""
    request = {"do": "audit", "limit": limit, "before": before}
    ask_and_show(config, request, screen.show_audit, json=json)
