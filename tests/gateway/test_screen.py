"""What a person is shown: nothing that somebody sent is obeyed by a terminal or a shell."""

from __future__ import annotations

import base64
import io
import shlex
from typing import Any

from rich.console import Console

from gateway.screen import show_import, show_quarantine
from gateway.settings import parse

SETTINGS = parse("")
NASTY = "\x1b[2J\x9b[red]x\u202e\n"


def quarantined(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever it holds
    known = {"number": 1, "received": 0, "source": "listener/gate", "reason": "not-json"}
    texts = dict.fromkeys(("topic", "detail", "cure"), NASTY)
    return known | texts | {"payload": base64.b64encode(NASTY.encode()).decode()} | facts


def screen() -> Console:
    return Console(file=io.StringIO(), width=300, force_terminal=True, color_system=None)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_somebody_sent_cannot_command_a_terminal() -> None:
    console = screen()
    show_quarantine(console, SETTINGS, {"total": 1, "messages": [quarantined()]})
    shown = text(console)
    assert set(shown) & set(NASTY) <= set("[2Jred]x\n")
    assert shown.count(r"\x1b[2J\x9b[red]x\u202e\n") == 4


def test_a_payload_in_another_script_can_be_read() -> None:
    console = screen()
    payload = base64.b64encode('{"où": "冷"}'.encode()).decode()
    show_quarantine(console, SETTINGS, {"total": 1, "messages": [quarantined(payload=payload)]})
    assert '{"où": "冷"}' in text(console)


def test_the_command_that_is_shown_for_an_imported_device_can_be_copied() -> None:
    console = screen()
    answer = {"device": "a;b$(c)[x]", "readings": 0, "notes": [], "alerts": [ALERT]}
    show_import(console, SETTINGS, answer)
    (line,) = [one for one in text(console).splitlines() if "holdwatch report" in one]
    assert shlex.split(line.partition("Day by day: ")[2]) == ["holdwatch", "report", "a;b$(c)[x]"]


ALERT = {
    "severity": "critical",
    "rule": "fridge",
    "began": 0,
    "fired": 0,
    "ended": None,
    "worst": None,
    "unit": "",
    "limit": "",
}
