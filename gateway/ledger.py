"""The ledger of numbers that never came, of one device: rows that late data fills in."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from devices.reading import ARRIVAL, Reading

MOST = 1_000
"""Rows that are kept of one device, the newest; older ones are summed up."""


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Numbers `first` to `last` have not come, from between two readings: their times in ms."""

    first: int
    last: int
    after: int
    before: int

    @property
    def count(self) -> int:
        """How many messages that is."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Ledger:
    """What is missing of one device, the oldest first.

    `forgotten` counts what was missing in rows that are kept no more: nothing fills it in.
    """

    gaps: list[Gap] = field(default_factory=list)
    forgotten: int = 0

    @property
    def count(self) -> int:
        """How many messages are missing."""
        return self.forgotten + sum(gap.count for gap in self.gaps)

    def add(self, gap: Gap) -> None:
        """Note numbers that have not come."""
        self.gaps.append(gap)
        self._forget_most()

    def _forget_most(self) -> None:
        while len(self.gaps) > MOST:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Keep the count of the oldest row alone."""
        self.forgotten += self.gaps.pop(0).count

    def fill(self, reading: Reading) -> bool:
        """Take out the number of a reading that came after all; say whether it was missing.

        Devices count from the beginning again and again, so it is looked for where its time is,
        and in the newest row where it has none of its own.
        """
        number, when = reading.identity, reading.when
        for place in range(len(self.gaps) - 1, -1, -1):
            gap = self.gaps[place]
            timely = reading.flags & ARRIVAL or gap.after <= when <= gap.before
            if gap.first <= number <= gap.last and timely:
                # What comes out of the middle of a row makes two of it.
                self.gaps[place : place + 1] = _without(gap, number, when)
                self._forget_most()
                return True
        return False


def _without(gap: Gap, number: int, when: int) -> list[Gap]:
    """Return what is left of a row without a number, whose reading is of a time (ms)."""
    middle = when if gap.after < when < gap.before else None
    parts = (
        Gap(gap.first, number - 1, gap.after, gap.before if middle is None else middle),
        Gap(number + 1, gap.last, gap.after if middle is None else middle, gap.before),
    )
    return [part for part in parts if part.first <= part.last]
