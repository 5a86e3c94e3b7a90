"""What `holdwatch status` shows: alerts first, then how the gateway itself stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.text import Text

from gateway.influxdb.names import server_of
from gateway.screen.plain import STYLES, amount, counted, foreign, muted, print_rows, when

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from gateway.settings import Settings

MARKS = {"connected": "[green]✓[/]", "limited": "[yellow]![/]"}
FEW = 5
"""Of a long list so many are named."""
ON_THEIR_WAY = 1_000
"""Readings that wait for a server that is well: they are those of the last seconds."""


def show_status(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show how everything stands, what is wrong first."""
    alerts = [one for one in answer["alerts"] if not one["retrospective"]]
    past = len(answer["alerts"]) - len(alerts)
    if alerts:
        _show_alerts(console, settings, answer, alerts)
    else:
        console.print("[green]✓ No alert is open.[/]")
    if past:
        console.print(f"{past} more from imported files were still open where the file ends.")
    if answer["pending"]:
        _show_pending(console, settings, answer)
    for line in _health(settings, answer):
        console.print(Text.from_markup(line), soft_wrap=True)


def _named(answer: dict[str, Any], device: str) -> str:
    """Return a device's id with what people call it, marked up."""
    name = answer["names"].get(device)
    return escape(device) + (f" [dim]{foreign(name)}[/]" if name else "")


def _show_alerts(
    console: Console, settings: Settings, answer: dict[str, Any], alerts: list[dict[str, Any]]
) -> None:
    """List alerts, and below what their rules say is to be done."""
    rows: list[tuple[str | Text, ...]] = []
    advice: dict[tuple[str, str], None] = {}
    for alert in alerts:
        what = f"{alert['channel']} {alert['limit']}".strip()
        if alert["kind"] == "gateway":
            what = f"{alert['channel']}: {alert['reason']}"
        if alert["note"]:
            advice[alert["rule"], alert["note"]] = None
        more = [f"{foreign(alert['holder'])} has it"] if alert["holder"] else []
        more += muted(settings, alert)
        rows.append(
            (
                Text(f" {alert['severity'].upper()} ", STYLES[alert["severity"]]),
                _named(answer, "/".join(part for part in alert["device"] if part)),
                "\n".join([f"{escape(what)} [dim]({alert['rule']})[/]", *more]),
                when(settings, alert["began"]),
                amount(alert["worst"], alert["unit"]),
                amount(alert["last"], alert["unit"]),
            )
        )
    print_rows(console, ("severity", "device", "what", "since", "worst", "now"), rows, key=1)
    for rule, note in advice:
        console.print(f"{rule}: {escape(note)}", soft_wrap=True, highlight=False)


def _show_pending(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    rows = [
        (
            _named(answer, one["device"]),
            one["rule"],
            one["channel"],
            amount(one["value"], ""),
            when(settings, one["pending_until"]),
        )
        for one in answer["pending"]
    ]
    print_rows(console, ("pending", "rule", "channel", "value", "fires at the earliest"), rows)


def _health(settings: Settings, answer: dict[str, Any]) -> list[str]:
    """Say how the gateway itself stands, line by line, marked up."""
    lines: list[str] = []
    if answer.get("running") is False:
        lines.append("[yellow]! The gateway is not running.[/] Start it with: holdwatch run")
    for name, broker in answer["brokers"].items():
        mark = MARKS.get(broker["state"], "[red]✗[/]")
        lines.append(f"{mark} broker {name}: {broker['state']}. {escape(broker['detail'])}")
    if answer["listener"] is not None:
        lines += _listening(answer["listener"])
    lines += _ways(settings, answer.get("ways", ()))
    running = answer.get("running") is not False
    lines += _servers(settings, answer["influxdb"], running=running)
    quarantine = answer["quarantine"]
    if quarantine:
        counts = ", ".join(f"{count} {reason}" for reason, count in quarantine.items())
        senders = ", ".join(
            f"{_named(answer, one['device'])} ({one['count']:,})" for one in answer["senders"]
        )
        most = f" Most of {senders}." if senders else ""
        lines.append(f"[yellow]! quarantine: {counts}.[/]{most} See: holdwatch quarantine list")
    lines += _to_do(answer["waiting"])
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
    elif disk["warned"] or disk["step"]:
        lines.append(f"[yellow]! disk: {escape(disk['says'])}[/]")
    lines += _settings(answer["settings"])
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
    return lines


def _settings(settings: dict[str, Any]) -> Iterator[str]:
    """Say what of the settings file does not count yet."""
    if settings["problem"]:
        yield f"[red]✗ settings: {escape(settings['problem'])}[/]"
    elif settings["changed"]:
        yield "[yellow]! settings: the file was changed and is not loaded.[/] holdwatch reload"
    for one in settings["waits"]:
        yield f"[yellow]! settings: {escape(one)}: needs a restart[/]"


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


def _ways(settings: Settings, ways: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Say how each way in but MQTT fares."""
    for one in ways:
        since = when(settings, one["since"])
        if not one["well"]:
            reason = foreign(_capital(one["reason"]))
            yield f"[red]✗[/] {one['name']}: fails since {since}. {reason}"
        elif one["last"] is None:
            yield f"… {one['name']}: nothing came yet"
        else:
            yield f"[green]✓[/] {one['name']}: last came {when(settings, one['last'])}"


def server_line(settings: Settings, name: str, server: dict[str, Any], *, running: bool) -> str:
    """Say in a line how it stands with an InfluxDB."""
    waits = []
    keeps_up = running and server["well"] and server["last"]
    if server["waiting"] > (ON_THEIR_WAY if keeps_up else 0):
        waits.append(f"{counted(server['waiting'], 'reading')} to send")
    if server["missed_days"]:
        waits.append(f"{counted(server['missed_days'], 'day')} to send from the history")
    last = when(settings, server["last"])
    if not server["well"]:
        mark, state = "[red]✗[/]", f"away, last written {last}" if last else "away"
        waits.append(foreign(_capital(server["reason"])))
    elif not running:
        mark, state = "…" if waits else " ", "" if waits else "nothing to send"
    else:
        mark, state = "[green]✓[/]", f"last written {last}" if last else "nothing written yet"
    return f"{mark} InfluxDB {name}: {'. '.join(filter(None, [state, *waits]))}"


def _capital(words: str) -> str:
    """Return words with a capital letter, but an address as it is."""
    return words if "://" in words.partition(" ")[0] else words[:1].upper() + words[1:]


def _servers(settings: Settings, servers: dict[str, Any], *, running: bool) -> Iterator[str]:
    for name, server in servers.items():
        yield server_line(settings, name, server, running=running)
        if server["rejected"]:
            yield (
                f"[yellow]! InfluxDB {name} has refused {server['rejected']:,}.[/] See: "
                f"holdwatch influx rejected {name}"
            )


def _to_do(waiting: dict[str, int]) -> Iterator[str]:
    for name, count in waiting.items():
        # What a server of ours has yet to get is told where the server is.
        if count and not server_of(name):
            what = "readings to be judged" if name == "monitor" else f"events for {name}"
            yield f"… still to do: {count:,} {what}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def _few(items: list[str]) -> list[str]:
    """Return the first of a long list, and how many more there are."""
    return items if len(items) <= FEW else [*items[:FEW], f"… and {len(items) - FEW} more"]
