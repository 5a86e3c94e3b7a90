"""`holdwatch device show`, `set`, `calibrate` and so on: what people state of devices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

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
from gateway.commands.registry import TOLERANCE
from gateway.registry.table import COLUMNS
from gateway.screen import registry as screen
from gateway.settings import load

MAINTENANCE = '--for 2h or --until "2026-11-23 17:00", with --reason "Defrosting"'
"""How maintenance is begun."""

Device = Annotated[str, typer.Argument(help="The device's id.")]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="From when on it is so: 2026-11-23 14:05. Otherwise from now on."
    ),
]


def show(device: Device, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Show all that is known of a device: what and where it is, how it stands, what was done."""
    ask_and_show(config, {"do": "device-show", "device": device}, screen.show_device, json=json)


def set_(  # noqa: PLR0913, PLR0917 - options of a command
    device: Device,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    site: Annotated[str | None, typer.Option(help="Where it is.")] = None,
    zone: Annotated[str | None, typer.Option(help="Where within the site.")] = None,
    container: Annotated[
        str | None, typer.Option(help="The container that it watches: MSKU 907032-3.")
    ] = None,
    position: Annotated[
        str | None, typer.Option(help="Latitude and longitude in degrees: 53.54,9.98.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="What it is; see `holdwatch device catalogue`.")
    ] = None,
    interval: Annotated[str | None, typer.Option(help="How often it sends: 10 min.")] = None,
    note: Annotated[str | None, typer.Option(help="What else there is to know.")] = None,
    since: Since = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Name a device, and say where it is and what; '' removes what was said."""
    request = {
        "do": "device-set",
        "device": device,
        "name": name,
        "site": site,
        "zone": zone,
        "container": container,
        "position": position,
        "model": model,
        "interval": interval,
        "note": note,
        "since": since,
    }
    ask_and_show(config, request, screen.show_set, json=json)


def calibrate(  # noqa: PLR0913, PLR0917 - options of a command
    device: Device,
    channel: Annotated[str, typer.Argument(help="What was calibrated: temperature.")],
    offset: Annotated[
        float, typer.Option(help="What is added to what the sensor says, from now on.")
    ],
    certificate: Annotated[str, typer.Option(metavar="NO", help="The certificate's number.")],
    expires: Annotated[
        str, typer.Option(metavar="DATE", help="The last day on which it is good: 2027-11-23.")
    ],
    as_found: Annotated[
        float | None,
        typer.Option(help="What the sensor said minus the reference, before it was adjusted."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="How far off what was judged may have been, in the unit of the channel; "
            f"otherwise {TOLERANCE}."
        ),
    ] = None,
    note: Annotated[str | None, typer.Option(help="What else there is to know.")] = None,
    since: Since = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """State a calibration; where the sensor was found wrong, list what was judged on it."""
    request = {
        "do": "device-calibrate",
        "device": device,
        "channel": channel,
        "offset": offset,
        "as_found": as_found,
        "tolerance": tolerance,
        "certificate": certificate,
        "expires": expires,
        "note": note,
        "since": since,
    }
    ask_and_show(config, request, screen.show_calibrated, json=json)


def calibration(
    device: Annotated[
        str | None, typer.Argument(help="The device's id; otherwise all that have any.")
    ] = None,
    withdraw: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Take one back that should not be there."),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List calibrations: which count, and which are over."""
    if withdraw is None:
        request = {"do": "device-calibration", "device": device}
        ask_and_show(config, request, screen.show_calibrations, json=json)
        return
    if device is None:
        raise fail("Say whose calibration it is.", REFUSED)
    taken = {"do": "device-withdraw", "device": device, "number": withdraw}
    ask_and_show(config, taken, screen.show_withdrawn, json=json)


def maintenance(  # noqa: PLR0913, PLR0917 - options of a command
    device: Device,
    length: Annotated[
        str | None, typer.Option("--for", metavar="LENGTH", help="How long: 2h, 90 min.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when: 2026-11-23 17:00.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What is done to it.")] = None,
    end: Annotated[bool, typer.Option("--end", help="It is over now.")] = False,  # noqa: FBT002 - an option without a value
    since: Since = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Say that somebody works on a device: what it says meanwhile is kept, and not judged."""
    if not end and (not length) == (not until):
        raise fail(f"Say until when, and why: {MAINTENANCE}. With --end it is over.", REFUSED)
    if not end and not reason:
        raise fail(f"Say why: {MAINTENANCE}.", REFUSED)
    request = {
        "do": "device-maintain",
        "device": device,
        "for": length,
        "until": until,
        "reason": reason,
        "end": end,
        "since": since,
    }
    ask_and_show(config, request, screen.show_maintenance, json=json)


def replace(  # noqa: PLR0913, PLR0917 - options of a command
    old: Annotated[str, typer.Argument(help="The id of the device that goes.")],
    new: Annotated[str, typer.Argument(help="The id of the one that comes in its place.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Since when: 2026-11-23 14:05. Otherwise since now."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,  # noqa: FBT002 - an option without a value
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Put a device in another's place: it takes over its name, place, rules and past."""
    request = {"do": "device-replace", "old": old, "new": new, "at": at, "undo": undo}
    ask_and_show(config, request, screen.show_replaced, json=json)


def forget(device: Device, config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Remove a device that was never heard, such as a mistyped one, from the list."""
    request = {"do": "device-forget", "device": device}
    ask_and_show(config, request, screen.show_forgotten, json=json)


def export(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; otherwise, or with -, it is printed.")
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Write what was stated of all devices as a table (CSV)."""
    with errors():
        settings = load(config)
        answer = ask(settings, {"do": "device-export"})
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


def import_(
    file: Annotated[
        Path, typer.Argument(help=f"A table (CSV) with some of the columns {', '.join(COLUMNS)}.")
    ],
    dry_run: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Take in a table of devices: all of it, or nothing if a line is wrong."""
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
    except UnicodeDecodeError as error:
        raise fail(f"{file} is not in UTF-8: save it as CSV, UTF-8.", REFUSED) from error
    request = {"do": "device-import", "name": file.name, "content": content, "dry": dry_run}
    with errors():
        settings = load(config)
        answer = ask(settings, request)
    print_answer(answer, screen.show_imported, settings, json=json)
    if answer["mistakes"]:
        raise typer.Exit(REFUSED)


def add_to(app: typer.Typer) -> None:
    """Make these commands of `holdwatch device`."""
    app.command("show")(show)
    app.command("set")(set_)
    app.command("calibrate")(calibrate)
    app.command("calibration")(calibration)
    app.command("maintenance")(maintenance)
    app.command("replace")(replace)
    app.command("forget")(forget)
    app.command("export")(export)
    app.command("import")(import_)
