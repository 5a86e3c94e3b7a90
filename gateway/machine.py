"""What a gateway asks of the machine: a folder of its own, open files, an interpreter in tune."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import sys
from typing import TYPE_CHECKING

from gateway.database import FileError

if TYPE_CHECKING:
    from pathlib import Path


class AlreadyRunningError(Exception):
    """Another gateway works in this data folder."""


def tune() -> None:
    """Set the interpreter for the work of a gateway. Once, at the start of the process."""
    # A commit comes back from the disk while the loop is busy: let it have its turn soon.
    sys.setswitchinterval(0.0005)
    # Nearly everything that is made here is gone before the next batch: look for rings of
    # references seldom, or a sixth of the time goes into that with 100,000 devices.
    gc.set_threshold(50_000, 20, 50)
    # Each connection is an open file, and many systems begin with 1,024 of them.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def take(folder: Path) -> int:
    """Make a data folder if it is not there, and lock it; return what holds the lock.

    The lock is released when this descriptor closes, also by a crash. Raises FileError,
    AlreadyRunningError.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            folder,
            f"this folder cannot be made ({error.strerror})",
            "Make it for the gateway's user, or name another in [gateway] data",
        ) from error
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AlreadyRunningError(
            f"Another Holdwatch works in {folder}. Stop it, or give this one a data folder of "
            "its own in [gateway] data"
        ) from error
    return descriptor
