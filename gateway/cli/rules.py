"""`holdwatch rules …`: what rules do, tried before they count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from gateway.cli import backtest
from gateway.cli.asking import REFUSED, Json, errors, fail, out
from gateway.cli.goods import print_json
from gateway.goods_files import Shelf, shipped
from gateway.screen.goods import show_rehearsed
from gateway.screen.plain import counted
from gateway.settings import SettingsError
from rules.rehearsal import Rehearsed, rehearse

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Rules of goods profiles: run their tests, and try them on the past.",
)


@rules_app.callback()
def _rules() -> None:
    # With a single command below it, typer would leave out that command's name.
    pass


class Tried(NamedTuple):
    """How the tests of one file went; `mistakes` where it cannot be read."""

    name: str
    tests: list[Rehearsed]
    mistakes: str = ""

    @property
    def well(self) -> bool:
        """Whether it can be read and all of its tests are well."""
        return not self.mistakes and all(one.well for one in self.tests)


@rules_app.command("test")
def run_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]", help="Files of profiles, or folders of them; otherwise ours."
        ),
    ] = None,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Run the tests that profiles carry: each series, and the alerts that must come of it."""
    tried = []
    with errors():
        for shelf, name, label in _files(paths or []):
            one = _try(shelf, name, label)
            tried.append(one)
            if not json:
                show_rehearsed(out, one.name, one.tests, one.mistakes)
    if json:
        print_json([_as_json(one) for one in tried])
    else:
        failed = sum(not one.well for one in tried)
        tests = counted(sum(len(one.tests) for one in tried), "test")
        told = "all well" if not failed else f"{counted(failed, 'profile')} failed"
        out.print(f"{counted(len(tried), 'profile')}, {tests}: {told}.", highlight=False)
    if not all(one.well for one in tried):
        raise typer.Exit(REFUSED)


def _files(paths: list[Path]) -> list[tuple[Shelf, str, str]]:
    """Return each profile that is meant: on which shelf, its name, and what to call it."""
    if not paths:
        ours = Shelf()
        return [(ours, name, name) for name in shipped()]
    found = []
    for path in paths:
        folder = path.is_dir()
        if not folder and (path.suffix != ".toml" or not path.exists()):
            what = "is no profile: its file ends in .toml" if path.exists() else "is not there"
            raise fail(f"{path} {what}. Name a file, or a folder of files.", REFUSED)
        shelf = Shelf(path if folder else path.parent)
        files = sorted(path.glob("*.toml")) if folder else [path]
        if not files:
            raise fail(f"{path} holds no profile: their files end in .toml.", REFUSED)
        found += [(shelf, file.stem, str(file)) for file in files]
    return found


def _try(shelf: Shelf, name: str, label: str) -> Tried:
    try:
        profile = shelf.profile(name)
    except SettingsError as error:
        return Tried(label, [], str(error))
    return Tried(label, rehearse(profile))


def _as_json(tried: Tried) -> dict[str, Any]:
    tests = [
        {"name": one.name, "passed": one.well, "expected": one.expected, "came": one.came}
        for one in tried.tests
    ]
    return {"profile": tried.name, "passed": tried.well, "tests": tests, "mistakes": tried.mistakes}


rules_app.command()(backtest.backtest)
rules_app.command()(backtest.diff)
