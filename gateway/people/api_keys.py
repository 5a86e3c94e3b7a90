"""The keys by which programs use the HTTP API: what each may do, with which devices, until when.

A key is 128 random bits, so its SHA-256 tells nothing about it, and costs no time at a thousand
requests a second. Only that is stored: a key is shown once, to whoever asked for it.
"""

from __future__ import annotations

import hmac
import secrets
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import DecodeError, check_device_id
from gateway.people import audit
from gateway.people.names import check_name
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.people.audit import Who
    from gateway.state import State

SCOPES = ("read", "act", "manage", "metrics")
"""read: devices, readings, alerts, consignments, goods, the quarantine, the gateway. act:
acknowledge, assign, note and mute alerts; confirm, name, place and maintain devices; enter
consignments and state what happens to them. manage: calibrate, replace and import devices; change,
part and import consignments. metrics: /metrics, for Prometheus."""
PUSH = "push"
"""A scope too: send in what devices said. It is given with the devices that a key speaks for."""
PREFIX = "hw_"
"""By which a key that lies where it should not is recognised."""
TOKEN = 16
"""Random bytes of a key."""
MOST_PATTERNS = 1_000


class ApiKey(msgspec.Struct, frozen=True):
    """One key. Times are ms since 1970, UTC."""

    name: str
    """Small letters, digits and hyphens."""
    scopes: tuple[str, ...]
    devices: tuple[str, ...] = ("*",)
    """Patterns, as of file names, of the devices that it knows of: fridge-*, or owner/fridge-*."""
    added: int = 0
    expires: int | None = None
    revoked: int | None = None
    speaks_for: tuple[str, ...] = ()
    """Patterns of the ids of the devices whose readings it may push."""
    owner: str | None = None
    """Whose devices those are; None: the gateway's own."""

    @property
    def source(self) -> str:
        """What the readings that it pushes carry as their source."""
        return f"http:{self.name}"

    def allows(self, device: DeviceKey) -> bool:
        """Whether it knows of a device."""
        return any(fnmatchcase(str(device), one) for one in self.devices)

    def good(self, now: int) -> bool:
        """Whether it is worth anything at that time (ms)."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    @property
    def fact(self) -> dict[str, Any]:
        """What the audit trail says of it."""
        pushes = {"speaks_for": self.speaks_for, "owner": self.owner} if self.speaks_for else {}
        known = {"scopes": self.scopes, "devices": self.devices, "expires": self.expires}
        return known | pushes


def find_key(state: State, token: str, now: int) -> ApiKey | None:
    """Return whose key this is; None if it is nobody's, or is revoked or expired."""
    digest = sha256(token.encode(errors="replace")).digest()
    rows = state.rows("SELECT digest, body FROM api_key WHERE digest = ?", (digest,))
    if not rows or not hmac.compare_digest(rows[0][0], digest):
        return None
    key = msgspec.json.decode(rows[0][1], type=ApiKey)
    return key if key.good(now) else None


class ApiKeys:
    """Writes the keys; the gateway alone has one of these."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self.on_change: Callable[[ApiKey], None] = lambda _key: None
        """Told of each key that was added or revoked, as it now stands."""

    def all(self) -> list[ApiKey]:
        """Return every key by name, those that are revoked or expired too."""
        rows = self._state.rows("SELECT body FROM api_key ORDER BY name")
        return [msgspec.json.decode(body, type=ApiKey) for (body,) in rows]

    async def add(self, key: ApiKey, who: Who) -> tuple[ApiKey, str]:
        """Add a key; return it as it stands, and the text that nobody can show again.

        Its other times are set here. The name of one that was revoked, or has expired, may be
        used again. Raises ControlError, DiskError.
        """
        now = self._clock.now()
        _check(key, now)
        token = PREFIX + secrets.token_hex(TOKEN)
        key = msgspec.structs.replace(key, added=now, revoked=None)
        async with self._state.writing():
            before = self._find(key.name)
            if before is not None and before.good(now):
                raise ControlError(
                    f"{key.name} is there already",
                    f"Use another name, or first: holdwatch key revoke {key.name}",
                )
            self._keep(key, sha256(token.encode()).digest())
            self._audit(who, "key-add", key.name, None, key.fact)
        self.on_change(key)
        return key, token

    async def revoke(self, name: str, who: Who) -> ApiKey:
        """Let a key do nothing any more. Raises ControlError, DiskError."""
        async with self._state.writing():
            before = self._find(name)
            if before is None:
                raise ControlError(f"there is no key {name}", "See: holdwatch key list")
            if before.revoked is not None:
                raise ControlError(f"{name} is revoked already", "There is nothing left to do")
            revoked = msgspec.structs.replace(before, revoked=self._clock.now())
            self._keep(revoked, None)
            self._audit(who, "key-revoke", name, before.fact, None)
        self.on_change(revoked)
        return revoked

    def _find(self, name: str) -> ApiKey | None:
        rows = self._state.rows("SELECT body FROM api_key WHERE name = ?", (name,))
        return msgspec.json.decode(rows[0][0], type=ApiKey) if rows else None

    def _keep(self, key: ApiKey, digest: bytes | None) -> None:
        row = (key.name, digest, msgspec.json.encode(key))
        self._state.stage("INSERT OR REPLACE INTO api_key VALUES (?,?,?)", [row])

    def _audit(
        self,
        who: Who,
        what: str,
        name: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        entry = audit.Entry(self._clock.now(), who, what, name, before=before, after=after)
        audit.stage(self._state, entry)


def _check(key: ApiKey, now: int) -> None:
    check_name(key.name, "a key")
    wrong = [one for one in key.scopes if one not in {*SCOPES, PUSH}]
    if wrong or not key.scopes:
        problem = f"{wrong[0]!r} is no scope" if wrong else f"{key.name} would have no scope"
        raise ControlError(problem, f"Use one or more of {', '.join(SCOPES)}")
    if (PUSH in key.scopes) != bool(key.speaks_for) or (
        key.owner is not None and not key.speaks_for
    ):
        raise ControlError(
            "whoever pushes speaks for devices, and nobody else does",
            "Name them: holdwatch key add NAME --push 'fridge-*'",
        )
    if key.expires is not None and key.expires <= now:
        raise ControlError(f"{key.name} would have expired already", "Give it a day or more")
    if not 1 <= len(key.devices) <= MOST_PATTERNS or len(key.speaks_for) > MOST_PATTERNS:
        raise ControlError(
            f"{key.name} has {max(len(key.devices), len(key.speaks_for)):,} patterns of devices",
            f"Give it 1 to {MOST_PATTERNS:,}; fridge-* stands for many devices, and * for all",
        )
    for pattern in key.speaks_for:
        _check_ids(pattern, [pattern])
    for pattern in key.devices:
        _check_ids(pattern, pattern.rsplit("/", 1))
    if key.owner:
        _check_ids(key.owner, [key.owner])


def _check_ids(pattern: str, parts: Sequence[str]) -> None:
    """Refuse a pattern one of whose parts can be no id."""
    try:
        for part in parts:
            check_device_id(part.replace("*", "x"))
    except DecodeError as error:
        raise ControlError(
            f"{pattern!r} matches no device",
            "Use an id, or a pattern such as fridge-* or owner/fridge-*; ids hold no space "
            "and none of + # / . * > and have at most 128 characters",
        ) from error
