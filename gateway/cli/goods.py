"""`holdwatch goods …`: the profiles of goods, ours and your own. Needs no running gateway."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.cli.asking import DEFAULT, REFUSED, Json, SettingsPath, errors, fail, out
from gateway.goods import stored
from gateway.goods_files import Shelf
from gateway.screen.goods import show_goods, show_profile
from gateway.settings import load
from gateway.state import State
from rules.profile import Profile

goods_app = typer.Typer(
    no_args_is_help=True,
    help="Profiles of goods: what they stand, and by which rules they are judged.",
)


@goods_app.command("list")
def list_(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List the profiles that there are: ours, and those of your own folder."""
    with errors():
        found = _shelf(config).all()
    if json:
        print_json([as_json(one) for one in found])
    else:
        show_goods(out, found)


@goods_app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A profile, or one of its versions: vaccines@0123456789ab.")
    ],
    toml: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--toml", help="Print its file, to begin your own with.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Show all of a profile: limits and their source, rules in words, what the operator does."""
    with errors():
        shelf = _shelf(config)
        profile = _profile(shelf, name, config)
        text = shelf.text(profile.name) if toml else ""
    if toml and "@" in name and shelf.profile(profile.name).version() != profile.version():
        raise fail(f"{name} is kept without its file. See it with --json.", REFUSED)
    if toml:
        typer.echo(text, nl=False)
    elif json:
        print_json(as_json(profile))
    else:
        show_profile(out, profile)


@goods_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A profile's file: my-vaccines.toml.")],
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Read a profile and tell every mistake in it, with its line and its cure."""
    with errors():
        profile = read_file(file)
    if json:
        print_json(as_json(profile))
        return
    out.print(
        f"{file} is well: {profile.title}, version {profile.version()}.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    lacking = [one.name for one in profile.rules if not _shown(profile, one.name)]
    if lacking:
        out.print(
            f"No test of it expects an alert of {', '.join(lacking)}.",
            soft_wrap=True,
            style="yellow",
        )
    out.print(f"Run its tests: holdwatch rules test {file}", soft_wrap=True, highlight=False)


def read_file(file: Path) -> Profile:
    """Read a profile from a file; what it extends is looked for beside it and among ours."""
    if file.suffix != ".toml":
        raise fail(f"{file} is no profile: its file ends in .toml.", REFUSED)
    if not file.exists():
        raise fail(f"There is no {file}.", REFUSED)
    return Shelf(file.parent).profile(file.stem)


def as_json(profile: Profile) -> dict[str, Any]:
    """Return a profile as programs read it: as in its file, and what follows from that."""
    return {
        **profile.settings(),
        "version": profile.version(),
        "extends": profile.extends,
        "channels": profile.channels(),
        "words": {part.name: part.limit() for rule in profile.rules for part in rule.parts()},
        "tests": len(profile.tests),
    }


def print_json(told: object) -> None:
    """Print JSON, for programs."""
    typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())


def _shelf(config: Path) -> Shelf:
    """Return ours and those of the settings; where there are no settings, ours alone."""
    if config == DEFAULT and not config.exists():
        return Shelf()
    return Shelf(load(config).goods.folder)


def _profile(shelf: Shelf, name: str, config: Path) -> Profile:
    base, at, _ = name.partition("@")
    names = shelf.names()
    if base in names:
        found = shelf.profile(base)
        if not at or found.version() == name:
            return found
    if at:
        kept = _kept(name, config)
        if kept is not None:
            return kept
        raise fail(
            f"There is no version {name}. The one of now: holdwatch goods show {base}.", REFUSED
        )
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    cure = f"Did you mean {close[0]}?" if close else "See all of them: holdwatch goods list."
    raise fail(f"There is no profile {name!r}. {cure}", REFUSED)


def _kept(version: str, config: Path) -> Profile | None:
    """Return a version that the gateway of these settings ever knew, None if it never did."""
    if not config.exists():
        return None
    path = load(config).gateway.data / "state.db"
    if not path.exists():
        return None
    state = State(path, looking=True)
    try:
        return stored(state, version)
    finally:
        state.close()


def _shown(profile: Profile, rule: str) -> bool:
    parts = next((one.parts() for one in profile.rules if one.name == rule), ())
    names = {rule, *(part.name for part in parts)}
    return any(alert.rule in names for test in profile.tests for alert in test.alerts)
