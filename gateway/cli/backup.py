"""`holdwatch backup` and `restore`: everything in one file, and a box made of it again."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from gateway.backup import keys
from gateway.backup.archive import look_into
from gateway.backup.errors import BackupError
from gateway.backup.restore import restore as restore_files
from gateway.cli.asking import (
    DEFAULT,
    FILE,
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
    who,
)
from gateway.clock import Clock
from gateway.screen import backup as screen
from gateway.service.identity import fingerprint
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Iterator

backup_app = typer.Typer(
    help="Everything that this gateway holds in one file, made while it runs: now, when the "
    "settings say, and read again.",
)

Secret = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="File of the secret key, if it is encrypted."),
]


@backup_app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Write it there; else where [backup] says."),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Make a backup now, and read it back. The gateway goes on meanwhile."""
    if context.invoked_subcommand is not None:
        return
    with errors():
        settings = load(config)
        request = {"do": "backup", "to": str(to.absolute()) if to is not None else None}
        with progress_bar("Backing up", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, screen.show_made, settings, json=json)


@backup_app.command()
def status(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Say when the last backup was made, when the next one is due, and what is wrong."""
    ask_and_show(config, {"do": "backup-status"}, screen.show_status, json=json)


@backup_app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    key: Secret = None,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Read all of a backup, and hold it against what it says of itself. Needs no gateway."""
    with _told(file):
        found = look_into(file, keys.read_secret(key) if key is not None else "")
    answer = {"file": str(file), **msgspec.to_builtins(found._asdict())}
    print_answer(answer, screen.show_verified, Settings(), json=json)


@backup_app.command()
def key(
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the secret key to a new file."),
    ] = None,
) -> None:
    """Make a pair of keys: the public one for the settings, the secret one for you alone."""
    secret, public = keys.make()
    if file is not None:
        try:
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(f"# public key: {public}\n{secret}\n", encoding="utf-8")
        except OSError as error:
            raise fail(f"{file} cannot be written ({error.strerror}).", REFUSED) from error
    screen.show_key(out, public, secret if file is None else None, file)


def restore(  # noqa: PLR0913, PLR0917 - options of a command
    file: Annotated[Path, typer.Argument(help="The backup.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Data folder; else that of the settings."),
    ] = None,
    key: Secret = None,
    replace: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--replace", help="Move aside, and keep, what is in the folder.")
    ] = False,
    readings: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--readings", help="Take in its readings alone, beside those that are here already."
        ),
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Make this box go on as the one that the backup is of; all is checked before it is moved.

    With `--readings` FILE may also be a journal.db, also of a newer version.
    """
    with _told(file):
        secret = keys.read_secret(key) if key is not None else ""
    if readings:
        if to is not None or replace:
            raise fail("--readings goes into the data folder of the settings alone.", REFUSED)
        _take(file, secret, config, json=json)
        return
    with errors():
        data = to.absolute() if to is not None else load(config).gateway.data
    with _told(file), errors(), progress_bar(f"Restoring {file.name}", quiet=json) as progress:
        restored = restore_files(
            file,
            data,
            secret=secret,
            replace=replace,
            now=Clock().now(),
            who=who()["name"],
            machine=fingerprint(),
            progress=progress,
        )
    print_answer(msgspec.to_builtins(restored), screen.show_restored, Settings(), json=json)


def _take(file: Path, secret: str, config: Path, *, json: bool) -> None:
    with errors():
        settings = load(config)
        request = {"do": "take-readings", "file": str(file.absolute()), "key": secret}
        with progress_bar(f"Taking in {file.name}", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, screen.show_taken, settings, json=json)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Say what is wrong with a backup, or with a disk."""
    try:
        yield
    except BackupError as error:
        raise fail(f"{file}: {error.problem}. {error.cure}.", REFUSED) from error
    except OSError as error:
        where = error.filename or file
        raise fail(
            f"{where}: {error.strerror}. See that it may be read and written.", FILE
        ) from error
