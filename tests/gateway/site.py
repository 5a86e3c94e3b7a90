"""A gateway without network: its files over a folder, the monitor, and a clock that is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from devices.reading import DeviceKey, Reading
from gateway.archivist import Archivist
from gateway.history import History
from gateway.journal import Journal
from gateway.monitor import Monitor
from gateway.rulebook import adopt
from gateway.state import State
from rules import AnyRule
from rules.alert import Alert
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import RuleVersion
from tests.gateway.parts import ToldClock, said
from tests.rules.series import INTERVAL

_RULE: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
FOREVER = 1 << 60

WARM: dict[str, Any] = {
    "name": "too-warm",
    "kind": "threshold",
    "channel": "temperature",
    "above": 8.0,
    "for": "30 min",
}
GONE: dict[str, Any] = {"name": "gone", "kind": "lost_contact", "after": "1 h"}


class Site:
    """Follow it by `take`; `crash` forgets everything that is not on the disk."""

    def __init__(self, folder: Path, clock: ToldClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or ToldClock()
        self.settings: list[dict[str, Any]] = [WARM]
        self.opened = False

    async def start(self, *settings: dict[str, Any]) -> None:
        """Open the files and restore what they hold; `settings` are rules from now on."""
        self.settings = list(settings) or self.settings
        self.journal = Journal(self.folder / "journal.db")
        self.history = History(self.folder / "history.db")
        self.state = State(self.folder / "state.db")
        self.opened = True
        self.versions: list[RuleVersion] = await adopt(
            self.state, [_RULE.validate_python(one) for one in self.settings], self.clock.now()
        )
        self.monitor = self.judge(self.versions)
        self.archivist = Archivist(self.history, self.clock, keep=FOREVER, keep_size=None)
        await self.catch_up()

    def judge(self, versions: Sequence[RuleVersion]) -> Monitor:
        engine = Engine(versions, always(INTERVAL))
        return Monitor(engine, self.state, self.journal, self.history, self.clock)

    async def crash(self, *settings: dict[str, Any]) -> None:
        """End without saving anything, and start again."""
        self.close()
        await self.start(*settings)

    def close(self) -> None:
        if self.opened:
            for one in (self.journal, self.history, self.state):
                one.close()
            self.opened = False

    async def take(self, *readings: Reading) -> None:
        """Let readings arrive, be committed and judged."""
        self.journal.append(readings)
        self.journal.commit()
        self.journal.publish()
        await self.catch_up()

    async def catch_up(self) -> None:
        while self.monitor.cursor != self.journal.head:
            batch = self.journal.read(self.monitor.cursor, 50)
            await self.monitor.handle(batch.readings, batch.cursor)

    async def archive(self) -> None:
        """Bring everything into the history."""
        batch = self.journal.read(self.archivist.cursor, 10**6)
        await self.archivist.handle(batch.readings, batch.cursor)
        await self.archivist.store()

    async def passes(self, minutes: float) -> None:
        """Let time pass, in which we could hear; deadlines and paused backlogs are looked at."""
        since = self.clock.now()
        self.clock.passes(int(minutes * MINUTE))
        await self.monitor.tick(since)

    async def settle(self) -> None:
        """Judge every past that has changed."""
        await self.monitor.revise(at_once=True)

    def alerts(self, device: DeviceKey) -> list[Alert]:
        return self.state.alerts_of(device)

    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [one.event.kind for one in self.state.read(0, 10**6)[0]]


class Series:
    """Readings of d-1 by the minute, from when the clock was first told."""

    def __init__(self, site: Site) -> None:
        self.start = site.clock.now() - 24 * 60 * MINUTE

    def at(self, minute: float) -> int:
        return self.start + int(minute * MINUTE)

    def __call__(self, values: str, *, first: int = 0, every: int = 10) -> list[Reading]:
        """Read "4 9 9": a value every ten minutes; "-" is one that is not there."""
        return [
            said(at=self.at(first + every * n), value=float(word))
            for n, word in enumerate(values.split())
            if word != "-"
        ]


def brief(alert: Alert, series: Series) -> tuple[str, float, float, float | None]:
    def minute(when: int) -> float:
        return (when - series.start) / MINUTE

    ended = None if alert.ended is None else minute(alert.ended)
    return alert.state, minute(alert.began), minute(alert.fired), ended
