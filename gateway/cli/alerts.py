"""`holdwatch alert`: what a person does about an alert, from a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, ask_and_show, fail
from gateway.screen import alerts as screen
from rules.duration import parse_duration

alert_app = typer.Typer(
    no_args_is_help=True,
    help="What you do about an alert: who has it, and why. Everybody who looks at it sees it, and "
    "it is in the audit trail.",
)

Identity = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `holdwatch alerts` says.")]
Reason = Annotated[str, typer.Option(help='Why, in a few words: "On my way".')]


@alert_app.command("acknowledge")
def alert_acknowledge(
    identity: Identity,
    reason: Reason,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that you know of it and have it."""
    _act(config, identity, "acknowledged", reason, json=json)


@alert_app.command("assign")
def alert_assign(
    identity: Identity,
    to: Annotated[str, typer.Option(help="A person: see holdwatch user list.")],
    reason: Reason,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Hand it over to somebody, who has it from now on."""
    _act(config, identity, "assigned", reason, json=json, to=to)


@alert_app.command("note")
def alert_note(
    identity: Identity,
    reason: Annotated[str, typer.Option(help="The note.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Note what was found, also when it is over."""
    _act(config, identity, "noted", reason, json=json)


@alert_app.command("mute")
def alert_mute(
    identity: Identity,
    reason: Reason,
    length: Annotated[str, typer.Option("--for", help="How long, 1 min to 1 day: 90 min.")] = "1 h",
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Let it make no sound for a while; it stays open, and on the board."""
    try:
        milliseconds = parse_duration(length)
    except ValueError as error:
        raise fail(f"--for: {error}.", REFUSED) from error
    _act(config, identity, "muted", reason, json=json, length=milliseconds)


@alert_app.command("unmute")
def alert_unmute(
    identity: Identity,
    reason: Reason,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Let it make its sound again."""
    _act(config, identity, "unmuted", reason, json=json)


def _act(
    config: SettingsPath, identity: str, kind: str, reason: str, *, json: bool, **more: str | int
) -> None:
    request = {"do": "act", "alert": identity, "kind": kind, "reason": reason, **more}
    ask_and_show(config, request, screen.show_act, json=json)
