"""`holdwatch rules backtest` and `diff`: rules tried on the past, before they count."""

from __future__ import annotations

import base64
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.backtest.picture import picture
from gateway.cli.asking import (
    DEFAULT,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    errors,
    fail,
    meanings,
    print_answer,
    progress_bar,
)
from gateway.goods_files import Shelf
from gateway.screen.backtest import show_backtest, show_diff, subtitle, title, trials_of
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from rules.profile import Profile

PICTURE = ".svg"

Since = Annotated[
    str | None,
    typer.Option("--from", help="First local day, such as 2026-05-01; otherwise 30 days back."),
]
Until = Annotated[str | None, typer.Option("--to", help="Last local day; otherwise today.")]
Zone = Annotated[
    str | None,
    typer.Option(help="Time zone of the days, and of a file's times; otherwise the gateway's."),
]
Plot = Annotated[
    Path | None, typer.Option(help="Also draw it into this file, a picture in SVG.", metavar="FILE")
]


def backtest(  # noqa: PLR0913, PLR0917 - options of a command
    profile: Annotated[
        str | None,
        typer.Argument(help="A goods profile whose rules are tried: its name, or a file."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Try the rules of this settings file instead.")
    ] = None,
    since: Since = None,
    until: Until = None,
    device: Annotated[
        list[str] | None,
        typer.Option(help="Try them on this device, or on those like reefer-*. Repeatable."),
    ] = None,
    consignment: Annotated[str | None, typer.Option(help="Try them on this consignment.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Try them on a logger's file, which is not stored.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help='What a table\'s column holds: "value=temperature °C". Repeatable.'),
    ] = None,
    zone: Zone = None,
    plot: Plot = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Try rules on the past: what would have fired, and what changes against the rules of now."""
    with errors():
        _check(plot)
        settings = load(config)
        request = {
            "do": "rules-backtest",
            **_tried(settings, profile, rules),
            **_on(device or [], consignment, file, column or []),
            "since": since,
            "until": until,
            "zone": zone,
        }
        with progress_bar("Judging the past", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, show_backtest, settings, json=json)
    _draw(plot, answer)


def _tried(settings: Settings, profile: str | None, rules: Path | None) -> dict[str, Any]:
    """Return the rules that are to be tried, and what they are called."""
    if (profile is None) == (rules is None):
        raise fail("Say what to try: the name or file of a goods profile, or --rules.", REFUSED)
    if rules is not None:
        found = load(rules).rules
        if not found:
            raise fail(f"{rules} has no rules. Write some as [[rules]].", REFUSED)
        named = {"tried": rules.name, "matching": True}
        return {**named, "rules": [one.settings() for one in found]}
    known = find_profile(settings, str(profile))
    if not known.rules:
        raise fail(f"The profile {known.name} has no rules. There is nothing to try.", REFUSED)
    return {"tried": known.version(), "rules": [one.settings() for one in known.rules]}


def find_profile(settings: Settings, name: str) -> Profile:
    """Return a profile by its name or its file. Raises SettingsError, or ends the command."""
    path = Path(name)
    if path.suffix == ".toml":
        if not path.exists():
            raise fail(f"{path} is not there. Name a file, or one of: goods list.", REFUSED)
        return Shelf(path.parent).profile(path.stem)
    shelf = Shelf(settings.goods.folder)
    if name not in shelf.names():
        close = difflib.get_close_matches(name, shelf.names(), n=1, cutoff=0.5)
        cure = f"Did you mean {close[0]}?" if close else "See all of them: holdwatch goods list."
        raise fail(f"There is no profile {name}. {cure}", REFUSED)
    return shelf.profile(name)


def _on(
    devices: list[str], consignment: str | None, file: Path | None, columns: list[str]
) -> dict[str, Any]:
    """Return on what rules are to be tried."""
    if file is None:
        if (not devices) == (consignment is None):
            raise fail("Say on what: --device, --consignment or --file, one of them.", REFUSED)
        return {"devices": devices, "consignment": consignment}
    if consignment is not None or len(devices) > 1:
        raise fail("A file is of one device: leave out the others.", REFUSED)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
    told = {
        "name": file.name,
        "content": base64.b64encode(content).decode(),
        "device": devices[0] if devices else None,
        "columns": meanings(columns),
    }
    return {"file": told}


def diff(  # noqa: PLR0913, PLR0917 - options of a command
    profile: Annotated[
        str, typer.Argument(help="The changed profile: its file, or its name in your folder.")
    ],
    days: Annotated[int, typer.Option(min=1, help="Over the last so many days.")] = 30,
    device: Annotated[
        list[str] | None,
        typer.Option(help="On this device instead of consignments of these goods. Repeatable."),
    ] = None,
    plot: Plot = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Show what a changed profile would have changed, before it is switched on."""
    with errors():
        _check(plot)
        settings = load(config)
        found = find_profile(settings, profile)
        request = {
            "do": "rules-diff",
            "profile": found.settings(),
            "extends": found.extends,
            "days": days,
            "devices": device or [],
        }
        with progress_bar("Judging the past", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, show_diff, settings, json=json)
    _draw(plot, answer)


def _check(plot: Path | None) -> None:
    """Refuse a picture that cannot be made before the past is judged."""
    if plot is None:
        return
    if plot.suffix.lower() != PICTURE:
        raise fail(f"{plot} is no SVG. Name the picture {plot.stem}{PICTURE}.", REFUSED)
    if not plot.absolute().parent.is_dir():
        raise fail(f"There is no folder {plot.parent}. Make it, or name another.", REFUSED)


def _draw(plot: Path | None, answer: dict[str, Any]) -> None:
    if plot is None:
        return
    trials = trials_of(answer)
    charts = [chart for trial in trials for chart in trial.charts]
    if not charts:
        raise fail("There is nothing to draw: no value that a rule judges was heard.", REFUSED)
    text = picture(title(answer, trials), subtitle(answer, trials), charts, answer["zone"])
    try:
        plot.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"Cannot write {plot}: {error.strerror}.", REFUSED) from error
