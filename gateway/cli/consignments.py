"""`holdwatch consignment …`: what it is, who speaks for it, what it lacks, a table of all.

On its way, apart and together: cli_consignment_way.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

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
    print_answer,
)
from gateway.cli.consignment_way import At, Id, Reason, add_to
from gateway.screen import consignments as screen
from gateway.screen.consignment import show_one
from gateway.settings import load

consignment_app = typer.Typer(
    no_args_is_help=True,
    help="Consignments: what is on its way, who speaks for it, and in whose custody it is.",
)
"""Others add their commands to it."""

Goods = Annotated[str | None, typer.Option(help="What the goods are; see `holdwatch goods list`.")]
Description = Annotated[str | None, typer.Option(help="What it is, in words.")]
Quantity = Annotated[float | None, typer.Option(help="How much.")]
Unit = Annotated[str | None, typer.Option(help="Of what: boxes.")]
Value = Annotated[float | None, typer.Option(help="What it is worth.")]
Currency = Annotated[str | None, typer.Option(help="In what: EUR.")]
Origin = Annotated[
    str | None, typer.Option(help='Where it comes from: "Hamburg", "Hamburg @ 53.54, 9.98".')
]
Destination = Annotated[str | None, typer.Option(help="Where it goes.")]
Custodian = Annotated[
    str | None,
    typer.Option(help="Who is answerable at first, if not the custodian of the first leg."),
]
Carried = Annotated[
    str | None, typer.Option(help="Time out of range that was used up before: 3 h.")
]
Cycles = Annotated[int | None, typer.Option(help="Times that it was frozen before.")]
Ignore = Annotated[
    str | None,
    typer.Option(help="What a sensor says for so long after it was assigned is left out: 30 min."),
]
Counts = Annotated[
    str | None,
    typer.Option(help="Which sensor counts: any, all, mean, or the id of one; '' as rules say."),
]
Wait = Annotated[
    str | None, typer.Option(help="How long a slower sensor is waited for; otherwise 1 min.")
]
Note = Annotated[str | None, typer.Option(help="What else there is to know.")]
Sensors = Annotated[list[str], typer.Argument(help="Ids of sensors.")]


@consignment_app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,  # noqa: FBT002 - an option without a value
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List consignments: how each stands, who has it, what is wrong."""
    show = screen.show_all if all_ else screen.show_open
    ask_and_show(config, {"do": "consignments", "all": all_}, show, json=json)


