"""What the command line shows: worst first, in plain words, colour never alone."""

from __future__ import annotations

from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.report import from_json
from gateway.report_table import shown

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from gateway.codecs.folder import CodecFolder
    from gateway.settings import Settings
    from gateway.settings.listener import Listener
    from gateway.settings.sections import MappingSection

STYLES = {"critical": "bold white on red", "warning": "black on yellow", "info": "black on cyan"}


def when(settings: Settings, moment: int | None) -> str:
    """Return a time as people at the site read it."""
    if moment is None:
        return ""
    local = datetime.fromtimestamp(moment / 1000, UTC).astimezone(
        ZoneInfo(settings.gateway.timezone)
    )
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def minute(settings: Settings, moment: int | None) -> str:
    """Return a time for a table whose foot names the zone."""
    if moment is None:
        return ""
    zone = ZoneInfo(settings.gateway.timezone)
    return f"{datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def foreign(text: str) -> str:
    """Return what somebody sent as it can be shown: nothing in it is obeyed by a terminal."""
    return escape("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))


def empty_table(*headings: str) -> Table:
    """Return a table without rows, as all of ours look."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def show_settings(console: Console, path: Path, settings: Settings) -> None:
    """Say what the settings mean."""
    gateway = settings.gateway
    console.print(f"[green]{escape(str(path))} is right.[/]")
    console.print(f"This gateway is {gateway.box}; days begin in {gateway.timezone}.")
    console.print(f"Everything is stored in {escape(str(gateway.data))}.")
    for listener in settings.listeners:
        console.print(_who_may_connect(listener))
    if settings.web is not None:
        web = settings.web
        who = "on this machine alone" if web.loopback else "for the network"
        tls = "with TLS" if web.tls else "without TLS"
        console.print(f"The page is served on {escape(web.address)} {tls}, {who}.")
    for broker in settings.brokers:
        tls = "with TLS" if broker.tls else "without TLS"
        topics = ", ".join(broker.topics)
        console.print(f"Broker {broker.name}: {broker.host}:{broker.port} {tls}; {escape(topics)}")
    for server in settings.influxdb:
        database = escape(server.database)
        console.print(f"InfluxDB {server.name}: {escape(server.url)}, database {database}")
    for mapping in settings.mappings:
        console.print(f"Mapping of {escape(mapping.topic)}: {escape(_meaning(mapping))}")
    for rule in settings.rules:
        devices = escape(", ".join(rule.devices))
        channel = getattr(rule, "channel", "")
        what = f"{channel} {rule.limit()}".strip()
        console.print(f"Rule {rule.name} ({rule.severity}): {escape(what)}, devices {devices}")
    for warning in settings.warnings:
        _warn(console, warning)
    if not settings.brokers and not settings.listeners:
        _warn(console, "no [[listeners]] and no [[brokers]] section: nothing will arrive.")
    if not settings.rules:
        _warn(console, "no [[rules]] section: nothing will be judged.")


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
    if not mapping.channels:
        return f"keys that are named like channels; device {whose}"
    keys = (f"{channel} from {key or 'the payload'}" for channel, key in mapping.channels.items())
    return f"{', '.join(keys)}; device {whose}"


def _warn(console: Console, text: str) -> None:
    console.print(Text("Warning: ", "yellow").append(text, "default"), soft_wrap=True)


def show_start(console: Console, settings: Settings) -> None:
    """Say that the gateway runs, and where to look."""
    count = len(settings.rules)
    ports = ", ".join(listener.address for listener in settings.listeners)
    connect = f"sensors connect to {ports}, " if ports else ""
    console.print(
        f"Holdwatch {settings.gateway.box}: {connect}{count} rule{'s' * (count != 1)}, data in "
        f"{settings.gateway.data}. In another terminal: holdwatch status. Ctrl-C ends it.",
        soft_wrap=True,
    )


def muted(settings: Settings, alert: dict[str, Any]) -> list[str]:
    """Return a line that says until when an alert makes no sound; none where it does."""
    until = alert["muted_until"]
    return [] if until is None else [f"muted until {minute(settings, until)}"]


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit; nothing where there is none."""
    return "" if value is None else f"{value:g} {unit}"


def counted(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {what}" + "s" * (number != 1)


def show_import(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what came of a file."""
    device = escape(answer["device"])
    if answer["readings"]:
        console.print(
            f"{device}: {answer['readings']:,} readings, {when(settings, answer['first'])} to "
            f"{when(settings, answer['last'])}; {answer['stored']:,} new, "
            f"{answer['known']:,} known already.",
            soft_wrap=True,
        )
    else:
        console.print(f"{device}: the file holds no readings.")
    for note in answer["notes"]:
        console.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    alerts = answer["alerts"]
    if not alerts:
        console.print("The rules find nothing new in it.")
        return
    table = empty_table("severity", "rule", "began", "fired", "ended", "worst")
    for alert in alerts:
        table.add_row(
            Text(f" {alert['severity'].upper()} ", STYLES[alert["severity"]]),
            alert["rule"],
            minute(settings, alert["began"]),
            minute(settings, alert["fired"]),
            minute(settings, alert["ended"]) or "still open",
            amount(alert["worst"], alert["unit"]),
        )
    console.print(table)
    for rule, limit in sorted({(alert["rule"], alert["limit"]) for alert in alerts}):
        console.print(f"{rule}: {escape(limit)}")
    console.print(
        f"Times are {settings.gateway.timezone}. Day by day: holdwatch report "
        f"{escape(quote(answer['device']))}",
        soft_wrap=True,
    )


def show_codecs(console: Console, folder: CodecFolder) -> None:
    """List vendors' codecs, and say what is wrong in their folder."""
    if folder.codecs:
        console.print(f"Codecs of vendors, in {folder.path}: {', '.join(sorted(folder.codecs))}")
    for problem in folder.problems:
        console.print(f"[yellow]![/] {foreign(problem)}", soft_wrap=True)


def show_report(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show a device's days."""
    answer.pop("running", None)
    console.print(shown(from_json(answer)))
