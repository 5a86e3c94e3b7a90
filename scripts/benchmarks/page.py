"""The page: reading to screen under load, kilobytes, scrolling, API requests a second."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.benchmarks.measures.pages import kilobytes, requests, scrolling
from scripts.benchmarks.measures.program import Measurements, run
from scripts.benchmarks.measures.screens import to_screen

MEASUREMENTS: Measurements = (
    (("screen_p50_ms", "screen_p99_ms", "puback_p99_ms"), to_screen),
    (("page_kb",), kilobytes),
    (("frame_p95_ms",), scrolling),
    (("api_rate", "api_rate_one"), requests),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("page", "four", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