@consignment_app.command()
def show(id: Id, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: A002, FBT002 - the field's word; an option without a value
    """Show all that is known of one: its way, custody, sensors, alerts, all that was stated."""
    ask_and_show(config, {"do": "consignment-show", "id": id}, show_one, json=json)


@consignment_app.command()
def check(id: Id, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: A002, FBT002 - as above
    """Say what one lacks before it can be judged as its goods ask; exit code 1 if anything."""
    with errors():
        settings = load(config)
        answer = ask(settings, {"do": "consignment-check", "id": id})
    print_answer(answer, screen.show_check, settings, json=json)
    if answer["doubts"]:
        raise typer.Exit(REFUSED)


@consignment_app.command()
def add(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    goods: Annotated[str, typer.Option(help="What the goods are; see `holdwatch goods list`.")],
    description: Description = None,
    quantity: Quantity = None,
    unit: Unit = None,
    value: Value = None,
    currency: Currency = None,
    origin: Origin = None,
    destination: Destination = None,
    custodian: Custodian = None,
    sensor: Annotated[
        list[str] | None, typer.Option(help="A sensor that speaks for it. Repeatable.")
    ] = None,
    carried: Carried = None,
    cycles: Cycles = None,
    ignore: Ignore = None,
    counts: Counts = None,
    wait: Wait = None,
    note: Note = None,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Enter a consignment. It is judged by the newest version of its goods' profile."""
    request = {
        "do": "consignment-add",
        "id": id,
        "goods": goods,
        "description": description,
        "quantity": quantity,
        "unit": unit,
        "value": value,
        "currency": currency,
        "origin": origin,
        "destination": destination,
        "custodian": custodian,
        "carried": carried,
        "cycles": cycles,
        "ignore": ignore,
        "counts": counts,
        "wait": wait,
        "note": note,
        "sensors": sensor,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_added, json=json)


@consignment_app.command()
def change(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    goods: Goods = None,
    version: Annotated[
        str | None, typer.Option(help="Version of the profile: vaccines@0123456789ab.")
    ] = None,
    description: Description = None,
    quantity: Quantity = None,
    unit: Unit = None,
    value: Value = None,
    currency: Currency = None,
    origin: Origin = None,
    destination: Destination = None,
    custodian: Custodian = None,
    carried: Carried = None,
    cycles: Cycles = None,
    ignore: Ignore = None,
    counts: Counts = None,
    wait: Wait = None,
    note: Note = None,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Correct what one is. With --goods it is judged by the newest version of their profile."""
    request = {
        "do": "consignment-change",
        "id": id,
        "goods": goods,
        "version": version,
        "description": description,
        "quantity": quantity,
        "unit": unit,
        "value": value,
        "currency": currency,
        "origin": origin,
        "destination": destination,
        "custodian": custodian,
        "carried": carried,
        "cycles": cycles,
        "ignore": ignore,
        "counts": counts,
        "wait": wait,
        "note": note,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_changed, json=json)


# -- sensors ---------------------------------------------------------------------------------


@consignment_app.command()
def assign(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    sensors: Sensors,
    where: Annotated[str | None, typer.Option(help="Where in it they are: pallet 3, top.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when, if that is known.")
    ] = None,
    ignore: Ignore = None,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that sensors speak for a consignment; one may speak for several at once."""
    request = {
        "do": "consignment-assign",
        "id": id,
        "sensors": sensors,
        "where": where,
        "until": until,
        "ignore": ignore,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_sensors, json=json)


@consignment_app.command()
def unassign(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    sensors: Sensors,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that sensors do not speak for a consignment any more."""
    request = {
        "do": "consignment-unassign",
        "id": id,
        "sensors": sensors,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_sensors, json=json)


@consignment_app.command()
def move(  # noqa: PLR0913, PLR0917 - options of a command
    sensor: Annotated[str, typer.Argument(help="The sensor's id.")],
    to: Annotated[str, typer.Argument(help="The consignment that it speaks for from now on.")],
    came: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="ID", help="Only from this one. Repeatable."),
    ] = None,
    where: Annotated[str | None, typer.Option(help="Where in it the sensor is.")] = None,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Move a sensor to a consignment, from all others that it speaks for."""
    request = {
        "do": "consignment-move",
        "sensor": sensor,
        "to": to,
        "from": came,
        "where": where,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_moved, json=json)


# -- a table of all --------------------------------------------------------------------------


@consignment_app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; otherwise, or with -, it is printed.")
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Write all consignments with legs and sensors as a table (CSV)."""
    with errors():
        settings = load(config)
        answer: dict[str, Any] = ask(settings, {"do": "consignment-export"})
    if file is None or str(file) == "-":
        if json:
            print_answer(answer, screen.show_exported, settings, json=True)
        else:
            sys.stdout.write(answer["content"])
        return
    try:
        file.write_text(answer["content"], encoding="utf-8", newline="")
    except OSError as error:
        raise fail(f"Cannot write {file}: {error.strerror}.", REFUSED) from error
    print_answer({**answer, "file": str(file)}, screen.show_exported, settings, json=json)


@consignment_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A table (CSV), as `export` writes it.")],
    check_: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--check", help="Only show what would come of it.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Take in a table of new consignments; one of which a line is wrong is left out."""
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
    except UnicodeDecodeError as error:
        raise fail(f"{file} is not in UTF-8: save it as CSV, UTF-8.", REFUSED) from error
    request = {"do": "consignment-import", "name": file.name, "content": content, "check": check_}
    with errors():
        settings = load(config)
        answer = ask(settings, request)
    print_answer(answer, screen.show_imported, settings, json=json)
    if answer["mistakes"]:
        raise typer.Exit(REFUSED)


add_to(consignment_app)
