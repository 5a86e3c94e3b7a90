"""What a stream shows: which rows, how they are written, and what a patch of one says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.web.look import amount, render
from gateway.web.now.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.web.now.standing import Line

Patch = list[Any]
"""[number, at, value, beyond, trend], short of what has not changed at its end; None within."""
Frame = tuple[int, str, str]
"""Number, sign (the rank as text), and the row as HTML."""


class View(NamedTuple):
    """A kind of page that shows rows."""

    name: str
    template: str
    shows: Callable[[Row], bool]

    def frame(self, line: Line) -> Frame:
        """Return a whole row."""
        html = render(self.template, row=line.row, number=line.number)
        return line.number, line.row.sign(), html


VIEWS = {
    one.name: one
    for one in (
        View("board", "board_row.html", lambda _row: True),
        View("wall", "wall_row.html", lambda row: row.state != "ok"),
    )
}


def patch(line: Line, before: Row | None) -> Patch:
    """Return what has changed since a row was `before`; all that a patch can tell if None."""
    row = line.row
    value = amount(row.value, row.channel)
    trend = row.trend
    told: Patch = [
        line.number,
        row.at,
        value if before is None or row.value != before.value else None,
        row.beyond if before is None or row.beyond != before.beyond else None,
        [trend.points, trend.word, *trend.limits]
        if trend is not None and (before is None or trend is not before.trend)
        else None,
    ]
    while told[-1] is None and len(told) > 2:
        told.pop()
    return told


def of_device(row: Row, values: dict[str, float | None]) -> dict[str, Any]:
    """Return how one device stands, for the page about it."""
    return {
        "key": row.key,
        "at": row.at,
        "received": row.received,
        "state": row.state,
        "channel": row.channel,
        "value": row.value,
        "unit": row.unit,
        "limit": row.limit,
        "beyond": row.beyond,
        "alert": row.alert,
        "acknowledged": row.acknowledged,
        "holder": row.holder,
        "values": values,
    }
