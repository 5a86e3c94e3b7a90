"""What a number for Prometheus is: where it is read from what the gateway says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Status = dict[str, Any]
"""What the gateway answers to `health`."""


class Metric(NamedTuple):
    """One number, or one for each value of a label. A counter's name ends in _total."""

    name: str
    meaning: str
    label: str
    read: Callable[[Status], Mapping[str, float]]


def alone(name: str, meaning: str, read: Callable[[Status], float]) -> Metric:
    """Return a number without a label."""
    return Metric(name, meaning, "", lambda status: {"": read(status)})
