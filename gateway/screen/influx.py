"""What the command line shows about copies to InfluxDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.screen.health_lines import server_line
from gateway.screen.plain import counted, foreign, when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from gateway.influxdb.setup import Step, Tried
    from gateway.settings import Settings
    from gateway.settings.influxdb import InfluxDB

    Show = Callable[[Console, Settings, Any], None]


def points(number: int) -> str:
    """Return a number of refused readings and alerts."""
    return counted(number, "refused point")


def sentences(*words: str) -> str:
    """Return words as sentences, each with its end."""
    return " ".join(one if one.endswith((".", "?", "!")) else f"{one}." for one in words if one)


def show_steps(console: Console, section: InfluxDB, steps: Sequence[Step]) -> None:
    """Say what was made on a server, and what somebody else has to type."""
    for one in steps:
        mark = "[green]✓[/]" if one.done else "[yellow]! to do:[/]"
        console.print(f"{mark} {foreign(one.what)}", soft_wrap=True)
        if not one.done and one.run:
            # As it is: it is to be copied.
            console.print(Text(f"    {one.run}"), soft_wrap=True)
    if all(one.done for one in steps):
        console.print(
            f"{section.name} is ready, and gets whatever waits for it within a minute. A gateway "
            "that was started before its section was in the settings has to be restarted",
            soft_wrap=True,
        )
    else:
        console.print(
            "Let somebody run this who has the rights; then see: holdwatch check", soft_wrap=True
        )


def show_tried(console: Console, section: InfluxDB, tried: Tried) -> None:
    """Say whether a server can be written to."""
    if tried.ok:
        console.print(f"[green]✓[/] {section.name}: {foreign(tried.says)}", soft_wrap=True)
        return
    words = foreign(sentences(tried.says, tried.cure))
    console.print(
        f"[yellow]Warning:[/] {section.name} cannot be written to: {words} "
        "The gateway starts all the same, and sends it everything later.",
        soft_wrap=True,
    )


def show_servers(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show at length how each server stands."""
    running = answer.get("running") is not False
    if not answer["servers"]:
        console.print("There is no [[influxdb]] in the settings: nothing is copied.", markup=False)
        return
    if not running:
        console.print("[yellow]! The gateway is not running:[/] nothing is sent meanwhile.")
    for name, one in answer["servers"].items():
        console.print(server_line(settings, name, one, running=running), soft_wrap=True)
        facts = Table.grid(padding=(0, 2))
        for what, value in _facts(settings, name, one, running=running):
            facts.add_row(f"  {what}", value)
        console.print(facts)


def _facts(
    settings: Settings, name: str, one: dict[str, Any], *, running: bool
) -> Iterator[tuple[str, str]]:
    version = f"InfluxDB {foreign(one['version'])}" if one["version"] else "not known yet"
    yield "server", f"{escape(one['url'])}, database {escape(one['database'])}"
    if running:
        yield "version", version
        last = when(settings, one["last"]) or "not since the start"
        yield "last written", f"{last}; {counted(one['written'], 'point')} since the start"
    yield "waiting", counted(one["waiting"], "reading")
    if one["missed_days"]:
        days = ", ".join(one["missed"])
        some = "…, " if one["missed_days"] > len(one["missed"]) else ""
        missed = counted(one["missed_days"], "day")
        yield "missed", f"{missed} to be sent from the history: {some}{days} (UTC)"
    if one["rejected"]:
        yield "refused", f"{points(one['rejected'])}: holdwatch influx rejected {name}"
    if one["expired"]:
        older = counted(one["expired"], "point")
        yield "expired", f"{older} older than what the server keeps: not taken"


def show_backfill(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say how much was sent again."""
    name = answer["name"]
    sent = counted(answer["sent"], "reading")
    if answer["sent"]:
        console.print(f"[green]✓[/] {sent} sent to {name}.")
    elif not answer["waiting"]:
        console.print(f"Nothing is stored of those days: nothing was sent to {name}.")
    if answer["waiting"]:
        newest = counted(answer["waiting"], "reading")
        console.print(f"… {newest} of all days were waiting anyway, and go by themselves.")
    _warn_of_refused(console, name, answer["rejected"])
    if answer["damaged"]:
        console.print(
            f"[yellow]! Not all could be read:[/] {foreign(answer['damaged'])}", soft_wrap=True
        )


def show_rejected(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """List by reason what a server refused."""
    name = answer["name"]
    if not answer["total"]:
        console.print(f"[green]✓ {name} has refused nothing.[/]")
        return
    for one in answer["reasons"]:
        example = one["example"]
        console.print(
            f"[bold]{one['count']:,}[/] of {counted(one['devices'], 'device')}, measured "
            f"{when(settings, one['first'])} to {when(settings, one['last'])}",
            soft_wrap=True,
        )
        console.print(f"   [yellow]{foreign(one['reason'])}[/]", soft_wrap=True)
        what = ", ".join(f"{key} {value}" for key, value in example["what"].items())
        console.print(
            f"   [dim]such as {foreign(example['device'])}, {when(settings, example['at'])}: "
            f"{foreign(what)}[/]",
            soft_wrap=True,
        )
    if answer["more"]:
        console.print(f"… and {counted(answer['more'], 'more reason')}: see --limit")
    console.print(
        f"{points(answer['total'])} lie aside for {name}; the readings are in the history too. "
        f"After a correction: holdwatch influx rejected {name} --retry. To give them up: --drop",
        soft_wrap=True,
    )


def show_retried(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say how many were taken at last."""
    if not answer["taken"] and not answer["left"]:
        console.print(f"[green]✓ {answer['name']} has refused nothing.[/]")
        return
    console.print(f"{points(answer['taken'])} taken by {answer['name']}, {answer['left']:,} left.")
    _warn_of_refused(console, answer["name"], answer["left"])


def show_dropped(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say how many were given up."""
    console.print(f"{points(answer['dropped'])} given up for {answer['name']}.")
    if answer["left"]:
        console.print(f"{points(answer['left'])} came meanwhile, and stay.")


def _warn_of_refused(console: Console, name: str, count: int) -> None:
    if count:
        console.print(
            f"[yellow]! {name} has refused {count:,}.[/] See why: holdwatch influx rejected {name}"
        )
