"""What `check` and `run` show: what the settings mean, and which codecs can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.text import Text

from gateway.notify.in_words import KINDS, route_in_words, where_to
from gateway.screen.plain import counted, foreign
from gateway.service.identity import has_name
from gateway.settings.routes import EVERY
from rules.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from gateway.codecs.folder import CodecFolder
    from gateway.settings import Settings
    from gateway.settings.listener import Listener
    from gateway.settings.oidc import Oidc
    from gateway.settings.sections import MappingSection
    from gateway.settings.ways import Poll


def show_settings(console: Console, path: Path, settings: Settings) -> None:
    """Say what the settings mean."""
    gateway = settings.gateway
    console.print(f"[green]{escape(str(path))} is right.[/]")
    name = gateway.box if has_name(settings) else f"{gateway.box}-… (made at its first start)"
    console.print(f"This gateway is {name}; days begin in {gateway.timezone}.")
    console.print(f"Everything is stored in {escape(str(gateway.data))}.")
    for listener in settings.listeners:
        console.print(_who_may_connect(listener))
    if settings.web is not None:
        web = settings.web
        who = "on this machine alone" if web.loopback else "for the network"
        tls = "with TLS" if web.tls else "without TLS"
        console.print(f"The page is served on {escape(web.address)} {tls}, {who}.")
        if web.oidc is not None:
            console.print(_signing_in(web.oidc), soft_wrap=True)
    for broker in settings.brokers:
        tls = "with TLS" if broker.tls else "without TLS"
        topics = ", ".join(broker.topics)
        console.print(f"Broker {broker.name}: {broker.host}:{broker.port} {tls}; {escape(topics)}")
    for server in settings.influxdb:
        database = escape(server.database)
        console.print(f"InfluxDB {server.name}: {escape(server.url)}, database {database}")
    for one in settings.heartbeats:
        every = format_duration(one.every)
        console.print(f"Heartbeat {one.name}: {escape(one.host)} is called every {every}")
    telling = (*_rules(settings), *_telling(settings), _backups(settings))
    for line in (*_mappings(settings), *_ways(settings), *telling):
        console.print(escape(line), soft_wrap=True)
    for warning in (*settings.warnings, *_nothing(settings)):
        console.print(Text("Warning: ", "yellow").append(warning, "default"), soft_wrap=True)


def _nothing(settings: Settings) -> Iterator[str]:
    """Say what settings lack without which a gateway has nothing to do."""
    others = (settings.polls, settings.modbus, settings.bluetooth)
    if not settings.brokers and not settings.listeners and not any(others):
        yield "no [[listeners]] and no [[brokers]] section: nothing will arrive."
    if not settings.rules:
        yield "no [[rules]] section: nothing will be judged."


def _mappings(settings: Settings) -> Iterator[str]:
    for mapping in settings.mappings:
        yield f"Mapping of {mapping.topic}: {_meaning(mapping)}"


def _rules(settings: Settings) -> Iterator[str]:
    for rule in settings.rules:
        what = f"{getattr(rule, 'channel', '')} {rule.limit()}".strip()
        yield f"Rule {rule.name} ({rule.severity}): {what}, devices {', '.join(rule.devices)}"


def _telling(settings: Settings) -> Iterator[str]:
    """Say who is told of alerts, and when."""
    if not settings.channels:
        yield "Nobody is told of alerts, but by the page: there are no [[channels]]."
        return
    for one in settings.channels:
        yield f"Channel {one.name}: {KINDS[one.kind]} {where_to(one)}"
    names = [one.name for one in settings.channels]
    for route in settings.routes or (EVERY,):
        said = route_in_words(route, names)
        yield f"Route {said.name}: {said.sentence}" if settings.routes else said.sentence


def _backups(settings: Settings) -> str:
    backup = settings.backup
    if backup is None:
        return "No backups are made: there is no [backup]."
    sealed = "encrypted" if backup.keys else "not encrypted"
    return f"Backups go to {backup.folder}, {sealed}."


def _signing_in(oidc: Oidc) -> str:
    """Say who signs in to the page elsewhere, and as what."""
    roles = [f"{group} is {role}" for group, role in oidc.roles.items()]
    if oidc.role is not None:
        roles.append(f"everybody else is {oidc.role}" if roles else f"everybody is {oidc.role}")
    secret = "with its secret" if oidc.secret is not None else "without a secret, as PKCE allows"
    return escape(f"People sign in at {oidc.issuer} {secret}: {', '.join(roles)}.")


def _who_may_connect(listener: Listener) -> str:
    """Say who may connect there."""
    who = "each client with its token"
    if listener.tls is not None and listener.tls.authority is not None:
        must = listener.tls.require_certificate
        who = "each client with its certificate" if must else f"{who} or its certificate"
    if listener.anonymous:
        who += "; without a user name it may speak for every device"
    tls = "with TLS" if listener.tls else "without TLS"
    return f"Listener {escape(listener.address)} {tls}; {who}"


def _meaning(mapping: MappingSection) -> str:
    """Say what comes of messages on its topic."""
    if mapping.ignore:
        return "ignored"
    whose = mapping.device or (f"by key {mapping.device_key}" if mapping.device_key else "by topic")
    return f"{_keys(mapping)}; device {whose}"


def _keys(section: MappingSection | Poll) -> str:
    """Say which channel comes from which key, and in which unit where that is not ours."""
    if not section.channels:
        units = ", ".join(f"{channel} in {unit}" for channel, unit in section.units.items())
        return "keys that are named like channels" + (f" ({units})" if units else "")
    return ", ".join(
        f"{channel} from {key or 'the payload'}" + _unit(section.units, channel)
        for channel, key in section.channels.items()
    )


def _unit(units: Mapping[str, str], channel: str) -> str:
    """Return the unit that a channel's values come in, where it is said: of it, or its quantity."""
    unit = units.get(channel) or units.get(channel.partition(".")[0])
    return f" ({unit})" if unit else ""


