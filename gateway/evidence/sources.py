"""The gateway's files, as whoever exports or verifies evidence reads them. Nothing is written.

They may be read while the gateway runs, in its own process or in another. What was committed after
they were opened may be there or not.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import chain
from typing import TYPE_CHECKING, Self

import apsw
import msgspec

from gateway.consignments.book import Book
from gateway.evidence.holding import Holding
from gateway.evidence.store import EvidenceStore, gives
from gateway.goods import Goods
from gateway.history import HistoryReader
from gateway.history.columns import DAY
from gateway.history.damage import asking
from gateway.history.held import Held
from gateway.journal import Journal
from gateway.refusal import ControlError
from gateway.registry.known import Known
from gateway.registry.registry import Registry
from gateway.state import State
from rules.subject import order, undated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from devices.reading import DeviceKey, Reading
    from gateway.evidence.messages import Message
    from gateway.settings import Settings
    from rules.cargo.consignment import Consignment


class Sources:
    """All that evidence is made of. Use it with `with`, on one thread."""

    def __init__(self, settings: Settings) -> None:
        """Open the files to read. Raises FileError, DiskError, ControlError."""
        folder = settings.gateway.data
        if not (folder / "state.db").exists():
            raise ControlError(f"nothing has ever been stored in {folder}", "Begin: holdwatch run")
        with ExitStack() as undo:
            self.state = State(folder / "state.db", looking=True)
            undo.callback(self.state.close)
            self.journal = Journal(folder / "journal.db", looking=True)
            undo.callback(self.journal.close)
            self.store = EvidenceStore(folder / "evidence.db", looking=True)
            undo.callback(self.store.close)
            path = folder / "history.db"
            packed = undo.enter_context(closing(_reading(path)))
            self.history = HistoryReader(path, packed)
            self._open = undo.pop_all()
        self.registry = Registry(self.state)
        self.book = Book(self.state, settings.gateway.owner)
        self.goods = Goods(self.state, settings.goods.folder)
        known = Known(self.registry, settings)
        self.holding = Holding(self.state, self.book, self.goods, known.interval)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def kept(self, consignment: Consignment) -> Held:
        """Return the times of sensors that a consignment's verdict rests on."""
        return Held(self.holding.spans(consignment))

    def days(self, kept: Held, sensor: DeviceKey) -> list[tuple[int, int]]:
        """Return what there can be of a sensor, day by day: begin ≤ when < end (ms), rising."""
        span = self.history.span(sensor)
        newer = [one.when for one in self._newer(sensor)]
        first = min([*newer, *([span.first] if span else [])], default=0)
        last = max([*newer, *([span.last] if span else [])], default=-1)
        return [
            (max(begin, day * DAY), min(end, (day + 1) * DAY))
            for since, until in kept.spans(sensor)
            for begin, end in [(max(since, first), min(until, last + 1))]
            for day in range(begin // DAY, -(-end // DAY))
        ]

    def _newer(self, sensor: DeviceKey) -> list[Reading]:
        return self.journal.read_device(sensor, self.history.cursor, self.journal.head)

    def readings(self, kept: Held, sensor: DeviceKey) -> Iterator[list[Reading]]:
        """Yield what is kept of a sensor as it was sent, in order, each once, day by day."""
        newer = self._newer(sensor)  # asked first: the history may be stored to meanwhile
        wrong: set[tuple[int, int]] = set()
        for begin, end in self.days(kept, sensor):
            found = {(one.at, one.identity): one for one in newer if begin <= one.when < end}
            # Of a reading that is in both, the history's was there first.
            found |= {(one.at, one.identity): one for one in self.history.read(sensor, begin, end)}
            day = [one for name, one in found.items() if name not in wrong and not undated(one)]
            # Only one with a wrong clock can come again on another day.
            wrong |= {(one.at, one.identity) for one in day if one.when != one.at}
            yield sorted(day, key=order)

    def messages(self, kept: Held, sensor: DeviceKey) -> Iterator[Message]:
        """Yield the messages that gave what is kept of a sensor, in order of arrival, each once.

        One that gave readings of several sensors comes with the first of them that is kept.
        """
        cursor = self.store.cursor
        first, last = _ends(kept.spans(sensor))
        stored = self.store.messages(sensor, first, last)
        for one in chain(stored, self._waiting(cursor, sensor, first, last)):
            gave = [each for each in one.gave if kept.holds(each.device, each.when, each.when)]
            if gave and min(each.device for each in gave) == sensor:
                yield msgspec.structs.replace(one, gave=tuple(gave), number=0)

    def _waiting(self, after: int, sensor: DeviceKey, first: int, last: int) -> Iterator[Message]:
        while page := self.journal.messages.page(after):
            after = page[-1].number
            yield from (one for one in page if gives(one, sensor, first, last))


def _ends(spans: list[tuple[int, int]]) -> tuple[int, int]:
    return spans[0][0], spans[-1][1] - 1


def _reading(path: Path) -> apsw.Connection:
    with asking(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5000)
    return connection
