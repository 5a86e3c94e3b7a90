"""Keys of backups: age (age-encryption.org), so that its own tools open them as well.

The box holds a public key alone: whoever steals it, or its backups, reads none of them.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from gateway.backup.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MARK = b"age-encryption.org/"
"""What an encrypted file begins with."""


class Source(Protocol):
    """What can be read."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


class Target(Protocol):
    """What can be written."""

    def write(self, content: bytes, /) -> int:
        """Take bytes; return how many."""
        ...

    def flush(self) -> None:
        """Take what was written."""
        ...


def make() -> tuple[str, str]:
    """Return a new pair: the secret key, and the public one."""
    from pyrage import x25519  # type: ignore[import-untyped] # noqa: PLC0415 - loaded for keys only

    made = x25519.Identity.generate()
    return str(made), str(made.to_public())


def check_public(text: str) -> str:
    """Return a public key as it is. Raises ValueError."""
    from pyrage import RecipientError, x25519  # noqa: PLC0415 - as above

    try:
        return str(x25519.Recipient.from_str(text))
    except RecipientError as error:
        raise ValueError(str(error)) from error


def encrypt(source: Source, target: Target, keys: Sequence[str]) -> None:
    """Write all of `source` to `target`, for whoever has the secret to any of the public keys."""
    import pyrage  # noqa: PLC0415 - as above

    recipients = [pyrage.x25519.Recipient.from_str(one) for one in keys]
    pyrage.encrypt_io(source, target, recipients)


@contextmanager
def decrypted(file: BinaryIO, secret: str) -> Iterator[BinaryIO]:
    """Open what an encrypted file holds, to be read to its end.

    `secret` holds keys as `holdwatch backup key` or age-keygen wrote them. Raises BackupError,
    for a file that is cut short or altered when the block is left.
    """
    import pyrage  # noqa: PLC0415 - as above

    lines = [line.strip() for line in secret.splitlines()]
    try:
        identities = [
            pyrage.x25519.Identity.from_str(one) for one in lines if one and not one.startswith("#")
        ]
    except pyrage.IdentityError as error:
        raise BackupError(
            f"the secret key cannot be read ({error})",
            "Give the file that `holdwatch backup key` wrote: AGE-SECRET-KEY-1…",
        ) from error
    reading, writing = os.pipe()
    problems: list[Exception] = []

    def work() -> None:
        with open(writing, "wb", buffering=0) as pipe:  # noqa: PTH123 - it is open already
            try:
                pyrage.decrypt_io(file, pipe, identities)
            except (pyrage.DecryptError, OSError) as error:
                problems.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        with open(reading, "rb") as pipe:  # noqa: PTH123 - as above
            yield pipe
    finally:
        # Where not all was read, it ends at its next write: nobody takes it.
        thread.join()
        wrong = next((one for one in problems if not isinstance(one, BrokenPipeError)), None)
        if isinstance(wrong, pyrage.DecryptError):
            raise BackupError(
                "it is encrypted, and not for this key",
                "Give the secret key that belongs to one of the [backup] keys it was made with",
            ) from wrong
        if wrong is not None:
            raise BackupError(
                "it is not as it was written: cut short, or altered", "Use another backup"
            ) from wrong


def read_secret(path: Path) -> str:
    """Return what a file of secret keys holds. Raises BackupError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(
            f"the secret key {path} cannot be read ({error})", "Name the file with --key"
        ) from error
