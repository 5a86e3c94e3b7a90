"""What the command line shows about messages that could not be decoded."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from gateway.screen.plain import counted, foreign, when

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.settings import Settings

PAYLOAD = 120
"""Bytes of a message that are shown."""
TIMES = "\N{MULTIPLICATION SIGN}"
SHORT = 100
"""Characters of a cure that is repeated with each message."""


def show_quarantine(console: Console, settings: Settings, answer: dict[str, Any]) -> None:
    """List messages that could not be decoded: each kind once, or each of them."""
    total = answer["total"]
    if not total:
        console.print("[green]✓ The quarantine is empty.[/]")
        return
    told: dict[str, str] = {}
    if "kinds" in answer:
        for one in answer["kinds"]:
            _show_kind(console, settings, one, told)
        console.print(_foot_of_kinds(answer), soft_wrap=True)
        return
    messages = answer["messages"]
    for one in messages:
        console.print(_heading(settings, one), soft_wrap=True)
        _show_why(console, one, str(one["number"]), told)
    shown = f"{len(messages)} of {counted(total, 'message')}"
    more = f"; the next: --after {messages[-1]['number']}" if messages else ""
    console.print(f"{shown}{more}. {RETRY}", soft_wrap=True)


RETRY = "After a correction: holdwatch quarantine retry"


def _show_kind(
    console: Console, settings: Settings, one: dict[str, Any], told: dict[str, str]
) -> None:
    """Show messages of a kind by the newest of them."""
    message = one["message"]
    if one["count"] == 1:
        console.print(_heading(settings, message), soft_wrap=True)
    else:
        whose = one["device"] or message["topic"]
        console.print(
            f"[bold]{one['count']:,} {TIMES}[/] [yellow]{one['reason']}[/], {foreign(whose)}, "
            f"last at {when(settings, one['last'])}",
            soft_wrap=True,
            highlight=False,
        )
        console.print(f"   the newest: {_heading(settings, message)}", soft_wrap=True)
    _show_why(console, message, str(message["number"]), told)


def _heading(settings: Settings, one: dict[str, Any]) -> str:
    """Say which message it is, and how it came, marked up."""
    return (
        f"[bold]{one['number']}[/] {when(settings, one['received'])} "
        f"{escape(one['source'])} {foreign(one['topic'])}"
    )


def _show_why(console: Console, one: dict[str, Any], name: str, told: dict[str, str]) -> None:
    """Say why a message lies there, what to do, and what is in it.

    `told`: long cures that were shown already, and of which message.
    """
    console.print(f"   [yellow]{one['reason']}[/]: {foreign(one['detail'])}", soft_wrap=True)
    cure = one["cure"]
    if told.setdefault(cure, name) == name or len(cure) <= SHORT:
        console.print(f"   {foreign(cure)}", soft_wrap=True)
    else:
        console.print(f"   What to do: as for {told[cure]}", soft_wrap=True)
    payload = base64.b64decode(one["payload"])
    shown = payload[:PAYLOAD].decode(errors="backslashreplace")
    more = f" … {len(payload):,} bytes" if len(payload) > PAYLOAD else ""
    console.print(f"   [dim]{foreign(shown)}{more}[/]", soft_wrap=True)


def _foot_of_kinds(answer: dict[str, Any]) -> str:
    kinds, found = answer["kinds"], answer["found"]
    of = "" if found == answer["total"] else f" of {answer['total']:,}"
    if not found:
        return f"None{of} is such a message."
    shown = sum(one["count"] for one in kinds)
    text = f"{found:,}{of} messages" if of else counted(found, "message")
    if shown < found:
        text += f"; {found - shown:,} of other kinds: --limit"
    if shown > len(kinds):
        text += "; each of them: --all"
    return f"{text}. {RETRY}"


def show_retry(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say what came of another attempt to decode."""
    decoded, left = counted(answer["decoded"], "message"), answer["left"]
    waiting = answer["waiting"]
    wait = "wait" if waiting > 1 else "waits"
    codec = f" {counted(waiting, 'message')} {wait} for a codec." if waiting else ""
    console.print(f"{decoded} decoded, {left:,} still in quarantine.{codec}")
    if left and answer.get("running") is not False:
        console.print("A gateway reads its settings when it starts: restart it after a correction.")


def show_drop(console: Console, _settings: Settings, answer: dict[str, Any]) -> None:
    """Say how many messages are gone."""
    unknown = answer["unknown"]
    verb = "are" if unknown > 1 else "is"
    more = f" {counted(unknown, 'other number')} {verb} of no message there." if unknown else ""
    console.print(f"{counted(answer['dropped'], 'message')} dropped.{more}")
