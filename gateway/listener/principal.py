"""Who may connect to our listener, what it may speak for, and what it may see."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from devices.reading import DeviceKey

ANONYMOUS = "anonymous"
"""Whoever connects without a user name, where the settings allow it. Nobody else is named so."""


class Principal(msgspec.Struct, frozen=True):
    """One credential: a sensor, a gateway of sensors, or a program that reads alerts.

    Patterns are those of the file system (`fridge-*`, `reefer-?`, `[ab]-1`), and small letters
    are not large ones.
    """

    name: str
    """Small letters, digits and hyphens. It is the user name, or a certificate's common name."""
    owner: str
    """Of all its devices. Devices of others it neither speaks for nor sees."""
    speaks_for: tuple[str, ...]
    """Patterns of device ids."""
    sees: tuple[str, ...] = ()
    """Patterns of device ids whose alerts it may read, beyond those it speaks for.

    "*" is also what concerns the gateway itself.
    """
    certificate: bool = False
    """Whether it shows a TLS client certificate, and has no token."""
    added: int = 0
    """When, in ms since 1970, UTC."""
    revoked: int | None = None
    """When, in ms since 1970, UTC; None: it is good."""
    not_before: int = 0
    """Certificates that begin earlier (ms since 1970, UTC) are worth nothing: they were revoked."""

    @property
    def source(self) -> str:
        """What its readings carry as their source. A broker's name has no slash."""
        return f"listener/{self.name}"

    @property
    def sees_all(self) -> bool:
        """Whether it may also read what concerns the gateway itself."""
        return "*" in self.sees

    def may_speak_for(self, device: DeviceKey) -> bool:
        """Whether readings of this device may come from it."""
        return device.owner == self.owner and _matches(device.id, self.speaks_for)

    def may_see(self, device: DeviceKey) -> bool:
        """Whether it may read the alerts of this device."""
        return device.owner == self.owner and (
            _matches(device.id, self.speaks_for) or _matches(device.id, self.sees)
        )


def anonymous(owner: str) -> Principal:
    """Return who speaks without a credential: for every device, and it sees all."""
    return Principal(ANONYMOUS, owner, ("*",), ("*",))


def is_pattern(text: str) -> bool:
    """Whether a text may match other ids than itself."""
    return any(sign in text for sign in "*?[")


def _matches(device: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(device, one) for one in patterns)
