"""The ladder: what is given up, in which order, while the disk gets full. Pure.

Each step has a mark, a room below which it is taken; who stands on it has taken those above as
well. What people rely on as evidence is on no step: it stays, and nothing more is received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.duration import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence


class Step(NamedTuple):
    """One step."""

    name: str
    times: float
    """It is taken below so many times the room that must stay free."""
    does: str
    """What is given up there, in words that follow "below 200 MB"."""


STEPS = (
    Step("journal", 2.5, "readings that are judged and packed leave the journal before their time"),
    Step("copies", 2.0, "an InfluxDB gets what it still lacks from the history later"),
    Step("history", 1.5, "the oldest days leave the history, but for those of alerts and goods"),
    Step("intake", 1.0, "nothing more is received or acknowledged"),
)
"""In the order in which they are taken."""
WELL = -1
"""Above all steps."""
JOURNAL, COPIES, HISTORY, INTAKE = range(len(STEPS))
NEVER = "Alerts, and the evidence of consignments, are never given up"
WARNED = 3.0
"""People are told below so many times the room that must stay free, whatever is forecast."""
BACK = 1.1
"""A step is left once there is so many times the room of its mark."""
DEPTH = 2
"""Room inside the journal counts as free, as long as 1/DEPTH of what must stay free is free."""
SAMPLES = 7 * 24
"""Looks at the room that a forecast is made of, an hour apart."""
SAMPLE = HOUR
FEWEST = 6
"""Looks without which nothing is forecast."""
AT_EASE = 1.5
"""What was told of a forecast is taken back once there is so many times as long."""


class Room(NamedTuple):
    """The room on a disk, in bytes."""

    total: int
    free: int
    spare: int
    """Inside the journal: pages that hold nothing, and are written before the file grows."""
    minimum: int
    """What must stay free."""

    @property
    def usable(self) -> int:
        """What can be written before anything else must go."""
        return self.beyond(1.0)

    def beyond(self, times: float) -> int:
        """Return the same, where so many times as much must be free before `spare` counts."""
        deepest = int(times * self.minimum) // DEPTH
        return self.free if self.free < deepest else self.free + self.spare

    def mark(self, step: int) -> int:
        """Return the room below which a step is taken."""
        return int(STEPS[step].times * self.minimum)


class Sample(NamedTuple):
    """How much could be written (bytes) at a time (ms, by a clock that is never set)."""

    at: int
    usable: int


def stands(room: Room, before: int) -> int:
    """Return the step on which this room is: WELL, or a place in STEPS. `before`: until now."""
    # Who receives nothing begins again neither at the mark, nor where the spare room just counts.
    usable = room.beyond(BACK) if before >= INTAKE else room.usable
    return max(
        (
            step
            for step in range(len(STEPS))
            if usable < room.mark(step) * (BACK if step <= before else 1.0)
        ),
        default=WELL,
    )


def full_in(samples: Sequence[Sample], room: Room) -> int | None:
    """Return in how many ms nothing more is received if it goes on like this; None: never.

    None too while too little is known.
    """
    if len(samples) < FEWEST:
        return None
    mean_at = sum(one.at for one in samples) / len(samples)
    mean = sum(one.usable for one in samples) / len(samples)
    spread = sum((one.at - mean_at) ** 2 for one in samples)
    # Bytes per ms, by least squares: one file that came and went says little.
    slope = sum((one.at - mean_at) * (one.usable - mean) for one in samples) / spread
    if slope >= 0:
        return None
    return max(0, int((room.usable - room.minimum) / -slope))


def warns(room: Room, left: int | None, soon: int, before: bool) -> bool:  # noqa: FBT001 - as it was
    """Whether people should know: `left` ms are forecast, and `soon` of them are few."""
    few, much = (AT_EASE, BACK) if before else (1.0, 1.0)
    return room.usable < WARNED * room.minimum * much or (left is not None and left < soon * few)


def sentence(room: Room, step: int, left: int | None) -> str:
    """Say how it stands, what is given up now, and what is next."""
    free = f"{megabytes(room.free)} are free"
    if room.spare > room.minimum // DEPTH:
        free += f", and {megabytes(room.spare)} inside the journal"
    told = [free if left is None or step >= HISTORY else f"{free}: enough for {lasting(left)}"]
    if step > WELL:
        told.append(f"so {STEPS[step].does}")
    if step < INTAKE:
        told.append(f"below {megabytes(room.mark(step + 1))} {STEPS[step + 1].does}")
    return "; ".join(told)


def megabytes(count: int) -> str:
    """Return bytes for people: 64 MB, 1.2 GB."""
    if count >= 10**9:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:,.1f} MB" if count < 10**7 else f"{count / 1e6:,.0f} MB"


def lasting(length: int) -> str:
    """Return a length of time (ms) for people, roughly: about 9 days."""
    for unit, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if length >= unit:
            count = length // unit
            return f"about {count:,} {word}{'' if count == 1 else 's'}"
    return "less than a minute"
