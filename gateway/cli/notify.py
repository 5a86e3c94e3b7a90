"""`holdwatch notify` and `holdwatch mute`: who is told of alerts, and of which nobody is."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import (
    DEFAULT,
    REFUSED,
    Json,
    SettingsPath,
    ask_and_show,
    ask_by,
    errors,
    fail,
    print_answer,
)
from gateway.screen import notify as screen

notify_app = typer.Typer(
    no_args_is_help=True,
    help="Who is told of alerts: by which channels and routes, what was sent, and tests.",
)
mute_app = typer.Typer(
    no_args_is_help=True,
    help="Of what nobody is told for a while, such as a cold room that is defrosted. Alerts come "
    "all the same, and stand on the board. One alert alone: `holdwatch alert mute`.",
)

Patterns = list[str] | None


@notify_app.command("channels")
def channels(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Say how each channel fares: what fails and why, what waits, the last test."""
    ask_and_show(config, {"do": "notify-channels"}, screen.show_channels, json=json)


@notify_app.command("messages")
def messages(  # noqa: PLR0913, PLR0917 - options of a command
    channel: Annotated[str | None, typer.Option(help="Only those of this channel.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those yet to be sent.")] = False,  # noqa: FBT002 - an option without a value
    failed: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--failed", help="Only those that did not get through.")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List the last messages, and each attempt to send them; newest first."""
    if waiting and failed:
        raise fail("Say --waiting or --failed.", REFUSED)
    which = "waiting" if waiting else "failed" if failed else "all"
    request = {"do": "notify-messages", "channel": channel, "which": which, "limit": limit}
    ask_and_show(config, request, screen.show_messages, json=json)


@notify_app.command("test")
def send_test(
    name: Annotated[str, typer.Argument(help="The channel, as the settings name it.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Send a test by a channel and say what came of it. It is kept, with your name.

    The exit code is 1 where it was not sent.
    """
    with errors():
        settings, answer = ask_by(config, {"do": "notify-test", "channel": name})
    print_answer(answer, screen.show_test, settings, json=json)
    if answer["state"] != "sent":
        raise typer.Exit(REFUSED)


@notify_app.command("routes")
def routes(  # noqa: PLR0913, PLR0917 - options of a command
    device: Annotated[
        str | None, typer.Argument(help="A device's id, or consignment/ID: who would be told?")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="The rule that fires.")] = None,
    severity: Annotated[
        str | None, typer.Option(help="How grave the alert is: critical, warning or info.")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Where the device is, if not where its card says.")
    ] = None,
    goods: Annotated[
        str | None, typer.Option(help="A profile of goods, if not of those that it watches.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it fires: 2026-11-28 03:00. Otherwise now."),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say in words which alerts are told to whom; of a DEVICE, who would be told when.

    Nothing is sent, and nothing is kept.
    """
    said = {"rule": rule, "severity": severity, "site": site, "goods": goods, "at": at}
    if device is None and any(one is not None for one in said.values()):
        raise fail("Name the device that the alert would be about.", REFUSED)
    request = {"do": "notify-routes", "device": device, **said}
    ask_and_show(config, request, screen.show_routes, json=json)


@mute_app.command("add")
def mute_add(  # noqa: PLR0913, PLR0917 - options of a command
    device: Annotated[
        Patterns,
        typer.Option(metavar="PATTERN", help="Devices: `reefer-*`, or all: `*`. Repeatable."),
    ] = None,
    site: Annotated[
        Patterns, typer.Option(metavar="PATTERN", help="Devices at these sites. Repeatable.")
    ] = None,
    rule: Annotated[
        Patterns, typer.Option(metavar="PATTERN", help="Alerts by these rules. Repeatable.")
    ] = None,
    goods: Annotated[
        Patterns, typer.Option(metavar="PATTERN", help="Alerts about these goods. Repeatable.")
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="LENGTH", help="How long: 2h, 90 min, 7 days.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: 2026-11-23 17:00.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why: Defrosting.")] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Tell nobody of some alerts for a while. What still stands at its end is told then.

    What is given must all match: --site "Warehouse 2" --rule door-open.
    """
    if not any((device, site, rule, goods)):
        raise fail("Say what is muted: --device, --site, --rule or --goods.", REFUSED)
    if (not length) == (not until) or not reason:
        raise fail('Say until when, and why: --for 2h --reason "Defrosting".', REFUSED)
    request = {
        "do": "mute-add",
        "devices": device,
        "sites": site,
        "rules": rule,
        "goods": goods,
        "for": length,
        "until": until,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_mute, json=json)


@mute_app.command("list")
def mute_list(
    everything: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--all", help="Also those that are over.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List what nobody is told of: until when, by whom, and why."""
    ask_and_show(config, {"do": "mute-list", "all": everything}, screen.show_mutes, json=json)


@mute_app.command("end")
def mute_end(
    number: Annotated[int, typer.Argument(help="Its number, as `holdwatch mute list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why: Defrosted.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """End a mute before its time: what it hid and still stands is told now."""
    request = {"do": "mute-end", "number": number, "reason": reason}
    ask_and_show(config, request, screen.show_mute_ended, json=json)
