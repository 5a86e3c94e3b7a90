"""A picture of the disk: who takes how much of it, and below which room what is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.ladder import lasting, megabytes

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 1000
"""Of the whole disk, in units of the picture."""
NAMES = {
    "others": "Others",
    "history": "History",
    "evidence": "Evidence",
    "journal": "Journal",
    "state": "State",
    "ballast": "Ballast",
    "free": "Free",
}
"""Who takes some, from left to right."""
LEAST = 14
"""Whoever takes any is that wide."""


class Bar(NamedTuple):
    """One of those who take some: where it stands in the picture, and how much that is."""

    name: str
    label: str
    x: float
    width: float
    bytes: int


class Mark(NamedTuple):
    """One step of the ladder: below which room (bytes), what happens, and whether it is so now."""

    below: int
    does: str
    now: bool


class DiskPicture(NamedTuple):
    """What the page draws."""

    bars: list[Bar]
    marks: list[Mark]
    full_in: str
    """In words; empty where nothing is forecast."""
    said: str
    """All of it in a sentence, for whoever does not see it."""


def picture(disk: Mapping[str, Any]) -> DiskPicture:
    """Return the picture of what the gateway says of its disk."""
    sizes = {name: max(0, int(disk[name])) for name in NAMES}
    widths = _widths(sizes)
    bars, x = [], 0.0
    for name, label in NAMES.items():
        bars.append(Bar(name, label, round(x, 1), round(widths[name], 1), sizes[name]))
        x += widths[name]
    taken = [one["name"] for one in disk["steps"]]
    reached = taken.index(disk["step"]) if disk["step"] in taken else -1
    marks = [
        Mark(one["below"], one["does"], place <= reached) for place, one in enumerate(disk["steps"])
    ]
    shown = ", ".join(f"{one.label} {megabytes(one.bytes)}" for one in bars if one.bytes)
    left = "" if disk["full_in"] is None else lasting(disk["full_in"])
    return DiskPicture(bars, marks, left, f"Of {megabytes(disk['total'])}: {shown}")


def _widths(sizes: Mapping[str, int]) -> dict[str, float]:
    """Return how wide each is: what takes little is still seen, and the widest gives way for it."""
    total = max(1, sum(sizes.values()))
    widths = {
        name: max(LEAST, WIDTH * size / total) if size else 0.0 for name, size in sizes.items()
    }
    widest = max(widths, key=lambda name: widths[name])
    widths[widest] -= sum(widths.values()) - WIDTH
    return widths
