"""What is kept of a person, of a wall screen and of a login, and how it is read of the file.

A login is a token of 128 random bits in a browser; only its SHA-256 is stored, which tells
nothing about it. So does the page read it, in a process of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

if TYPE_CHECKING:
    from gateway.state import State

Role = Literal["viewer", "operator", "quality", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""In rising order: each may also do what those before it may."""
TOKEN = 16
"""Random bytes of a login's token."""


def at_least(role: Role, needed: Role) -> bool:
    """Whether a role may do what needs another one."""
    return ROLES.index(role) >= ROLES.index(needed)


class Person(msgspec.Struct, frozen=True):
    """Somebody who may use the page, or once might; or a wall screen. Times are ms since 1970."""

    name: str
    """Small letters, digits and hyphens."""
    role: Role
    added: int
    screen: bool = False
    """A wall screen: a viewer without a password, whose one login ends when it is revoked."""
    removed: int | None = None
    seen: int | None = None
    """When last seen, to the minute; None: never yet."""
    issuer: str = ""
    """The provider of OpenID Connect by whom this person signs in; "": here, by a password."""
    subject: str = ""
    """Whom the provider means: with the issuer one person, whatever the name."""
    full_name: str = ""
    """As the provider has it."""

    @property
    def fact(self) -> dict[str, Any]:
        """What the audit trail says of it."""
        there = {"issuer": self.issuer, "subject": self.subject} if self.issuer else {}
        return {"role": self.role, **({"screen": True} if self.screen else {}), **there}


class Login(msgspec.Struct, frozen=True):
    """A browser that somebody has logged in with. Times are ms since 1970."""

    person: str
    opened: int
    seen: int
    """When last used, to the minute; 0: never yet."""
    expires: int | None
    """None: not before it is revoked. Each use moves it on."""
    address: str = ""
    latest: int | None = None
    """When it ends however much it is used; None: never."""


def find_person(state: State, name: str) -> tuple[Person, str | None] | None:
    """Return a person or screen, also one that was removed, and the hash of its password.

    Without a hash nobody logs in by a password: a screen, or who was removed.
    """
    rows = state.rows("SELECT body, password FROM person WHERE name = ?", (name,))
    return (msgspec.json.decode(rows[0][0], type=Person), rows[0][1]) if rows else None


def find_login(state: State, digest: bytes) -> tuple[Login, Person] | None:
    """Return the login whose token has this SHA-256, and whose it is; None if there is none.

    Whether it has expired is for the caller to say, who has a clock.
    """
    rows = state.rows(
        "SELECT login.body, person.body FROM login JOIN person ON person.name = login.person "
        "WHERE login.digest = ?",
        (digest,),
    )
    if not rows:
        return None
    person = msgspec.json.decode(rows[0][1], type=Person)
    if person.removed is not None:
        return None
    return msgspec.json.decode(rows[0][0], type=Login), person


def keep_login(state: State, digest: bytes, login: Login) -> None:
    """Stage a login, by the SHA-256 of its token."""
    row = (digest, login.person, msgspec.json.encode(login))
    state.stage("INSERT OR REPLACE INTO login VALUES (?,?,?)", [row])
