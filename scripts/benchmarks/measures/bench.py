"""What every measurement is given: a folder on a real disk, how much to do, a way to tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[3]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done. The defaults are the full run that figures are published from."""

    backlog: int = 200_000
    """Messages that a drain finds on the broker."""
    devices: int = 1_000
    pairs: int = 5
    growth: tuple[int, int] = (20_000, 100_000)
    growth_rounds: int = 3
    live_rate: float = 2_000.0
    live_seconds: float = 100.0
    quiet_seconds: float = 120.0
    puback_seconds: float = 30.0
    puback_runs: int = 3
    syncs: int = 200
    chart_readings: int = 10_000_000
    chart_sensors: int = 1_000
    chart_runs: int = 5
    memory_devices: int = 10_000
    memory_runs: int = 3
    few: int = 4
    """Connections."""
    many: int = 500
    """Connections."""
    front_seconds: float = 20.0
    idle: int = 5_000
    """Connections."""
    idle_runs: int = 3
    idle_settled: float = 3.0
    """Seconds after which a gateway with nothing to do has cleaned up."""
    simulated_hours: float = 4.0
    simulated_runs: int = 5
    pages: int = 50
    """Open at the same time: one in a browser, of the others the event streams."""
    page_devices: int = 1_000
    page_seconds: float = 30.0
    page_runs: int = 3
    board_devices: int = 5_000
    scroll_seconds: float = 10.0
    scroll_runs: int = 3
    api_requests: int = 4_000
    api_runs: int = 5
    copied: int = 300_000
    """Readings that lie in the journal when an InfluxDB is attached."""
    attached: int = 1_000_000
    """Messages of a saturated intake: long enough for the copying to find its pace."""
    outage: int = 2_000_000
    """Messages that come while an InfluxDB is away."""
    outage_runs: int = 3
    decoded: int = 20_000
    """Messages that a pass of decoding takes."""
    decoded_runs: int = 15
    codec_calls: int = 4_000
    """Messages that a pass through the codec process takes."""
    judged_devices: int = 10_000
    judged_before: int = 24
    """Hours that all of them have been judged before anything is measured."""
    judged_rounds: int = 12
    """Readings of each that a run judges."""
    judged_runs: int = 5
    tried_days: int = 365
    tried_runs: int = 5
    site_seconds: float = 1_800.0
    """How long a quiet site is watched."""
    site_settled: float = 20.0
    """Seconds after which a gateway that has just started has settled."""
    month_days: int = 30


QUICK = Size(
    backlog=2_000,
    devices=100,
    pairs=1,
    growth=(200, 1_000),
    growth_rounds=1,
    live_rate=500.0,
    live_seconds=1.0,
    quiet_seconds=2.0,
    puback_seconds=1.0,
    puback_runs=1,
    syncs=20,
    chart_readings=50_000,
    chart_sensors=10,
    chart_runs=1,
    memory_devices=200,
    memory_runs=1,
    few=2,
    many=20,
    front_seconds=1.0,
    idle=20,
    idle_runs=1,
    idle_settled=0.2,
    simulated_hours=0.1,
    simulated_runs=1,
    pages=3,
    page_devices=20,
    page_seconds=3.0,
    page_runs=1,
    board_devices=50,
    scroll_seconds=1.0,
    scroll_runs=1,
    api_requests=80,
    api_runs=1,
    copied=7_000,
    attached=2_000,
    outage=2_000,
    outage_runs=1,
    decoded=200,
    decoded_runs=2,
    codec_calls=100,
    judged_devices=200,
    judged_before=1,
    judged_rounds=2,
    judged_runs=2,
    tried_days=20,
    tried_runs=1,
    site_seconds=3.0,
    site_settled=0.5,
    month_days=2,
)
"""Shows that everything works, in seconds. Its figures mean nothing."""


class Bench(msgspec.Struct, frozen=True):
    """One run of the benchmark. `tell` shows a line of progress."""

    folder: Path
    size: Size
    tell: Callable[[str], None]

    def fresh(self, name: str) -> Path:
        """Return a new folder that nothing has used yet."""
        number = 0
        while (folder := self.folder / f"{name}-{number}").exists():
            number += 1
        folder.mkdir()
        return folder
