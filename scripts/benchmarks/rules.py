"""Rules: evaluations a second of five rules of five kinds, their state, a year tried on others."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.benchmarks.measures.judging import evaluations, evaluations_used
from scripts.benchmarks.measures.program import Measurements, run
from scripts.benchmarks.measures.trial import backtest_year

MEASUREMENTS: Measurements = (
    (("evaluations_per_s", "state_roundtrip_s"), evaluations),
    (("evaluations_per_s_used",), evaluations_used),
    (("backtest_year_s",), backtest_year),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("rules", "three", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
