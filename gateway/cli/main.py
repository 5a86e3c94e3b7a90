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
from pathlib import Path
from typing import Annotated

import structlog
import typer

from devices.device import Call, DecodeError
from gateway import __version__
from gateway.app import Gateway
from gateway.cli.alerts import alert_app
from gateway.cli.asking import (
    DEFAULT,
    REFUSED,
    Json,
    SettingsPath,
    ask,
    ask_and_show,
    err,
    errors,
    fail,
    meanings,
    open_gateway,
    out,
    print_answer,
    progress_bar,
)
from gateway.cli.backtest import backtest, diff
from gateway.cli.consignments import consignment_app
from gateway.cli.demo import demo
from gateway.cli.devices import device_app
from gateway.cli.evidence import add_to as add_evidence_to
from gateway.cli.goods import goods_app
from gateway.cli.influx import influx_app, try_all
from gateway.cli.people import audit, key_app, screen_app, user_app
from gateway.cli.quarantine import quarantine_app
from gateway.cli.rules import rules_app
from gateway.cli.simulate import simulate
from gateway.cli.starter import starter
from gateway.cli.tls import tls_app
from gateway.cli.verdicts import add_to as add_verdicts_to
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost
from gateway.commands.commands import UNTIL_LEFT, Commands
from gateway.commands.control import ControlServer
from gateway.goods_files import Shelf
from gateway.logs import configure
from gateway.machine import tune
from gateway.people.audit import Who, system_user
from gateway.screen import plain as screen
from gateway.screen.alerts import show_alerts
from gateway.screen.goods import show_own_goods
from gateway.screen.influx import show_tried
from gateway.screen.people import page_address, show_password
from gateway.screen.settings import show_codecs, show_settings, start_line
from gateway.screen.status import show_status
from gateway.settings import Settings, load

UNAVAILABLE = "codecs-unavailable"

log = structlog.get_logger()

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
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(alert_app, name="alert")
app.add_typer(device_app, name="device")
add_evidence_to(consignment_app)
add_verdicts_to(consignment_app)
app.add_typer(consignment_app, name="consignment")
app.add_typer(influx_app, name="influx")
app.add_typer(goods_app, name="goods")
rules_app.command()(backtest)
rules_app.command()(diff)
app.add_typer(rules_app, name="rules")
app.add_typer(user_app, name="user")
app.add_typer(screen_app, name="screen")
app.add_typer(key_app, name="key")
app.add_typer(tls_app, name="tls")


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
    broker: Annotated[
        str | None,
        typer.Option(help="Join this broker (host name or address), instead of listening."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The broker's port, or that on which to listen; else 1883.")
    ] = None,
) -> None:
    """Write a first settings file, with a rule that you can try at once."""
    if file.exists():
        raise fail(f"{file} exists already, and is left as it is. Name another file.", REFUSED)
    try:
        file.write_text(starter(broker, port), encoding="utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise fail(f"Cannot write {file}: {error.strerror}.", REFUSED) from error
    out.print(f"Wrote {file}. Look at it, then: holdwatch run -c {file}", soft_wrap=True)


@app.command()
def check(
    config: SettingsPath = DEFAULT,
    offline: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--offline", help="Try no connection.")
    ] = False,
) -> None:
    """Read the settings, say what they mean, try codecs and each InfluxDB. Changes nothing."""
    with errors():
        settings = load(config)
        shelf = Shelf(settings.goods.folder)
        shelf.all()
    show_settings(out, config, settings)
    show_own_goods(out, shelf)
    codecs = CodecFolder(settings.codec_folder, expected=settings.codecs.folder is not None)
    show_codecs(out, codecs, asyncio.run(_try_codecs(settings, codecs)))
    if not offline:
        for section, tried in zip(settings.influxdb, try_all(settings.influxdb), strict=True):
            show_tried(out, section, tried)


async def _try_codecs(settings: Settings, folder: CodecFolder) -> list[str]:
    """Return which codecs cannot be run at all, and why: each is asked for once, with no bytes.

    That it refuses such a message is right, and no mistake.
    """
    host = CodecHost(folder, memory=settings.codecs.memory, time=settings.codecs.time)
    try:
        given = await host.run([Call(name, b"", 1, 0) for name in folder.codecs])
    finally:
        await host.close()
    wrong = [one for one in given if isinstance(one, DecodeError)]
    # Where no process can run them, one line says it of all.
    told = {one.reason if one.reason == UNAVAILABLE else one.detail: one for one in wrong}
    return [
        f"{one.detail}. {one.cure.partition('; then ')[0]}."
        for one in told.values()
        if one.reason in {"bad-codec", UNAVAILABLE}
    ]


@app.command()
def run(config: SettingsPath = DEFAULT) -> None:
    """Run the gateway until it is told to stop (Ctrl-C, or SIGTERM)."""
    with errors():
        settings = load(config)
        configure(sys.stderr, settings)
        for warning in settings.warnings:
            _tell("settings", warning, wrong=True)
        tune()
        asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    gateway = await open_gateway(settings)
    try:
        await gateway.compose()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, gateway.stop)
        _tell("started", start_line(settings))
        await _welcome(gateway)
        await gateway.run(
            ControlServer(settings.gateway.data, Commands(gateway).answer, UNTIL_LEFT)
        )
    finally:
        gateway.close()


def _tell(event: str, words: str, *, wrong: bool = False) -> None:
    """Say something at the start: to a person on a terminal, else as a line of the log."""
    if err.is_terminal:
        warned = f"Warning: {words}" if wrong else words
        err.print(warned, style="yellow" if wrong else None, soft_wrap=True, markup=False)
    elif wrong:
        log.warning(event, says=words)
    else:
        log.info(event, says=words, version=__version__)


async def _welcome(gateway: Gateway) -> None:
    """Say where the page is. Where nobody can log in yet, make an administrator, show the password.

    To a person alone: it must not come to lie in a log.
    """
    web = gateway.settings.web
    if web is None:
        return
    if err.is_terminal:
        err.print(f"The page: {page_address(web)}", soft_wrap=True, highlight=False)
    if not gateway.people.empty():
        return
    if not err.is_terminal:
        words = "Nobody can log in to the page yet: holdwatch user add NAME --role administrator"
        _tell("people", words, wrong=True)
        return
    first = await gateway.people.first(Who(system_user(), "command line"))
    if first is not None:
        name, password = first
        show_password(err, gateway.settings, {"name": name, "password": password})


app.command()(demo)
app.command()(simulate)
app.command()(audit)


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
    with errors():
        settings = load(config)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
        request = {
            "do": "import",
            "name": file.name,
            "content": base64.b64encode(content).decode(),
            "zone": zone,
            "device": device,
            "columns": meanings(column or []),
        }
        with progress_bar(f"Taking in {file.name}", quiet=json) as progress:
            answer = ask(settings, request, progress)
    print_answer(answer, screen.show_import, settings, json=json)


@app.command()
def status(config: SettingsPath = DEFAULT, json: Json = False) -> None:  # noqa: FBT002 - an option without a value
    """Say how everything stands: what is wrong, how bad, and whether the gateway is well."""
    ask_and_show(config, {"do": "status"}, show_status, json=json)


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
    ask_and_show(config, request, screen.show_report, json=json)


@app.command()
def alerts(
    days: Annotated[int, typer.Option(help="Also those that ended in the last so many days.")] = 7,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """List alerts that are open, and those that ended lately: when, how long, how bad."""
    ask_and_show(config, {"do": "alerts", "days": days}, show_alerts, json=json)


def main() -> None:
    """Run the command line."""
    app()
