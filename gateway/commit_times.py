"""How long commits took: counted in steps, as Prometheus adds them up and compares them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds: each step holds what took at most so long, and longer than the one before."""


class CommitTimes:
    """Of one file, since it was opened."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def took(self, seconds: float) -> None:
        """Count a commit."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def report(self) -> dict[str, Any]:
        """Return `counts`, one for each of `bounds` and one for what took longer; `seconds`."""
        return {"bounds": BOUNDS, "counts": list(self._counts), "seconds": self._seconds}
