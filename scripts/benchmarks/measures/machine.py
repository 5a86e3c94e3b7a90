"""The machine a figure was measured on, as its kernel names it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import apsw


def machine(folder: Path) -> dict[str, object]:
    """Name processor, cores, memory, system and the disk under `folder`; no host, no path."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        "disk": _disk(folder),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "load": os.getloadavg()[0],
    }


def _first(file: str, key: str) -> str:
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _disk(folder: Path) -> str:
    """File system, device and whether the kernel calls it rotating."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    kind = "unknown"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        head, _, tail = line.partition(" - ")
        if head.split()[2] == number:
            kind = tail.split()[0]
    block = Path(f"/sys/dev/block/{number}")
    for place in (block, block / ".."):
        rotates = place / "queue" / "rotational"
        if rotates.exists():
            spin = (
                "rotating" if rotates.read_text(encoding="ascii").strip() == "1" else "not rotating"
            )
            return f"{kind} on {block.resolve().name}, {spin}"
    return kind
