"""What is done in a data folder before its files are opened."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import apsw
import structlog

from gateway.backup.making import sync
from gateway.backup.restore import finish
from gateway.database import APPLICATION, DiskError
from gateway.state import State

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger()

ROOM = 64 * 10**6
"""Bytes that must be left free beside a copy."""


def prepare(data: Path) -> None:
    """End a restore that was interrupted, and keep state.db as it is if this version changes it.

    The folder is locked by whoever calls this. Raises DiskError.
    """
    try:
        finish(data)
        keep_state(data)
    except OSError as error:
        raise DiskError(f"{error.filename or data}: {error.strerror}") from error


def keep_state(data: Path) -> Path | None:
    """Copy a state.db that is about to be migrated; return the copy, None if there is none.

    It is small, and holds what was decided, which an older version can go on from: to that its
    own schema is the name. A file that cannot be read is left to whoever opens it next. Without
    room there is no copy: the migration itself is safe, and a backup is the way back.
    """
    path = data / "state.db"
    if not path.exists():
        return None
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error:
        return None
    # It only looks: what an earlier life left in the WAL is brought in by whoever writes.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    try:
        version = connection.pragma("user_version")
        ours = connection.pragma("application_id") == APPLICATION + State.kind
        if not ours or not 0 < version < len(State.migrations):
            return None
        copy = data / f"state.db.schema-{version}"
        if shutil.disk_usage(data).free < 2 * path.stat().st_size + ROOM:
            log.warning("no room to keep state.db as it was before the upgrade", folder=str(data))
            return None
        half = copy.with_name(f"{copy.name}.part")
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        connection.execute("VACUUM INTO ?", (str(half),))
    except apsw.Error as error:
        log.warning("state.db is not kept as it was before the upgrade", problem=str(error))
        return None
    finally:
        connection.close()
    descriptor = os.open(half, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    half.rename(copy)
    sync(data)
    log.info("kept as it was before the upgrade", file=str(copy))
    return copy
