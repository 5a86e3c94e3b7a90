"""`holdwatch device catalogue`: the devices whose own bytes are understood here."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import msgspec
import typer

from devices.model import Model, plain_name
from devices.models import CATALOGUE, by_name
from devices.reading import QUANTITIES
from gateway.cli.asking import REFUSED, Json, fail, out
from gateway.screen.catalogue import show_catalogue, show_model


def catalogue(
    model: Annotated[
        str | None, typer.Argument(help="One of them, by any of its names: dragino-lht65.")
    ] = None,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List the devices whose own bytes are understood here, or show all of one.

    Needs no gateway and no settings.
    """
    found = None if model is None else _find(model)
    if json:
        told = [as_json(one) for one in CATALOGUE] if found is None else as_json(found)
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    elif found is None:
        show_catalogue(out, CATALOGUE)
    else:
        show_model(out, found)


def _find(name: str) -> Model:
    known = by_name()
    found = known.get(plain_name(name))
    if found is None:
        close = difflib.get_close_matches(plain_name(name), known, n=1)
        cure = (
            f"Did you mean {known[close[0]].id}?"
            if close
            else "See all of them: holdwatch device catalogue. Others are read by their vendor's "
            "codec: see the guide to devices."
        )
        raise fail(f"There is no model {name!r} in the catalogue. {cure}", REFUSED)
    return found


def as_json(model: Model) -> dict[str, Any]:
    """Return a model as programs read it; lengths of time in seconds."""
    return {
        "id": model.id,
        "maker": model.maker,
        "name": model.name,
        "channels": {one: QUANTITIES[one.partition(".")[0]].unit for one in model.channels},
        "interval_s": _seconds(model.interval),
        "on_change": model.interval is None,
        "longest_hold_s": _seconds(model.longest),
        "battery": [{"volts": volts, "percent": percent} for volts, percent in model.battery],
        "low_battery": model.low_battery,
        "weak_signal": model.weak_signal,
        "known_as": list(model.known_as),
        "data_sheet": model.data_sheet,
        "proven": model.proven,
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
