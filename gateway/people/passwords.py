"""Passwords of people: made at random, and kept as argon2id hashes.

A hash costs a tenth of a second and 64 MiB on purpose: hash and compare on another thread, and
one at a time.
"""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from gateway.refusal import ControlError

GROUPS, SIGNS = 4, 5
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without signs that are taken for one another: i, l and 1, o and 0. Twenty make 99 bits."""
_HASHER = PasswordHasher()
"""argon2id, with the costs that its authors recommend."""


def random_password() -> str:
    """Return a password that nobody guesses and that can be read out on the telephone."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(SIGNS)) for _ in range(GROUPS))
    return "-".join(groups)


def hashed(password: str) -> str:
    """Return what is kept of a password. Slow."""
    return _HASHER.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Whether this is the password of which a hash is kept. Slow.

    With none kept it takes as long, and is wrong: time tells nobody which names there are.
    """
    try:
        _HASHER.verify(_nobodys() if kept is None else kept, password)
    except VerifyMismatchError:
        return False
    return kept is not None


@cache
def _nobodys() -> str:
    return hashed(random_password())


def check_hash(text: str) -> str:
    """Return a hash that was made elsewhere, if it is as ours are. Raises ControlError."""
    try:
        wrong = _HASHER.check_needs_rehash(text)
    except InvalidHashError:
        wrong = True
    if wrong:
        raise ControlError("this is no hash of a password", "Send an argon2id hash")
    return text
