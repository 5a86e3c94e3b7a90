"""Channels, messages and mutes as plain data: for the page, the API and the command line alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from gateway.notify.in_words import mute_in_words, where_to
from gateway.notify.phrases import what
from gateway.notify.routes import CHANNEL
from gateway.notify.wording import Wording
from gateway.people import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.notify.message import Line
    from gateway.notify.mutes import Mute
    from gateway.notify.outbox import Kept, Outbox, Standing
    from gateway.people.audit import Entry
    from gateway.settings import Settings
    from gateway.settings.channels import AnyChannel
    from gateway.state import State
    from rules.alert import Alert

MUTED = ("devices", "sites", "rules", "goods")
"""What patterns of a mute are about."""
TESTED = "channel-test"
"""The name under which a test stands in the audit trail; its object is the channel."""
Which = Literal["all", "waiting", "failed"]
FAILED = frozenset({"refused", "given up"})
PAGE = 50
"""Messages that are read at a time."""
LOOKED_AT = 2_000
"""Messages that are looked through for a page, where few are wanted."""


# -- channels -----------------------------------------------------------------------------------


class Tests:
    """The last test of each channel, as the audit trail tells of it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = 0
        self._last: dict[str, Entry] = {}

    def last(self) -> dict[str, Entry]:
        """Return it by channel; channels that were never tested are left out."""
        # Only what is new: the trail may be long, and this is asked every few seconds.
        for entry in audit.of_kind(self._state, TESTED, self._seen):
            self._last[entry.object] = entry
            self._seen = entry.number
        return self._last


def channels_shown(
    outbox: Outbox,
    tests: Tests,
    channels: Iterable[AnyChannel],
    problems: Iterable[Alert],
    now: int,
) -> list[dict[str, Any]]:
    """Return how channels fare at `now` (ms): those that fail first, then those that wait.

    `problems`: the open alerts about the gateway itself.
    """
    standings, waiting, tested = outbox.standings(), outbox.count_waiting(), tests.last()
    known = {one.channel: one for one in problems}
    found = [
        {
            "name": one.name,
            "kind": one.kind,
            "where": where_to(one),
            **_fares(standings.get(one.name), known.get(f"{CHANNEL}{one.name}")),
            "test_due": _test_due(standings.get(one.name), one.test_every, now),
            "waiting": waiting.get(one.name, 0),
            "tested": _test(outbox, tested.get(one.name)),
        }
        for one in channels
    ]
    return sorted(found, key=lambda one: (one["failing"] is None, -one["waiting"]))


def _fares(standing: Standing | None, alert: Alert | None) -> dict[str, Any]:
    """Return what is known of a channel; nothing is known before its first message.

    An alert may know more: that one of several addresses is refused.
    """
    failing = standing.failing if standing else None
    problem = standing.problem if standing and failing is not None else ""
    return {
        "failing": failing,
        "problem": problem or (alert.reason if alert else ""),
        "alert": alert.id if alert else None,
        "success": standing.success if standing else None,
        "test": standing.test if standing else None,
    }


def _test_due(standing: Standing | None, every: int, now: int) -> int | None:
    """Return until when a channel should be tested again (ms); None: it need not be."""
    if not every:
        return None
    if standing is None:
        return now + every
    return (standing.since if standing.test is None else standing.test) + every


def _test(outbox: Outbox, entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    kept = outbox.get(entry.after["message"])
    return {
        "at": entry.at,
        "who": entry.who.name,
        "message": entry.after["message"],
        "state": kept.state if kept else "",
        "problem": kept.problem if kept else "",
    }


# -- messages -----------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a list of messages goes on: behind this one."""

    made: int
    id: str


def some_messages(  # noqa: PLR0913 - which, from where, and who asks
    outbox: Outbox,
    which: Which = "all",
    *,
    channel: str = "",
    before: Place | None = None,
    limit: int = 50,
    sees: Callable[[Alert], bool] | None = None,
) -> tuple[list[Kept], Place | None]:
    """Return at most `limit` messages, the newest first, and where to go on; None: that was all.

    `sees`: of whoever may not know of all alerts; messages are left out of which nothing may be
    known, and so are tests.
    """
    found: list[Kept] = []
    place, left = before, LOOKED_AT
    while left > 0:
        page = outbox.page(place, min(PAGE, left), channel)
        for kept in page:
            place = Place(kept.place, kept.message.id)
            if _wanted(kept, which) and (sees is None or any(_seen(kept, sees))):
                found.append(kept)
                if len(found) == limit:
                    return found, place
        if len(page) < min(PAGE, left):
            return found, None
        left -= len(page)
    return found, place


def _seen(kept: Kept, sees: Callable[[Alert], bool]) -> Iterable[Line]:
    return (one for one in kept.message.lines if sees(one.alert))


def _wanted(kept: Kept, which: Which) -> bool:
    """Whether a message is among these; one that fails and is tried again has failed as well."""
    if which == "waiting":
        return kept.state == "waiting"
    failing = kept.state == "waiting" and bool(kept.problem)
    return which == "all" or failing or kept.state in FAILED


def wording_of(settings: Settings) -> Wording:
    """Return what puts messages into the words that people got."""
    return Wording(settings.gateway.box, settings.gateway.timezone, settings.zone)


def message_shown(
    outbox: Outbox, kept: Kept, wording: Wording, sees: Callable[[Alert], bool] | None = None
) -> dict[str, Any]:
    """Return a message with its attempts.

    `sees`: of which alerts it tells whoever may not know of all; nor do they read what the other
    side said.
    """
    message = kept.message
    if sees is not None:
        message = msgspec.structs.replace(message, lines=tuple(_seen(kept, sees)))
    return {
        "id": message.id,
        "channel": message.channel,
        "made": message.made,
        "route": message.route,
        "test": message.test,
        "state": kept.state,
        "tries": kept.tries,
        "due": kept.due if kept.state == "waiting" else None,
        "ended": kept.ended,
        "problem": kept.problem if sees is None else "",
        "subject": wording.subject(message),
        "lines": [_line(one) for one in message.lines],
        "attempts": attempts_shown(outbox, message.id, words=sees is None),
    }


def attempts_shown(outbox: Outbox, identity: str, *, words: bool = True) -> list[dict[str, Any]]:
    """Return the attempts to send a message.

    `words`: also what the other side said: people's addresses may be in it, or other alerts.
    """
    return [
        {**one._asdict(), "detail": one.detail if words else ""}
        for one in outbox.attempts(identity)
    ]


def _line(line: Line) -> dict[str, Any]:
    alert = line.alert
    return {
        "alert": alert.id,
        "device": str(alert.device),
        "name": line.name,
        "site": line.site,
        "rule": alert.rule,
        "severity": alert.severity,
        "what": what(alert),
        "occasion": line.occasion,
        "number": line.number,
    }


# -- mutes --------------------------------------------------------------------------------------


def mute_shown(mute: Mute, now: int) -> dict[str, Any]:
    """Return a mute, in words as well, and whether it stands at `now` (ms)."""
    return {
        **msgspec.to_builtins(mute),
        "what": mute_in_words(mute),
        "stands": mute.stands(now),
    }
