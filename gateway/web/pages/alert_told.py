"""Who was told of an alert: by which channel, when, what came of it; and why nobody (more) is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.commands.control import NotRunningError
from gateway.notify.in_words import FATES, OCCASIONS
from gateway.notify.outbox import Outbox
from gateway.refusal import ControlError
from gateway.web.look import moment

if TYPE_CHECKING:
    from gateway.web.files import Files
    from gateway.web.site import Site
    from gateway.web.told_alert import Told

SHOWN = 30
"""Messages that are shown, the last ones."""


class Message(NamedTuple):
    """A message that tells of the alert."""

    at: int
    channel: str
    occasion: str
    route: str
    look: str
    word: str
    detail: str
    tries: int


class WhoWasTold(NamedTuple):
    """All that is shown of it."""

    messages: list[Message]
    earlier: int
    """Messages before those."""
    reasons: list[tuple[str, str]]
    """Of each route its name, and what it waits for."""
    lapses: int | None
    """When whoever has it has it no more (ms)."""


async def who_was_told(site: Site, one: Told) -> WhoWasTold:
    """Return who was told of an alert; while the gateway does not answer, what is on record."""
    identity, now = one.alert.id, site.clock.now()

    def look(files: Files) -> list[Message]:
        outbox = Outbox(files.state)
        found = []
        for kept in outbox.of_alert(identity):
            line = next(each for each in kept.message.lines if each.alert.id == identity)
            attempts = outbox.attempts(kept.message.id)
            detail = attempts[-1].detail if attempts else ""
            failing = kept.state == "waiting" and bool(kept.problem)
            look, word = ("warning", "fails, tried again") if failing else FATES[kept.state]
            found.append(
                Message(
                    kept.message.made,
                    kept.message.channel,
                    OCCASIONS[line.occasion],
                    kept.message.route,
                    look,
                    word,
                    kept.problem or detail,
                    kept.tries,
                )
            )
        return found

    messages = await site.archive.ask(look)
    try:
        told = await site.ask("notify-told", alert=identity)
    except (ControlError, NotRunningError, OSError):
        told = {"routes": [], "lapses": None}
    return WhoWasTold(
        messages[-SHOWN:],
        max(0, len(messages) - SHOWN),
        _reasons(told["routes"], one, now),
        told["lapses"] if one.facts.holder else None,
    )


def _reasons(routes: list[dict[str, Any]], one: Told, now: int) -> list[tuple[str, str]]:
    """Return what each route waits for; routes that wait for the same stand together."""
    found: dict[str, list[str]] = {}
    for why in routes:
        found.setdefault(_reason(why, one, now), []).append(why["route"])
    return [
        (f"Route {', '.join(names)}" if any(names) else "Because", reason)
        for reason, names in found.items()
    ]


def _reason(why: dict[str, Any], one: Told, now: int) -> str:
    """Return why a route tells nothing (more) now, and when it goes on."""
    reason, again = str(why["reason"]), why["again"]
    when = moment(again, one.zone, now)
    if reason == "told" and one.open:
        return f"nobody has it: goes on {when}" if when else "told; nothing more is due"
    return f"{reason}; goes on {when}" if when else reason
