"""`holdwatch consignment evidence` and `holds`: what a verdict rests on, exported and let go."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.asking import (
    DEFAULT,
    FILE,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    ask_and_show,
    err,
    errors,
    fail,
    print_answer,
    progress_bar,
)
from gateway.clock import Clock
from gateway.evidence import archive
from gateway.evidence.sources import Sources
from gateway.refusal import ControlError
from gateway.screen import evidence as screen
from gateway.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Settings


def holds(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List what is kept for consignments: since when, until when, how much it is."""
    ask_and_show(config, {"do": "consignment-holds"}, screen.show_holds, json=json)


def evidence(  # noqa: PLR0913, PLR0917 - options of a command
    identity: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The consignment's id, to export.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The ZIP to write.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An export: read it again, and hold it against ours."),
    ] = None,
    release_hold: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--release-hold",
            help="Once it is verified, what is in it need not be kept here any more.",
        ),
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Export all that a verdict rests on to one file, or verify such a file.

    In it are the readings and messages of its sensors, what was stated, rules, alerts and signed
    reports, with the SHA-256 of each part and of the whole.
    """
    if verify is not None and identity is None and to is None:
        _verify(verify, config, release=release_hold, json=json)
    elif verify is None and identity is not None and to is not None and not release_hold:
        _export(identity, to, config, json=json)
    else:
        raise fail(
            "Say either what to export, and where to: ID -o FILE.zip; or what to verify: "
            "--verify FILE.zip, with --release-hold if it need not be kept here any more.",
            REFUSED,
        )


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(evidence)
    app.command()(holds)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Say what is wrong with a file of the person's own."""
    try:
        yield
    except OSError as error:
        raise fail(
            f"{path}: {error.strerror}. See that it may be read and written.", FILE
        ) from error


def _export(identity: str, path: Path, config: Path, *, json: bool) -> None:
    with errors():
        settings = load(config)
        with Sources(settings) as sources:
            consignment = sources.book.consignment(identity)
            if consignment is None:
                raise ControlError(
                    f"there is no consignment {identity}", "See: holdwatch consignment list"
                )
            with _disk(path), progress_bar(f"Exporting {identity}", quiet=json) as progress:
                made = archive.export(sources, consignment, path, Clock().now(), progress)
    answer = {**archive.as_json(made), "file": str(path)}
    print_answer(answer, screen.show_exported, settings, json=json)


def _verify(path: Path, config: Path, *, release: bool, json: bool) -> None:
    with errors():
        settings = load(config)
        with _disk(path):
            found = archive.look_into(path)
        with Sources(settings) as sources, progress_bar("Verifying", quiet=json) as progress:
            head = sources.journal.head  # before any of it is read
            found = archive.compare(sources, found, progress)
    answer: dict[str, Any] = {**archive.as_json(found), "file": str(path), "released": False}
    if release and not found.problems and found.manifest is not None:
        with errors():
            _release(settings, found.digest, found.manifest, head)
        answer["released"] = True
    if found.problems and not json:
        screen.show_verified(err, settings, answer)
    else:
        print_answer(answer, screen.show_verified, settings, json=json)
    if found.problems:
        raise typer.Exit(REFUSED)


def _release(settings: Settings, digest: str, manifest: archive.Manifest, head: int) -> None:
    ask(
        settings,
        {
            "do": "consignment-let-go",
            "consignment": manifest.consignment,
            "digest": digest,
            "readings": manifest.readings,
            "messages": manifest.messages,
            "newest_fact": manifest.newest_fact,
            "head": head,
        },
    )
