"""What is shown of backups: made, verified, restored."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.screen.plain import counted, sentence, when
from gateway.service.unit import USER

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from gateway.settings import Settings

OPEN = (
    "[yellow]It is not encrypted:[/] whoever has it reads all of it. Make a key: holdwatch backup "
    "key"
)


def size_of(size: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return counted(size, "byte")


def show_made(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was made."""
    console.print(
        f"Wrote {escape(answer['file'])} ({size_of(answer['size'])}), and read it back: all as of "
        f"{when(settings, answer['made'])}.",
        soft_wrap=True,
    )
    console.print(f"SHA-256 {answer['digest']}", soft_wrap=True)
    if not answer["encrypted"]:
        console.print(OPEN, soft_wrap=True)
    _show_left_out(console, answer["left_out"])


def _show_left_out(console: Console, left_out: list[str]) -> None:
    if left_out:
        console.print(
            "[yellow]Not in it, since they hold secrets and it is not encrypted:[/] "
            f"{escape(', '.join(left_out))}. Keep copies of them yourself.",
            soft_wrap=True,
        )


def show_status(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say how it stands with backups."""
    console.print(backup_line(settings, answer["backup"]), soft_wrap=True)


def backup_line(settings: Settings, found: dict[str, Any] | None) -> str:
    """Return how it stands with backups, marked up."""
    if found is None:
        return "[yellow]! No backups are made.[/] Name a folder for them: \\[backup] folder = …"
    mark = "[green]✓[/]" if found["problem"] is None and found["last"] else "[yellow]![/]"
    last = (
        f"the last {when(settings, found['last'])} ({size_of(found['size'])})"
        if found["last"] is not None
        else "none yet"
    )
    next_ = "one is being made" if found["at_work"] else f"the next {when(settings, found['next'])}"
    line = f"{mark} backups in {escape(found['folder'])}: {last}, {next_}."
    if found["problem"] is not None:
        line += f" [red]{escape(sentence(found['problem']))}[/]"
    return line


def show_verified(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say that a backup is whole, and what is in it."""
    head = answer["head"]
    console.print(
        f"Whole: {escape(answer['file'])} holds {escape(head['box'])} as of "
        f"{when(settings, head['made'])} (Holdwatch {escape(head['software'])}).",
        soft_wrap=True,
    )
    for one in answer["manifest"]["contents"]:
        rows = sum(one["rows"].values())
        what = counted(rows, "row") if one["rows"] else size_of(one["size"])
        console.print(f"  {escape(one['name'])}: {what}", soft_wrap=True)
    _show_left_out(console, head["left_out"])


def show_key(console: Console, public: str, secret: str | None, file: Path | None) -> None:
    """Show a new pair of keys: the secret one this one time."""
    console.print("For the settings of each box whose backups it shall open:\n")
    console.print(f'[backup]\nkeys = ["{public}"]\n', soft_wrap=True, markup=False, highlight=False)
    if secret is None:
        console.print(
            f"The secret key is in {escape(str(file))}. Keep it where the box is not: with it "
            "everybody reads the backups, and without it nobody does.",
            soft_wrap=True,
        )
        return
    console.print("The secret key, shown this one time. Keep it where the box is not:\n")
    console.print(secret, soft_wrap=True, markup=False, highlight=False)
    console.print("\nWithout it nobody opens those backups, and we neither.", soft_wrap=True)


def show_restored(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was restored, and what is left to do."""
    data = answer["data"]
    console.print(
        f"Restored {escape(answer['box'])} as of {when(settings, answer['made'])} to "
        f"{escape(data)}: {counted(answer['readings'], 'reading')} in the journal, "
        f"{answer['waiting']:,} of them to be judged at the start.",
        soft_wrap=True,
    )
    if answer["newest"] is not None:
        console.print(
            f"The last one came {when(settings, answer['newest'])}. What came later is with the "
            "old box, or with devices that send it again: each is stored once.",
            soft_wrap=True,
        )
    if answer["aside"]:
        console.print(f"What was there before is in {escape(answer['aside'])}.", soft_wrap=True)
    if answer["files"]:
        console.print(
            f"The settings, and what they name, are in {escape(answer['settings'])}, each under "
            "its whole path. Compare, then put into their place those that you want, for "
            f"{escape(answer['user'])} to read:",
            soft_wrap=True,
        )
        for line in _into_place(answer):
            console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    _show_left_out(console, answer["left_out"])
    console.print(
        f"[bold]The old box must not run any more[/] as {escape(answer['box'])}: two under one "
        "name throw each other out of brokers, and people get each alert twice.",
        soft_wrap=True,
    )


def _into_place(answer: dict[str, Any]) -> list[str]:
    """Return a command for each file of the settings, which changes that one alone.

    Where a folder is there it stays as it is: in the way of a whole tree lie / and /etc. What the
    service reads belongs to root, as `holdwatch install` has it, so that it cannot write it.
    """
    user, group = answer["user"], answer["group"]
    owner, mode = ("root", "640") if user == USER else (user, "600")
    rights = f"-o {owner} -g {group} -m {mode}"
    lines = []
    for file in answer["files"]:
        if not file.isprintable():  # a terminal may take it for more than a name
            lines.append(f"# by hand: {file!a}")
            continue
        copy = quote(answer["settings"] + file)
        lines.append(f"sudo install -D -T {rights} {copy} {quote(file)}")
    return lines


def show_taken(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """Say what was taken in."""
    new, known = answer["readings"] - answer["known"], answer["known"]
    told = f"Took in {counted(new, 'reading')}; {known:,} more were here already."
    if answer["first"] is not None:
        # Which of them were new is told by their number alone, so the span is that of all.
        span = f"{when(settings, answer['first'])} to {when(settings, answer['last'])}"
        told += f" All of them came {span}."
    console.print(told, soft_wrap=True)
    others = [
        f"{answer[name]:,} {words}"
        for name, words in (
            ("waiting", "messages that wait for codecs"),
            ("rejected", "messages of the quarantine"),
            ("messages", "messages as evidence"),
        )
        if answer[name]
    ]
    if others:
        console.print(f"With them {', '.join(others)}.", soft_wrap=True)
    if answer["before"]:
        console.print(
            f"[yellow]Up to {counted(answer['before'], 'reading')} had left that journal before, "
            "and are in its history alone.[/]",
            soft_wrap=True,
        )
