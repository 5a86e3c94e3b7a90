"""The gateway's own numbers, for a chart over time: what it does, what waits, what is short."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.disk import Disk
    from gateway.history import History
    from gateway.ingest import Ingest
    from gateway.monitor import Monitor
    from gateway.state import State

_STATM = Path("/proc/self/statm")
"""What Linux says of our memory, in pages: all of it, and what is resident."""


def vitals(  # noqa: PLR0913 - there is this much to say
    *,
    ingest: Ingest,
    monitor: Monitor,
    history: History,
    state: State,
    disk: Disk,
    clock: Clock,
    waiting: int,
    problems: int,
) -> dict[str, float]:
    """Return name → value as they are now. Counters count from the start; sizes are bytes.

    `waiting`: readings that the InfluxDB which is the farthest behind has yet to get. `problems`:
    open alerts about the gateway itself.
    """
    journal = ingest.journal
    resident = int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "received": float(ingest.received),
        "duplicates": float(journal.duplicates),
        "quarantined": float(sum(journal.quarantine.counts().values())),
        "devices": float(len(journal.devices())),
        "alerts_open": float(len(monitor.open_alerts)),
        "waiting_monitor": float(journal.head - monitor.cursor),
        "waiting_history": float(journal.head - history.cursor),
        "waiting_influxdb": float(waiting),
        "dead_letters": float(sum(state.dead_letters().values())),
        "disk_free": float(disk.free()),
        "journal_size": float(journal.size()),
        "history_size": float(history.size()),
        "state_size": float(state.size()),
        "memory": float(resident),
        "cpu_seconds": time.process_time(),
        "clock_trusted": float(clock.trusted()),
        "problems": float(problems),
    }
