"""`holdwatch consignment leg`, `depart`, `hand-over`, `split` and so on: on its way, and apart."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, ask_and_show, fail
from gateway.screen import consignments as screen

Id = Annotated[str, typer.Argument(help="The consignment's id.", metavar="ID")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="When it was so: 2026-11-23 14:05. Otherwise now."),
]
Reason = Annotated[
    str | None,
    typer.Option(help="Why; needed for what was more than five minutes ago."),
]
Number = Annotated[int | None, typer.Option("--leg", help="Which leg, if not the next.")]
To = Annotated[str | None, typer.Option(help="Who has it then.")]
Both = Annotated[bool, typer.Option("--confirmed", help="Both sides have confirmed it.")]
When = Annotated[str | None, typer.Option(metavar="TIME", help="When it is planned to.")]


def leg(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    number: Annotated[
        int | None, typer.Option(help="Plan this leg otherwise; without it a further one.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="road, sea, air, rail or store.")] = None,
    origin: Annotated[
        str | None, typer.Option("--from", help='Where it begins: "Hamburg @ 53.54, 9.98".')
    ] = None,
    destination: Annotated[str | None, typer.Option("--to", help="Where it ends.")] = None,
    custodian: Annotated[str | None, typer.Option(help="Who is answerable on it.")] = None,
    departs: When = None,
    arrives: When = None,
    vehicle: Annotated[
        str | None, typer.Option(help="A plate, a container's number, a flight.")
    ] = None,
    via: Annotated[list[str] | None, typer.Option(help="A known stop on it. Repeatable.")] = None,
    heard: Annotated[
        bool | None,
        typer.Option(
            "--heard/--unheard", help="Nobody can hear sensors on it, as on a ship: --unheard."
        ),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(help="Where nobody hears: how long after its arrival nothing is missed: 6 h."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out.")] = False,  # noqa: FBT002 - an option without a value
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Plan a leg of the way, or plan it otherwise."""
    if remove and number is None:
        raise fail("Say which leg is taken out, with --number.", REFUSED)
    request = {
        "do": "consignment-leg",
        "id": id,
        "number": number,
        "mode": mode,
        "origin": origin,
        "destination": destination,
        "custodian": custodian,
        "departs": departs,
        "arrives": arrives,
        "vehicle": vehicle,
        "via": via or None,
        "heard": heard,
        "margin": margin,
        "remove": remove,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_leg, json=json)


def depart(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    number: Number = None,
    anyway: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--anyway", help="Though something is missing; see `check`.")
    ] = False,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that it departed on a leg. Before the first, what it lacks is checked."""
    request = {
        "do": "consignment-depart",
        "id": id,
        "leg": number,
        "anyway": anyway,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_moving, json=json)


def arrive(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    number: Annotated[
        int | None, typer.Option("--leg", help="Which leg, if not the one it is on.")
    ] = None,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that it arrived from a leg."""
    request = {"do": "consignment-arrive", "id": id, "leg": number, "at": at, "reason": reason}
    ask_and_show(config, request, screen.show_moving, json=json)


def hand_over(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    to: To = None,
    number: Annotated[
        int | None, typer.Option("--leg", help="The leg that begins with it, if not the next.")
    ] = None,
    confirmed: Both = False,  # noqa: FBT002 - an option without a value
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that it was handed over; custody changes once the other side confirms it."""
    request = {
        "do": "consignment-hand-over",
        "id": id,
        "to": to,
        "leg": number,
        "confirmed": confirmed,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_handed_over, json=json)


def confirm(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    number: Annotated[
        int | None, typer.Option(help="Which handover, where several wait; see `show`.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it was, if not when the first side said."),
    ] = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Confirm a handover, as the other side."""
    request = {
        "do": "consignment-confirm",
        "id": id,
        "number": number,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_confirmed, json=json)


def deliver(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    to: To = None,
    confirmed: Both = False,  # noqa: FBT002 - an option without a value
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that it is where it should go; the leg that it is on ends with that."""
    request = {
        "do": "consignment-deliver",
        "id": id,
        "to": to,
        "confirmed": confirmed,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_delivered, json=json)


def review(
    id: Id,  # noqa: A002 - the field's word
    reason: Annotated[str, typer.Option(help="Why.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Have it looked at again, whatever was decided."""
    request = {"do": "consignment-review", "id": id, "reason": reason}
    ask_and_show(config, request, screen.show_stage, json=json)


def split(  # noqa: PLR0913, PLR0917 - options of a command
    id: Id,  # noqa: A002 - the field's word
    parts: Annotated[list[str], typer.Argument(help="Id and quantity of each: C-1A:80 C-1B:20.")],
    unit: Annotated[str | None, typer.Option(help="In what the quantities are: boxes.")] = None,
    keep_sensors: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--keep-sensors", help="Its sensors speak for each part.")
    ] = False,
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Split parts off, which are consignments of their own; what is left stays itself."""
    request = {
        "do": "consignment-split",
        "id": id,
        "parts": parts,
        "unit": unit,
        "keep_sensors": keep_sensors,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_split, json=json)


def merge(  # noqa: PLR0913, PLR0917 - options of a command
    id: Annotated[str, typer.Argument(help="Id of the new one.", metavar="ID")],  # noqa: A002 - the field's word
    parents: Annotated[list[str], typer.Argument(help="Ids of those that it is made of.")],
    at: At = None,
    reason: Reason = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Make one consignment of several."""
    request = {
        "do": "consignment-merge",
        "id": id,
        "from": parents,
        "at": at,
        "reason": reason,
    }
    ask_and_show(config, request, screen.show_merged, json=json)


def withdraw(
    id: Id,  # noqa: A002 - the field's word
    number: Annotated[int, typer.Argument(help="Number of what was stated; see `show`.")],
    reason: Annotated[str, typer.Option(help="Why it does not hold.")],
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Take back what should not have been stated; it stays on record."""
    request = {"do": "consignment-withdraw", "id": id, "number": number, "reason": reason}
    ask_and_show(config, request, screen.show_withdrawn, json=json)


def add_to(app: typer.Typer) -> None:
    """Make these commands of `holdwatch consignment`."""
    app.command()(leg)
    app.command()(depart)
    app.command()(arrive)
    app.command("hand-over")(hand_over)
    app.command()(confirm)
    app.command()(deliver)
    app.command()(review)
    app.command()(split)
    app.command()(merge)
    app.command()(withdraw)
