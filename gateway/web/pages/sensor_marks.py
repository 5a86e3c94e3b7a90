"""What a chart marks: readings with a flaw, by its kind. Pure. Times are ms since 1970, UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from devices.reading import OWN_CLOCK_UNTRUSTED, RETAINED, WRONG_CLOCK
from rules.remark import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.web.corrected import Corrected
    from rules.remark import Name, Remark

MOST_MARKS = 200
"""Marks of each kind: where there are more, near ones are one mark with their number."""
CANNOT_BE = "unusable"
MAINTENANCE = "maintenance"
REMARKS: tuple[Name, ...] = (
    "jump",
    "frozen",
    "late",
    "low-battery",
    "weak-signal",
    "sequence-gap",
)
"""What is remarked on a reading that its flags do not tell."""
MARKS: dict[str, str] = {
    CANNOT_BE: "cannot be true, or was missing",
    "clock": "the sensor's clock is wrong: shown when it arrived",
    "retained": "kept by the broker: not fresh",
    "own clock": "came before this gateway's own clock was sure",
    MAINTENANCE: "in maintenance: does not count",
    **{name: WORDS[name] for name in REMARKS},
}
"""Kinds of marks, in words."""
_FLAGS = {"clock": WRONG_CLOCK, "retained": RETAINED, "own clock": OWN_CLOCK_UNTRUSTED}


class Mark(msgspec.Struct, frozen=True):
    """Readings with a flaw, of one kind (see MARKS): the first one's time, and how many.

    `text`: what there is to say of that one, where the kind does not say all.
    """

    at: int
    kind: str
    count: int
    text: str = ""


def marks_of(found: Corrected, inside: slice, width: int) -> list[Mark]:
    """Return what the flags of readings tell: one mark for those within `width` ms."""
    series = found.series
    when, flags = series.when[inside], series.flags[inside]
    sound = found.sound & np.isfinite(series.values)
    kinds = {CANNOT_BE: ~sound[inside], MAINTENANCE: found.maintained[inside]}
    kinds.update({kind: flags & mask != 0 for kind, mask in _FLAGS.items()})
    marks = []
    for kind, here in kinds.items():
        times = when[here]
        _, firsts, counts = np.unique(times // width, return_index=True, return_counts=True)
        marks += [
            Mark(at, kind, count)
            for at, count in zip(times[firsts].tolist(), counts.tolist(), strict=True)
        ]
    return marks


def remarked(remarks: Sequence[tuple[int, Remark]], width: int) -> list[Mark]:
    """Return one mark for those of a kind that lie within `width` ms."""
    marks: dict[tuple[str, int], Mark] = {}
    for at, one in remarks:
        place = (one.name, at // width)
        first = marks.get(place) or Mark(at, one.name, 0, one.text)
        marks[place] = msgspec.structs.replace(first, count=first.count + 1)
    return list(marks.values())
