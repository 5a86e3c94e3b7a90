"""What is shown of evidence: what is kept, what was exported, what was verified."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.screen.plain import counted, minute, print_rows, sentence, when

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings


def show_holds(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Show what is kept, the oldest first."""
    holds = answer["holds"]
    if not holds:
        console.print("Nothing is kept for consignments beyond what the settings say.")
        return
    print_rows(
        console,
        ("consignment", "kept since", "until", "sensors", "readings", "messages"),
        [
            (
                escape(one["consignment"]),
                minute(settings, one["since"]),
                minute(settings, one["until"]) or one["why"],
                str(len(one["sensors"])),
                _size(one["readings_bytes"]),
                _size(one["messages_bytes"]),
            )
            for one in holds
        ],
    )
    console.print(
        f"Times are {settings.gateway.timezone}; sizes are about what it takes on the disk. What "
        "several consignments share is counted for each.",
        soft_wrap=True,
    )
    if answer["over_size"]:
        console.print(
            f"[yellow]It does not fit:[/] history.db is {_size(answer['over_size'])} over "
            "[history] keep_size. None of this is deleted: export what is closed, verify it and "
            "let it go, or allow more.".replace("[history]", "\\[history]"),
            soft_wrap=True,
        )


def show_exported(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was written, and what to do with it."""
    manifest, file = answer["manifest"], answer["file"]
    console.print(
        f"Wrote {escape(file)} ({_size(answer['size'])}): {_inside(manifest)} of "
        f"{escape(manifest['consignment'])}, as of {when(settings, manifest['made'])}.",
        soft_wrap=True,
    )
    console.print(f"SHA-256 {answer['digest']}", soft_wrap=True)
    console.print(
        "Note that number. Once the file lies where it is to stay, verify it there: "
        f"holdwatch consignment evidence --verify {escape(quote(file))}",
        soft_wrap=True,
    )


def show_verified(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say whether a file is what it should be."""
    manifest, file = answer["manifest"], escape(answer["file"])
    if answer["problems"]:
        console.print(f"[bold red]NOT VERIFIED[/] {file}", soft_wrap=True)
        for problem in answer["problems"]:
            console.print(f"· {escape(sentence(problem))}", soft_wrap=True)
        console.print("Nothing was let go. Export it anew, and verify that.", soft_wrap=True)
        return
    console.print(
        f"Verified: {file} is whole, and holds {_inside(manifest)} of "
        f"{escape(manifest['consignment'])}"
        + (", byte for byte as this gateway does." if answer["let_go"] is None else "."),
        soft_wrap=True,
    )
    console.print(f"SHA-256 {answer['digest']}", soft_wrap=True)
    if answer["let_go"] is not None:
        console.print(
            "It is the very file that is the record since "
            f"{when(settings, answer['let_go'])}: since then it need not be kept here.",
            soft_wrap=True,
        )
    elif answer["released"]:
        console.print(
            "It need not be kept here any more: the file is the record now. Who let it go, and "
            "when, is in the audit trail.",
            soft_wrap=True,
        )


def _inside(manifest: dict[str, Any]) -> str:
    return (
        f"{counted(manifest['readings'], 'reading')}, {counted(manifest['messages'], 'message')} "
        f"and {counted(manifest['facts'], 'fact')}"
    )


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
