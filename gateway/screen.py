"""What the command line shows: worst first, in plain words, colour never alone."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.report import from_json
from gateway.report_table import shown

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from gateway.settings import Settings
    from gateway.settings.listener import Listener
    from gateway.settings.sections import MappingSection

STYLES = {"critical": "bold white on red", "warning": "black on yellow", "info": "black on cyan"}
MARKS = {"connected": "[green]✓[/]", "limited": "[yellow]![/]"}
FEW = 5
"""Of a long list so many are named."""
PAYLOAD = 120
"""Bytes of a message that are shown."""


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


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


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


def show_status(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show how everything stands, what is wrong first."""
    alerts = [one for one in answer["alerts"] if not one["retrospective"]]
    past = len(answer["alerts"]) - len(alerts)
    if alerts:
        console.print(_alerts(settings, alerts))
    else:
        console.print("[green]✓ No alert is open.[/]")
    if past:
        console.print(f"{past} more from imported files were still open where the file ends.")
    if answer["pending"]:
        console.print(_pending(settings, answer["pending"]))
    console.print(_health(settings, answer))


def _alerts(settings: Settings, alerts: list[dict[str, Any]]) -> Table:
    table = empty_table("severity", "device", "what", "since", "worst", "now")
    for alert in alerts:
        what = f"{alert['channel']} {alert['limit']}".strip()
        if alert["kind"] == "gateway":
            what = f"{alert['channel']}: {alert['reason']}"
        more = [f"[dim]{escape(alert['note'])}[/]"] if alert["note"] else []
        if alert["holder"]:
            more.append(f"{foreign(alert['holder'])} has it")
        more += muted(settings, alert)
        table.add_row(
            Text(f" {alert['severity'].upper()} ", STYLES[alert["severity"]]),
            escape("/".join(part for part in alert["device"] if part)),
            "\n".join([f"{escape(what)} [dim]({alert['rule']})[/]", *more]),
            when(settings, alert["began"]),
            amount(alert["worst"], alert["unit"]),
            amount(alert["last"], alert["unit"]),
        )
    return table


def muted(settings: Settings, alert: dict[str, Any]) -> list[str]:
    """Return a line that says until when an alert makes no sound; none where it does."""
    until = alert["muted_until"]
    return [] if until is None else [f"muted until {minute(settings, until)}"]


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit; nothing where there is none."""
    return "" if value is None else f"{value:g} {unit}"


def _pending(settings: Settings, pending: list[dict[str, Any]]) -> Table:
    table = empty_table("pending", "rule", "channel", "value", "fires at the earliest")
    for one in pending:
        table.add_row(
            escape(one["device"]),
            one["rule"],
            one["channel"],
            amount(one["value"], ""),
            when(settings, one["pending_until"]),
        )
    return table


def _few(items: list[str]) -> list[str]:
    """Return the first of a long list, and how many more there are."""
    return items if len(items) <= FEW else [*items[:FEW], f"… and {len(items) - FEW} more"]


def counted(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {what}" + "s" * (number != 1)


def _listening(listener: dict[str, Any]) -> list[str]:
    ports = ", ".join(
        one["address"] + (" with TLS" if one["tls"] else "") for one in listener["ports"]
    )
    lines = [f"[green]✓[/] listening on {ports}: {counted(listener['connected'], 'client')}"]
    refused = sorted(listener["refused"].items(), key=lambda one: -one[1])
    lines += _few(
        [
            f"[yellow]! {counted(count, 'connection')} refused:[/] {escape(why)}"
            for why, count in refused
        ]
    )
    return lines


def _health(settings: Settings, answer: dict[str, Any]) -> Group:
    lines: list[str] = []
    if answer.get("running") is False:
        lines.append("[yellow]! The gateway is not running.[/] Start it with: holdwatch run")
    for name, broker in answer["brokers"].items():
        mark = MARKS.get(broker["state"], "[red]✗[/]")
        lines.append(f"{mark} broker {name}: {broker['state']}. {escape(broker['detail'])}")
    if answer["listener"] is not None:
        lines += _listening(answer["listener"])
    quarantine = answer["quarantine"]
    if quarantine:
        counts = ", ".join(f"{count} {reason}" for reason, count in quarantine.items())
        lines.append(f"[yellow]! quarantine: {counts}.[/] See: holdwatch quarantine list")
    for name, count in answer["waiting"].items():
        if count:
            what = "readings to be judged" if name == "monitor" else f"events for {name}"
            lines.append(f"… still to do: {count:,} {what}")
    lines += [f"[yellow]! {escape(one)}[/]" for one in _few(answer["unwatched"])]
    if answer["wrong_clocks"]:
        devices = escape(", ".join(_few(answer["wrong_clocks"])))
        lines.append(
            f"[yellow]! wrong clock, judged at arrival: {devices}.[/] A device that sends seconds "
            'needs time_unit = "s" in a mapping'
        )
    disk = answer["disk"]
    if disk["problem"]:
        lines.append(f"[red]✗ disk: {escape(disk['problem'])}[/]")
    running = answer.get("running") is not False
    since = (
        f", {counted(answer['received'], 'message')} since {when(settings, answer['started'])}; "
        f"{counted(answer['duplicates'], 'reading')} came again"
    )
    lines.append(f"  {counted(answer['devices'], 'device')}{since if running else ''}")
    lines.append(
        f"  disk: journal {_size(disk['journal'])}, history {_size(disk['history'])}, "
        f"{_size(disk['free'])} free"
    )
    if not answer["clock_trusted"]:
        lines.append("[yellow]! our clock is in the past[/]: no time of a device is doubted")
    return Group(*(Text.from_markup(line) for line in lines))


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


def show_quarantine(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """List messages that could not be decoded."""
    if not answer["total"]:
        console.print("[green]✓ The quarantine is empty.[/]")
        return
    messages = answer["messages"]
    for one in messages:
        payload = base64.b64decode(one["payload"])
        shown = payload[:PAYLOAD].decode(errors="backslashreplace")
        console.print(
            f"[bold]{one['number']}[/] {when(settings, one['received'])} "
            f"{escape(one['source'])} {foreign(one['topic'])}",
            soft_wrap=True,
        )
        console.print(f"   [yellow]{one['reason']}[/]: {foreign(one['detail'])}", soft_wrap=True)
        console.print(f"   {foreign(one['cure'])}", soft_wrap=True)
        more = f" … {len(payload):,} bytes" if len(payload) > PAYLOAD else ""
        console.print(f"   [dim]{foreign(shown)}{more}[/]", soft_wrap=True)
    shown = f"{len(messages)} of {counted(answer['total'], 'message')}"
    more = f"; the next: --after {messages[-1]['number']}" if messages else ""
    console.print(f"{shown}{more}. After a correction: holdwatch quarantine retry")


def show_retry(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what came of another attempt to decode."""
    decoded, left = counted(answer["decoded"], "message"), answer["left"]
    console.print(f"{decoded} decoded, {left:,} still in quarantine.")
    if left and answer.get("running") is not False:
        console.print("A gateway reads its settings when it starts: restart it after a correction.")


def show_drop(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say how many messages are gone."""
    unknown = answer["unknown"]
    more = f" {counted(unknown, 'other number')} are of no message there." if unknown else ""
    console.print(f"{counted(answer['dropped'], 'message')} dropped.{more}")


def show_report(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show a device's days."""
    answer.pop("running", None)
    console.print(shown(from_json(answer)))
