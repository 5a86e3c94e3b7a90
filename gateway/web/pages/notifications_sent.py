"""The messages that `/notifications` lists: what went to several channels at once is one card."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.notify import shown
from gateway.notify.in_words import FATES, OCCASIONS
from gateway.notify.outbox import Outbox
from gateway.web.look import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.notify.message import Line, Message
    from gateway.notify.outbox import Attempt, Kept
    from gateway.notify.wording import Wording
    from gateway.web.files import Files
    from gateway.web.site import Site

PAGE = 20
"""Messages that are shown at a time."""
ATTEMPTS = 3
"""Lines on attempts of a message that are shown; of more, the last ones."""
LINES = 3
"""Alerts that are named of those that one message tells of."""
TABS: tuple[tuple[shown.Which, str], ...] = (
    ("all", "All"),
    ("waiting", "Waiting"),
    ("failed", "Failed"),
)


WORST_FIRST = ("critical", "warning", "pending", "unknown", "ok")


class Tries(NamedTuple):
    """Attempts one after the other of which the same came."""

    first: int
    """When the first of them was (ms)."""
    last: int
    times: int
    detail: str


class Way(NamedTuple):
    """The message to one channel, and how it fared."""

    kept: Kept
    attempts: int
    tries: list[Tries]

    @property
    def look(self) -> str:
        """The state whose shape and colour it has: one that is tried again fails."""
        return "warning" if self.tried_again else FATES[self.kept.state][0]

    @property
    def word(self) -> str:
        """What is beside the shape."""
        return "fails, tried again" if self.tried_again else FATES[self.kept.state][1]

    @property
    def tried_again(self) -> bool:
        """Whether it failed and will be tried again."""
        return self.kept.state == "waiting" and bool(self.kept.problem)


class Card(NamedTuple):
    """What was told at a time, and to whom."""

    message: Message
    """One of them: they differ in their channel alone."""
    subject: str
    lines: tuple[Line, ...]
    """The alerts that are named."""
    ways: list[Way]

    @property
    def look(self) -> str:
        """The worst of what came of it."""
        return min((one.look for one in self.ways), key=WORST_FIRST.index)

    @property
    def more(self) -> int:
        """Alerts that are not named."""
        return len(self.message.lines) - len(self.lines)


def clock(when: int, made: int, zone: str) -> str:
    """Return when something was (ms), to the second, beside the time at which a message was made.

    The day is left out where both are of the same.
    """
    same = local(when, zone, "%Y-%m-%d") == local(made, zone, "%Y-%m-%d")
    return local(when, zone, "%H:%M:%S" if same else "%a %d %b %H:%M:%S")


def tries_of(attempts: Iterable[Attempt]) -> list[Tries]:
    """Return attempts, oldest first, with those as one that are alike and follow each other."""
    found = []
    for (_, detail), some in groupby(attempts, lambda one: (one.outcome, one.detail)):
        moments = [one.at for one in some]
        found.append(Tries(moments[0], moments[-1], len(moments), detail))
    return found


def cards_of(
    messages: Iterable[Kept],
    attempts_of: Callable[[str], list[Attempt]],
    wording: Wording,
    whole: str = "",
) -> list[Card]:
    """Return messages as cards, in the order of their first.

    `attempts_of` takes a message's id. `whole`: the id of one of which all alerts are named.
    """
    together: dict[tuple[object, ...], list[Kept]] = {}
    for one in messages:
        message = one.message
        about = tuple((line.alert.id, line.occasion, line.number) for line in message.lines)
        # Two tests are two, though nothing tells them apart but when they were asked for.
        together.setdefault((message.made, message.route, message.test, about), []).append(one)
    cards = []
    for some in together.values():
        message = some[0].message
        all_of_it = whole in {one.message.id for one in some}
        lines = message.lines if all_of_it else message.lines[:LINES]
        cards.append(
            Card(
                message,
                wording.subject(message),
                lines,
                [_way(one, attempts_of(one.message.id)) for one in some],
            )
        )
    return cards


def _way(kept: Kept, attempts: list[Attempt]) -> Way:
    return Way(kept, len(attempts), tries_of(attempts))


async def sent(site: Site, which: shown.Which, before: str, whole: str) -> dict[str, Any]:
    """Return what the template shows: a page of messages behind a place in the list."""
    made, _, identity = before.partition(":")
    place = shown.Place(int(made), identity) if before else None
    wording = shown.wording_of(site.settings)

    def look(files: Files) -> tuple[list[Card], shown.Place | None]:
        outbox = Outbox(files.state)
        found, following = shown.some_messages(outbox, which, before=place, limit=PAGE)
        return cards_of(found, outbox.attempts, wording, whole), following

    cards, following = await site.archive.ask(look)
    return {
        "cards": cards,
        "which": which,
        "before": before,
        "whole": whole,
        "tabs": TABS,
        "after": f"{following.made}:{following.id}" if following else "",
        "most_tries": ATTEMPTS,
        "occasions": OCCASIONS,
        "clock": clock,
    }
