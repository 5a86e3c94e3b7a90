"""What a terminal shows of routes and mutes."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console

from gateway.screen.notify import show_mute, show_mutes, show_routes
from gateway.settings import parse
from tests.gateway.parts import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings

SETTINGS = parse("")
MUTE: dict[str, Any] = {
    "number": 5,
    "what": "at Hall 1",
    "until": NOW,
    "stands": True,
    "ended": None,
    "who": "anna",
    "reason": "Defrosting",
}
ROUTES: dict[str, Any] = {"routes": [], "lapses": "", "warnings": [], "about": None}


def shown(
    show: Callable[[Console, Settings, Any], None],
    answer: Any,  # noqa: ANN401 - whatever is shown
) -> str:
    text = StringIO()
    show(Console(file=text, width=200), SETTINGS, answer)
    return text.getvalue()


def test_how_a_mute_is_ended_is_told_as_it_can_be_typed() -> None:
    assert "holdwatch mute end 5 --reason WHY" in shown(show_mute, MUTE)
    assert "holdwatch mute end NUMBER --reason WHY" in shown(show_mutes, [MUTE])


def test_a_mute_stands_above_who_would_be_told() -> None:
    about = {"severity": "critical", "device": "box", "sites": [], "goods": [], "at": NOW}
    would = {"at": NOW, "channels": ["office"], "route": "all", "why": "mute 5 ends"}
    answer = {**ROUTES, "about": about, "told": [would], "why": "", "muted": MUTE}
    _, muted, *_ = shown(show_routes, answer).splitlines()
    assert muted.startswith("Muted until ")
    assert "by anna, mute 5 (Defrosting)" in muted
    assert "Muted" not in shown(show_routes, {**answer, "muted": None})


def test_warnings_follow_the_routes() -> None:
    assert shown(show_routes, {**ROUTES, "warnings": ["route a: so"]}).endswith(
        "Warning: route a: so\n"
    )
