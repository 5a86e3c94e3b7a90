"""What `holdwatch doctor` shows: what is to be mended last, above the prompt, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from gateway.screen.plain import counted, foreign, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gateway.doctor.case import Finding

MARKS = {"problem": "[red]✗[/]", "advice": "[yellow]![/]", "ok": "[green]✓[/]"}


def show_findings(console: Console, found: Sequence[tuple[str, Finding]]) -> None:
    """Show what was found, and sum it up."""
    for state in ("ok", "advice", "problem"):
        for name, one in found:
            if one.state != state:
                continue
            console.print(
                f"{MARKS[state]} [dim]{escape(name)}:[/] {foreign(one.words)}",
                soft_wrap=True,
                highlight=False,
            )
            if one.cure:
                console.print(f"    ▸ {foreign(one.cure)}", soft_wrap=True, highlight=False)
    problems = sum(one.state == "problem" for _, one in found)
    advised = sum(one.state == "advice" for _, one in found)
    words = f"[red]{counted(problems, 'problem')} to mend" if problems else "[green]All is well"
    more = f", {counted(advised, 'thing')} could be better" if advised else ""
    console.print(sentence(f"{words}[/]{more}"), highlight=False)
