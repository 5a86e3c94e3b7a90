"""Signing in again to sign: the password is asked once more, and guesses are held back.

Whoever signs in at a provider of OpenID Connect is asked there again (commands/oidc.py).

The limits are those of logging in (listener/attempts.py), by where one comes from and by whom one
says to be: who may sign is worth guessing, also from many addresses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.listener.attempts import Attempts
from gateway.people.passwords import is_right
from gateway.people.person import at_least, find_person
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.people.audit import Who
    from gateway.people.person import Person, Role
    from gateway.state import State

log = structlog.get_logger()

LONGEST = 200
"""Characters of a password that are looked at: longer ones would only cost time."""
WAITING = 10
"""Passwords that wait to be compared: each takes a tenth of a second."""


class SigningIn:
    """Compares passwords of those who sign, one at a time."""

    def __init__(self, state: State, now: Callable[[], int]) -> None:
        """`now`: ms, never set back."""
        self._state = state
        self._now = now
        self._origins = Attempts()
        self._people = Attempts()
        self._one = asyncio.Lock()
        self._waiting = 0

    async def check(self, login: str, password: str, who: Who, needed: Role) -> tuple[Person, str]:
        """Return who this is, and the hash that the password was compared with.

        Raises ControlError where it is wrong, may not be tried now, or the role is too low.
        """
        origin = who.address or f"{who.via} {who.name}"
        if self._waiting >= WAITING:
            raise ControlError("too many are signing at once", "Wait a moment, then retry")
        self._waiting += 1
        try:
            async with self._one:
                person, kept = await self._compared(login, password, origin)
        finally:
            self._waiting -= 1
        _check_role(person, needed)
        return person, kept

    async def _compared(self, login: str, password: str, origin: str) -> tuple[Person, str]:
        # Asked when the turn has come, so that guesses that wait beside each other count as well.
        now = self._now() / 1000
        if self._origins.blocked(origin, now) or self._people.blocked(login, now):
            raise ControlError(
                "too many wrong passwords came from here, or for this name",
                "Wait a minute, then retry",
            )
        person, kept = find_person(self._state, login) or (None, None)
        right = await asyncio.to_thread(is_right, password[:LONGEST], kept)
        if not right or person is None or kept is None or person.removed is not None:
            now = self._now() / 1000
            self._origins.failed(origin, now)
            # Whoever is not known may have typed a password in place of the name.
            if person is not None:
                self._people.failed(login, now)
            log.warning(
                "a signature was refused", origin=origin, person=person.name if person else ""
            )
            raise ControlError(
                "name or password is wrong",
                "Sign in again; if the password is lost: holdwatch user reset NAME",
            )
        return person, kept

    def proven(self, login: str, needed: Role) -> Person:
        """Return a person who has just proven at a provider who this is. Raises ControlError."""
        person, _ = find_person(self._state, login) or (None, None)
        if person is None or person.removed is not None or not person.issuer:
            raise ControlError(f"{login} does not sign in at a provider", "Sign by password")
        _check_role(person, needed)
        return person

    def still(self, login: str, kept: str | None) -> bool:
        """Whether a person is there still, with this password (None: without one)."""
        found = find_person(self._state, login)
        return found is not None and found[1] == kept and found[0].removed is None


def _check_role(person: Person, needed: Role) -> None:
    if not at_least(person.role, needed):
        raise ControlError(
            f"{person.name} is {person.role}: to sign takes {needed} or administrator",
            f"Let somebody sign who is: holdwatch user role NAME {needed}",
        )
