"""The gateway's own numbers, for a chart over time: what it does, what waits, what is short."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway

_STATM = Path("/proc/self/statm")
"""What Linux says of our memory, in pages: all of it, and what is resident."""


def vitals(gateway: Gateway) -> dict[str, float]:
    """Return name → value as they are now. Counters count from the start; sizes are bytes."""
    journal, state = gateway.journal, gateway.state
    resident = int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "received": float(gateway.ingest.received),
        "duplicates": float(journal.duplicates),
        "quarantined": float(sum(journal.quarantine.counts().values())),
        "devices": float(len(journal.devices())),
        "alerts_open": float(len(gateway.monitor.open_alerts)),
        "waiting_monitor": float(journal.head - gateway.monitor.cursor),
        "waiting_history": float(journal.head - gateway.history.cursor),
        "waiting_influxdb": float(max((one.sink.waiting for one in gateway.copies), default=0)),
        "dead_letters": float(sum(state.dead_letters().values())),
        "disk_free": float(gateway.disk.free()),
        "journal_size": float(journal.size()),
        "history_size": float(gateway.history.size()),
        "state_size": float(state.size()),
        "memory": float(resident),
        "cpu_seconds": time.process_time(),
        "clock_trusted": float(gateway.clock.trusted()),
        "problems": float(len(gateway.own_alerts.open_alerts)),
    }
