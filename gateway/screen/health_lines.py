"""How the gateway itself stands, as lines: what is wrong with its cure, and what goes well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.influxdb.names import server_of
from gateway.screen.plain import counted, foreign, when
from rules.duration import DAY, HOUR, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.settings import Settings

MARKS = {"connected": "[green]✓[/]", "limited": "[yellow]![/]"}
FEW = 5
"""Of a long list so many are named."""
ON_THEIR_WAY = 1_000
"""Readings that wait for a server that is well: they are those of the last seconds."""
SOON = 30 * DAY
"""A certificate that ends within so many ms is told of."""
LATE = HOUR
"""ms after which a backup that was due is late."""


def health_lines(settings: Settings, answer: dict[str, Any]) -> list[str]:
    """Say how the gateway itself stands, line by line, marked up."""
    lines: list[str] = []
    for name, broker in answer["brokers"].items():
        mark = MARKS.get(broker["state"], "[red]✗[/]")
        lines.append(f"{mark} broker {name}: {broker['state']}. {escape(broker['detail'])}")
    if answer["listener"] is not None:
        lines += _listening(answer["listener"])
    lines += _ways(settings, answer.get("ways", ()))
    running = answer.get("running") is not False
    lines += _servers(settings, answer["influxdb"], running=running)
    lines += _channels(settings, answer["channels"])
    lines += _heartbeats(settings, answer)
    lines += _backup(settings, answer)
    lines += _certificates(settings, answer)
    quarantine = answer["quarantine"]
    if quarantine:
        counts = ", ".join(f"{count} {reason}" for reason, count in quarantine.items())
        senders = ", ".join(
            f"{named(answer, one['device'])} ({one['count']:,})" for one in answer["senders"]
        )
        most = f" Most of {senders}." if senders else ""
        lines.append(f"[yellow]! quarantine: {counts}.[/]{most} See: holdwatch quarantine list")
    lines += _to_do(answer["waiting"])
    lines += [f"[yellow]! {escape(one)}[/]" for one in few(answer["unwatched"])]
    if answer["wrong_clocks"]:
        devices = escape(", ".join(few(answer["wrong_clocks"])))
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
        lines.append("[yellow]! our clock is not trusted[/]: no time of a device is doubted")
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
    lines += few(
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


def _channels(settings: Settings, channels: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Say by which ways people are told, and which of them fail."""
    for one in channels:
        waits = f". {counted(one['waiting'], 'message')} to send" if one["waiting"] else ""
        if one["failing"] is not None:
            since = when(settings, one["failing"])
            words = f"fails since {since}. {foreign(_capital(one['problem']))}"
            yield f"[red]✗ channel {one['name']}: {words}[/]{waits}"
        elif one["success"] is None:
            yield (
                f"[yellow]! channel {one['name']}: nothing was sent by it yet[/]{waits}. Try it: "
                f"holdwatch notify test {one['name']}"
            )
        else:
            sent = when(settings, one["success"])
            yield f"[green]✓[/] channel {one['name']}: last sent {sent}{waits}"


def _heartbeats(settings: Settings, answer: dict[str, Any]) -> Iterator[str]:
    """Say who hears that the gateway is well."""
    for one in answer["heartbeats"] if answer.get("running") is not False else ():
        name = f"heartbeat {one['name']}"
        if not one["well"]:
            since = when(settings, one["since"])
            why = foreign(_capital(one["reason"]))
            yield f"[yellow]! {name}: not heard since {since}. {why}[/]"
        elif answer["unwell"]:
            yield f"[red]✗ {name}: it stands still, since the gateway does not do its work[/]"
        elif one["last"] is None:
            yield f"… {name}: nothing sent yet"
        else:
            yield f"[green]✓[/] {name}: heard {when(settings, one['last'])}"


def _backup(settings: Settings, answer: dict[str, Any]) -> Iterator[str]:
    """Say when the last backup was made, and whether one is late."""
    backup = answer["backup"]
    if backup is None:
        return
    last = when(settings, backup["last"]) or "never"
    if backup["problem"]:
        yield f"[red]✗ backup: {foreign(backup['problem'])}[/] Last made: {last}"
    elif answer["now"] - backup["next"] > LATE and not backup["at_work"]:
        due = when(settings, backup["next"])
        words = f"it was due {due}.[/] Last made: {last}. Make one: holdwatch backup"
        yield f"[yellow]! backup: {words}"
    else:
        yield f"{'[green]✓[/]' if backup['last'] else '…'} backup: last made {last}"


def _certificates(settings: Settings, answer: dict[str, Any]) -> Iterator[str]:
    """Say which certificates end soon."""
    for name, ends in answer["certificates"].items():
        left = ends - answer["now"]
        if left <= 0:
            yield f"[red]✗ certificate {escape(name)}: it ended {when(settings, ends)}[/]"
        elif left < SOON:
            yield f"[yellow]! certificate {escape(name)}: it ends {when(settings, ends)}[/]"


def ago(length: int) -> str:
    """Return how long ago something was, roughly: 3 s, 12 min, 5 h, 2 days."""
    for step in (DAY, HOUR, 60 * SECOND):
        if length >= 2 * step:
            return format_duration(length // step * step)
    return format_duration(max(0, length) // SECOND * SECOND)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def few(items: list[str]) -> list[str]:
    """Return the first of a long list, and how many more there are."""
    return items if len(items) <= FEW else [*items[:FEW], f"… and {len(items) - FEW} more"]


def named(answer: dict[str, Any], device: str) -> str:
    """Return a device's id with what people call it, marked up."""
    name = answer["names"].get(device)
    return escape(device) + (f" [dim]{foreign(name)}[/]" if name else "")
