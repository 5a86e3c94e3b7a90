"""What the kernel counts of a process, and how long the disk takes for a sync."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path


def cpu(pid: int) -> float:
    """Return the CPU seconds, user and system, that another process has used so far."""
    # The clock that clock_getcpuclockid(3) names: the complement of the id, three bits up, and
    # 2 for the scheduler's count, which is in nanoseconds where /proc has hundredths.
    return time.clock_gettime(~pid << 3 | 2)


def printed(pid: int) -> int:
    """Return the bytes that a process has written to files and pipes (`wchar`)."""
    return _field(Path(f"/proc/{pid}/io"), "wchar")


def written(pid: int) -> int:
    """Return the bytes that a process has caused to be written (`write_bytes`)."""
    return _field(Path(f"/proc/{pid}/io"), "write_bytes")


def read_from_disk() -> int:
    """Return the bytes that this process made the disk read: 0 if the page cache had all."""
    return _field(Path("/proc/self/io"), "read_bytes")


def resident(pid: int) -> float:
    """Return the memory of a process now, MB (VmRSS)."""
    return _field(Path(f"/proc/{pid}/status"), "VmRSS") / 1024


def resident_peak(pid: int) -> float:
    """Return the most memory that a process ever had, MB (VmHWM)."""
    return _field(Path(f"/proc/{pid}/status"), "VmHWM") / 1024


def _field(file: Path, name: str) -> int:
    for line in file.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise LookupError(f"{file} has no {name}: this needs a Linux kernel")


def allow_files(count: int) -> None:
    """Let this process, and what it starts, have so many files and sockets open.

    RuntimeError if the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        raise RuntimeError(
            f"{count} files and sockets are needed in one process, and the system allows {hard} "
            "(ulimit -Hn): raise nofile in /etc/security/limits.conf, or LimitNOFILE of the service"
        )
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def syncs(folder: Path, count: int) -> list[float]:
    """Return how long each of `count` syncs of a 4 kB append takes in this folder, ms."""
    path = folder / "sync"
    block = os.urandom(4096)
    taken = []
    with path.open("ab", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(block)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return taken


def drop_cache(path: Path) -> None:
    """Make the next reading of a file come from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Only what lies on the disk already can be dropped.
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
