"""The alerts as people were told of them: what the rules found becomes events, each once.

What must hold: an event is on the disk before anybody acts on it; what is found again, after a
crash or because the past was judged again, is not told again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog

from devices.reading import IMPORTED, RETAINED
from gateway.consignments.reports import REVIEW
from gateway.database import DiskError
from gateway.own_alerts import KIND as OWN
from rules import revision
from rules.transition import episode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.clock import Clock
    from gateway.state import State
    from rules.alert import Alert, Event
    from rules.transition import Transition

    Subject = tuple[str, DeviceKey, str]

log = structlog.get_logger()

STALE = 600_000
"""An alert that is found when it has been over for so long (ms) is retrospective."""
RETRY = 0.5
"""Seconds between attempts to record an alert."""


class Told:
    """The alerts of some subjects."""

    def __init__(self, state: State, clock: Clock, owns: Callable[[DeviceKey], bool]) -> None:
        """Take up what is open of those that it `owns`."""
        self._state = state
        self._clock = clock
        self.open = {
            one.subject: one
            for one in state.open_alerts()
            if one.kind not in {OWN, REVIEW} and owns(one.device)
        }
        """What is firing now, by rule, device and channel."""
        self.on_change: Callable[[Iterable[DeviceKey]], None] = lambda _devices: None
        """Called after alerts of these have changed."""

    async def go_on(self, items: Sequence[Reading]) -> None:
        """Make alerts from files live when their device is heard and they are still true."""
        asleep = [one for one in self.open.values() if one.retrospective]
        if not asleep:
            return
        heard = {one.device for one in items if not one.flags & (IMPORTED | RETAINED)}
        events = [revision.goes_on(one) for one in asleep if one.device in heard]
        if events:
            await self.record(events)

    def events(self, transitions: Sequence[Transition]) -> list[Event]:
        """Return what is new in these: after a crash the same transitions are found again."""
        new = _New(self._state, dict(self.open), self._clock.now() - STALE)
        for one in transitions:
            new.add(one)
        return new.events

    async def record(
        self, events: Sequence[Event], along: Callable[[], None] = lambda: None
    ) -> None:
        """Record events; they are not lost while the disk takes none, they wait.

        `along` stages what must be saved with them.
        """
        while True:
            try:
                async with self._state.writing():
                    self._state.record(events, self._clock.now())
                    along()
                break
            except DiskError as error:
                log.warning("alerts cannot be recorded", problem=str(error))
                await asyncio.sleep(RETRY)
        # As they stand now: one that was found late and is over must not take the place of one
        # that still fires.
        for one in events:
            log.info(
                "alert",
                what=one.kind,
                device=str(one.alert.device),
                rule=one.alert.rule,
                channel=one.alert.channel,
                severity=one.alert.severity,
                worst=one.alert.worst,
                retrospective=one.alert.retrospective,
            )
        for alert in {one.alert.id: one.alert for one in events}.values():
            known = self.open.get(alert.subject)
            if alert.ended is None:
                self.open[alert.subject] = alert
            elif known is not None and known.id == alert.id:
                del self.open[alert.subject]
        self.on_change(one.alert.device for one in events)


class _New:
    """What is new in transitions, beside what is open."""

    def __init__(self, state: State, opened: dict[Subject, Alert], over: int) -> None:
        """Take up what is `opened`; what was over before `over` (ms) is found as history."""
        self.events: list[Event] = []
        self._state = state
        self._open = opened
        self._over = over
        self._began: dict[str, int] = {}

    def add(self, transition: Transition) -> None:
        """Add what is new in a transition."""
        alert = revision.alert_of(episode(transition), retrospective=transition.imported)
        if transition.kind == "severity":
            self._steps(alert, transition.at)
        elif alert.state == "firing":
            self._begins(alert)
        else:
            self._ends(alert, transition.at)

    def _steps(self, alert: Alert, at: int) -> None:
        before = self._open.get(alert.subject)
        if before is not None and before.severity != alert.severity:
            self.events.append(revision.rises_or_falls(alert, before, at))
            self._open[alert.subject] = self.events[-1].alert

    def _begins(self, alert: Alert) -> None:
        known = self._state.alert(alert.id)
        if known is None:
            self._open[alert.subject] = alert
            self._began[alert.id] = len(self.events)
            self.events.append(revision.event(alert))
        elif revision.withdrawn(known.reason) or _excused(known):
            self.events.append(revision.fires_again(known, alert))
            self._open[alert.subject] = self.events[-1].alert

    def _ends(self, alert: Alert, at: int) -> None:
        before = self._open.get(alert.subject)
        if before is None or not revision.ends(alert, before):
            return
        del self._open[alert.subject]
        if before.id in self._began and at < self._over:
            # Over for long when it was found, as in a backlog: nobody can be warned.
            before = msgspec.structs.replace(before, retrospective=True)
            self.events[self._began[before.id]] = revision.event(before)
        # Of a rule that nobody knows any more, the record alone says what it was.
        told = alert if alert.kind else before
        ended = msgspec.structs.replace(
            told,
            id=before.id,
            retrospective=before.retrospective,
            revision=before.revision,
            state=alert.state,
            reason=alert.reason,
            ended=alert.ended,
        )
        self.events.append(revision.event(ended))


def _excused(alert: Alert) -> bool:
    """Whether it is an absence that was expected after all: if it is not, it fires again."""
    return alert.state == "indeterminate" and alert.kind == "lost_contact"
