"""Standing mutes: what is not told of for a while, whoever it is about. Table `mute` of state.db.

One alert is muted by an act (gateway/people/acts.py). A standing mute is for what is expected: a
cold room that is defrosted, a site that moves. It has an end and a reason, hides nothing on the
page, and what still stands at its end is told then. Whether one counts follows from its times.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from gateway.own_alerts import KIND as OWN
from gateway.people import audit
from gateway.people.audit import Entry, Who
from gateway.people.text import reason_of
from gateway.refusal import ControlError
from rules.duration import DAY, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.notify.about import About
    from gateway.state import State
    from rules.alert import Alert

SHORTEST, LONGEST = MINUTE, 30 * DAY
ON_THE_WAY = 5 * SECOND
"""Milliseconds that a command may take to reach us."""
MOST = 200
"""Mutes that may stand at a time."""
MOST_PATTERNS, LONGEST_PATTERN = 50, 200
CLOCK_MOVED = 5 * MINUTE
"""A mute that was made so many ms after now was made when our clock was right, and it is not."""


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """What is not told of from `at` until `until` (ms since 1970, UTC).

    Patterns with * and ?; what is given must all match, what is left out matches.
    """

    at: int
    until: int
    who: str
    reason: str
    devices: tuple[str, ...] = ()
    """Of devices' keys, or of consignments': consignment/ and its id."""
    sites: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """Alerts about the gateway itself are muted only where this names their rule, gateway."""
    goods: tuple[str, ...] = ()
    ended: int | None = None
    """When somebody ended it before its time."""
    ended_by: str = ""
    ended_why: str = ""
    number: int = 0
    """Its place among all mutes, from 1; 0 until it is recorded."""

    def stands(self, now: int) -> bool:
        """Whether it counts at a time."""
        return self.ended is None and self.at - CLOCK_MOVED <= now < self.until

    def covers(self, alert: Alert, about: About) -> bool:
        """Whether it is about an alert."""
        if alert.kind == OWN and not self.rules:
            return False
        return (
            _any(self.devices, (str(alert.device),))
            and _any(self.sites, about.sites)
            and _any(self.rules, (alert.rule,))
            and _any(self.goods, about.goods)
        )


def _any(patterns: tuple[str, ...], values: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(one, each) for one in values for each in patterns)


def mutes_of(state: State, now: int, *, over: bool = False) -> list[Mute]:
    """Return the mutes that stand at `now` (ms), with `over` also those that are; newest first.

    May be asked by whoever has opened state.db. Raises DiskError.
    """
    found = [
        _mute(*row)
        for row in state.rows(
            "SELECT number, body FROM mute WHERE until > ? ORDER BY number DESC LIMIT 1000",
            (-1 if over else now,),
        )
    ]
    return found if over else [one for one in found if one.stands(now)]


class Mutes:
    """Makes and ends standing mutes; knows those that may stand."""

    def __init__(self, state: State) -> None:
        """Read those that are not ended. Raises FileError, DiskError."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when one was made or ended."""
        self._state = state
        rows = state.rows("SELECT number, body FROM mute ORDER BY number DESC LIMIT 1000")
        self._open = [one for one in (_mute(*row) for row in rows) if one.ended is None]

    def standing(self, now: int) -> list[Mute]:
        """Return those that stand now (ms), the one that ends last first."""
        found = [one for one in self._open if one.stands(now)]
        return sorted(found, key=lambda one: (-one.until, one.number))

    def of(self, alert: Alert, about: About, now: int) -> Mute | None:
        """Return the mute of an alert that ends last, None if it is not muted."""
        return next((one for one in self.standing(now) if one.covers(alert, about)), None)

    async def add(self, mute: Mute, who: Who) -> Mute:
        """Make a mute that begins `at`, now; return it with its number.

        Who made it is set here. Raises ControlError, DiskError.
        """
        mute = msgspec.structs.replace(mute, who=who.name, reason=reason_of(mute.reason))
        _check(mute)
        state = self._state
        async with state.writing():
            if len(self.standing(mute.at)) >= MOST:
                raise ControlError(
                    f"{MOST} mutes stand already", "End one, or mute several by one pattern"
                )
            newest = state.rows("SELECT ifnull(max(number), 0) FROM mute")[0][0]
            mute = msgspec.structs.replace(mute, number=int(newest) + 1)
            state.stage("INSERT INTO mute VALUES (?,?,?)", [_row(mute)])
            _audit(state, mute, who, at=mute.at, reason=mute.reason)
        self._open = [one for one in self._open if one.until > mute.at] + [mute]
        self.on_change()
        return mute

    async def end(self, number: int, who: Who, now: int, reason: str) -> Mute:
        """End a mute before its time (ms); return it as it then is. Raises ControlError."""
        reason = reason_of(reason)
        state = self._state
        async with state.writing():
            before = next((one for one in self.standing(now) if one.number == number), None)
            if before is None:
                raise ControlError(
                    f"there is no mute {number} that stands", "See: holdwatch mute list"
                )
            mute = msgspec.structs.replace(before, ended=now, ended_by=who.name, ended_why=reason)
            state.stage("INSERT OR REPLACE INTO mute VALUES (?,?,?)", [_row(mute)])
            _audit(state, mute, who, at=now, reason=reason, before=before)
        self._open = [one for one in self._open if one.number != number]
        self.on_change()
        return mute


def _mute(number: int, body: bytes) -> Mute:
    return msgspec.structs.replace(msgspec.json.decode(body, type=Mute), number=number)


def _row(mute: Mute) -> tuple[int, int, bytes]:
    return mute.number, mute.until, msgspec.json.encode(mute)


def _audit(  # noqa: PLR0913 - an entry has this many sides
    state: State, mute: Mute, who: Who, *, at: int, reason: str, before: Mute | None = None
) -> None:
    audit.stage(
        state,
        Entry(
            at=at,
            who=who,
            what="mute-add" if before is None else "mute-end",
            object=str(mute.number),
            reason=reason,
            before=None if before is None else msgspec.to_builtins(before),
            after=msgspec.to_builtins(mute),
        ),
    )


def _check(mute: Mute) -> None:
    """Raise ControlError where a mute cannot be made."""
    groups = (mute.devices, mute.sites, mute.rules, mute.goods)
    if not any(groups):
        raise ControlError(
            "it does not say what is muted",
            'Give patterns of devices, sites, rules or goods; the device "*" is every one',
        )
    for pattern in (one for group in groups for one in group):
        if not pattern.strip() or len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
            raise ControlError(
                f"{pattern[:LONGEST_PATTERN]!r} is no pattern",
                f"Use 1 to {LONGEST_PATTERN} characters, such as reefer-*",
            )
    if sum(map(len, groups)) > MOST_PATTERNS:
        raise ControlError(
            "these are too many patterns", f"Use at most {MOST_PATTERNS}, or make several mutes"
        )
    length = mute.until - mute.at
    if not SHORTEST - ON_THE_WAY <= length <= LONGEST:
        raise ControlError(
            f"nothing can be muted for {format_duration(length)}",
            f"Mute it for {format_duration(SHORTEST)} to {format_duration(LONGEST)}, and again "
            "after that",
        )
