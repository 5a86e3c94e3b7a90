"""Which alerts are the same, of two sets of rules that judged the same readings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import msgspec

from rules.alert import Alert
from rules.revision import FAR

if TYPE_CHECKING:
    from collections.abc import Sequence


class Both(msgspec.Struct, frozen=True):
    """An alert that both make: by the rules that are tried, and by those they are held against."""

    now: Alert
    before: Alert

    @property
    def fired(self) -> int:
        """By how much later (ms) it fires; less than 0 is sooner."""
        return self.now.fired - self.before.fired

    @property
    def ended(self) -> int | None:
        """By how much later (ms) it ends, None where one of them does not."""
        if self.now.ended is None or self.before.ended is None:
            return None
        return self.now.ended - self.before.ended

    @property
    def same(self) -> bool:
        """Whether nothing of it changes that people would notice."""
        return _noticed(self.now) == _noticed(self.before)


Side = Callable[[Alert], object]
"""Says whether an alert is above its limit or below, where its rule knows that."""


def compare(
    now: Sequence[Alert],
    before: Sequence[Alert],
    side_now: Side = lambda _alert: None,
    side_before: Side = lambda _alert: None,
) -> tuple[tuple[Both, ...], tuple[Alert, ...], tuple[Alert, ...]]:
    """Return the alerts that are the same on both sides, those only `now`, and only `before`.

    One is another if its rule has the same name, else if it is of the same kind of rule and on the
    same side of its limit; and of the same channel. Of several it is the one with the same
    beginning, else the one with the longest overlap, as in `rules.revision`.
    """
    both: list[Both] = []
    added, gone = list(now), list(before)
    sides = (
        (_rule, _rule),
        (
            lambda one: (*_kind(one), side_now(one)),
            lambda one: (*_kind(one), side_before(one)),
        ),
    )
    for akin_now, akin_before in sides:
        for find in (_same_beginning, _longest_overlap):
            others: dict[object, list[Alert]] = {}
            for one in sorted(gone, key=_began):
                others.setdefault(akin_before(one), []).append(one)
            pairs = _pairs(added, [others.get(akin_now(one), []) for one in added], find)
            both += pairs
            taken = {id(one) for pair in pairs for one in (pair.now, pair.before)}
            added = [one for one in added if id(one) not in taken]
            gone = [one for one in gone if id(one) not in taken]
    return tuple(sorted(both, key=lambda one: fired(one.now))), tuple(added), tuple(gone)


def _rule(alert: Alert) -> object:
    return alert.subject


def _kind(alert: Alert) -> tuple[object, ...]:
    return alert.kind, alert.device, alert.channel


def _pairs(
    added: Sequence[Alert],
    others: Sequence[list[Alert]],
    find: Callable[[Alert, Sequence[Alert]], Alert | None],
) -> list[Both]:
    """Return which are the same; `others` are those that each may be, and lose what is taken."""
    pairs = []
    for one, like in zip(added, others, strict=True):
        best = find(one, like)
        if best is not None:
            like.remove(best)
            pairs.append(Both(one, best))
    return pairs


def _same_beginning(one: Alert, others: Sequence[Alert]) -> Alert | None:
    place = bisect_left(others, one.began, key=_began)
    alike = takewhile(lambda other: other.began == one.began, islice(others, place, None))
    return min(alike, key=lambda other: abs(other.fired - one.fired), default=None)


def _longest_overlap(one: Alert, others: Sequence[Alert]) -> Alert | None:
    def overlap(other: Alert) -> int:
        return min(_over(one), _over(other)) - max(one.began, other.began)

    # Others begin in order: none from there on can overlap.
    before = bisect_left(others, _over(one), key=_began)
    best = max(others[:before], key=overlap, default=None)
    return best if best is not None and overlap(best) > 0 else None


def _began(alert: Alert) -> int:
    return alert.began


def _over(alert: Alert) -> int:
    return FAR if alert.ended is None else alert.ended


def _noticed(alert: Alert) -> tuple[object, ...]:
    return alert.rule, alert.severity, alert.fired, alert.ended


def fired(alert: Alert) -> tuple[int, str]:
    """Return what sorts alerts by when they fired."""
    return alert.fired, alert.id
