"""What is wrong with a history that cannot be read, in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from devices.errors import DecodeError
from devices.reading import DeviceKey, Layout, layout
from gateway.database import DamagedFileError, DiskError, FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Pages that were overwritten may look whole and hold text that is none.
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError)
_DISK = (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError)


class DamagedHistoryError(FileError):
    """What is here of a device is not what was written. Other devices and days can be read."""


@contextmanager
def asking(path: Path, device: DeviceKey | None = None) -> Iterator[None]:
    """Translate what goes wrong while the history is asked, here about one device.

    Raises DamagedHistoryError where it is about a device, else DamagedFileError; DiskError.
    """
    try:
        yield
    except _DAMAGED as error:
        if device is not None:
            raise damaged(path, f"what is here of {device} cannot be read ({error})") from error
        raise DamagedFileError(
            path,
            f"cannot be read as a history ({error})",
            "It is left untouched. Restore it from a backup, or move it (with its -wal and -shm "
            "files) aside to start with an empty one",
        ) from error
    except _DISK as error:
        raise DiskError(f"{path}: {error}") from error


def damaged(path: Path, problem: str) -> DamagedHistoryError:
    """Make the error that tells of damage to what is here of one device."""
    return DamagedHistoryError(
        path,
        problem,
        "Other devices and days can be read. Restore the file from a backup, or import "
        "that day again from where it came",
    )


def layout_of(path: Path, device: DeviceKey, channels: str) -> Layout:
    """Return the layout that a stream of a device is stored with. Raises DamagedHistoryError."""
    try:
        return layout(tuple(channels.split(" ")))
    except (KeyError, ValueError, DecodeError) as error:
        raise damaged(path, f"the channels of {device} are no channels: {error}") from error
