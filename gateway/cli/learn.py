"""`holdwatch device learn`: watches real traffic, and proposes the settings that decode it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn

from devices.learn.heard import Heard
from devices.learn.propose import propose
from gateway import learning
from gateway.cli.asking import DEFAULT, MISTAKE, REFUSED, Json, SettingsPath, err, errors, fail, out
from gateway.learning import LearnError, Sample, Source
from gateway.mqtt.tls import Tls, client_context
from gateway.mqtt.topic import check_filter
from gateway.mqtt.wire import ProtocolError
from gateway.screen.learn import show_learnt
from gateway.screen.plain import counted
from gateway.settings import Settings, SettingsError, load
from rules.duration import SECOND, parse_duration

if TYPE_CHECKING:
    from gateway.settings.broker import Broker

STDIN = "-"


class _Where(NamedTuple):
    """Where to listen, as far as a person has said it."""

    broker: str | None
    host: str | None
    port: int | None
    username: str | None
    password_file: Path | None
    ca: Path | None

    @property
    def said(self) -> bool:
        """Whether it is a broker that the settings need not name."""
        return self.host is not None or self.port is not None


def learn(  # noqa: PLR0913, PLR0917 - options of a command
    topic: Annotated[
        list[str] | None,
        typer.Option(metavar="FILTER", help="What to listen to: 'factory/#'. Repeatable."),
    ] = None,
    length: Annotated[
        str, typer.Option("--for", metavar="LENGTH", help="How long; Ctrl-C ends it earlier.")
    ] = "60 s",
    broker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which broker of the settings.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="A broker that is not in the settings: its host.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its port; else 1883, with --ca 8883.")] = None,
    username: Annotated[str | None, typer.Option(help="User name there.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that holds the password alone.")
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TLS, by the certificate (PEM) of this authority."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Learn from lines of topic and payload, as mosquitto_sub -v prints them; - is "
            "what is piped in.",
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Append the proposal to these settings, if they are right then."
        ),
    ] = None,
    config: SettingsPath = DEFAULT,
    json: Json = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Watch real traffic, and propose the settings that decode what is not understood yet.

    Changes nothing unless --write is given. Listens as a client of its own.
    """
    topics, seconds = _checked(topic or [], needed=file is None), _seconds(length)
    with errors():
        settings = _settings(write or config, needed=write is not None or config != DEFAULT)
        where = _Where(broker, host, port, username, password_file, ca)
        chosen = None if file is not None or where.said else _broker(settings, broker)
        if file is not None:
            sample = _recorded(file)
        else:
            source = _source(where) if chosen is None else _of(chosen)
            sample = _heard(source, topics, seconds, quiet=json)
        messages = _others(learning.of_topics(sample, topics), settings)
        if not messages:
            raise fail(_nothing(file, topics, length), REFUSED)
        proposal = propose(messages, learning.known(settings, chosen))
        subscribe = list(learning.not_subscribed(chosen, proposal.topics))
    if json:
        told: dict[str, Any] = msgspec.to_builtins(proposal)
        told |= {"subscribe": subscribe, "ended": sample.ended}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told)).decode() + "\n")
    else:
        if sample.ended:
            err.print(f"Ended early: {sample.ended}.", markup=False, highlight=False)
        show_learnt(out, proposal, subscribe, chosen.name if chosen is not None else "")
    if write is not None:
        _write(write, proposal.toml if proposal.blocks else "", quiet=json)


def _checked(topics: list[str], *, needed: bool) -> list[str]:
    if needed and not topics:
        raise typer.BadParameter("say what to listen to: --topic 'factory/#', or --topic '#'")
    for one in topics:
        try:
            check_filter(one)
        except ProtocolError as error:
            raise typer.BadParameter(
                f"{error.detail}: a + stands for one whole level, a # for all the rest"
            ) from error
    return topics


def _seconds(length: str) -> float:
    try:
        return parse_duration(length) / SECOND
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _settings(path: Path, *, needed: bool) -> Settings | None:
    return load(path) if needed or path.exists() else None


