"""The outbox: what is yet to be told, what was, and every attempt to send it. Tables of state.db.

A message is `waiting` until its channel's courier has brought it to an end: `sent` (the other side
has taken it), `refused` (it will never take this one), `given up` (it could not be sent for too
long), or `superseded` (a repeat that a later message made needless before it could be sent).

What is staged here belongs inside `State.writing()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from gateway.notify.message import Message

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.state import State

Fate = Literal["waiting", "sent", "refused", "given up", "superseded"]
Outcome = Literal["sent", "again", "refused"]
"""Of one attempt: taken; not taken now, and tried again; never taken."""

DAY = 86_400_000
KEEP = 400 * DAY
"""ms that a message and its attempts are kept once it is at its end."""
MOST = 50_000
"""Messages that are kept at most, the newest."""
PAGE = 200
"""Messages that leave in one transaction."""


class Kept(NamedTuple):
    """A message as it lies in the outbox. Times are ms since 1970, UTC."""

    message: Message
    state: Fate
    tries: int
    due: int
    """When it is tried next, by the wall clock; kept for people, nothing waits by it."""
    ended: int | None
    problem: str
    """Why it was not sent yet, or ever; "" where there is nothing to say."""
    place: int
    """Its place among all, together with its id: `made`, moved on where the clock went back."""


class Attempt(NamedTuple):
    """One attempt to send: when (ms since 1970), how long it took (ms), and what came of it."""

    at: int
    took: int
    outcome: Outcome
    detail: str
    """What the other side said, or why it could not be asked. No secret is in it."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel fares. Times are ms since 1970, UTC; None: never."""

    since: int
    """When this gateway first knew the channel."""
    success: int | None = None
    test: int | None = None
    """When a test was last sent with success."""
    failing: int | None = None
    """Since when nothing goes out; None: it is well, as far as is known."""
    problem: str = ""