def _ways(settings: Settings) -> Iterator[str]:
    """Say of each way in but MQTT what is asked, how often, and what comes of it."""
    for poll in settings.polls:
        whose = poll.device or (f"by key {poll.device_key}" if poll.device_key else "not said")
        yield (
            f"Poll {poll.name}: {poll.url} every {format_duration(poll.every)}; {_keys(poll)}; "
            f"device {whose}"
        )
    for modbus in settings.modbus:
        registers = ", ".join(
            f"{one.channel} from {one.kind} {one.address}" for one in modbus.registers
        )
        yield (
            f"Modbus {modbus.name}: {modbus.host}:{modbus.port}, unit {modbus.unit}, every "
            f"{format_duration(modbus.every)}; {registers}; device {modbus.device}"
        )
    if settings.bluetooth is not None:
        one = settings.bluetooth
        tags = "every RuuviTag" if one.devices == ("*",) else f"RuuviTags {', '.join(one.devices)}"
        adapter = one.adapter or "the system's first adapter"
        yield f"Bluetooth: {tags}, by {adapter}, one reading in {format_duration(one.every)}"


def start_line(settings: Settings) -> str:
    """Return in a line that the gateway runs, and where to look."""
    ports = ", ".join(listener.address for listener in settings.listeners)
    connect = f"sensors connect to {ports}, " if ports else ""
    brokers = ", ".join(f"{one.name} ({one.host}:{one.port})" for one in settings.brokers)
    if brokers:
        connect += f"it joins the broker{'s' * (len(settings.brokers) > 1)} {brokers}, "
    return (
        f"Holdwatch {settings.gateway.box}: {connect}{counted(len(settings.rules), 'rule')}, data "
        f"in {settings.gateway.data}. In another terminal: holdwatch status. Ctrl-C ends it."
    )


def show_codecs(console: Console, folder: CodecFolder, wrong: Sequence[str] = ()) -> None:
    """List vendors' codecs, and say what is wrong in their folder; `wrong`: with what they do."""
    if folder.codecs:
        console.print(
            f"Codecs of vendors, in {escape(str(folder.path))}: {', '.join(sorted(folder.codecs))}",
            soft_wrap=True,
        )
    for problem in [*folder.problems, *wrong]:
        console.print(f"[yellow]![/] {foreign(problem)}", soft_wrap=True)


def show_reloaded(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what counts now, and what waits for a restart."""
    if not answer["changed"] and not answer["waits"]:
        console.print("The settings are as they were.")
    for one in answer["changed"]:
        console.print(f"[green]✓[/] {escape(one)}", soft_wrap=True, highlight=False)
    for one in answer["waits"]:
        console.print(f"[yellow]! {escape(one)}: needs a restart[/]", soft_wrap=True)
