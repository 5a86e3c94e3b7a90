"""Settings and data: who may read them, whom they belong to, and on what disk they lie."""

from __future__ import annotations

import os
import pwd
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from gateway.doctor.case import Case, Finding, advice, ok, problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYNCS = 50
BLOCK = b"\0" * 4096
SLOW, VERY_SLOW = 0.1, 0.5
"""Seconds that one write in a hundred takes on a slow disk, and on one that holds up sensors."""
TOO_FAST = 5e-6
"""Seconds in which no disk can have kept anything."""
VOLATILE = frozenset({"tmpfs", "ramfs", "devtmpfs"})
ELSEWHERE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"})


def settings(case: Case) -> Iterator[Finding]:
    """Look at what the settings warn of, as secrets that others may read."""
    for warning in case.settings.warnings:
        words, _, cure = warning.partition(". ")
        yield problem(words, cure) if "others on this machine" in warning else advice(words, cure)
    if not case.settings.warnings:
        yield ok("the settings are right, and nobody else may read their secrets")


def ownership(case: Case) -> Iterator[Finding]:
    """Look whether the data folder and all in it belong to one user, and to nobody else."""
    folder = case.data
    if not folder.is_dir():
        yield problem(f"{folder} is not there: nothing was ever stored", "holdwatch run")
        return
    stat = folder.stat()
    owner = _user(stat.st_uid)
    if stat.st_mode & 0o007:
        yield problem(f"others on this machine may look into {folder}", f"chmod 700 {folder}")
    foreign = [one for one in folder.iterdir() if one.lstat().st_uid != stat.st_uid]
    if foreign:
        other = _user(foreign[0].lstat().st_uid)
        yield problem(
            f"{foreign[0].name} in {folder} belongs to {other}, and the folder to {owner}: a "
            "command was run as another user, and the gateway may not be able to write",
            f"chown -R {owner}: {folder}",
        )
    open_files = [one for one in folder.glob("*.db") if one.stat().st_mode & 0o077]
    if open_files:
        yield problem(
            f"others on this machine may read {open_files[0]}", f"chmod 600 {folder}/*.db"
        )
    if not (foreign or open_files or stat.st_mode & 0o007):
        yield ok(f"{folder} belongs to {owner} alone")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


class Mount(NamedTuple):
    """Where a file system is mounted, of what kind, on what, and whether it can be written."""

    point: str
    kind: str
    source: str
    writable: bool


def mount_of(folder: Path, mountinfo: str) -> Mount | None:
    """Return the file system that a folder lies on. Source: proc_pid_mountinfo(5)."""
    best: Mount | None = None
    path = str(folder.resolve())
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        if len(fields) < 6 or len(rest) < 3:
            continue
        point = fields[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best.point)):
            modes = {*fields[5].split(","), *rest[2].split(",")}
            best = Mount(point, rest[0], rest[1], "ro" not in modes)
    return best


def file_system(case: Case) -> Iterator[Finding]:
    """Look whether the data lie on a disk of this machine that keeps them."""
    mount = mount_of(case.data, case.machine.read("proc/self/mountinfo") or "")
    if mount is None:
        return
    if not mount.writable:
        yield problem(
            f"{mount.point} can only be read: after errors a system stops writing",
            f"See dmesg. Check the disk (fsck {mount.source}), or replace it and restore a backup",
        )
    elif mount.kind in VOLATILE:
        yield problem(
            f"{case.data} lies in memory ({mount.kind}): a power cut takes all of it",
            "Set [gateway] data to a folder on a disk",
        )
    elif mount.kind in ELSEWHERE:
        yield problem(
            f"{case.data} lies on another machine ({mount.kind}), where SQLite's files can break",
            "Set [gateway] data to a folder on a disk of this machine",
        )
    elif mount.kind == "overlay":
        yield advice(
            f"{case.data} lies in a container's own layer, which goes with the container",
            "Mount a volume there",
        )
    else:
        yield ok(f"{case.data} lies on {mount.source} ({mount.kind})")
    noted = case.machine.read(f"sys/fs/ext4/{mount.source.rpartition('/')[2]}/errors_count")
    if noted is not None and noted.strip() not in {"", "0"}:
        yield problem(
            f"the file system on {mount.source} has noted {noted.strip()} errors",
            f"Make a backup now, then check the disk: fsck {mount.source}",
        )


def room(case: Case) -> Iterator[Finding]:
    """Look how much room is left, and for how long."""
    cure = "Free some room, or set smaller [journal] keep_size and [history] keep_size"
    if case.running is not None:
        disk = case.running["disk"]
        if disk["problem"]:
            yield problem(disk["problem"], cure)
        elif disk["warned"] or disk["step"]:
            yield advice(f"the disk gets full: {disk['says']}", cure)
        else:
            yield ok(f"{disk['free'] / 1e9:,.1f} GB are free on the disk")
        return
    if not case.data.is_dir():
        return
    status = os.statvfs(case.data)
    free, minimum = status.f_bavail * status.f_frsize, case.settings.disk.minimum_free
    words = f"{free / 1e6:,.0f} MB are free on the disk"
    if free < minimum:
        yield problem(f"{words}, and {minimum / 1e6:,.0f} MB must stay", cure)
    elif free < 3 * minimum:
        yield advice(words, cure)
    else:
        yield ok(words)


def syncs(case: Case) -> Iterator[Finding]:
    """Measure how long the disk takes to keep something."""
    try:
        took = sorted(measure(case.data))
    except OSError as error:
        yield problem(
            f"nothing can be written into {case.data} ({error.strerror})",
            "Run this as the gateway's user (sudo -u USER holdwatch doctor); if that is so, see "
            "dmesg for the disk",
        )
        return
    yield judged(statistics.median(took), took[-1])


def measure(folder: Path, times: int = SYNCS) -> list[float]:
    """Return how many seconds each of some writes took until the disk had it. Raises OSError."""
    path = folder / f"doctor-{uuid4().hex}"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    took = []
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.pwrite(descriptor, BLOCK, 0)
            os.fsync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return took


def judged(median: float, slowest: float) -> Finding:
    """Say what such times mean (seconds)."""
    words = f"the disk keeps a write within {median * 1e3:.1f} ms, at worst {slowest * 1e3:.0f} ms"
    if median < TOO_FAST:
        return problem(
            "the disk says that it has kept a write sooner than any disk can: a power cut may take "
            "what was acknowledged",
            "Put the data onto a real disk; in a virtual machine let its disk be flushed",
        )
    if slowest > VERY_SLOW:
        cure = "Sensors wait so long. Replace the SD card, or put the data onto an SSD"
        return problem(words, cure)
    if slowest > SLOW:
        return advice(words, "An SSD, or an SD card of class A2, is quicker and lasts longer")
    return ok(words)
