"""A figure: what was measured, what it should be, and how it is shown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import msgspec
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a run: its value (a median, or pooled), spread and target.

    With neither `at_least` nor `at_most` it is only reported.
    """

    name: str
    value: float
    lowest: float
    highest: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """`pass`, `short`, or nothing where there is no target."""
        if self.at_least is not None:
            return "pass" if self.value >= self.at_least else "short"
        if self.at_most is not None:
            return "pass" if self.value <= self.at_most else "short"
        return ""

    @property
    def target(self) -> str:
        """The target as people read it."""
        if self.at_least is not None:
            return f"≥ {_shown(self.at_least)}"
        return "" if self.at_most is None else f"≤ {_shown(self.at_most)}"


def figure(
    name: str,
    values: Sequence[float],
    *,
    value: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Make a figure of one value per run; `value` where it is not their median."""
    return Figure(
        name=name,
        value=statistics.median(values) if value is None else value,
        lowest=min(values),
        highest=max(values),
        at_least=at_least,
        at_most=at_most,
    )


class Group(msgspec.Struct, frozen=True):
    """What one measurement gives: its figures, and every single run behind them."""

    figures: list[Figure]
    runs: dict[str, object]


def _shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def stages(spent: Mapping[str, float], title: str) -> Table:
    """Return as a table what a reading costs in each stage, and together. `spent` is in µs."""
    shown = Table(title=title)
    shown.add_column("stage")
    shown.add_column("µs", justify="right")
    for name, each in spent.items():
        shown.add_row(name, f"{each:.2f}")
    shown.add_section()
    shown.add_row("together", f"{sum(spent.values()):.2f}")
    return shown


def table(figures: Sequence[Figure], title: str) -> Table:
    """Return the figures as a table."""
    shown = Table(title=title)
    shown.add_column("figure")
    for heading in ("median", "min", "max", "target"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for one in figures:
        numbers = (_shown(number) for number in (one.value, one.lowest, one.highest))
        style = {"short": "red", "pass": "green"}.get(one.verdict, "")
        shown.add_row(one.name, *numbers, one.target, one.verdict, style=style)
    return shown
