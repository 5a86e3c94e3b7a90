"""What the gateway tells of itself beside its work: its process, its files, its certificates.

It is part of the answer to `health`, and of what Prometheus reads.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gateway.certificates.watch import PAGE, shown
from gateway.listener.certificates import validity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.app import Gateway
    from gateway.settings import Settings

_STATM, _FILES = Path("/proc/self/statm"), Path("/proc/self/fd")


class _Read(NamedTuple):
    changed: int
    """When the file was last changed, as the system counts it."""
    ends: int


class CertificateEnds:
    """Knows until when certificates are good; a file that did not change is not read again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: dict[Path, _Read] = {}

    def report(self) -> dict[str, int]:
        """Return when each certificate ends (ms since 1970), by what there are alerts about.

        A file that cannot be read, or holds none, is left out: an alert tells of it.
        """
        found = {}
        for name, path in self._files():
            try:
                changed = path.stat().st_mtime_ns
                known = self._read.get(path)
                if known is None or known.changed != changed:
                    known = self._read[path] = _Read(changed, validity(path)[1])
            except (OSError, ValueError):
                continue
            found[name] = known.ends
        return found

    def _files(self) -> Iterator[tuple[str, Path]]:
        settings = self._settings
        for listener in settings.listeners:
            if listener.tls is not None:
                yield listener.address, listener.tls.certificate
        if settings.web is not None and settings.web.tls is not None:
            yield PAGE, settings.web.tls.certificate
        for one in shown(settings):
            if not one.authorities:
                yield one.name, one.file


def own_numbers(gateway: Gateway) -> dict[str, Any]:
    """Return how the gateway's process, files, certificates and heartbeats stand."""
    outward = gateway.outward
    files = {
        "journal": gateway.journal,
        "history": gateway.history,
        "evidence": gateway.evidence,
        "state": gateway.state,
    }
    return {
        "process": process(outward.lag, outward.wellness.behind()),
        "commits": {name: one.commits.report() for name, one in files.items()},
        "wal": {name: _size(Path(f"{one.path}-wal")) for name, one in files.items()},
        "certificates": outward.certificates.report(),
        "unwell": outward.wellness.problem(),
        "heartbeats": [msgspec.to_builtins(one.report) for one in outward.hearts.all],
    }


def process(lag: float, behind: int) -> dict[str, float]:
    """Return what our process takes, and whether it keeps up.

    `lag`: by how many seconds its loop was late; `behind`: for how long (ms) a reading has waited
    to be judged.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "memory": int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "cpu_seconds": time.process_time(),
        "loop_lag": lag,
        "behind": behind / 1000,
        "open_files": sum(1 for _ in _FILES.iterdir()),
        "open_files_most": most,
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # it goes when the file is closed
