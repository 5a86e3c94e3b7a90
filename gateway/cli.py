"""`holdwatch`: what a person types.

Exit codes: 0 done; 1 refused or not understood, and the message says why; 2 a wrong option;
3 mistakes in the settings; 4 a file that is damaged, newer, or on a failing disk; 5 another
gateway works in the data folder.
"""

from __future__ import annotations

import asyncio
import base64
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway import __version__, screen
from gateway.app import AlreadyRunningError, Gateway, tune
from gateway.commands import LOOKING, Commands
from gateway.control import ControlError, ControlServer, NotRunningError, ask
from gateway.database import DiskError, FileError
from gateway.logs import configure
from gateway.settings import Settings, SettingsError, load
from gateway.starter import starter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ATTEMPTS, PATIENCE = 20, 0.25
"""How often, and after how many seconds again, a data folder in use is tried."""
REFUSED, MISTAKE, FILE, RUNNING = 1, 3, 4, 5

app = typer.Typer(
    name="holdwatch",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="The flight recorder of cargo: receives what sensors say over MQTT, loses nothing it "
    "has acknowledged, and judges it.\n\nBegin with `holdwatch init`, then `holdwatch run`.",
    epilog="Exit codes: 0 done · 1 refused · 2 wrong option · 3 mistakes in the settings · "
    "4 a file or the disk · 5 already running",
)
quarantine_app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not be decoded: kept whole, with the reason, until they can be.",
)
device_app = typer.Typer(no_args_is_help=True, help="The devices that were heard.")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(device_app, name="device")

WIDE = None if sys.stdout.isatty() else 200
"""Columns for a program or a file that reads along, which wrapped lines would only hinder."""
out = Console(width=WIDE)
err = Console(stderr=True)

