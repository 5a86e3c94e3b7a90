"""Makes a box of a backup again: all of it is read, checked and built before anything is moved.

What is made lies in a folder of its own inside the data folder until it is whole, sound and on
the disk. Then a mark says so, what was there before is moved aside, and the new takes its place.
A power cut before the mark changes nothing; after it, the next start ends what was begun.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import msgspec

from gateway.backup.archive import Member, reading, through
from gateway.backup.errors import BackupError
from gateway.backup.making import sync
from gateway.backup.manifest import BELONGINGS, IDENTITY, Head
from gateway.backup.rows import Builder
from gateway.backup.snapshot import FILES
from gateway.evidence.store import EvidenceStore
from gateway.history import History
from gateway.journal import Journal
from gateway.machine import take
from gateway.people.audit import Entry, Who
from gateway.service import identity
from gateway.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.database import Database

KINDS: dict[str, type[Database]] = {
    "state.db": State,
    "history.db": History,
    "evidence.db": EvidenceStore,
    "journal.db": Journal,
}
BUILT = "restoring"
"""Folder inside the data folder in which it is made."""
WHOLE = "whole"
"""File in there that says that all of it is."""
SETTINGS = "settings-of-backup"
"""Folder of the settings, and what they name, each under its whole path."""
ASIDE = "before-restore"
"""Folder, with the time behind it, of what was there before."""
OURS = (*FILES, IDENTITY, SETTINGS)
"""What is restored."""
_GROWN = 1.2
"""Times the bytes in use: what a file that is made anew may take."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored. Times are ms since 1970, UTC."""

    data: str
    box: str
    made: int
    software: str
    readings: int
    waiting: int
    """Readings among them that nobody has judged yet: that is done at the start."""
    newest: int | None
    """When the newest of them came; what came later is not in the backup."""
    files: tuple[str, ...]
    """The settings, and what they name, where they lay on the other box."""
    left_out: tuple[str, ...]
    settings: str
    """The folder in which those are now."""
    aside: str | None
    """The folder in which is now what was there before."""
    user: str = ""
    group: str = ""
    """To whom the data folder belongs: names, or numbers where they have none."""


