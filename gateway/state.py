"""state.db: what was decided. Cursors, rule state, events and alerts, rule versions, credentials.

Written from the event loop alone. Events and the cursor they rest on commit together, and an
event carries a key, so that judging the same readings again after a crash adds nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import msgspec

from devices.reading import DeviceKey
from gateway.database import Database
from gateway.follow import Bell
from gateway.state_schema import MIGRATIONS
from rules.alert import Alert, Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

AlertsAsked = Literal["open", "ended", "all"]
"""Which alerts a list of them holds."""
_WHICH: dict[AlertsAsked, str] = {
    "open": "ended IS NULL AND",
    "ended": "ended IS NOT NULL AND",
    "all": "",
}
FIXED = 1_000
"""Fixed points of our clock that are kept: years of starts and corrections."""
PAGE = 200
"""Alerts that are read at a time, where not all of them may be seen."""


class StoredEvent(NamedTuple):
    """An event with its place in the log and the time it was recorded (ms since 1970, UTC)."""

    number: int
    recorded: int
    event: Event


class StoredVersion(NamedTuple):
    """A rule as it stood from `since` to `until` (ms; None: still), its settings as JSON."""

    name: str
    version: str
    since: int
    until: int | None
    settings: str


class StoredFrame(NamedTuple):
    """A device's rule state as it was before the reading at `at` (ms)."""

    device: DeviceKey
    at: int
    state: bytes


class DeadLetter(NamedTuple):
    """What a follower could not deliver: when that was (ms), why, and what."""

    number: int
    recorded: int
    reason: str
    body: bytes


