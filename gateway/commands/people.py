"""What may be asked about people, their logins, wall screens, keys and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.people import audit
from gateway.people.api_keys import PUSH, ApiKey
from gateway.people.audit import who_of
from gateway.refusal import ControlError
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.clock import Clock
    from gateway.people.api_keys import ApiKeys
    from gateway.people.logins import Logins
    from gateway.people.people import People
    from gateway.people.person import Person
    from gateway.people.screens import Screens
    from gateway.state import State

DIGEST = 32
"""Bytes of a SHA-256."""
LONGEST_LIFE = 3_650
"""Days: a key that outlives its program is nobody's."""
MOST_ENTRIES = 1_000
"""Entries of the audit trail in one answer."""


class PeopleCommands:
    """The commands about people and keys, by name: a part of Commands."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        state: State,
        clock: Clock,
        *,
        people: People,
        logins: Logins,
        screens: Screens,
        api_keys: ApiKeys,
    ) -> None:
        self._state = state
        self._clock = clock
        self._people = people
        self._logins = logins
        self._screens = screens
        self._keys = api_keys
        self.by_name: dict[str, Callable[[Mapping[str, Any], object], Awaitable[Any]]] = {
            "user-add": self.user_add,
            "user-reset": self.user_reset,
            "user-list": self.user_list,
            "user-role": self.user_role,
            "user-remove": self.user_remove,
            "user-admit": self.user_admit,
            "password": self.password,
            "login-open": self.login_open,
            "login-seen": self.login_seen,
            "login-end": self.login_end,
            "screen-add": self.screen_add,
            "screen-list": self.screen_list,
            "screen-revoke": self.screen_revoke,
            "screens": self.screens,
            "key-add": self.key_add,
            "key-list": self.key_list,
            "key-revoke": self.key_revoke,
            "audit": self.trail,
        }

    # -- people --------------------------------------------------------------------------------

    async def user_add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Add a person; the one answer that ever holds the password."""
        name, role = text_of(request, "name"), text_of(request, "role")
        password = await self._people.add(name, role, who_of(request))
        return {"name": name, "role": role, "password": password}

    async def user_reset(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Give a person another password; the one answer that ever holds it."""
        name = text_of(request, "name")
        return {"name": name, "password": await self._people.reset(name, who_of(request))}

    async def user_list(self, _request: Mapping[str, Any], _progress: object) -> list[Person]:
        """Everybody by name, also those that were removed."""
        return [one for one in self._people.people() if not one.screen]

    async def user_role(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Give a person another role."""
        name, role = text_of(request, "name"), text_of(request, "role")
        return msgspec.structs.asdict(await self._people.change_role(name, role, who_of(request)))

    async def user_remove(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a person in no more."""
        return msgspec.structs.asdict(
            await self._people.remove(text_of(request, "name"), who_of(request))
        )

    async def user_admit(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a person of a provider in again who was removed."""
        return msgspec.structs.asdict(
            await self._people.admit(text_of(request, "name"), who_of(request))
        )

    async def password(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Keep the hash of a password that a person chose; the login `keep` goes on."""
        name = text_of(request, "name")
        keep = digest_of(request, "keep") if request.get("keep") else b""
        await self._people.set_password(name, text_of(request, "hash"), who_of(request), keep)
        return {"name": name}

    # -- logins --------------------------------------------------------------------------------

    async def login_open(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Keep a login; `expires` (ms since 1970) is when it ends if nobody uses it.

        `hash` is the one that the password was compared with: it has to be kept still.
        """
        login = await self._logins.open(
            digest_of(request, "digest"),
            text_of(request, "person"),
            whole_number(request, "expires", 0),
            text_of(request, "address") if "address" in request else "",
            text_of(request, "hash") if "hash" in request else None,
        )
        return msgspec.structs.asdict(login)

    async def login_seen(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Note that a login is used; `expires` is when it ends if nobody uses it again."""
        expires = whole_number(request, "expires", 0) or None
        await self._logins.seen(digest_of(request, "digest"), expires)
        return {}

    async def login_end(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Forget a login."""
        await self._logins.end(digest_of(request, "digest"))
        return {}

    # -- screens -------------------------------------------------------------------------------

    async def screen_add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Add a wall screen; the one answer that ever holds its token."""
        name = text_of(request, "name")
        return {"name": name, "token": await self._people.add_screen(name, who_of(request))}

    async def screen_list(
        self, _request: Mapping[str, Any], _progress: object
    ) -> list[dict[str, Any]]:
        """Every wall screen by name, also those that were revoked."""
        connected = self._screens.connected()
        return [
            {
                **msgspec.structs.asdict(one),
                "connected": one.removed is None and one.name in connected,
            }
            for one in self._people.people()
            if one.screen
        ]

    async def screen_revoke(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a wall screen in no more."""
        return msgspec.structs.asdict(
            await self._people.revoke_screen(text_of(request, "name"), who_of(request))
        )

    async def screens(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take the page's word for which wall screens are connected."""
        self._screens.tell(_texts(request, "connected", ()))
        return {}

    # -- keys, the audit trail -----------------------------------------------------------------

    async def key_add(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Add a key; the one answer that ever holds it."""
        days = whole_number(request, "expires_days", 365)
        if not 1 <= days <= LONGEST_LIFE:
            raise ControlError(
                f"a key cannot be good for {days:,} days", f"Use 1 to {LONGEST_LIFE:,}"
            )
        pushes = _texts(request, "push", ())
        scopes = _texts(request, "scopes", () if pushes else ("read",))
        asked = ApiKey(
            name=text_of(request, "name"),
            scopes=(*scopes, PUSH) if pushes else scopes,
            devices=_texts(request, "devices", ("*",)),
            expires=self._clock.now() + days * DAY,
            speaks_for=pushes,
            owner=text_of(request, "owner") if request.get("owner") is not None else None,
        )
        key, token = await self._keys.add(asked, who_of(request))
        return {**msgspec.structs.asdict(key), "token": token}

    async def key_list(
        self, _request: Mapping[str, Any], _progress: object
    ) -> list[dict[str, Any]]:
        """Every key by name, without what would let anybody use it."""
        now = self._clock.now()
        return [{**msgspec.structs.asdict(one), "good": one.good(now)} for one in self._keys.all()]

    async def key_revoke(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Let a key do nothing any more."""
        revoked = await self._keys.revoke(text_of(request, "name"), who_of(request))
        return msgspec.structs.asdict(revoked)

    async def trail(self, request: Mapping[str, Any], _progress: object) -> list[audit.Entry]:
        """Return what people did, newest first; `before`: only entries with a smaller number."""
        before = whole_number(request, "before", 0) or None
        limit = whole_number(request, "limit", 50)
        if not 1 <= limit <= MOST_ENTRIES:
            raise ControlError(
                f"{limit:,} entries cannot be shown at a time", f"Use 1 to {MOST_ENTRIES:,}"
            )
        return audit.page(self._state, before, limit)


def text_of(request: Mapping[str, Any], what: str) -> str:
    """Return a text of a request. Raises ControlError."""
    text = request.get(what)
    if not isinstance(text, str):
        raise ControlError(f"{what} is missing, or no text", f"Send {what} as text")
    return text


def _texts(request: Mapping[str, Any], what: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """Return several texts; None or nothing is `otherwise`."""
    given = request.get(what)
    if given is None:
        return otherwise
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise ControlError(f"{what} is no list of texts", f"Send {what} as a list of texts")
    return tuple(given)


def whole_number(request: Mapping[str, Any], what: str, otherwise: int) -> int:
    """Return a whole number of a request, `otherwise` where there is none. Raises ControlError."""
    number = request.get(what)
    if number is None:
        return otherwise
    if not isinstance(number, int) or isinstance(number, bool):
        raise ControlError(f"{what} is no whole number", f"Send {what} as a whole number")
    return number


def digest_of(request: Mapping[str, Any], what: str) -> bytes:
    """Return a SHA-256, as hexadecimal digits say it."""
    try:
        digest = bytes.fromhex(text_of(request, what))
    except ValueError:
        digest = b""
    if len(digest) != DIGEST:
        raise ControlError(f"{what} is no SHA-256", f"Send {what} as 64 hexadecimal digits")
    return digest
