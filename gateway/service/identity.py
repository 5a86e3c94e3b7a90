"""Who this gateway is: a name of its own, made at the first start and kept with the data.

Client ids, topics and the gateway's own alerts follow from it. So of forty boxes from one image
each gets a name of its own, as long as the image was made before the first start. A data folder
that was copied afterwards has the name of another box: a broker would give the session of the
one to the other, and back again. That is told, and people say which it is; nothing is renamed by
itself, since under its name the broker keeps what a box has not read yet.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.database import FileError

if TYPE_CHECKING:
    from gateway.own_alerts import OwnAlerts
    from gateway.settings import Settings

FILE = "identity"
"""Its name in the data folder."""
SUBJECT = "copied"
"""The alert about a data folder that was made on another machine."""
LONGEST_HOST = 53
"""Letters of the host name in a name, which has 60 with what follows."""


class Identity(msgspec.Struct, frozen=True):
    """What is kept: `made` is ms since 1970, `machine` the mark of the machine it was made on."""

    box: str
    made: int
    machine: str = ""
    """Empty where the machine has no mark."""


def fingerprint(root: Path = Path("/")) -> str:
    """Return a mark of this machine, empty where it has none: 32 hexadecimal digits.

    On a Raspberry Pi it is of the board, which no copy of a card changes; elsewhere of
    /etc/machine-id, but in a container, which has that of its image. Neither can be read from it:
    machine-id(5) asks for that.
    """
    sources = [("board", "proc/device-tree/serial-number"), ("id", "etc/machine-id")]
    if any((root / one).exists() for one in (".dockerenv", "run/.containerenv")):
        del sources[1]
    for kind, name in sources:
        try:
            found = (root / name).read_bytes().strip(b"\0\n ")
        except OSError:
            continue
        if found and found != b"uninitialized":
            return sha256(b"holdwatch " + kind.encode() + b" " + found).hexdigest()[:32]
    return ""


def read(data: Path) -> Identity | None:
    """Return who the gateway of this data folder is, None before its first start.

    Raises FileError, and PermissionError where only another user may know.
    """
    path = data / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    except PermissionError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise FileError(
            path,
            f"it does not say who this gateway is ({error})",
            "Put it back from a backup; or set `box` in [gateway] to the name that this gateway "
            "had, and remove the file",
        ) from error


def named(settings: Settings) -> Settings:
    """Return settings under the name that is kept with the data, where they say none themselves.

    Raises FileError.
    """
    if settings.gateway.says_box:
        return settings
    try:
        found = read(settings.gateway.data)
    except PermissionError:
        # Whoever may not look there is told so where more is asked than what settings mean.
        return settings
    return settings if found is None else settings.under(found.box)


def has_name(settings: Settings) -> bool:
    """Whether the name in settings is the one that the gateway has, or will have."""
    section = settings.gateway
    try:
        known = section.says_box or read(section.data) is not None
        return known or (section.data / "journal.db").exists()
    except PermissionError:
        return False


def first_start(settings: Settings, now: int, machine: str) -> Settings:
    """Return settings under this gateway's name, which is made and kept if it had none.

    Raises FileError.
    """
    data = settings.gateway.data
    found = read(data)
    if found is None:
        found = Identity(_chosen(settings), now, machine)
        _write(data, found, new=True)
        found = read(data) or found  # somebody else may have been first
    kept = found
    if settings.gateway.says_box:
        kept = msgspec.structs.replace(kept, box=settings.gateway.box)
    if not kept.machine:
        kept = msgspec.structs.replace(kept, machine=machine)
    if kept != found:
        _write(data, kept)
    return named(settings)


def _chosen(settings: Settings) -> str:
    """Return a name for a gateway that has none yet."""
    section = settings.gateway
    # One that was at work before names were kept goes on under its own: brokers know it by that.
    if section.says_box or (section.data / "journal.db").exists():
        return section.box
    return another(section.box)


def another(host: str) -> str:
    """Return a name that no other gateway has: the host's, and six hexadecimal digits."""
    return f"{host[:LONGEST_HOST].rstrip('-')}-{secrets.token_hex(3)}"


def adopt(data: Path, machine: str) -> None:
    """Note that the gateway of this folder lives on this machine now: restored, or moved.

    Raises FileError.
    """
    found = read(data)
    if found is not None and machine:
        _write(data, msgspec.structs.replace(found, machine=machine))


def renew(data: Path, box: str, now: int, machine: str) -> None:
    """Give the gateway of this folder another name, from its next start on. Raises FileError."""
    _write(data, Identity(box, now, machine))


def copied(data: Path, machine: str) -> bool:
    """Whether the folder was made on another machine. Raises FileError."""
    found = read(data)
    return found is not None and bool(found.machine and machine and found.machine != machine)


def tell(alerts: OwnAlerts, settings: Settings, machine: str) -> None:
    """Raise the alert about a folder from another machine, or end it. Raises FileError."""
    section = settings.gateway
    problem = None
    if copied(section.data, machine):
        problem = (
            f"the data folder {section.data} was made on another machine: two gateways called "
            f"{section.box} throw each other out of every broker, and each gets half of what is "
            "sent"
        )
    alerts.report(
        SUBJECT,
        problem,
        note="If this one takes the place of the other, which is gone for good: holdwatch identity "
        "keep. If it is a copy, and the other goes on: holdwatch identity new, then restart.",
    )


def _write(data: Path, identity: Identity, *, new: bool = False) -> None:
    """Write it whole or not at all; if `new`, never over one that is there."""
    path = data / FILE
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=data, prefix=f".{FILE}.")
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
                file.write(msgspec.json.format(msgspec.json.encode(identity)) + b"\n")
                file.flush()
                os.fsync(descriptor)
            if not new:
                os.replace(temporary, path)  # noqa: PTH105 - mkstemp gives a text
            elif not path.exists():
                os.link(temporary, path)
        except FileExistsError:
            pass  # made at this moment by another command: that name counts
        finally:
            Path(temporary).unlink(missing_ok=True)
        folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise FileError(
            path,
            f"who this gateway is cannot be kept there ({error.strerror})",
            "Make the folder for the gateway's user, or name another in [gateway] data",
        ) from error
