"""The gateway's alerts about itself: its disk, its brokers, who spoke for whom.

They are alerts like any other, except that they are published at once, before they are
recorded: they may be about the disk that they should be recorded on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import aiomqtt
import msgspec
import structlog

from devices.reading import DeviceKey
from gateway.database import DiskError
from rules.alert import Alert, Event
from rules.transition import alert_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.clock import Clock
    from gateway.state import State

log = structlog.get_logger()

KIND = "gateway"
GRAVITY = {"critical": 0, "warning": 1, "info": 2}
RETRY = 1.0
"""Seconds between attempts to record an alert."""


class Publisher(Protocol):
    """Whoever tells people of alerts at once."""

    @property
    def name(self) -> str:
        """What it is called in our log."""
        ...

    async def publish(self, alerts: Sequence[Alert]) -> None:
        """Publish alerts as they stand; returns when they are handed over.

        Raises aiomqtt.MqttError, OSError or TimeoutError when they are not.
        """
        ...


class OwnAlerts:
    """Raises and clears alerts about the gateway, one for each subject at a time."""

    def __init__(
        self, owner: str, box: str, state: State, clock: Clock, publishers: Sequence[Publisher]
    ) -> None:
        """Take up what was open when the last run ended."""
        self._device = DeviceKey(owner, box)
        self._state = state
        self._clock = clock
        self._publishers = publishers
        self._open = {one.channel: one for one in state.open_alerts() if one.kind == KIND}
        self._unrecorded: asyncio.Queue[Event] = asyncio.Queue()

    @property
    def open_alerts(self) -> list[Alert]:
        """What is wrong with the gateway now."""
        return list(self._open.values())

    def report(
        self, subject: str, problem: str | None, severity: str = "critical", note: str = ""
    ) -> None:
        """Say that something is wrong (or, with None, right again); known facts change nothing."""
        before = self._open.get(subject)
        graver = before is not None and GRAVITY[severity] < GRAVITY[before.severity]
        if (problem is None) == (before is None) and not (problem is not None and graver):
            return
        now = self._clock.now()
        if problem is not None and before is not None:
            alert = msgspec.structs.replace(
                before, severity=severity, reason=problem, revision=before.revision + 1
            )
            self._open[subject] = alert
            key = f"{alert.id}:revised:{alert.revision}"
            self._unrecorded.put_nowait(
                Event(key=key, kind="revised", at=now, alert=alert, before=before)
            )
            return
        if problem is None and before is not None:
            alert = msgspec.structs.replace(
                before, state="resolved", reason="it is over", ended=now
            )
            del self._open[subject]
        else:
            alert = Alert(
                id=alert_id(KIND, self._device, subject, now),
                rule=KIND,
                version="1",
                kind=KIND,
                severity=severity,
                device=self._device,
                channel=subject,
                state="firing",
                reason=problem or "",
                began=now,
                fired=now,
                note=note,
            )
            self._open[subject] = alert
        log.warning("gateway", subject=subject, problem=problem or "over")
        kind = alert.state
        self._unrecorded.put_nowait(Event(key=f"{alert.id}:{kind}", kind=kind, at=now, alert=alert))

    def forget(self, kind: str, names: Collection[str]) -> None:
        """Clear alerts such as "broker NAME" about what the settings name no more."""
        for subject in list(self._open):
            what, _, name = subject.partition(" ")
            if what == kind and name not in names:
                self.report(subject, None)

    async def run(self) -> None:
        """Publish and record what was reported, for ever."""
        while True:
            event = await self._unrecorded.get()
            await asyncio.gather(*(self._publish(one, event.alert) for one in self._publishers))
            while not await self._record(event):  # noqa: ASYNC110 - the disk gives no sign when it is well
                await asyncio.sleep(RETRY)

    async def _publish(self, publisher: Publisher, alert: Alert) -> None:
        try:
            await publisher.publish([alert])
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            # It is recorded next, and published again from the record.
            log.warning("not published", publisher=publisher.name, problem=str(error))

    async def _record(self, event: Event) -> bool:
        try:
            async with self._state.writing():
                self._state.record([event], self._clock.now())
        except DiskError as error:
            log.warning("an alert cannot be recorded", problem=str(error))
            return False
        return True