class State(Database):
    """Everything that the gateway decided or was told, apart from readings."""

    kind = 3
    migrations: ClassVar[tuple[str, ...]] = MIGRATIONS

    def __init__(
        self, path: Path, *, looking: bool = False, vfs: str = "", synchronous: str = "FULL"
    ) -> None:
        """Open or create; see Database for the errors."""
        super().__init__(path, looking=looking, vfs=vfs, synchronous=synchronous)
        self._lock = asyncio.Lock()
        self.bell = Bell()
        self.head = self._newest()
        """The number of the newest event."""

    def _newest(self) -> int:
        return int(self.rows("SELECT ifnull(max(number), 0) FROM event")[0][0])

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Stage inside; on leaving, all of it is committed, or, after an error, none.

        Raises DiskError.
        """
        async with self._lock:
            try:
                yield
                await self.commit_aside()
            except BaseException:
                self.rollback()
                raise
        newest = self._newest()
        if newest != self.head:
            self.head = newest
            self.bell.ring()

    # -- cursors, rule state ---------------------------------------------------------------

    def cursor(self, follower: str) -> int:
        """Return how far a follower has come; 0 for one never seen."""
        rows = self.rows("SELECT position FROM cursor WHERE follower = ?", (follower,))
        return int(rows[0][0]) if rows else 0

    def move(self, follower: str, position: int) -> None:
        """Stage a follower's cursor."""
        self.stage("INSERT OR REPLACE INTO cursor VALUES (?,?)", [(follower, position)])

    def followers(self) -> list[str]:
        """Return every follower with a cursor."""
        return [name for (name,) in self.rows("SELECT follower FROM cursor ORDER BY follower")]

    def forget_followers(self, names: Sequence[str]) -> None:
        """Stage that followers are gone, with what they missed. Their dead letters stay."""
        self.stage("DELETE FROM cursor WHERE follower = ?", [(one,) for one in names])
        self.stage("DELETE FROM missed WHERE follower = ?", [(one,) for one in names])

    def keep_subjects(self, states: Iterable[tuple[DeviceKey, bytes]]) -> None:
        """Stage the rule state of devices."""
        self.stage(
            "INSERT OR REPLACE INTO subject VALUES (?,?,?)",
            [(*device, state) for device, state in states],
        )

    def subjects(self) -> Iterator[tuple[DeviceKey, bytes]]:
        """Yield the rule state of every device."""
        for owner, device, state in self.rows("SELECT * FROM subject"):
            yield DeviceKey(owner, device), state

    def keep_frames(self, frames: Iterable[StoredFrame]) -> None:
        """Stage key frames."""
        self.stage(
            "INSERT OR REPLACE INTO frame VALUES (?,?,?,?)",
            [(*frame.device, frame.at, frame.state) for frame in frames],
        )

    def frame_before(self, device: DeviceKey, when: int) -> StoredFrame | None:
        """Return the newest key frame from which a reading at `when` can still be judged."""
        rows = self.rows(
            "SELECT at, state FROM frame WHERE owner = ? AND device = ? AND at <= ? "
            "ORDER BY at DESC LIMIT 1",
            (*device, when),
        )
        return StoredFrame(device, *rows[0]) if rows else None

    def drop_frames(self, device: DeviceKey, after: int) -> None:
        """Stage the removal of key frames later than `after`: their past has changed."""
        self.stage(
            "DELETE FROM frame WHERE owner = ? AND device = ? AND at > ?", [(*device, after)]
        )

    def note_late(self, late: Iterable[tuple[DeviceKey, int]]) -> None:
        """Stage from when on (ms) the past of devices has yet to be judged again."""
        self.stage(
            "INSERT OR REPLACE INTO late VALUES (?,?,?)", [(*device, at) for device, at in late]
        )

    def forget_late(self, device: DeviceKey) -> None:
        """Stage that a device's past has been judged again."""
        self.stage("DELETE FROM late WHERE owner = ? AND device = ?", [device])

    def late(self) -> list[tuple[DeviceKey, int]]:
        """Return the devices whose past has yet to be judged again, and from when on (ms)."""
        rows = self.rows("SELECT * FROM late")
        return [(DeviceKey(owner, device), earliest) for owner, device, earliest in rows]

    def prune_frames(self, before: int) -> None:
        """Stage the removal of key frames older than `before`."""
        self.stage("DELETE FROM frame WHERE at < ?", [(before,)])

    # -- events and alerts -----------------------------------------------------------------

    def record(self, events: Sequence[Event], now: int) -> list[Event]:
        """Stage events and the alerts as they now stand; return those not recorded before."""
        fresh: list[Event] = []
        for event in events:
            alert = event.alert
            row = (event.key, alert.id, now, msgspec.json.encode(event))
            if not self.stage(
                "INSERT OR IGNORE INTO event (key, alert, recorded, body) VALUES (?,?,?,?)", [row]
            ):
                continue
            body = msgspec.json.encode(alert)
            self.stage(
                "INSERT OR REPLACE INTO alert VALUES (?,?,?,?,?,?,?)",
                [(alert.id, *alert.device, alert.state, alert.began, alert.ended, body)],
            )
            fresh.append(event)
        return fresh

    def read(self, after: int, limit: int) -> tuple[list[StoredEvent], int]:
        """Return events after a number, oldest first, and the number of the last."""
        rows = self.rows(
            "SELECT number, recorded, body FROM event WHERE number > ? AND number <= ? "
            "ORDER BY number LIMIT ?",
            (after, self.head, limit),
        )
        events = [_event(row) for row in rows]
        return events, events[-1].number if events and len(events) == limit else self.head

    def alert(self, identity: str) -> Alert | None:
        """Return an alert by its id."""
        found = self._alerts("WHERE id = ?", (identity,))
        return found[0] if found else None

    def open_alerts(self) -> list[Alert]:
        """Return every alert that is not over, oldest first."""
        return self._alerts("WHERE ended IS NULL ORDER BY began", ())

    def alerts_since(self, since: int) -> list[Alert]:
        """Return every alert that is open or ended at or after `since`, oldest first."""
        return self._alerts("WHERE ended IS NULL OR ended >= ? ORDER BY began", (since,))

    def alerts_of(self, device: DeviceKey, since: int = 0) -> list[Alert]:
        """Return a device's alerts that are open or ended at or after `since`, oldest first."""
        return self._alerts(
            "WHERE owner = ? AND device = ? AND (ended IS NULL OR ended >= ?) ORDER BY began",
            (*device, since),
        )

    def alerts_page(
        self,
        asked: AlertsAsked,
        before: tuple[int, str] | None,
        limit: int,
        sees: Callable[[DeviceKey], bool] | None = None,
    ) -> list[Alert]:
        """Return at most `limit` alerts, the newest beginning first.

        `before`: when the last one of the page before began (ms), and its id. One whose
        beginning late data moves meanwhile may come twice, or not at all. `sees`: only alerts
        of such devices; without it all.
        """
        found: list[Alert] = []
        place = before or (1 << 62, "")
        size = limit if sees is None else max(limit, PAGE)
        while len(found) < limit:
            page = self.rows(
                f"SELECT began, id, owner, device, body FROM alert WHERE {_WHICH[asked]} "  # noqa: S608 - constant
                "(began, id) < (?, ?) ORDER BY began DESC, id DESC LIMIT ?",
                (*place, size),
            )
            found += [
                msgspec.json.decode(body, type=Alert)
                for *_, owner, device, body in page
                if sees is None or sees(DeviceKey(owner, device))
            ]
            if len(page) < size:
                break
            place = page[-1][:2]
        return found[:limit]

    def events_of(self, identity: str) -> list[StoredEvent]:
        """Return all that happened to an alert, oldest first."""
        rows = self.rows(
            "SELECT number, recorded, body FROM event WHERE alert = ? ORDER BY number", (identity,)
        )
        return [_event(row) for row in rows]

    def _alerts(self, clause: str, bindings: Sequence[Any]) -> list[Alert]:
        rows = self.rows(f"SELECT body FROM alert {clause}", bindings)  # noqa: S608 - constant
        return [msgspec.json.decode(body, type=Alert) for (body,) in rows]

    # -- rule versions, tags ------------------------------------------------------------------

    def rule_versions(self) -> list[StoredVersion]:
        """Return every rule as it ever stood, oldest first."""
        rows = self.rows("SELECT * FROM rule ORDER BY since, name")
        return [StoredVersion(*row) for row in rows]

    def keep_rule_versions(self, versions: Iterable[StoredVersion]) -> None:
        """Stage rule versions."""
        self.stage("INSERT OR REPLACE INTO rule VALUES (?,?,?,?,?)", list(versions))

    def tag_versions(self) -> list[tuple[int, bytes]]:
        """Return since when (ms) which tags held, oldest first."""
        return [(since, body) for since, body in self.rows("SELECT * FROM tagging ORDER BY since")]

    def keep_tag_version(self, since: int, body: bytes) -> None:
        """Stage which tags hold from `since` (ms) on."""
        self.stage("INSERT OR REPLACE INTO tagging VALUES (?,?)", [(since, body)])

    # -- what was not delivered --------------------------------------------------------------

    def bury(self, follower: str, letters: Iterable[tuple[bytes, str]], now: int) -> None:
        """Stage records that a follower cannot deliver, each with the reason."""
        self.stage(
            "INSERT INTO dead_letter (follower, recorded, reason, body) VALUES (?,?,?,?)",
            [(follower, now, reason, body) for body, reason in letters],
        )

    def dead_letters(self) -> dict[str, int]:
        """Return how many records lie in the dead letters, by follower."""
        count = "SELECT follower, count(*) FROM dead_letter GROUP BY follower"
        return dict(self.rows(count))

    def letters(self, follower: str, after: int, limit: int) -> list[DeadLetter]:
        """Return dead letters of a follower behind a number, oldest first."""
        rows = self.rows(
            "SELECT number, recorded, reason, body FROM dead_letter "
            "WHERE follower = ? AND number > ? ORDER BY number LIMIT ?",
            (follower, after, limit),
        )
        return [DeadLetter(*row) for row in rows]

    def drop_letters(self, numbers: Iterable[int]) -> None:
        """Stage that dead letters are gone: delivered after all, or given up."""
        self.stage("DELETE FROM dead_letter WHERE number = ?", [(one,) for one in numbers])

    def missed(self, follower: str) -> list[int]:
        """Return the days (UTC, since 1970) that a follower has yet to get from the history."""
        days = "SELECT day FROM missed WHERE follower = ? ORDER BY day"
        return [day for (day,) in self.rows(days, (follower,))]

    def note_missed(self, follower: str, days: Iterable[int]) -> None:
        """Stage that a follower will get these days from the history."""
        self.stage("INSERT OR IGNORE INTO missed VALUES (?,?)", [(follower, day) for day in days])

    def forget_missed(self, follower: str, day: int) -> None:
        """Stage that a follower has got a day."""
        self.stage("DELETE FROM missed WHERE follower = ? AND day = ?", [(follower, day)])

    def note_clock(self, boot: str, monotonic: int, wall: int, moved: int) -> None:
        """Stage a fixed point of our clock (ms): at start, and when it was corrected by `moved`.

        With it, a `received` of that run can be read against the monotonic clock.
        """
        self.stage(
            "INSERT INTO clock (boot, monotonic, wall, moved) VALUES (?,?,?,?)",
            [(boot, monotonic, wall, moved)],
        )
        self.stage(
            "DELETE FROM clock WHERE number <= (SELECT max(number) FROM clock) - ?", [(FIXED,)]
        )


def _event(row: tuple[Any, ...]) -> StoredEvent:
    number, recorded, body = row
    return StoredEvent(number, recorded, msgspec.json.decode(body, type=Event))
