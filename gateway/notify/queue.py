"""Which of the messages that wait is next, and which need not be sent any more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gateway.notify.outbox import Kept


def next_of(
    waiting: Sequence[Kept], resting: Collection[str], tried: Mapping[str, int]
) -> Kept | None:
    """Return the message to send next, None where all have to rest.

    `waiting` is in the order in which they were made. A test comes first: somebody waits for it. Of
    the others none overtakes an earlier one about one of its alerts, an end its beginning; what was
    tried already (`tried`: when) comes after what was not.
    """
    free: list[Kept] = []
    earlier: set[str] = set()
    for kept in waiting:
        alerts = {line.alert.id for line in kept.message.lines}
        if not alerts & earlier and kept.message.id not in resting:
            free.append(kept)
        earlier |= alerts
    # Of equals the first: that is the oldest.
    return min(
        free,
        key=lambda one: (not one.message.test, tried.get(one.message.id, -1)),
        default=None,
    )


def needless(waiting: Sequence[Kept]) -> set[str]:
    """Return the ids of reminders about whose alerts a later message waits as well.

    After an outage people get the beginning, the newest word and the end, and not 300 reminders.
    Nothing else is left out: a beginning, an end or a step is told, however late.
    """
    found: set[str] = set()
    later: set[str] = set()
    for kept in reversed(waiting):
        lines = kept.message.lines
        reminder = bool(lines) and all(line.occasion == "repeated" for line in lines)
        alerts = {line.alert.id for line in lines}
        if reminder and alerts <= later:
            found.add(kept.message.id)
        later |= alerts
    return found
