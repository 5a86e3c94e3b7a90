"""The logins of people and screens: opened with a password, used, and ended.

None has a number of its own: it is known by the SHA-256 of the token in the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.people import audit
from gateway.people.audit import Who
from gateway.people.person import Login, find_login, find_person, keep_login
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.people.people import People
    from gateway.state import State

MOST_LOGINS = 50
"""Of one person at a time: with another one the oldest ends."""
SEEN_STEP = 60_000
"""A login's use is written at most every so many ms: each time costs a disk write."""


class Logins:
    """Writes logins, and with them when somebody was last seen."""

    def __init__(self, state: State, people: People, clock: Clock) -> None:
        self._state = state
        self._people = people
        self._clock = clock

    async def open(  # noqa: PLR0913 - what a login is
        self,
        digest: bytes,
        person: str,
        expires: int,
        address: str = "",
        shown: str | None = None,
        *,
        latest: int | None = None,
    ) -> Login:
        """Keep the login of a person that has shown its password; drop those that expired.

        It ends at `expires` (ms), unless it is used, and at `latest` though it is. `shown` is the
        hash that the password was compared with, None where none was asked for. Raises
        ControlError, DiskError.
        """
        now = self._clock.now()
        if expires <= now:
            raise ControlError("the login would have expired already", "Give it a later end")
        login = Login(person, now, now, _earlier(expires, latest), address, latest)
        async with self._state.writing():
            self._people.person(person)
            found = find_person(self._state, person)
            if shown is not None and (found is None or found[1] != shown):
                # Comparing takes a while, and the new one has ended all logins.
                raise ControlError("the password was changed meanwhile", "Log in with the new one")
            self._prune(login)
            keep_login(self._state, digest, login)
            seen = self._people.seen(person, now)
            self._audit("login-open", login)
        self._people.remember(seen)
        return login

    def _prune(self, new: Login) -> None:
        self._state.stage(
            "DELETE FROM login WHERE json_extract(CAST(body AS TEXT), '$.expires') <= ?",
            [(new.opened,)],
        )
        # Those that were opened last stay, and with the new one they are MOST_LOGINS.
        self._state.stage(
            "DELETE FROM login WHERE digest IN (SELECT digest FROM login WHERE person = ? "
            "ORDER BY json_extract(CAST(body AS TEXT), '$.opened') DESC LIMIT -1 OFFSET ?)",
            [(new.person, MOST_LOGINS - 1)],
        )

    async def seen(self, digest: bytes, expires: int | None) -> None:
        """Note that a login is used, so that it ends at `expires` (ms); a screen's never does.

        One that has ended or expired meanwhile is none. Raises DiskError.
        """
        if self._used(digest, expires) is None:
            return
        async with self._state.writing():
            login = self._used(digest, expires)
            if login is None:
                return
            keep_login(self._state, digest, login)
            person = self._people.seen(login.person, login.seen)
        self._people.remember(person)

    def _used(self, digest: bytes, expires: int | None) -> Login | None:
        """Return a login as its use leaves it; None if there is none, or that can wait."""
        now = self._clock.now()
        found = find_login(self._state, digest)
        if found is None:
            return None
        login, _ = found
        if now - login.seen < SEEN_STEP:
            return None
        if login.expires is None:
            return msgspec.structs.replace(login, seen=now)
        if login.expires <= now or expires is None:
            return None
        expires = _earlier(expires, login.latest)
        return msgspec.structs.replace(login, seen=now, expires=expires)

    async def end(self, digest: bytes) -> None:
        """Forget a login, as its person asked. One that has ended is none. Raises DiskError."""
        async with self._state.writing():
            found = find_login(self._state, digest)
            if found is None:
                return
            self._state.stage("DELETE FROM login WHERE digest = ?", [(digest,)])
            self._audit("login-end", found[0])

    def _audit(self, what: str, login: Login) -> None:
        who = Who(login.person, "page", login.address)
        audit.stage(self._state, audit.Entry(self._clock.now(), who, what, login.person))


def _earlier(expires: int, latest: int | None) -> int:
    return expires if latest is None else min(expires, latest)
