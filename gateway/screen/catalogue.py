"""What the command line shows of the catalogue, and the guide to devices in its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from devices.reading import QUANTITIES
from gateway.screen.plain import counted, empty_table
from rules.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from devices.model import Model

LIST_AT_MOST = 2
"""Numbered places that are all named; more are told from first to last."""
HEADINGS = ("maker", "model", "sends", "how often", "battery", "held against")


def show_catalogue(console: Console, models: Sequence[Model]) -> None:
    """List all models."""
    table = empty_table(*HEADINGS, "")
    for one in models:
        table.add_row(*(escape(cell) for cell in (*cells(one), one.id)))
    console.print(table)
    console.print(
        f"{counted(len(models), 'model')}. All of one: holdwatch device catalogue MODEL. What is "
        "not here is read by its vendor's codec, or from what its server has decoded."
    )


def cells(model: Model) -> tuple[str, ...]:
    """Return what stands in a model's line, under HEADINGS."""
    return (model.maker, model.name, sends(model), often(model), battery(model), model.proven)


def sends(model: Model) -> str:
    """Return what it measures with units; what differs by place alone is said once."""
    places: dict[str, list[str]] = {}
    for channel in model.channels:
        quantity, _, place = channel.partition(".")
        places.setdefault(quantity, []).append(place)
    return ", ".join(_quantity(name, found) for name, found in places.items())


def _quantity(name: str, places: list[str]) -> str:
    """Return `temperature °C`, `temperature.external °C`, or `acceleration (x, y, z) g`."""
    unit = QUANTITIES[name].unit
    named = _gathered([place for place in places if place])
    if len(places) == 1:
        name = f"{name}.{named[0]}" if named else name
    else:
        own = "own, " if "" in places else ""
        name = f"{name} ({own}{', '.join(named)})"
    return f"{name} {unit}".strip()


def _gathered(places: list[str]) -> list[str]:
    """Return places with those that are only numbered on as one: `external_2 to external_9`."""
    runs: list[list[str]] = []
    for place in places:
        stem, _, number = place.rpartition("_")
        follows = number.isdigit() and f"{stem}_{int(number) - 1}"
        if runs and runs[-1][-1] == follows:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [
        one
        for run in runs
        for one in ([f"{run[0]} to {run[-1]}"] if len(run) > LIST_AT_MOST else run)
    ]


def often(model: Model) -> str:
    """Return how often it sends, as shipped."""
    if model.interval is not None:
        return f"every {format_duration(model.interval)}"
    return f"on change, at least every {format_duration(model.longest)}"


def battery(model: Model) -> str:
    """Return what is known of its battery."""
    sent = [one for one in ("battery", "battery_level") if one in model.channels]
    if not sent:
        return "says nothing of it"
    unit = QUANTITIES[sent[0]].unit
    words = "volts" if sent[0] == "battery" else "percent"
    if model.battery:
        words += ", and percent by its curve"
    if model.low_battery is not None:
        words += f"; low under {model.low_battery:g} {unit}"
    return words


def show_model(console: Console, model: Model) -> None:
    """Show all of one model, and how to say that a device is one."""
    lines = [
        ("sends", sends(model)),
        ("how often", often(model)),
        ("battery", battery(model)),
        *(("", f"{volts:g} V is {percent:g} %") for volts, percent in model.battery),
        ("weak signal", f"under {model.weak_signal:g} dBm"),
        ("data sheet", model.data_sheet),
        ("held against", model.proven),
        ("recognised by", ", ".join((f"{model.maker} {model.name}", model.name, *model.known_as))),
    ]
    console.print(f"[bold]{escape(f'{model.maker} {model.name}')}[/] ({model.id})")
    for label, value in lines:
        console.print(f"  {label:<14}{value}", soft_wrap=True, highlight=False, markup=False)
    console.print(
        "A server that gives a device one of these names, as its profile or its version, says "
        "enough. Else say it, in one of these two ways:",
        soft_wrap=True,
    )
    console.print(f"  holdwatch device set DEVICE --model {model.id}", highlight=False)
    console.print("or in the settings, for all that a pattern matches:")
    for line in settings_lines(model):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)


def settings_lines(model: Model) -> list[str]:
    """Return the section of the settings that says which devices are of this model."""
    return [
        "[[devices]]",
        'match = "DEVICE-*"',
        f'model = "{model.id}"',
        f'interval = "{format_duration(model.longest)}"',
    ]
