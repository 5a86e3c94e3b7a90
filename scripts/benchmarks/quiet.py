"""A quiet site, day and night: CPU, bytes written and memory of 100 sensors at one minute."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.benchmarks.measures.month import month
from scripts.benchmarks.measures.program import Measurements, run
from scripts.benchmarks.measures.quiet_site import as_it_comes, sparing

MEASUREMENTS: Measurements = (
    (("quiet_cpu_percent", "quiet_written_gb_day", "quiet_memory_mb"), as_it_comes),
    (("quiet_spared_mb_day",), sparing),
    (("month_growth_mb", "month_state_mb", "month_memory_mb"), month),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("quiet", "seventy", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