SettingsPath = Annotated[
    Path,
    typer.Option(
        "-c", "--config", envvar="HOLDWATCH_CONFIG", help="The settings file.", show_default=True
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DEFAULT = Path("holdwatch.toml")


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    configure(sys.stderr, quiet=True)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The settings file to write.")] = DEFAULT,
    broker: Annotated[str, typer.Option(help="Host name or address of your broker.")] = "localhost",
    port: Annotated[int, typer.Option(help="Its port.")] = 1883,
) -> None:
    """Write a first settings file, with a rule that you can try at once."""
    if file.exists():
        raise _fail(f"{file} exists already, and is left as it is. Name another file.", REFUSED)
    try:
        file.write_text(starter(broker, port), encoding="utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise _fail(f"Cannot write {file}: {error.strerror}.", REFUSED) from error
    out.print(f"Wrote {file}. Look at it, then: holdwatch run -c {file}", soft_wrap=True)


@app.command()
def check(config: SettingsPath = DEFAULT) -> None:
    """Read the settings and say what they mean. Opens and changes nothing."""
    with _errors():
        settings = load(config)
    screen.show_settings(out, config, settings)


@app.command()
def run(config: SettingsPath = DEFAULT) -> None:
    """Run the gateway until it is told to stop (Ctrl-C, or SIGTERM)."""
    with _errors():
        settings = load(config)
        configure(sys.stderr)
        for warning in settings.warnings:
            err.print(f"Warning: {warning}", style="yellow", soft_wrap=True)
        tune()
        asyncio.run(_run(settings))


async def _open(settings: Settings) -> Gateway:
    """Open the data folder; a command that is at work there is waited for."""
    for _ in range(ATTEMPTS - 1):
        try:
            return Gateway(settings)
        except AlreadyRunningError:
            await asyncio.sleep(PATIENCE)
    return Gateway(settings)


async def _run(settings: Settings) -> None:
    gateway = await _open(settings)
    try:
        await gateway.compose()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, gateway.stop)
        screen.show_start(err, settings)
        await gateway.run(ControlServer(settings.gateway.data, Commands(gateway).answer))
    finally:
        gateway.close()


@app.command("import")
def import_(  # noqa: PLR0913, PLR0917 - options of a command
    file: Annotated[
        Path, typer.Argument(help="A logger's file: a Berlinger text export, or a CSV table.")
    ],
    zone: Annotated[
        str | None,
        typer.Option(help="Time zone of the file's times, where it names none: Europe/Berlin."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device id; otherwise the one in the file.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help='What a table\'s column holds: "value=temperature °C". Repeatable.'),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Take in a logger's file as history: stored once, judged, marked retrospective."""
    with _errors():
        settings = load(config)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise _fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
        request = {
            "do": "import",
            "name": file.name,
            "content": base64.b64encode(content).decode(),
            "zone": zone,
            "device": device,
            "columns": dict(_column(one) for one in column or ()),
        }
        with _progress(f"Taking in {file.name}", quiet=json) as progress:
            answer = _ask(settings, request, progress)
    _print(answer, screen.show_import, settings, json=json)


def _column(text: str) -> tuple[str, str]:
    heading, equals, meaning = text.partition("=")
    if not equals:
        raise _fail(
            f'--column {text}: say what the column holds, as in "{text}=temperature °C".', REFUSED
        )
    return heading, meaning


@app.command()
def status(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Say how everything stands: what is wrong, how bad, and whether the gateway is well."""
    _answer(config, {"do": "status"}, screen.show_status, json=json)


@app.command()
def report(  # noqa: PLR0913, PLR0917 - options of a command
    device: Annotated[str, typer.Argument(help="The device's id.")],
    since: Annotated[
        str | None, typer.Option("--from", help="First local day, such as 2026-05-02.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last local day.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the days; otherwise the gateway's.")
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Show a device's past, day by day: lowest, highest, minutes outside limits and unknown."""
    request = {"do": "report", "device": device, "since": since, "until": until, "zone": zone}
    _answer(config, request, screen.show_report, json=json)


@app.command()
def alerts(
    days: Annotated[int, typer.Option(help="Also those that ended in the last so many days.")] = 7,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List alerts that are open, and those that ended lately: when, how long, how bad."""
    _answer(config, {"do": "alerts", "days": days}, screen.show_alerts, json=json)


@device_app.command("list")
def device_list(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """List every device that was heard, with its last value and where its rules stand."""
    _answer(config, {"do": "devices"}, screen.show_devices, json=json)


@quarantine_app.command("list")
def quarantine_list(
    limit: Annotated[int, typer.Option(help="At most so many messages.")] = 50,
    after: Annotated[int, typer.Option(help="Only messages after this number.")] = 0,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List messages that could not be decoded: why, and what to do about it."""
    _answer(
        config,
        {"do": "quarantine", "limit": limit, "after": after},
        screen.show_quarantine,
        json=json,
    )


@quarantine_app.command("drop")
def quarantine_drop(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Their numbers, as `quarantine list` shows them.")
    ] = None,
    everything: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--all", help="All of them.")
    ] = False,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Remove messages for good, such as those of a device that never made sense."""
    if everything == bool(numbers):
        raise _fail("Say which: numbers, or --all.", REFUSED)
    _answer(config, {"do": "drop", "numbers": numbers}, screen.show_drop, json=json)


@quarantine_app.command("retry")
def quarantine_retry(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Decode them again, after the settings were corrected and the gateway restarted."""
    _answer(config, {"do": "retry"}, screen.show_retry, json=json)


def _answer(
    config: Path,
    request: dict[str, Any],
    show: Callable[[Console, Settings, Any], None],
    *,
    json: bool,
) -> None:
    """Ask, and print the answer."""
    with _errors():
        settings = load(config)
        answer = _ask(settings, request)
    _print(answer, show, settings, json=json)


def _ask(
    settings: Settings,
    request: dict[str, Any],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Any:  # noqa: ANN401 - whatever the command answers
    """Ask the running gateway; with none running, take its place for this one command."""

    async def go() -> Any:  # noqa: ANN401 - as above
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                return await ask(settings.gateway.data, request, progress)
            except NotRunningError:
                try:
                    return await _alone(settings, request, progress)
                except AlreadyRunningError:
                    # It is just starting, or another command is at work.
                    if not attempts_left:
                        raise
                    await asyncio.sleep(PATIENCE)
        raise AssertionError("the last attempt returns or raises")

    return asyncio.run(go())


async def _alone(
    settings: Settings, request: dict[str, Any], progress: Callable[[int, int], None]
) -> Any:  # noqa: ANN401 - whatever the command answers
    looking = request["do"] in LOOKING
    data = settings.gateway.data
    if looking and not (data / "journal.db").exists():
        raise ControlError(f"nothing has ever been stored in {data}", "Begin with: holdwatch run")
    gateway = Gateway(settings, join=False)
    try:
        await gateway.compose(looking=looking)
        if looking:
            answer = await Commands(gateway).answer(request, progress)
        else:
            answer = await _while_running(gateway, request, progress)
    finally:
        gateway.close()
    if isinstance(answer, dict):
        answer["running"] = False
    return answer


async def _while_running(
    gateway: Gateway, request: dict[str, Any], progress: Callable[[int, int], None]
) -> Any:  # noqa: ANN401 - whatever the command answers
    running = asyncio.create_task(gateway.run())
    answering = asyncio.create_task(Commands(gateway).answer(request, progress))
    # If the gateway ends with an error, nobody would answer.
    await asyncio.wait([running, answering], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        answering.cancel()
        running.result()
    gateway.stop()
    await running
    return await answering


@contextmanager
def _progress(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=quiet) as bar:
        task = bar.add_task(title, total=None, visible=False)
        yield lambda done, all_: bar.update(task, completed=done, total=all_, visible=True)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit code."""
    try:
        yield
    except SettingsError as error:
        raise _fail(str(error), MISTAKE) from error
    except (FileError, DiskError) as error:
        raise _fail(str(error), FILE) from error
    except AlreadyRunningError as error:
        raise _fail(str(error), RUNNING) from error
    except ControlError as error:
        raise _fail(f"{error}.", REFUSED) from error
    except PermissionError as error:
        raise _fail(
            f"{error.filename or 'The gateway'} belongs to another user. Run this as the user "
            "that the gateway runs as: sudo -u USER holdwatch …",
            FILE,
        ) from error


def _fail(message: str, code: int) -> typer.Exit:
    err.print(message, style="red", soft_wrap=True, highlight=False, markup=False)
    return typer.Exit(code)


def _print(
    answer: Any,  # noqa: ANN401 - whatever the command answers
    show: Callable[[Console, Settings, Any], None],
    settings: Settings,
    *,
    json: bool,
) -> None:
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
    else:
        show(out, settings, answer)


def main() -> None:
    """Run the command line."""
    app()
