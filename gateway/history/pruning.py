"""Deletes the old days of the history, and spares what is held.

What must hold: of what is held nothing is ever deleted; of all else everything is that is too old,
or too much; and it is always known of which time of which device something was deleted, since
what is not complete cannot be judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.reading import DeviceKey
from gateway.database import fetch
from gateway.history.columns import DAY
from gateway.history.held import (
    FOREVER,
    Days,
    Held,
    Spared,
    known_from,
    spared_with,
    still_spared,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    import apsw

_NO_DAY = -(1 << 40)
_NEXT_STREAM = "SELECT min(stream) FROM block WHERE day=? AND stream>?"
_COUNT = "SELECT ifnull(sum(n), 0) FROM block WHERE day=?"


class _File(Protocol):
    """What is asked of history.db."""

    def stage(self, statement: str, rows: Iterable[Sequence[Any]]) -> int: ...
    def commit(self) -> None: ...
    def size(self) -> int: ...


class Pruning:
    """The part of the history that deletes. Whoever writes the file uses it, and nobody else."""

    def __init__(self, file: _File, renew: Callable[[], None]) -> None:
        """`renew` is called when something was deleted."""
        self._file = file
        self._renew = renew
        self._held: Held | None = None
        self._through: set[int] = set()
        """Days in which there is nothing but what is held: they are not looked through again."""
        self.over_size = 0
        """By how many bytes the file is too large, because of what is held; 0 if it is not."""
        self.pruned_before = 0
        self._spared: Spared = {}

    def load(self, connection: apsw.Connection) -> None:
        """Take up what the file says."""
        self._connection = connection
        ((self.pruned_before,),) = fetch(connection, "SELECT pruned FROM progress")
        self._spared = {}
        for owner, device, first, until in fetch(
            connection, "SELECT owner, device, first, until FROM spared ORDER BY 1, 2, 3"
        ):
            self._spared.setdefault(DeviceKey(owner, device), []).append(Days(first, until))

    def known_from(self, device: DeviceKey, until: int = FOREVER) -> int:
        """Return from when on (ms) all is here that there ever was of a device before `until`."""
        return known_from(self.pruned_before, self._spared.get(device, ()), until)

    def look_again(self, days: Iterable[int]) -> None:
        """Take note that something was stored in these days."""
        if self._through:
            self._through.difference_update(days)

    def prune(self, before: int, maximum_size: int | None, held: Held) -> int:
        """Delete what ended at or before `before` (ms), and more while the file is too large.

        Return how many readings went. Committed a day at a time.
        """
        self._hold(held)
        gone = kept = 0
        for day, newest in self._days():
            large = maximum_size is not None and self._file.size() > maximum_size and not newest
            if (day + 1) * DAY > before and not large:
                break
            if day not in self._through:
                gone += self._drop(day, held)
                self._through.add(day)
            kept += not newest and self._first_stream(day) is not None
        over = self._file.size() - maximum_size if maximum_size is not None and kept else 0
        self.over_size = max(0, over)
        return gone

    def give_up(self, before: int, held: Held) -> int:
        """Delete of the oldest day what is not held, if it ended at or before `before` (ms).

        Return how many readings went: of a day of which all is held, none, and then the next is
        the oldest. Committed.
        """
        self._hold(held)
        for day, newest in self._days():
            if (day + 1) * DAY > before or newest:
                break
            if day in self._through:
                continue
            gone = self._drop(day, held)
            self._through.add(day)
            if gone:
                return gone
        return 0

    def _hold(self, held: Held) -> None:
        if held != self._held:
            self._held = held
            self._through.clear()
            self._let_go(held)

    def _days(self) -> Iterator[tuple[int, bool]]:
        """Yield each day that has something, and whether it is the newest."""
        day = _NO_DAY
        while True:
            ((following, newest),) = fetch(
                self._connection,
                "SELECT (SELECT min(day) FROM block WHERE day>?), (SELECT max(day) FROM block)",
                (day,),
            )
            if following is None:
                return
            day = following
            yield day, day == newest

    def _first_stream(self, day: int, after: int = -1) -> int | None:
        # From stream to stream by the index: blocks are large, and not read for this.
        ((stream,),) = fetch(self._connection, _NEXT_STREAM, (day, after))
        return None if stream is None else int(stream)

    def _drop(self, day: int, held: Held) -> int:
        """Delete of a day what is not held; return how many readings that was."""
        streams: list[tuple[int, int]] = []
        spared = 0
        stream = self._first_stream(day)
        while stream is not None:
            if held.holds(self._device(stream), day * DAY, (day + 1) * DAY - 1):
                spared += 1
            else:
                streams.append((day, stream))
            stream = self._first_stream(day, stream)
        if not streams:
            return 0
        ((before,),) = fetch(self._connection, _COUNT, (day,))
        if spared:
            self._file.stage("DELETE FROM block WHERE day=? AND stream=?", streams)
        else:
            self._file.stage("DELETE FROM block WHERE day=?", [(day,)])
        ((after,),) = fetch(self._connection, _COUNT, (day,))
        self._pass(day + 1, held)
        self._file.commit()
        self._renew()
        return int(before - after)

    def _device(self, stream: int) -> DeviceKey:
        ((owner, device),) = fetch(
            self._connection, "SELECT owner, device FROM stream WHERE id=?", (stream,)
        )
        return DeviceKey(owner, device)

    def _pass(self, until: int, held: Held) -> None:
        """Stage that what was before this day is gone, but for what is held."""
        if until * DAY <= self.pruned_before:
            return
        since = self.pruned_before // DAY if self.pruned_before else _NO_DAY
        self._keep(spared_with(self._spared, held, Days(since, until)))
        self._file.stage("UPDATE progress SET pruned=?", [(until * DAY,)])

    def _let_go(self, held: Held) -> None:
        """Say of what is held no more that it may be gone, before any of it is."""
        left = still_spared(self._spared, held)
        if left != self._spared:
            self._keep({device: left.get(device, []) for device in self._spared})
            self._file.commit()
            self._spared = left

    def _keep(self, spared: Spared) -> None:
        self._file.stage("DELETE FROM spared WHERE owner=? AND device=?", list(spared))
        self._file.stage(
            "INSERT INTO spared VALUES (?,?,?,?)",
            [(*device, *days) for device, ones in spared.items() for days in ones],
        )
