"""What must stay in the history, and what of the past is therefore still known. Pure.

Whatever is not held goes by age and by size, whole days at a time. Times are ms since 1970, UTC;
days count from 1970, UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from gateway.history.columns import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Mapping, Sequence

    from devices.reading import DeviceKey

EVER, FOREVER = -(1 << 62), 1 << 62


class Days(NamedTuple):
    """The days first ≤ day < until."""

    first: int
    until: int


class Held:
    """Times of devices that must stay, whatever their age, the size of files and the disk say."""

    def __init__(self, spans: Iterable[tuple[DeviceKey, int, int]] = ()) -> None:
        """Each of `spans`: of this device, begin ≤ when < end."""
        found: dict[DeviceKey, list[tuple[int, int]]] = {}
        for device, begin, end in spans:
            if begin < end:
                found.setdefault(device, []).append((begin, end))
        self._spans = {device: _joined(ones) for device, ones in found.items()}
        self._begins = {device: [one[0] for one in ones] for device, ones in self._spans.items()}

    @property
    def devices(self) -> KeysView[DeviceKey]:
        """Every device of which something is held."""
        return self._spans.keys()

    def spans(self, device: DeviceKey) -> list[tuple[int, int]]:
        """Return what is held of a device: begin ≤ when < end (ms), rising and apart."""
        return list(self._spans.get(device, ()))

    def holds(self, device: DeviceKey, first: int, last: int) -> bool:
        """Whether any time of first ≤ when ≤ last is held of a device."""
        spans = self._spans.get(device)
        if spans is None:
            return False
        # Spans are apart: the last that begins in time is the one that can reach so far.
        place = bisect_right(self._begins[device], last)
        return place > 0 and spans[place - 1][1] > first

    def days(self, device: DeviceKey) -> list[Days]:
        """Return the days of which anything is held."""
        spans = self._spans.get(device, ())
        return joined_days(Days(begin // DAY, -(-end // DAY)) for begin, end in spans)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self._spans == other._spans

    def __hash__(self) -> int:
        return hash(frozenset(self._spans))


NOTHING = Held()


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort spans, and join those that touch."""
    apart: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if apart and begin <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((begin, end))
    return apart


def joined_days(days: Iterable[Days]) -> list[Days]:
    """Sort ranges of days, and join those that touch."""
    return [Days(*one) for one in _joined((one.first, one.until) for one in days)]


def both(one: Sequence[Days], other: Sequence[Days]) -> list[Days]:
    """Return the days that are in both."""
    found = (Days(max(a.first, b.first), min(a.until, b.until)) for a in one for b in other)
    return joined_days(days for days in found if days.first < days.until)


Spared = dict["DeviceKey", list[Days]]
"""Of which devices which days were spared, where those of others were deleted."""


def still_spared(spared: Mapping[DeviceKey, Sequence[Days]], held: Held) -> Spared:
    """Return what is spared still, now that this is held."""
    left = {device: both(days, held.days(device)) for device, days in spared.items()}
    return {device: days for device, days in left.items() if days}


def spared_with(
    spared: Mapping[DeviceKey, Sequence[Days]], held: Held, passed: Days
) -> dict[DeviceKey, list[Days]]:
    """Return of which devices what is spared once the days `passed` are deleted of all others.

    Only those of which it is more than before.
    """
    found = {}
    for device in held.devices:
        more = both(held.days(device), [passed])
        if more:
            found[device] = joined_days([*spared.get(device, ()), *more])
    return found


def known_from(pruned_before: int, spared: Sequence[Days], until: int = FOREVER) -> int:
    """Return from when on (ms) nothing of a device was ever deleted of what is before `until`.

    `pruned_before`: before it everything was deleted that was not spared.
    """
    begin = min(pruned_before, until)
    for days in reversed(spared):
        if days.first * DAY < begin <= days.until * DAY:
            begin = days.first * DAY
    return begin
