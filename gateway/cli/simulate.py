"""`holdwatch simulate`: a simulated fleet or a recorded series, sent to any gateway or broker."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from devices.device import DecodeError
from gateway.cli.asking import (
    DEFAULT,
    MISTAKE,
    REFUSED,
    SettingsPath,
    err,
    errors,
    fail,
    meanings,
    out,
)
from gateway.report_range import find_zone
from gateway.simulate import Described, Login, Truthful, Where, send, summary, target
from simulators.length import MINUTE, parse_length
from simulators.mistakes import ScenarioError
from simulators.replay import Recording, Replay, read, shift
from simulators.scenario_file import find, parse, shipped
from simulators.simulation import Simulation
from simulators.transmit import SystemClock, TransmitError

TRUTH_EVERY = MINUTE
"""How often (ms) the truth tells how every asset is."""
SITE = "replay"
"""What stands in the topic of a series for the place."""


def _length(text: str) -> int:
    try:
        return parse_length(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _ago(text: str) -> int:
    """Return how long ago something begins, ms."""
    if text == "now":
        return 0
    if not text.endswith(" ago"):
        raise typer.BadParameter(f'{text!r} is no start: write "now", or such as "24 h ago"')
    return _length(text.removesuffix(" ago"))


def _speed(text: str) -> float:
    """Return how many times real time, infinity for the most that is taken."""
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0 or (math.isinf(speed) and text != "max"):
        raise typer.BadParameter(f'{text!r} is no speed: write a number such as 60, or "max"')
    return speed


def simulate(  # noqa: PLR0913, PLR0917 - options of a command
    scenario: Annotated[
        str | None,
        typer.Argument(help="A scenario that is shipped, or a TOML file. Left out: demo."),
    ] = None,
    all_: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--list", help="List the scenarios that are shipped.")
    ] = False,
    start: Annotated[
        str, typer.Option(metavar="TIME", help='When it begins: "now", or such as "24 h ago".')
    ] = "24 h ago",
    length: Annotated[
        str | None,
        typer.Option("--for", metavar="LENGTH", help='It ends after so long, such as "6 h".'),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(
            metavar="N",
            help='So many times real time, or "max", as fast as it is taken. Once it has reached '
            "now it goes on in real time.",
        ),
    ] = "max",
    truth: Annotated[
        Path | None, typer.Option(help="A new file for what really was, as JSON lines.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(help="Send this series: a logger's export, a CSV table, a GPX track."),
    ] = None,
    keep_times: Annotated[  # noqa: FBT002 - an option without a value
        bool,
        typer.Option(
            "--keep-times",
            help="Leave the series' times; otherwise its last reading is sent when it is due.",
        ),
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="The series' device id; otherwise the one in the file.")
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="Time zone of the series' times, where it names none: Europe/Berlin."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help='What a table\'s column holds: "value=temperature °C". Repeatable.'),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Where to. Left out with --port: to the first listener in the settings."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port; else 1883, with TLS 8883.")] = None,
    user: Annotated[str | None, typer.Option(help="User name.")] = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable of the password.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File that holds the password or token, and nothing else.")
    ] = None,
    cafile: Annotated[
        Path | None, typer.Option(help="TLS, by the certificate (PEM) of this authority.")
    ] = None,
    tls: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--tls", help="TLS, by the system's authorities.")
    ] = False,
    mqtt: Annotated[Literal["3.1.1", "5"], typer.Option(help="Version of MQTT.")] = "5",
    connections: Annotated[
        int, typer.Option(min=1, max=1000, help="Connections that all devices share.")
    ] = 1,
    config: SettingsPath = DEFAULT,
) -> None:
    """Send what a simulated fleet says, or a recorded series, to a gateway or broker.

    Left alone, `holdwatch simulate` sends the last 24 hours of the scenario demo to the gateway
    here, as fast as it takes them, and goes on in real time until Ctrl-C.
    """
    if all_:
        _list()
        return
    times = _speed(speed)
    pace = None if math.isinf(times) else times
    ago, lasts = _ago(start), None if length is None else _length(length)
    if replay is not None and (scenario is not None or truth is not None):
        raise typer.BadParameter("a series has no scenario and no truth: leave them out")
    clock = SystemClock()
    now = clock.now()
    with errors(), _mistakes(), ExitStack() as stack:
        to = target(
            Where(host, port, tls, cafile, mqtt, connections),
            Login(user, password_env, token_file),
            config,
        )
        source: Described
        if replay is not None:
            series = _series(replay, now, device, zone, column or [])
            source = Replay(_moved(series, now, pace, keep=keep_times), SITE)
        else:
            source = _simulation(scenario or "demo", now - ago, truth, stack)
        until = None if lasts is None else source.now + lasts
        if isinstance(source, Replay):
            until = source.end if until is None else min(until, source.end)
        done = asyncio.run(send(source, to, clock, until=until, speed=pace))
    out.print(summary(to, done), soft_wrap=True, highlight=False, markup=False)
    if done.refused:
        why = f"{done.refused:,} of them were refused, the last for this: {done.reason}."
        raise fail(f"{why} See what this user may publish on {to}.", REFUSED)


def _list() -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("scenario")
    table.add_column("what happens")
    for name, text in shipped().items():
        table.add_row(name, parse(text, name).title)
    out.print(table)


def _simulation(name: str, start: int, truth: Path | None, stack: ExitStack) -> Described:
    """Return a scenario's simulation; the truth goes to a file, which the stack closes."""
    scenario = find(name)
    if truth is None:
        return Simulation(scenario, start=start)
    try:
        file = stack.enter_context(truth.open("xb"))
    except FileExistsError:
        raise fail(
            f"{truth} exists already, and is left as it is. Name another.", REFUSED
        ) from None
    except OSError as error:
        raise fail(f"Cannot write {truth}: {error.strerror}.", REFUSED) from error
    return Truthful(Simulation(scenario, start=start, truth_every=TRUTH_EVERY), file)


def _series(
    file: Path, now: int, device: str | None, zone: str | None, columns: list[str]
) -> Recording:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error
    series = read(
        file.name,
        content,
        received=now,
        zone=find_zone(zone) if zone else None,
        device=device,
        columns=meanings(columns),
    )
    for note in series.notes:
        err.print(f"Note: {note}.", style="yellow", soft_wrap=True, highlight=False, markup=False)
    return series


def _moved(series: Recording, now: int, pace: float | None, *, keep: bool) -> Recording:
    if not keep:
        return shift(series, now, pace)
    if series.samples[-1].at > now:
        raise fail("The series ends in the future: leave --keep-times out.", REFUSED)
    return series


@contextmanager
def _mistakes() -> Iterator[None]:
    """Turn what can go wrong with a scenario, a series or a target into a sentence and a code."""
    try:
        yield
    except ScenarioError as error:
        raise fail(str(error), MISTAKE) from error
    except DecodeError as error:
        raise fail(f"{error}.", REFUSED) from error
    except TransmitError as error:
        raise fail(f"{error}.", REFUSED) from error
