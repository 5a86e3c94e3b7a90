"""`holdwatch influx`: databases to copy to, how the copies stand, and what they lack."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.aside import aside
from gateway.cli.asking import (
    DEFAULT,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    ask_and_show,
    errors,
    fail,
    out,
    print_answer,
    progress_bar,
)
from gateway.commands.influx import REASONS, chosen
from gateway.influxdb.answers import ServerError
from gateway.influxdb.server import Server
from gateway.influxdb.setup import Tried, init, try_out
from gateway.screen import influx as screen
from gateway.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings.influxdb import InfluxDB

STEP, WITHIN = 4.0, 10.0
"""Seconds: for each step of a request, and for all that is tried of one server."""

influx_app = typer.Typer(
    no_args_is_help=True,
    help="Copies of everything in InfluxDB: how they stand, and how to mend them.",
)

Name = Annotated[
    str | None,
    typer.Argument(help="The server's name; it can be left out where there is one only."),
]
OneOrAll = Annotated[str | None, typer.Argument(help="The server's name; otherwise all of them.")]


@influx_app.command("init")
def influx_init(name: OneOrAll = None, config: SettingsPath = DEFAULT) -> None:
    """Make database or bucket, retention and mapping on each server, or say what to run there.

    What is there already stays as it is. No gateway needs to run.
    """
    with errors():
        settings = load(config)
        sections = {one.name: one for one in settings.influxdb}
        if name is not None or len(sections) < 2:
            sections = {name: sections[name] for name in [chosen(name, sections)]}
    ready = [_make(section, heading=len(sections) > 1) for section in sections.values()]
    if not all(ready):
        raise typer.Exit(REFUSED)


def _make(section: InfluxDB, *, heading: bool) -> bool:
    """Make what a server needs, and tell of it. Return whether nothing is left to do."""
    if heading:
        out.print(f"[bold]{section.name}[/]")
    server = Server(section)
    try:
        steps = init(server, section)
    except ServerError as error:
        # Said, and not raised: the others are to be made all the same.
        fail(f"{section.name}: {screen.sentences(error.reason, error.cure)}", REFUSED)
        return False
    finally:
        server.close()
    screen.show_steps(out, section, steps)
    return all(one.done for one in steps)


@influx_app.command("status")
def influx_status(
    name: OneOrAll = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say of each server what it has, what it has yet to get, and what it has refused."""
    request = {"do": "influx-status", "name": name}
    ask_and_show(config, request, screen.show_servers, json=json)


@influx_app.command("backfill")
def influx_backfill(  # noqa: PLR0913, PLR0917 - options of a command
    since: Annotated[str, typer.Option("--from", help="First local day, such as 2026-05-02.")],
    name: Name = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Last local day; otherwise today.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the days; otherwise the gateway's.")
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Send the readings of some days again, from the history. What is there does not change."""
    request = {
        "do": "influx-backfill",
        "name": name,
        "since": since,
        "until": until,
        "zone": zone,
    }
    _ask_at_length(config, request, "Sending what was measured", screen.show_backfill, json=json)


@influx_app.command("rejected")
def influx_rejected(  # noqa: PLR0913, PLR0917 - options of a command
    name: Name = None,
    retry: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--retry", help="Send them again, and forget those that are taken.")
    ] = False,
    drop: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--drop", help="Give them up: this server does not get them.")
    ] = False,
    yes: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--yes", help="With --drop: do not ask.")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many reasons.")] = REASONS,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List what a server refused, by reason; send it again after a correction, or give it up."""
    if retry and drop:
        raise fail("Say either --retry or --drop.", REFUSED)
    request: dict[str, Any] = {"do": "influx-rejected", "name": name, "limit": limit}
    if retry:
        request["do"] = "influx-retry"
        again = _ask_at_length(config, request, "Sending again", screen.show_retried, json=json)
        if again["left"]:
            raise typer.Exit(REFUSED)
    elif drop:
        with errors():
            settings = load(config)
            there = ask(settings, request)
            if there["total"] and not yes:
                screen.show_rejected(out, settings, there)
                typer.confirm(
                    f"Give up {screen.points(there['total'])} for good?", abort=True, err=True
                )
            given_up = {"do": "influx-drop", "name": there["name"], "newest": there["newest"]}
            answer = ask(settings, given_up)
        print_answer(answer, screen.show_dropped, settings, json=json)
    else:
        ask_and_show(config, request, screen.show_rejected, json=json)


def _ask_at_length(
    config: SettingsPath, request: dict[str, Any], title: str, show: screen.Show, *, json: bool
) -> Any:  # noqa: ANN401 - whatever the command answers
    """Ask what takes its time, with a bar that shows how far it has come; return the answer."""
    with errors():
        settings = load(config)
        with progress_bar(title, quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, show, settings, json=json)
    return answer


def try_all(sections: Sequence[InfluxDB]) -> list[Tried]:
    """Try the connection to each server, all at a time; writes nothing, and takes 10 s at most."""

    async def together() -> list[Tried]:
        return await asyncio.gather(*map(_try, sections))

    return asyncio.run(together())


async def _try(section: InfluxDB) -> Tried:
    server = Server(section, timeout=STEP)
    try:
        async with asyncio.timeout(WITHIN):
            return await aside(lambda: try_out(server, section))
    except TimeoutError:
        says = f"{section.url} did not answer within {WITHIN:.0f} s"
        return Tried(ok=False, version="", says=says, cure="See that it runs, and check url")
    finally:
        server.close()