def restore(  # noqa: PLR0913 - one operation, and what a person may say about it
    path: Path,
    data: Path,
    *,
    secret: str = "",
    replace: bool = False,
    now: int,
    who: str,
    machine: str,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Restored:
    """Make a data folder of a backup; `machine` is the mark of the machine that it is on.

    Raises BackupError, FileError, AlreadyRunningError and OSError; then the folder is as it was.
    """
    lock = take(data)
    try:
        finish(data)
        used = _ours(data)
        if used and not replace:
            raise BackupError(
                f"in {data} there is a gateway's data already ({', '.join(used)})",
                "Name an empty folder with --to; or have what is there moved aside, and kept, "
                "with --replace",
            )
        built = data / BUILT
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(mode=0o700)
        try:
            restored = _built(path, secret, built, _Facts(now, who, machine), progress)
        except BaseException:
            shutil.rmtree(built, ignore_errors=True)
            raise
        _belong_as(data, built)
        aside = _aside(data, now) if used else ""
        _durably(built / WHOLE, aside.encode())
        finish(data)
        user, group = _belongs_to(data)
        return msgspec.structs.replace(
            restored,
            user=user,
            group=group,
            data=str(data),
            settings=str(data / SETTINGS),
            aside=str(data / aside) if aside else None,
        )
    finally:
        os.close(lock)


def finish(data: Path) -> None:
    """End what was begun: put what was restored, if it is whole, where it belongs.

    The folder is locked by whoever calls this. Raises OSError.
    """
    built = data / BUILT
    mark = built / WHOLE
    if not mark.exists():
        return
    if aside := mark.read_text():
        (data / aside).mkdir(mode=0o700, exist_ok=True)
        # Root makes it, and the gateway's user takes the readings out of it.
        _give(data, data / aside)
        for name in _ours(data):
            (data / name).rename(data / aside / name)
        sync(data / aside)
        sync(data)
        _durably(mark, b"")  # from here on what lies in the data folder is the new
    for name in OURS:
        if (built / name).exists():
            (built / name).rename(data / name)
    sync(data)
    shutil.rmtree(built)
    sync(data)


def _ours(data: Path) -> list[str]:
    """Return what of ours lies in a data folder. A WAL without its file would be played back."""
    names = [*OURS, *(f"{name}-{what}" for name in FILES for what in ("wal", "shm"))]
    return [name for name in names if (data / name).exists()]


def _aside(data: Path, now: int) -> str:
    """Return the name of a folder that is not there yet."""
    stamp = datetime.fromtimestamp(now // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    name, number = f"{ASIDE}-{stamp}", 1
    while (data / name).exists():
        number += 1
        name = f"{ASIDE}-{stamp}-{number}"
    return name


class _Facts(msgspec.Struct, frozen=True):
    now: int
    who: str
    machine: str


def _built(
    path: Path,
    secret: str,
    built: Path,
    facts: _Facts,
    progress: Callable[[int, int], None],
) -> Restored:
    try:
        return _build(path, secret, built, facts, progress)
    except apsw.Error as error:
        raise BackupError(
            f"its files cannot be made in {built.parent} ({error})",
            "See that there is room on that disk, and that it is well",
        ) from error


def _build(
    path: Path,
    secret: str,
    built: Path,
    facts: _Facts,
    progress: Callable[[int, int], None],
) -> Restored:
    files: list[str] = []

    def keep(member: Member) -> None:
        if member.name == IDENTITY:
            _durably(built / IDENTITY, member.content)
            return
        name = _inside(member.name)
        files.append(f"/{name}")
        target = built / SETTINGS / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _durably(target, member.content)

    with ExitStack() as stack, reading(path, secret) as (head, members):
        _check(head, built)
        builders: dict[str, Builder] = {}
        for file in head.files:
            builders[file.name] = Builder(built / file.name, KINDS[file.name], file)
            stack.callback(builders[file.name].close)
        through(
            _counted(members, head, progress),
            lambda name, table, rows: _builder(builders, name).add(table, rows),
            keep,
        )
        _settle(builders, head, facts)
        for one in builders.values():
            one.finish()
        told = _told(builders, head)
    for name in FILES:
        _sync_file(built / name)
    if (built / IDENTITY).exists():
        identity.adopt(built, facts.machine)
    sync(built)
    return msgspec.structs.replace(told, files=tuple(files))


def _builder(builders: Mapping[str, Builder], name: str) -> Builder:
    found = builders.get(name)
    if found is None:
        raise BackupError(f"{name} in it is none of Holdwatch's", "Use another backup")
    return found


def _check(head: Head, folder: Path) -> None:
    """Raise BackupError unless a backup can be restored here."""
    if tuple(file.name for file in head.files) != FILES:
        raise BackupError("it is no whole backup of a gateway", "Use another one")
    needed = int(sum(file.size for file in head.files) * _GROWN)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"there is no room for it: it needs about {needed / 1e6:,.0f} MB in {folder.parent}, "
            f"and {free / 1e6:,.0f} MB are free",
            "Free some, or restore it on a larger disk",
        )


def _inside(name: str) -> Path:
    """Return where a file of a backup lay, as a path inside any folder. Raises BackupError."""
    folder, _, path = name.partition("/")
    steps = Path(path.lstrip("/")).parts
    if folder != BELONGINGS or not steps or ".." in steps or "\0" in name:
        raise BackupError(f"{name} in it is none of Holdwatch's", "Use another backup")
    return Path(*steps)


def _counted(
    members: Iterator[Member], head: Head, progress: Callable[[int, int], None]
) -> Iterator[Member]:
    done, all_ = 0, sum(file.size for file in head.files)
    for one in members:
        yield one
        done += len(one.content)
        progress(min(done, all_), all_)


def _settle(builders: Mapping[str, Builder], head: Head, facts: _Facts) -> None:
    """Make the copies, of a few moments after each other, those of one gateway that goes on."""
    state, journal = builders["state.db"], builders["journal.db"]
    ((newest,),) = state.execute("SELECT ifnull(max(number), 0) FROM event")
    # Events that were told after the copy come again, under numbers of their own.
    journal.execute("UPDATE session SET cursor = min(cursor, ?)", (newest,))
    # What clients have sent since, to the other box, they may send again under the same packet
    # ids: better stored twice over than taken for what it is not. Readings know themselves.
    journal.execute("DELETE FROM held")
    journal.execute("DELETE FROM arrival")
    entry = Entry(
        at=facts.now,
        who=Who(facts.who, "command line"),
        what="restore",
        object=head.box,
        after={"made": head.made, "software": head.software, "heard_until": _newest(journal)},
    )
    state.execute(
        "INSERT INTO audit (at, who, what, body) VALUES (?,?,?,?)",
        (entry.at, entry.who.name, entry.what, msgspec.json.encode(entry)),
    )


def _newest(journal: Builder) -> int | None:
    found = journal.execute("SELECT received FROM reading ORDER BY seq DESC LIMIT 1")
    return found[0][0] if found else None


def _told(builders: Mapping[str, Builder], head: Head) -> Restored:
    journal = builders["journal.db"]
    judged = builders["state.db"].execute(
        "SELECT ifnull(max(position), 0) FROM cursor WHERE follower = 'monitor'"
    )[0][0]
    ((readings, waiting),) = journal.execute(
        "SELECT count(*), ifnull(sum(seq > ?), 0) FROM reading", (judged,)
    )
    return Restored(
        data="",
        box=head.box,
        made=head.made,
        software=head.software,
        readings=readings,
        waiting=waiting,
        newest=_newest(journal),
        files=(),
        left_out=head.left_out,
        settings="",
        aside=None,
    )


def _durably(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    half = path.with_name(f"{path.name}.part")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    half.rename(path)
    sync(path.parent)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _belong_as(data: Path, built: Path) -> None:
    """Give what was made to whom the data folder belongs, where root has made it."""
    _give(data, built, *built.rglob("*"), data / "lock")


def _belongs_to(data: Path) -> tuple[str, str]:
    """Return the names of the user and the group of a folder; numbers where they have none."""
    found = data.stat()
    try:
        user = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        user = str(found.st_uid)
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    return user, group


def _give(data: Path, *paths: Path) -> None:
    if os.geteuid() != 0:
        return
    owner = data.stat()
    for one in paths:
        os.chown(one, owner.st_uid, owner.st_gid)