class Outbox:
    """Messages of all channels. Readable from any process that has opened state.db."""

    def __init__(self, state: State) -> None:
        self.state = state

    # -- writing -----------------------------------------------------------------------------

    def put(self, message: Message) -> bool:
        """Stage a message; False if it was there already, whatever became of it. Raises DiskError.

        Its courier looks for it within a second; `Couriers.kick` after the commit is sooner.
        """
        # What waits together goes out in the order in which it was put here, also where our clock
        # was set back in between.
        added = self.state.stage(
            "INSERT OR IGNORE INTO message SELECT ?1, ?2, max(?3, ifnull((SELECT max(made) + 1 "
            "FROM message WHERE channel = ?2 AND state = 'waiting'), 0)), ?3, 'waiting', 0, NULL, "
            "'', ?4",
            [(message.id, message.channel, message.made, msgspec.json.encode(message))],
        )
        if added:
            self.state.stage(
                "INSERT OR IGNORE INTO message_of VALUES (?,?)",
                [(line.alert.id, message.id) for line in message.lines],
            )
        return bool(added)

    def note(self, identity: str, attempt: Attempt, due: int = 0) -> None:
        """Stage an attempt and what it means for its message; `due`: when it is tried again."""
        self.state.stage(
            "INSERT INTO attempt (message, at, took, outcome, detail) VALUES (?,?,?,?,?)",
            [(identity, *attempt)],
        )
        at, took, outcome, detail = attempt
        if outcome == "again":
            self.state.stage(
                "UPDATE message SET tries = tries + 1, due = ?, problem = ? WHERE id = ?",
                [(due, detail, identity)],
            )
            return
        problem = "" if outcome == "sent" else detail
        self.state.stage(
            "UPDATE message SET tries = tries + 1, state = ?, ended = ?, problem = ? WHERE id = ?",
            [(outcome, at + took, problem, identity)],
        )

    def end(self, identities: Collection[str], fate: Fate, why: str, now: int) -> None:
        """Stage that messages are at their end without being sent."""
        self.state.stage(
            "UPDATE message SET state = ?, ended = ?, problem = ? WHERE id = ? "
            "AND state = 'waiting'",
            [(fate, now, why, identity) for identity in identities],
        )

    def keep_standing(self, channel: str, standing: Standing) -> None:
        """Stage how a channel fares."""
        row = (channel, msgspec.json.encode(standing))
        self.state.stage("INSERT OR REPLACE INTO channel VALUES (?,?)", [row])

    def prune(self, now: int, keep: int = KEEP, most: int = MOST) -> int:
        """Stage the end of messages that are old, a page at a time; return how many went.

        What waits stays: its courier brings it to an end.
        """
        count = self.state.rows("SELECT count(*) FROM message")[0][0]
        rows = self.state.rows(
            "SELECT id, body FROM (SELECT id, made, state, body FROM message ORDER BY made, id "
            "LIMIT ?) WHERE state != 'waiting' AND (made < ? OR ?)",
            (PAGE if count <= most else min(PAGE, count - most), now - keep, count > most),
        )
        told = {identity: _alerts(body) for identity, body in rows}
        gone = [(identity,) for identity in told]
        self.state.stage("DELETE FROM attempt WHERE message = ?", gone)
        self.state.stage(
            "DELETE FROM message_of WHERE alert = ? AND message = ?",
            [(alert, identity) for identity, alerts in told.items() for alert in alerts],
        )
        self.state.stage("DELETE FROM message WHERE id = ?", gone)
        return len(gone)

    # -- reading -----------------------------------------------------------------------------

    def waiting(self, channel: str, limit: int) -> list[Kept]:
        """Return what a channel has yet to send, in the order it goes out. Raises DiskError."""
        return self._kept(
            "WHERE channel = ? AND state = 'waiting' ORDER BY made, id LIMIT ?", channel, limit
        )

    def failing_test(self, channel: str) -> Message | None:
        """Return a test that a channel could not send yet."""
        found = self._kept(
            "WHERE channel = ? AND state = 'waiting' AND tries > 0 "
            "AND json_extract(CAST(body AS TEXT), '$.test') != '' LIMIT 1",
            channel,
        )
        return found[0].message if found else None

    def count_waiting(self) -> dict[str, int]:
        """Return how many messages wait, by channel; channels where none does are left out."""
        count = "SELECT channel, count(*) FROM message WHERE state = 'waiting' GROUP BY channel"
        return dict(self.state.rows(count))

    def get(self, identity: str) -> Kept | None:
        """Return a message by its id."""
        found = self._kept("WHERE id = ?", identity)
        return found[0] if found else None

    def page(self, before: tuple[int, str] | None, limit: int, channel: str = "") -> list[Kept]:
        """Return at most `limit` messages, the newest first; `before`: place and id of the last.

        `channel`: of that one alone.
        """
        made, identity = before or (1 << 62, "")
        which = "AND channel = ?" if channel else "AND ? = ''"
        return self._kept(
            f"WHERE (made, id) < (?, ?) {which} ORDER BY made DESC, id DESC LIMIT ?",
            made,
            identity,
            channel,
            limit,
        )

    def of_alert(self, alert: str) -> list[Kept]:
        """Return every message that tells of an alert, the oldest first."""
        return self._kept(
            "WHERE id IN (SELECT message FROM message_of WHERE alert = ?) ORDER BY made, id", alert
        )

    def standing(self, channel: str) -> bool:
        """Whether any alert stands that a channel has told of."""
        return bool(
            self.state.rows(
                "SELECT 1 FROM alert JOIN message_of ON message_of.alert = alert.id "
                "JOIN message ON message.id = message_of.message WHERE alert.ended IS NULL "
                "AND message.channel = ? AND message.state = 'sent' LIMIT 1",
                (channel,),
            )
        )

    def last_sent(self, channel: str) -> Message | None:
        """Return the newest message that a channel has sent."""
        found = self._kept(
            "WHERE channel = ? AND state = 'sent' ORDER BY made DESC, id DESC LIMIT 1", channel
        )
        return found[0].message if found else None

    def attempts(self, identity: str) -> list[Attempt]:
        """Return every attempt to send a message, the oldest first."""
        rows = self.state.rows(
            "SELECT at, took, outcome, detail FROM attempt WHERE message = ? ORDER BY number",
            (identity,),
        )
        return [Attempt(*row) for row in rows]

    def standings(self) -> dict[str, Standing]:
        """Return how each channel fares that was ever known."""
        return {
            name: msgspec.json.decode(body, type=Standing)
            for name, body in self.state.rows("SELECT name, body FROM channel")
        }

    def _kept(self, clause: str, *bindings: object) -> list[Kept]:
        rows = self.state.rows(
            f"SELECT body, state, tries, due, ended, problem, made FROM message {clause}",  # noqa: S608 - constant
            bindings,
        )
        return [Kept(msgspec.json.decode(row[0], type=Message), *row[1:]) for row in rows]


class _Alert(msgspec.Struct):
    id: str


class _Line(msgspec.Struct):
    alert: _Alert


class _Lines(msgspec.Struct):
    lines: tuple[_Line, ...] = ()


def _alerts(body: bytes) -> list[str]:
    """Return the ids of the alerts that a stored message tells of."""
    return [line.alert.id for line in msgspec.json.decode(body, type=_Lines).lines]
