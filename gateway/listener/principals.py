"""The credentials of our listener: made, revoked, and held against what a client shows.

A token is 128 random bits, so its SHA-256 tells nothing about it, and costs no time at a
thousand reconnections. Only that is stored: a token is shown once, to whoever asked for it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from devices.device import DecodeError, check_device_id
from gateway.listener.principal import ANONYMOUS, Principal
from gateway.people.names import check_name
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.state import State

TOKEN = 16
"""Random bytes of a token."""
MOST_PATTERNS = 1_000
"""Patterns of one principal: each message of a new device is held against them all."""
_OWNER = re.compile(r"[^\s+#/*>\x00-\x1f\x7f]{0,128}")
"""As `owner` in the settings."""


Along = Callable[[Principal | None, Principal], None]
"""Stages what belongs to a change, told the principal as it was (None: not there) and as it is."""


def _nothing(_before: Principal | None, _after: Principal) -> None:
    """Stage nothing more."""


class Principals:
    """All who may connect, and who might once; what is on the disk is also in memory."""

    def __init__(self, state: State, clock: Clock) -> None:
        """Read who is known. Raises FileError, DiskError."""
        self.on_change: Callable[[Principal], None] = lambda _principal: None
        """Told after one was added (also once more) or revoked, and that is on the disk."""
        self.on_rights: Callable[[Principal], None] = lambda _principal: None
        """Told after one may speak for, or see, other devices, and that is on the disk."""
        self._state = state
        self._clock = clock
        self._all: dict[str, Principal] = {}
        self._digests: dict[str, bytes] = {}
        # What a name without a token is compared with; nobody's token has this digest.
        self._nobody = secrets.token_bytes(sha256().digest_size)
        for name, digest, body in state.rows("SELECT name, digest, body FROM principal"):
            self._remember(msgspec.json.decode(body, type=Principal), digest, name)

    def _remember(self, principal: Principal, digest: bytes | None, name: str) -> None:
        self._all[name] = principal
        if digest is None:
            self._digests.pop(name, None)
        else:
            self._digests[name] = digest

    def all(self) -> list[Principal]:
        """Return every principal by name, those that are revoked too."""
        return sorted(self._all.values(), key=lambda one: one.name)

    def get(self, name: str) -> Principal | None:
        """Return a principal, also one that is revoked."""
        return self._all.get(name)

    def by_token(self, name: str, token: bytes) -> Principal | None:
        """Return whose token this is; None if it is wrong, or its owner is revoked.

        The same is done for a name that is not there, or has no token, as for one that has:
        how long it takes tells nobody which names there are.
        """
        digest = self._digests.get(name, self._nobody)
        right = hmac.compare_digest(digest, sha256(token).digest())
        principal = self._all.get(name)
        if not right or principal is None or principal.revoked is not None:
            return None
        return principal

    def by_certificate(self, common_name: str, begins: int) -> Principal | None:
        """Return whom a certificate speaks of that TLS has verified; None if nobody, or revoked.

        `begins` (ms since 1970, UTC) is the beginning of its time, in whole seconds.
        """
        principal = self._all.get(common_name)
        if principal is None or not principal.certificate or principal.revoked is not None:
            return None
        # Who was revoked and added again: the certificates of before are still signed.
        return principal if begins // 1000 >= principal.not_before // 1000 else None

    async def add(self, principal: Principal, along: Along = _nothing) -> str | None:
        """Add a principal; return its token, None where it shows a certificate.

        Its times are set here. A name that was revoked may be used again, and gets another
        token, or needs a certificate that was made since. Raises ControlError, and DiskError.
        """
        _check(principal)
        token = None if principal.certificate else secrets.token_hex(TOKEN)
        digest = None if token is None else sha256(token.encode()).digest()
        principal = msgspec.structs.replace(
            principal, added=self._clock.now(), revoked=None, not_before=0
        )
        async with self._state.writing():
            known = self._all.get(principal.name)
            if known is not None and known.revoked is None:
                raise ControlError(
                    f"{principal.name} is there already",
                    f"Use another name, or first: holdwatch device revoke {principal.name}",
                )
            if known is not None:
                revoked = known.revoked if known.certificate else 0
                not_before = max(revoked or 0, known.not_before)
                principal = msgspec.structs.replace(principal, not_before=not_before)
            self._keep(principal, digest)
            along(known, principal)
        self._remember(principal, digest, principal.name)
        self.on_change(principal)
        return token

    async def revoke(self, name: str, along: Along = _nothing) -> Principal:
        """Let a principal connect no more. Raises ControlError, and DiskError."""
        async with self._state.writing():
            known = self._known(name)
            if known.revoked is not None:
                raise ControlError(f"{name} is revoked already", "There is nothing left to do")
            revoked = msgspec.structs.replace(known, revoked=self._clock.now())
            self._keep(revoked, None)
            along(known, revoked)
        self._remember(revoked, None, name)
        self.on_change(revoked)
        return revoked

    async def change(
        self,
        name: str,
        speaks_for: tuple[str, ...] | None,
        sees: tuple[str, ...] | None,
        along: Along = _nothing,
    ) -> Principal:
        """Give a principal other patterns (None: as they are); its token or certificate stays.

        Raises ControlError, and DiskError.
        """
        async with self._state.writing():
            known = self._known(name)
            if known.revoked is not None:
                raise ControlError(f"{name} is revoked", f"Use: holdwatch device add {name}")
            changed = msgspec.structs.replace(
                known,
                speaks_for=known.speaks_for if speaks_for is None else speaks_for,
                sees=known.sees if sees is None else sees,
            )
            _check(changed)
            self._keep(changed, self._digests.get(name))
            along(known, changed)
        self._all[name] = changed
        self.on_rights(changed)
        return changed

    def _known(self, name: str) -> Principal:
        known = self._all.get(name)
        if known is None:
            raise ControlError(
                f"there is no credential {name}", "See: holdwatch device credentials"
            )
        return known

    def _keep(self, principal: Principal, digest: bytes | None) -> None:
        row = (principal.name, digest, msgspec.json.encode(principal))
        self._state.stage("INSERT OR REPLACE INTO principal VALUES (?,?,?)", [row])


def _check(principal: Principal) -> None:
    name = principal.name
    check_name(name, "a credential")
    if name == ANONYMOUS:
        raise ControlError(
            f"{name} is the name of those who connect without one", "Use another name"
        )
    if not _OWNER.fullmatch(principal.owner):
        raise ControlError(
            f"{principal.owner!r} cannot be an owner of devices",
            "An owner holds no space and none of + # / * > and has at most 128 characters",
        )
    if max(len(principal.speaks_for), len(principal.sees)) > MOST_PATTERNS:
        raise ControlError(
            f"{name} has more than {MOST_PATTERNS:,} patterns",
            "Let one pattern stand for many devices, such as fridge-*",
        )
    for pattern in (*principal.speaks_for, *principal.sees):
        try:
            check_device_id(pattern.replace("*", "x"))
        except DecodeError as error:
            raise ControlError(
                f"{pattern!r} matches no device id",
                "Use an id, or a pattern such as fridge-*; ids hold no space and none of "
                "+ # / . * > and have at most 128 characters",
            ) from error
