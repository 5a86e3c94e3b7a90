"""Who may use the page: people with passwords, people of a provider, and wall screens with a link.

The gateway alone writes, each change together with its entry in the audit trail.
"""

from __future__ import annotations

import asyncio
import secrets
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.people import audit
from gateway.people.audit import Who
from gateway.people.names import LONGEST, check_name
from gateway.people.passwords import check_hash, hashed, random_password
from gateway.people.person import ROLES, TOKEN, Login, Person, Role, keep_login
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.oidc.identity import Identity
    from gateway.state import State

FIRST = "admin"
"""The name of the first administrator."""
TAKEN = frozenset({FIRST, "gateway", "holdwatch", "root"})
"""Names that no provider can give: of whoever acts here, by these, it is plain who that is."""


class People:
    """All who may use the page, and who once might: what is on the disk is also in memory."""

    def __init__(self, state: State, clock: Clock) -> None:
        """Read who is known. Raises FileError, DiskError."""
        self._state = state
        self._clock = clock
        found = (
            msgspec.json.decode(body, type=Person)
            for (body,) in state.rows("SELECT body FROM person")
        )
        self._all = {one.name: one for one in found}

    def people(self) -> list[Person]:
        """Return everybody by name: screens too, and those that were removed."""
        return sorted(self._all.values(), key=lambda one: one.name)

    def person(self, name: str) -> Person:
        """Return who may log in by a password. Raises ControlError."""
        person = self._all.get(name)
        if person is None or person.removed is not None:
            raise ControlError(f"there is no person {name}", "See: holdwatch user list")
        if person.screen:
            raise ControlError(
                f"{name} is a wall screen", "Use: holdwatch screen revoke, and holdwatch screen add"
            )
        return person

    def screens(self) -> list[Person]:
        """Return the wall screens that may be connected."""
        return [one for one in self.people() if one.screen and one.removed is None]

    def empty(self) -> bool:
        """Whether nobody can log in by a password."""
        out = (one.screen or one.issuer or one.removed is not None for one in self._all.values())
        return all(out)

    # -- people --------------------------------------------------------------------------------

    async def first(self, who: Who) -> tuple[str, str] | None:
        """Add the first administrator if nobody is there; return its name and password."""
        return (FIRST, await self.add(FIRST, "administrator", who)) if self.empty() else None

    async def add(self, name: str, role: str, who: Who) -> str:
        """Add a person; return the password, which nobody can show again.

        A name that was removed may be used again. Raises ControlError, DiskError.
        """
        person = Person(name, _role(role), self._clock.now())
        self._check_free(name, "a person")
        password, kept = await _new_password()
        async with self._state.writing():
            self._check_free(name, "a person")
            self._keep(person, kept)
            self._audit(who, "user-add", name, after=person.fact)
        self._all[name] = person
        return password

    async def reset(self, name: str, who: Who) -> str:
        """Give a person another password, and end all its logins; return the password.

        Raises ControlError, DiskError.
        """
        self._here(name)
        password, kept = await _new_password()
        async with self._state.writing():
            self._keep(self._here(name), kept)
            self._end_logins(name)
            self._audit(who, "user-reset", name)
        return password

    async def set_password(self, name: str, kept: str, who: Who, keep: bytes = b"") -> None:
        """Keep the hash of a password that the person chose, and end its logins but for `keep`.

        Raises ControlError, DiskError.
        """
        check_hash(kept)
        async with self._state.writing():
            self._keep(self._here(name), kept)
            self._end_logins(name, keep)
            self._audit(who, "password", name)

    async def change_role(self, name: str, role: str, who: Who) -> Person:
        """Give a person another role, and end its logins. Raises ControlError, DiskError."""
        new = _role(role)
        async with self._state.writing():
            before = self._here(name)
            if before.role == new:
                raise ControlError(f"{name} is {new} already", "There is nothing left to do")
            self._check_administrators(before)
            changed = msgspec.structs.replace(before, role=new)
            self._replace(changed)
            self._end_logins(name)
            self._audit(who, "user-role", name, before.fact, changed.fact)
        self._all[name] = changed
        return changed

    async def remove(self, name: str, who: Who) -> Person:
        """Let a person in no more, and end its logins. Raises ControlError, DiskError."""
        async with self._state.writing():
            before = self.person(name)
            self._check_administrators(before)
            removed = self._remove(before, who, "user-remove")
        self._all[name] = removed
        return removed

    # -- people of a provider of OpenID Connect --------------------------------------------------

    async def signed_in(self, identity: Identity, address: str) -> Person:
        """Return who signed in at the provider: added at the first time, with the role of today.

        It is the subject that counts: a name that somebody has here is nobody else's, whatever the
        provider calls them. Raises ControlError for who was removed here, DiskError.
        """
        async with self._state.writing():
            before = self.of_subject(identity.issuer, identity.subject)
            now = before or Person(
                self._free_name(identity.offer), identity.role, self._clock.now()
            )
            _check_not_removed(now)
            now = msgspec.structs.replace(
                now,
                role=identity.role,
                issuer=identity.issuer,
                subject=identity.subject,
                full_name=identity.full_name,
            )
            who = Who(now.name, "page", address)
            if before is None:
                self._keep(now, None)
                self._audit(who, "user-add", now.name, after=now.fact)
            else:
                self._replace(now)
            if before is not None and before.role != now.role:
                # Other browsers were let in for what this person may no longer, or not yet.
                self._end_logins(now.name)
                self._audit(who, "user-role", now.name, before.fact, now.fact)
        self._all[now.name] = now
        return now

    async def admit(self, name: str, who: Who) -> Person:
        """Let a person of a provider in again who was removed. Raises ControlError, DiskError."""
        async with self._state.writing():
            before = self._all.get(name)
            if before is None or not before.issuer or before.removed is None:
                raise ControlError(
                    f"nobody called {name} was removed who signs in at a provider",
                    "See: holdwatch user list",
                )
            admitted = msgspec.structs.replace(before, removed=None)
            self._replace(admitted)
            self._audit(who, "user-admit", name, after=admitted.fact)
        self._all[name] = admitted
        return admitted

    def of_subject(self, issuer: str, subject: str) -> Person | None:
        """Return whom a provider means by a subject, also one who was removed."""
        found = (
            one for one in self._all.values() if (one.issuer, one.subject) == (issuer, subject)
        )
        return next(found, None)

    def _free_name(self, offer: str) -> str:
        """Return a name that nobody has or had: what stands in the audit trail is one person's."""
        for number in count(1):
            tail = f"-{number}" if number > 1 else ""
            name = offer[: LONGEST - len(tail)].strip("-") + tail
            if name not in self._all and name not in TAKEN:
                return name
        raise AssertionError("numbers do not end")

    def _here(self, name: str) -> Person:
        """Return a person who logs in by a password of ours. Raises ControlError."""
        person = self.person(name)
        if person.issuer:
            raise ControlError(
                f"{name} signs in at {person.issuer}, which keeps password and role",
                "Change them there. A person of this gateway is made by: holdwatch user add NAME",
            )
        return person

    # -- screens -------------------------------------------------------------------------------

    async def add_screen(self, name: str, who: Who) -> str:
        """Add a wall screen; return its token, which nobody can show again.

        Raises ControlError, DiskError.
        """
        token = secrets.token_hex(TOKEN)
        now = self._clock.now()
        screen = Person(name, "viewer", now, screen=True)
        async with self._state.writing():
            self._check_free(name, "a screen")
            if name == FIRST:
                raise ControlError(f"{name} is the first administrator's name", "Use another name")
            self._keep(screen, None)
            keep_login(self._state, sha256(token.encode()).digest(), Login(name, now, 0, None))
            self._audit(who, "screen-add", name, after=screen.fact)
        self._all[name] = screen
        return token

    async def revoke_screen(self, name: str, who: Who) -> Person:
        """Let a wall screen in no more. Raises ControlError, DiskError."""
        async with self._state.writing():
            before = self._all.get(name)
            if before is None or not before.screen:
                raise ControlError(f"there is no screen {name}", "See: holdwatch screen list")
            if before.removed is not None:
                raise ControlError(f"{name} is revoked already", "There is nothing left to do")
            removed = self._remove(before, who, "screen-revoke")
        self._all[name] = removed
        return removed

    # -- being seen ----------------------------------------------------------------------------

    def seen(self, name: str, now: int) -> Person:
        """Stage when somebody was last seen; return who is to be remembered after the commit."""
        person = msgspec.structs.replace(self._all[name], seen=now)
        self._replace(person)
        return person

    def remember(self, person: Person) -> None:
        """Know somebody as the file now does."""
        self._all[person.name] = person

    # -- what changes are made of --------------------------------------------------------------

    def _check_free(self, name: str, what: str) -> None:
        check_name(name, what)
        there = self._all.get(name)
        if there is not None and there.issuer and there.removed is not None:
            raise ControlError(
                f"{name} was somebody who signs in at {there.issuer}, and is to stay out",
                f"Use another name, or let that one in again: holdwatch user admit {name}",
            )
        if there is not None and there.removed is None:
            kind = "screen revoke" if there.screen else "user remove"
            raise ControlError(
                f"{name} is there already", f"Use another name, or first: holdwatch {kind} {name}"
            )

    def _check_administrators(self, leaving: Person) -> None:
        others = (one for one in self._all.values() if one.name != leaving.name)
        # Whoever signs in elsewhere is none to rely on: the way there may be cut.
        if (
            leaving.role == "administrator"
            and not leaving.issuer
            and not any(
                one.role == "administrator" and one.removed is None and not one.issuer
                for one in others
            )
        ):
            raise ControlError(
                f"{leaving.name} is the last administrator with a password of this gateway",
                "Make another one first: holdwatch user role NAME administrator",
            )

    def _remove(self, before: Person, who: Who, what: str) -> Person:
        removed = msgspec.structs.replace(before, removed=self._clock.now())
        self._keep(removed, None)
        self._end_logins(before.name)
        self._audit(who, what, before.name, before=before.fact)
        return removed

    def _keep(self, person: Person, kept: str | None) -> None:
        row = (person.name, kept, msgspec.json.encode(person))
        self._state.stage("INSERT OR REPLACE INTO person VALUES (?,?,?)", [row])

    def _replace(self, person: Person) -> None:
        """Stage a person; the password stays."""
        row = (msgspec.json.encode(person), person.name)
        self._state.stage("UPDATE person SET body = ? WHERE name = ?", [row])

    def _end_logins(self, name: str, keep: bytes = b"") -> None:
        self._state.stage("DELETE FROM login WHERE person = ? AND digest <> ?", [(name, keep)])

    def _audit(
        self,
        who: Who,
        what: str,
        name: str,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        entry = audit.Entry(self._clock.now(), who, what, name, before=before, after=after)
        audit.stage(self._state, entry)


def _check_not_removed(person: Person) -> None:
    if person.removed is not None:
        raise ControlError(
            f"{person.name} was removed on this gateway",
            f"Ask its administrator, who may give: holdwatch user admit {person.name}",
        )


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise ControlError(f"{text!r} is no role", f"Use one of {', '.join(ROLES)}")


async def _new_password() -> tuple[str, str]:
    """Return a password and its hash."""
    password = random_password()
    return password, await asyncio.to_thread(hashed, password)
