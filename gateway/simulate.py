"""What `holdwatch simulate` does: finds where to, sends, shows how far it has come."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol

from rich.live import Live
from rich.text import Text

from gateway.cli.asking import DEFAULT, REFUSED, err, fail
from gateway.mqtt.tls import Tls, client_context
from gateway.settings import load
from simulators.simulation import Message, Simulation
from simulators.transmit import Clock, Progress, Source, Target, Transmission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings.listener import Listener

LOOK = 0.25
"""Seconds between two looks at how far it has come."""


class Where(NamedTuple):
    """Where messages go, as far as a person has said it."""

    host: str | None = None
    port: int | None = None
    tls: bool = False
    cafile: Path | None = None
    mqtt: Literal["3.1.1", "5"] = "5"
    connections: int = 1


class Login(NamedTuple):
    """Who sends them: the password is in an environment variable, or in a file."""

    user: str | None = None
    password_env: str | None = None
    token_file: Path | None = None


def target(where: Where, login: Login, config: Path) -> Target:
    """Return where messages go: what was said, else the first listener of the settings.

    With neither, localhost. Raises SettingsError, and Exit for what cannot be used.
    """
    password = _password(login)
    if where.host is None and where.port is None and (config != DEFAULT or config.exists()):
        listeners = load(config).listeners
        if listeners:
            where = _to(listeners[0], where)
            if login.user is None and not listeners[0].anonymous:
                raise fail(
                    f"{config} lets nobody in without a user name. Make one, holdwatch device add "
                    "simulator --may-speak-for '*', and use it with --user simulator --token-file "
                    "FILE; or set anonymous = true in its [[listeners]].",
                    REFUSED,
                )
    tls = where.tls or where.cafile is not None
    try:
        context = client_context(Tls(ca=where.cafile)) if tls else None
    except OSError as error:
        raise fail(f"Cannot use {where.cafile} as an authority: {error}.", REFUSED) from error
    return Target(
        host=where.host or "localhost",
        port=where.port or (8883 if tls else 1883),
        user=login.user,
        password=password,
        tls=context,
        version=where.mqtt,
        connections=where.connections,
    )


def _to(listener: Listener, where: Where) -> Where:
    host = "localhost" if listener.host in {"0.0.0.0", "::"} else listener.host  # noqa: S104 - nothing is bound
    cafile = where.cafile
    if listener.tls is not None and cafile is None:
        # Where `holdwatch tls init` puts it, beside the certificate.
        authority = listener.tls.certificate.parent / "authority.pem"
        cafile = authority if authority.exists() else None
    tls = where.tls or listener.tls is not None
    return where._replace(host=host, port=listener.port, tls=tls, cafile=cafile)


def _password(login: Login) -> str | None:
    name, file = login.password_env, login.token_file
    if (name or file) and login.user is None:
        raise fail("A password belongs to a user name: add --user.", REFUSED)
    if name and file:
        raise fail("Say where the password is once: --password-env or --token-file.", REFUSED)
    if name:
        if name not in os.environ:
            raise fail(f"--password-env names {name}, which is not in the environment.", REFUSED)
        return os.environ[name]
    if file:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise fail(f"Cannot read {file}: {error}.", REFUSED) from error
    return None


class Described(Source, Protocol):
    """A source of messages that can say what is happening."""

    def describe(self) -> str:
        """Say it in one line."""


class Truthful:
    """A simulation that writes what really was beside what it sends."""

    def __init__(self, simulation: Simulation, file: BinaryIO) -> None:
        self.now = simulation.now
        self.describe = simulation.describe
        self._simulation = simulation
        self._file = file

    def advance(self, until: int) -> Sequence[Message]:
        """Let time pass until then; return what is sent until then, in order."""
        messages = self._simulation.advance(until)
        self.now = until
        self._file.writelines(self._simulation.truth.take())
        return messages


async def send(
    source: Described, to: Target, clock: Clock, *, until: int | None, speed: float | None
) -> Progress:
    """Send until the simulated time `until`, Ctrl-C or SIGTERM, and show how far it has come.

    A second Ctrl-C does not wait for what is under way. Raises TransmitError.
    """
    transmission = Transmission(source, to, clock)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        transmission.stop()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with Live(console=err, auto_refresh=False, transient=True) as live:
        running = asyncio.create_task(transmission.run(until=until, speed=speed))
        while not running.done():
            if err.is_terminal:
                live.update(lines(source, transmission.progress()), refresh=True)
            await asyncio.wait([running], timeout=LOOK)
    running.result()
    return transmission.progress()


def lines(source: Described, progress: Progress) -> Text:
    """Return how far it has come, and below it what is happening: colour never alone."""
    local = datetime.fromtimestamp(progress.now / 1000, UTC).astimezone()
    parts = [
        f"{local:%Y-%m-%d %H:%M:%S}",
        *([] if not progress.speed else [_speed(progress.speed)]),
        f"{progress.sent:,} sent, {progress.acknowledged:,} acknowledged",
    ]
    text = Text(" · ".join(parts))
    if progress.refused:
        text.append(f" · {progress.refused:,} refused: {progress.reason}", style="red")
    if progress.trouble:
        text.append(f" · {progress.trouble}. Trying again", style="red")
    return text.append(f"\n{source.describe()}")


def _speed(speed: float) -> str:
    if 0.9 < speed < 1.1:
        return "in real time"
    return f"{speed:,.0f} times real time" if speed >= 10 else f"{speed:.2g} times real time"


def summary(to: Target, progress: Progress) -> str:
    """Say what was sent, for the end."""
    under_way = progress.sent - progress.acknowledged - progress.refused
    whole = progress.acknowledged == progress.sent
    acknowledged = "all" if whole else f"{progress.acknowledged:,}"
    sentences = [f"Sent {progress.sent:,} messages to {to}; {acknowledged} are acknowledged."]
    if under_way:
        sentences.append(f"{under_way:,} were under way; nobody knows whether they arrived.")
    if progress.again:
        sentences.append(f"{progress.again:,} times one was sent again, after a lost connection.")
    return " ".join(sentences)
