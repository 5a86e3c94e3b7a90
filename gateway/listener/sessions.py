"""What outlives a client's connection: packet ids of QoS 2, subscriptions, and how far they got.

Two promises rest on what is written here:

- a QoS 2 message is stored once: its packet id commits with it, and until the client has
  released the id, the same id is the same message, also after a crash of ours;
- an id that the client may use anew is never taken for the old message: it is forgotten
  durably before the client is told so (PUBCOMP, or a CONNACK without a session).

The rest may be written late: that a session exists, when its client went away.

Times are in ms since 1970, UTC, and None while our clock cannot be trusted. Then no session's
time is over, and whoever goes is taken to have gone when the clock is right again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.mqtt.packets import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.journal import Journal
    from gateway.listener.client import Client

    Stage = Callable[[Journal], None]
    Change = tuple[Stage, Callable[[], None]]
    """What is to be written, and what is to be called once it is durable."""

MOST = 1_000
"""Sessions of one principal whose clients are away; beyond it the oldest is forgotten."""

_LATE = 1 << 62

Key = tuple[str, str]
"""Principal and client id: firmware often has the same client id in every device."""


class Session:
    """One client's session. `keep` is ms after its connection's end, 0 to forget it at once."""

    __slots__ = ("away_since", "client", "cursor", "held", "keep", "key", "stored", "subscriptions")

    def __init__(self, key: Key, keep: int) -> None:
        self.key = key
        self.keep = keep
        self.held: dict[int, None] = {}
        """Packet ids of QoS 2 messages that the client has not released, oldest first."""
        self.subscriptions: tuple[Subscription, ...] = ()
        self.cursor: int | None = None
        """The last event that was delivered to its subscriptions; None for no subscription."""
        self.client: Client | None = None
        self.away_since: int | None = None
        """None also for one that has gone at a time that is not known yet."""
        self.stored = False
        """Whether the file may know of it."""


class Opened(NamedTuple):
    """A session for a new connection; `forget` must be durable before the client hears of it.

    `displaced` is the connection that had the client id until now.
    """

    session: Session
    present: bool
    forget: Change | None
    displaced: Client | None


class Sessions:
    """All sessions, in memory and in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Take up what the last run left."""
        self._sessions: dict[Key, Session] = {}
        self._unwritten: dict[Key, Session] = {}
        # By principal, in the order in which their clients went.
        self._away: dict[str, dict[Key, Session]] = {}
        self._over: dict[Key, Session] = {}
        # What the file may still hold, and whoever comes next may not be given.
        self._forgetting: dict[Key, Stage] = {}
        # Those whose clients were connected to the end are the last to have gone.
        stored = sorted(_stored(journal), key=lambda one: one.away_since or _LATE)
        for session in stored:
            self._sessions[session.key] = session
            self._away.setdefault(session.key[0], {})[session.key] = session

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: Key) -> Session | None:
        """Return the session of a client, None if there is none."""
        return self._sessions.get(key)

    def open(self, key: Key, *, clean: bool, keep: int, now: int | None) -> Opened:
        """Take up a client's session, or begin a new one (if `clean`, in any case)."""
        before = self._sessions.get(key)
        self._away.get(key[0], {}).pop(key, None)
        self._over.pop(key, None)
        displaced = None if before is None else before.client
        # One that was to end with its connection has ended, though the connection may still stand.
        lasts = before is not None and before.keep and not _expired(before, now)
        # Nor is one taken up to which nobody was welcomed: its client knows of none.
        if before is not None and lasts and not clean and key not in self._forgetting:
            before.keep, before.away_since = keep, None
            self._unwritten[key] = before
            return Opened(before, present=True, forget=None, displaced=displaced)
        forget = None
        # While the file may know of an older one, whoever comes next has to forget it too.
        if key in self._forgetting or (before is not None and before.stored):
            forget = self._forget(key)
        session = self._sessions[key] = Session(key, keep)
        self._unwritten.pop(key, None)
        if keep:
            self._unwritten[key] = session
        return Opened(session, present=False, forget=forget, displaced=displaced)

    def leave(self, session: Session, client: Client, now: int | None) -> None:
        """Know that a client's connection is over."""
        if session.client is not client or self._sessions.get(session.key) is not session:
            return
        session.client = None
        session.away_since = now
        if not session.keep and not session.stored:
            del self._sessions[session.key]
            self._unwritten.pop(session.key, None)
            return
        self._unwritten[session.key] = session
        away = self._away.setdefault(session.key[0], {})
        away[session.key] = session
        if len(away) > MOST:
            # Its time is over now; the next `settle` removes it, from the file too.
            oldest = away.pop(next(iter(away)))
            oldest.keep = 0
            self._over[oldest.key] = oldest

    def changed(self, session: Session) -> None:
        """Know that a session is to be written, with the next `settle`.

        One that another has taken the place of stays as it is: forgotten.
        """
        if session.keep and self._sessions.get(session.key) is session:
            self._unwritten[session.key] = session

    def hold(self, session: Session, packet_id: int) -> Stage | None:
        """Note the id of a QoS 2 message; return what must commit with it."""
        session.held.pop(packet_id, None)
        session.held[packet_id] = None
        if not session.keep:
            return None
        # An id of which the file knows no session would be forgotten with the next crash.
        save = self.save(session) if session.key in self._unwritten else None
        row = (*session.key, packet_id)

        def stage(journal: Journal) -> None:
            if save is not None:
                save(journal)
            _run(journal, "INSERT OR REPLACE INTO held VALUES (?,?,?)", row)

        return stage

    def release(self, session: Session, packet_id: int) -> Stage | None:
        """Forget an id; return what must be durable before the client may use it anew."""
        session.held.pop(packet_id, None)
        if not session.stored:
            return None
        row = (*session.key, packet_id)
        return lambda journal: _run(
            journal, "DELETE FROM held WHERE principal = ? AND client = ? AND packet = ?", row
        )

    def save(self, session: Session) -> Stage:
        """Return what writes a session as it now stands."""
        self._unwritten.pop(session.key, None)
        session.stored = True
        row = (
            *session.key,
            session.keep,
            session.away_since,
            session.cursor or 0,
            msgspec.json.encode(session.subscriptions),
        )
        return lambda journal: _run(
            journal, "INSERT OR REPLACE INTO session VALUES (?,?,?,?,?,?)", row
        )

    def forget(self, session: Session) -> Change:
        """Drop a session; return what removes it from the file."""
        if self._sessions.get(session.key) is session:
            del self._sessions[session.key]
            self._away.get(session.key[0], {}).pop(session.key, None)
            self._over.pop(session.key, None)
        self._unwritten.pop(session.key, None)
        return self._forget(session.key)

    def _forget(self, key: Key) -> Change:
        def stage(journal: Journal) -> None:
            for table in ("session", "held"):
                _run(journal, f"DELETE FROM {table} WHERE principal = ? AND client = ?", key)  # noqa: S608 - constant

        def committed() -> None:
            # Unless there is a later one, which has to be durable first.
            if self._forgetting.get(key) is stage:
                del self._forgetting[key]

        self._forgetting[key] = stage
        return stage, committed

    def forget_principal(self, principal: str, *, subscribers: bool = False) -> list[Change]:
        """Drop every session of a principal, or of its subscribers alone."""
        gone = [one for one in self._sessions.values() if one.key[0] == principal]
        return [self.forget(one) for one in gone if one.subscriptions or not subscribers]

    def settle(self, now: int | None) -> list[tuple[Stage, Callable[[], None] | None]]:
        """Drop sessions whose time is over; return what writes all that is not written yet."""
        away = [one for sessions in self._away.values() for one in sessions.values()]
        for session in away:
            if session.away_since is None and now is not None:
                session.away_since = now
                self._unwritten[session.key] = session
        over = [*self._over.values(), *(one for one in away if _expired(one, now))]
        changes = [self.forget(one) for one in over]
        return [*changes, *((self.save(one), None) for one in list(self._unwritten.values()))]


def _expired(session: Session, now: int | None) -> bool:
    if session.client is not None or session.away_since is None or now is None:
        return session.client is None and not session.keep
    return now - session.away_since >= session.keep


def _run(journal: Journal, statement: str, row: tuple[object, ...]) -> None:
    journal.stage(statement, [row])


def _stored(journal: Journal) -> Iterator[Session]:
    held: dict[Key, dict[int, None]] = {}
    for principal, client, packet in journal.rows("SELECT principal, client, packet FROM held"):
        held.setdefault((principal, client), {})[packet] = None
    columns = "principal, client, keep, away_since, cursor, subscriptions"
    for principal, client, keep, away, cursor, subscriptions in journal.rows(
        f"SELECT {columns} FROM session"  # noqa: S608 - constant
    ):
        session = Session((principal, client), keep)
        session.held = held.pop(session.key, {})
        session.away_since = away
        session.subscriptions = msgspec.json.decode(subscriptions, type=tuple[Subscription, ...])
        session.cursor = cursor if session.subscriptions else None
        session.stored = True
        yield session
