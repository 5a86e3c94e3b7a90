"""The names that people give to people, screens and keys."""

from __future__ import annotations

from gateway.refusal import ControlError
from gateway.settings.values import slug

LONGEST = 60


def check_name(name: str, what: str) -> None:
    """Refuse a name that would be no part of an address or a file name. Raises ControlError."""
    if name and name == slug(name) and len(name) <= LONGEST:
        return
    offer = slug(name)[:LONGEST].strip("-")
    raise ControlError(
        f"{name!r} cannot be the name of {what}",
        f"Use up to {LONGEST} small letters, digits and hyphens"
        + (f", such as {offer}" if offer else ""),
    )
