"""How every device stands now: the board's rows, worst first, kept up to date by the feed."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from devices.reading import DeviceKey
from gateway.live import Seen
from gateway.web.now.fill import fill
from gateway.web.now.open_alerts import Counts, OpenAlerts
from gateway.web.now.register import Register
from gateway.web.now.rows import Row, make_own_row, make_row
from gateway.web.now.subjects import is_subject, make_subject_row
from gateway.web.now.trends import Trends
from gateway.web.now.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.reading import Reading
    from gateway.clock import Clock
    from gateway.live import Part
    from gateway.settings import Settings
    from gateway.web.files import Archive, Files
    from gateway.web.now.noted import Noted
    from gateway.web.now.open_alerts import Open
    from gateway.web.now.watched import Limits

GONE = 1_000
"""Rows that are gone and still known by their number."""


class Line(msgspec.Struct):
    """A row, and when it changed. A number stands for it in streams, and is never given twice."""

    number: int
    row: Row
    frame: tuple[object, ...]
    changed: int
    """The version of the whole in which anything last changed."""
    reframed: int
    """The version in which something changed that no patch tells."""


class Standing:
    """All devices that the gateway has told of, and what is wrong with itself."""

    def __init__(self, settings: Settings, files: Files, clock: Clock) -> None:
        """Know nobody yet: the feed tells."""
        self._settings = settings
        self._clock = clock
        self.register = Register(settings, files.registry)
        self._watched = Watched(settings, files.registry.stands_for)
        self._trends = Trends()
        self._alerts = OpenAlerts(files.state, clock.now())
        self._seen: dict[DeviceKey, Seen] = {}
        self._lines: dict[str, Line] = {}
        self._own: dict[str, Line] = {}
        self._fresh: dict[int, tuple[Line, Row | None]] = {}
        self._corrected: set[DeviceKey] = set()
        self._sorted: list[Line] | None = None
        self._numbers = 0
        self._states: Counter[str] = Counter()
        self._counts = (-1, Counts())
        self.gone: deque[tuple[int, int]] = deque(maxlen=GONE)
        """(version, number) of rows that are no more."""
        self.version = 0
        """Counts what was taken in."""
        self.told: int | None = None
        """When the gateway last told something, on its clock (ms); None while it does not."""
        self.received: int | None = None
        """When the newest reading was received (ms)."""
        self._complete = asyncio.Event()
        self._make_own()

    # -- what is taken in ----------------------------------------------------------------------

    def take(self, part: Part) -> None:
        """Take in what has changed."""
        self.version += 1
        changed = dict.fromkeys(self._alerts.look(part.now))
        if changed:
            self._make_own()
        changed.update(dict.fromkeys(self._look(part.now)))
        for one in part.devices:
            device = DeviceKey(one.owner, one.id)
            self._take(device, one)
            changed[device] = None
        for device in changed:
            self._make(device)
        self.told = part.now
        if not part.more:
            self._complete.set()

    def look(self) -> None:
        """Take in what people have stated of devices, at once."""
        self.version += 1
        for device in self._look(self._clock.now()):
            self._make(device)

    def note(self, noted: Noted) -> None:
        """Take in what the gateway has noted of devices."""
        self.version += 1
        for device in self.register.take(noted):
            self._make(device)

    def corrected(self) -> list[DeviceKey]:
        """Return whose trends are to be looked up anew, each once."""
        found = sorted(self._corrected)
        self._corrected.clear()
        return found

    def _look(self, now: int) -> set[DeviceKey]:
        """Take in what was stated; return whose rows are made of it."""
        changed, stated = self.register.look(now)
        for device in changed:
            self._watched.forget(device)
        for device in stated & self._seen.keys():
            self._trends.forget(device)
            self._corrected.add(device)
        return changed

    def _take(self, device: DeviceKey, seen: Seen) -> None:
        self.register.waits(device, waiting=seen.unconfirmed)
        before = self._seen.get(device)
        if seen.when is None or seen.received is None:
            if before is not None:
                # It is told again because of a rule: the reading that we looked up still stands.
                seen = msgspec.structs.replace(
                    before, rules=seen.rules, unconfirmed=seen.unconfirmed
                )
        else:
            wanted = self._watched.of(device).trends(seen.channels)
            self._trends.note(device, seen.when, seen.channels, seen.values, wanted)
            self.received = max(self.received or 0, seen.received)
        self._seen[device] = seen

    def look_up(self, device: DeviceKey, readings: Iterable[Reading]) -> None:
        """Take in readings of before the gateway's start, in any order."""
        seen = self._seen.get(device)
        if seen is None:
            return
        known, corrected = self._watched.of(device), self.register.registry.corrections.corrected
        for one in map(corrected, readings):
            channels = one.layout.channels
            values = tuple(map(one.value, channels))
            self._trends.note(device, one.when, channels, values, known.trends(channels))
            if seen.when is None or one.when >= seen.when:
                seen = msgspec.structs.replace(
                    seen,
                    when=one.when,
                    received=one.received,
                    flags=one.flags,
                    channels=channels,
                    values=values,
                )
        self._seen[device] = seen
        self.version += 1
        self._make(device)

    def lost(self) -> None:
        """Take note that the gateway tells nothing."""
        self.told = None

    @property
    def complete(self) -> bool:
        """Whether all that there was at the beginning has been told."""
        return self._complete.is_set()

    async def whole(self, seconds: float | None = None) -> None:
        """Wait until all that there was has been told, or for so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._complete.wait()

    async def fill(self, archive: Archive) -> None:
        """Look up what was before the gateway's start."""
        await fill(self, archive)

    # -- rows ----------------------------------------------------------------------------------

    def _make(self, device: DeviceKey) -> None:
        seen = self._seen.get(device)
        if seen is None:
            return
        alerts = [one for one in self._alerts.of(device) if not one.own]
        watched, about = self._watched.of(device), self.register.of(device)
        self._keep(self._lines, make_row(seen, watched, about, alerts, self._trends))

    def _make_own(self) -> None:
        """Make the rows about the gateway itself, consignments and vehicles: they are few."""
        gateway = self._settings.gateway
        found = [one for one in self._alerts.of(DeviceKey(gateway.owner, gateway.box)) if one.own]
        rows = [make_own_row(one, gateway.box, gateway.timezone) for one in found]
        rows += [
            make_subject_row(self._alerts.of(one), gateway.timezone)
            for one in self._alerts.devices()
            if is_subject(one)
        ]
        for key in self._own.keys() - {row.key for row in rows}:
            line = self._own.pop(key)
            self._states[line.row.state] -= 1
            self._fresh.pop(line.number, None)
            self.gone.append((self.version, line.number))
            self._sorted = None
        for row in rows:
            self._keep(self._own, row)

    def _keep(self, lines: dict[str, Line], row: Row) -> None:
        line = lines.get(row.key)
        if line is None:
            self._numbers += 1
            line = Line(self._numbers, row, row.frame(), self.version, self.version)
            lines[row.key] = line
            self._states[row.state] += 1
            self._fresh[line.number] = (line, None)
            self._sorted = None
            return
        before = line.row
        if row == before:
            return
        self._fresh.setdefault(line.number, (line, before))
        line.row, line.changed = row, self.version
        frame = row.frame()
        if frame == line.frame:
            return
        line.frame, line.reframed = frame, self.version
        if row.rank() != before.rank():
            self._sorted = None
        self._states[before.state] -= 1
        self._states[row.state] += 1

    def fresh(self) -> list[tuple[Line, Row | None]]:
        """Return the lines that changed since the last call, each as it was then (None: new)."""
        found = list(self._fresh.values())
        self._fresh.clear()
        return found

    def since(self, version: int) -> list[Line]:
        """Return the lines that changed after a version."""
        return [one for one in self._all() if one.changed > version]

    def board(self) -> list[Line]:
        """Return all lines, worst first, with those about the gateway itself."""
        if self._sorted is None:
            self._sorted = sorted(self._all(), key=lambda one: one.row.rank())
        return self._sorted

    def _all(self) -> list[Line]:
        return [*self._own.values(), *self._lines.values()]

    def states(self) -> dict[str, int]:
        """Return how many rows there are in each state."""
        return {state: count for state, count in self._states.items() if count}

    @property
    def alerts_version(self) -> int:
        """Counts what happened to alerts, and what people did about them."""
        return self._alerts.version

    def counts(self) -> Counts:
        """Return how many alerts are open."""
        if self._counts[0] != self._alerts.version:
            self._counts = (self._alerts.version, self._alerts.counts())
        return self._counts[1]

    # -- what others ask -----------------------------------------------------------------------

    def open_alerts(self) -> list[Open]:
        """Return the alerts that are open, those about the gateway too."""
        return self._alerts.all()

    def row(self, device: DeviceKey) -> Row | None:
        """Return how a device stands, None if it was never heard."""
        line = self._lines.get(str(device))
        return line.row if line else None

    def stands(self, device: DeviceKey) -> tuple[Seen, Row]:
        """Return how a device stands, also one that was named and never heard."""
        seen, line = self._seen.get(device), self._lines.get(str(device))
        if seen is not None and line is not None:
            return seen, line.row
        unheard = Seen(*device, None, None, 0, (), (), None, unconfirmed=False)
        watched, about = self._watched.of(device), self.register.of(device)
        return unheard, make_row(unheard, watched, about, [], self._trends)

    def knows(self, device: DeviceKey) -> bool:
        """Whether a device was heard, or named."""
        return device in self._seen or self.register.is_known(device)

    def seen(self, device: DeviceKey) -> Seen | None:
        """Return the newest reading of a device and where its rules stand, None as above."""
        return self._seen.get(device)

    def limits(self, device: DeviceKey) -> dict[str, Limits]:
        """Return the limits that the settings set for a device, by channel."""
        return self._watched.of(device).limits

    def rows(self) -> list[Row]:
        """Return all devices, worst first."""
        return [one.row for one in self.board() if not one.row.own]

    def devices(self) -> Iterable[DeviceKey]:
        """Return all devices."""
        return self._seen.keys()
