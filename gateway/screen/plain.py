"""What the command line shows: worst first, in plain words, colour never alone."""

from __future__ import annotations

from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.report import from_json
from gateway.report_table import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gateway.settings import Settings

ROOM_FOR_IDS, ROOM_FOR_NAMES = 0.4, 0.3
"""Of the width: what ids may take in a table, and what names beside them."""
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


def last_day(settings: Settings, end: int) -> str:
    """Return the last local day of what is good until its end."""
    zone = ZoneInfo(settings.gateway.timezone)
    return f"{datetime.fromtimestamp((end - 1) / 1000, UTC).astimezone(zone):%Y-%m-%d}"


def foreign(text: str) -> str:
    """Return what somebody sent as it can be shown: nothing in it is obeyed by a terminal."""
    return escape("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))


def empty_table(*headings: str) -> Table:
    """Return a table without rows, as all of ours look."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def print_rows(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[str | Text]], key: int = 0
) -> None:
    """Print rows as a table in which no id is broken; ids are the words of the column `key`.

    Where they leave too little room for what else there is, each stands on a line of its own.
    """
    cells = [
        str(Text.from_markup(one) if isinstance(one := row[key], str) else one) for row in rows
    ]
    longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    if longest > console.width * ROOM_FOR_IDS:
        for row in rows:
            console.print(_one_line(row[key]), soft_wrap=True, highlight=False)
            for place, cell in enumerate(row):
                if place != key and cell:
                    label = Text(f"   {headings[place]} ", "dim")
                    console.print(label.append(_one_line(cell)), soft_wrap=True, highlight=False)
        return
    whole = max((cell_len(line) for cell in cells for line in cell.splitlines()), default=0)
    table = empty_table(*headings)
    table.columns[key].width = max(
        longest, cell_len(headings[key]), min(whole, round(console.width * ROOM_FOR_NAMES))
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _one_line(cell: str | Text) -> Text:
    text = Text.from_markup(cell) if isinstance(cell, str) else cell
    return Text(" · ").join(text.split())


def muted(settings: Settings, alert: dict[str, Any]) -> list[str]:
    """Return a line that says until when an alert makes no sound; none where it does."""
    until = alert["muted_until"]
    return [] if until is None else [f"muted until {minute(settings, until)}"]


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit; nothing where there is none."""
    return "" if value is None else f"{value:g} {unit}"


def sentence(text: str) -> str:
    """Return words as a sentence: with a full stop, unless they end with a mark of their own."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


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
    table = empty_table("severity", "of", "rule", "began", "fired", "ended", "worst")
    for alert in alerts:
        table.add_row(
            Text(f" {alert['severity'].upper()} ", STYLES[alert["severity"]]),
            escape("/".join(filter(None, alert["device"]))),
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


def show_report(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Show a device's days."""
    answer.pop("running", None)
    console.print(shown(from_json(answer)))
