"""What the command line shows of alerts, and of who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.text import Text

from gateway.screen.plain import STYLES, amount, empty_table, foreign, minute, muted, when

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings


def show_alerts(console: Console, settings: Settings, answer: list[dict[str, Any]]) -> None:
    """List alerts, newest first."""
    if not answer:
        console.print("[green]✓ No alert in that time.[/]")
        return
    table = empty_table(
        "severity", "device", "rule", "began", "fired", "ended", "worst", "who has it", "id"
    )
    for one in answer:
        what = f"{one['rule']} {one['channel']}" if one["kind"] == "gateway" else one["rule"]
        past = " [dim](in the past)[/]" if one["retrospective"] else ""
        table.add_row(
            Text(f" {one['severity'].upper()} ", STYLES[one["severity"]]),
            escape("/".join(part for part in one["device"] if part)),
            escape(what) + past,
            minute(settings, one["began"]),
            minute(settings, one["fired"]),
            minute(settings, one["ended"]) or "open",
            amount(one["worst"], one["unit"]),
            "\n".join([foreign(one["holder"]), *muted(settings, one)]).strip(),
            one["id"],
        )
    console.print(table)
    console.print(f"Times are {settings.gateway.timezone}.")


def show_act(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what is on record now."""
    what = answer["kind"]
    if answer["to"]:
        what += f" to {foreign(answer['to'])}"
    if answer["until"] is not None:
        what += f" until {when(settings, answer['until'])}"
    console.print(
        f"Alert {foreign(answer['alert'])} is {what}, by {foreign(answer['who'])}: "
        f"{foreign(answer['reason'])}",
        soft_wrap=True,
    )