def _others(messages: list[Heard], settings: Settings | None) -> list[Heard]:
    """Return the messages without those that a gateway itself publishes."""
    ours = "holdwatch/" if settings is None else f"{settings.gateway.prefix}/"
    return [one for one in messages if not one.topic.startswith(ours)]


def _nothing(file: str | None, topics: list[str], length: str) -> str:
    on = ", ".join(topics)
    if file is not None:
        where = "standard input" if file == STDIN else file
        return (
            f"{where} holds no message{f' on {on}' if topics else ''}. Each line is a topic, a "
            "space, and the payload, as mosquitto_sub -v prints it."
        )
    return (
        f"Nothing was published on {on} in {length}. Listen longer (--for), or to more: "
        "--topic '#'. What a broker does not let this user read it does not tell."
    )


# --- where to listen


def _broker(settings: Settings | None, name: str | None) -> Broker:
    brokers = () if settings is None else settings.brokers
    names = ", ".join(one.name for one in brokers)
    if not brokers:
        raise fail(
            "There is no broker in the settings to listen to. Name one with --host, or the "
            "settings with -c.",
            REFUSED,
        )
    if name is None and len(brokers) > 1:
        raise fail(f"The settings have several brokers ({names}): choose with --broker.", REFUSED)
    found = brokers[0] if name is None else next((one for one in brokers if one.name == name), None)
    if found is None:
        raise fail(f"The settings have no broker {name!r}, but: {names}.", REFUSED)
    return found


def _of(broker: Broker) -> Source:
    try:
        return learning.of_broker(broker)
    except OSError as error:
        raise fail(f"Cannot use the certificates of broker {broker.name}: {error}.", REFUSED) from (
            error
        )


def _source(where: _Where) -> Source:
    if where.broker is not None:
        raise typer.BadParameter("--broker is one of the settings, --host another: say one of them")
    password = None
    if where.password_file is not None:
        if where.username is None:
            raise typer.BadParameter("a password belongs to a user name: add --username")
        try:
            password = where.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise fail(f"Cannot read {where.password_file}: {error}.", REFUSED) from error
    try:
        tls = client_context(Tls(ca=where.ca)) if where.ca is not None else None
    except OSError as error:
        raise fail(f"Cannot use {where.ca} as an authority: {error}.", REFUSED) from error
    port = where.port or (8883 if tls else 1883)
    return Source(where.host or "localhost", port, where.username, password, tls)


def _heard(source: Source, topics: list[str], seconds: float, *, quiet: bool) -> Sample:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as (
        bar
    ):
        task = bar.add_task("listening", total=seconds, left="")

        def tell(sample: Sample, passed: float) -> None:
            so_far = (
                f"{counted(len(sample.messages), 'message')} on "
                f"{counted(len(sample.topics), 'topic')}"
            )
            left = max(0, round(seconds - passed))
            bar.update(task, completed=passed, description=so_far, left=f"{left} s left")

        try:
            return asyncio.run(learning.listen(source, topics, seconds, tell))
        except LearnError as error:
            raise fail(f"{error}.", REFUSED) from error


def _recorded(file: str) -> Sample:
    def now() -> int:
        return time.time_ns() // 1_000_000

    if file == STDIN:
        return learning.read_lines(sys.stdin.buffer, now)
    try:
        with Path(file).open("rb") as lines:
            # They were heard before the file was last written, and not long before.
            written = round(Path(file).stat().st_mtime * 1000)
            return learning.read_lines(lines, lambda: written)
    except OSError as error:
        raise fail(f"Cannot read {file}: {error.strerror}.", REFUSED) from error


def _write(path: Path, block: str, *, quiet: bool) -> None:
    """Append the block, if there is one, and say so."""
    told = "Nothing to append."
    try:
        if block:
            learning.append(path, block)
            told = f"Appended to {path}. The gateway reads it when it starts next."
    except SettingsError as error:
        raise fail(
            f"Nothing was written: with the proposal {path} would be no right settings.\n{error}",
            MISTAKE,
        ) from error
    except OSError as error:
        raise fail(f"Cannot write {path}: {error.strerror}. Nothing was changed.", REFUSED) from (
            error
        )
    if not quiet:
        out.print(told, markup=False, highlight=False, soft_wrap=True)
