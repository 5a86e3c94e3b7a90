"""What Holdwatch itself publishes to clients of our own listener: alerts, and how it stands.

`<prefix>/alerts/<id>` holds an alert while it is open and is cleared when it closes, as on a
broker. `<prefix>/status` counts the open ones. Both are retained: whoever subscribes gets them.

The announcer follows the events and knows the message of each open alert; clients' outboxes
follow the same events with cursors of their own, and nothing is kept for any of them. What is
sent of an alert is always what is known of it at that moment, and this never goes back: so no
client gets an earlier message after a later one.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
import structlog

from devices.reading import DeviceKey
from gateway import __version__
from gateway.alerts import message, topic
from gateway.database import DiskError
from gateway.mqtt.topic import matches
from gateway.own_alerts import GRAVITY, KIND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.state import State, StoredEvent
    from rules.alert import Alert

log = structlog.get_logger()

PAGE = 100
"""Events that are read at a time."""
PAGES = 16
"""Pages that are kept: clients that were away equally long are served by one reading."""
AGAIN = 5.0
"""Seconds until events are read again when the disk did not give them."""


class Shown(NamedTuple):
    """The retained message of an open alert. `own`: it is about the gateway itself."""

    device: DeviceKey
    own: bool
    severity: str
    message: bytes


class Change(NamedTuple):
    """An event that changed a topic's message. `digest` is the hash of the message after it."""

    number: int
    topic: str
    device: DeviceKey
    own: bool
    digest: int


class Page(NamedTuple):
    """The changes of some events, oldest first, and the number of the last of the events."""

    changes: tuple[Change, ...]
    end: int


class Told(NamedTuple):
    """An alert that was published before it is recorded; the serial counts up."""

    serial: int
    topic: str
    alert: Alert


class Behind(Protocol):
    """Whoever may have something to send, when something has happened."""

    def pump(self) -> None:
        """Send what there is."""
        ...


class Announcer:
    """Follows the events for all clients of our listener; one per gateway."""

    name = "listener"

    def __init__(self, state: State, prefix: str, box: str, started: int) -> None:
        """Take up what is open. `started` (ms) is when this run of the gateway began."""
        self._state = state
        self._prefix = prefix
        self._box = box
        self._started = started
        self.status_topic = f"{prefix}/status"
        self.head = state.head
        """All events up to here are known; later ones are for nobody yet."""
        self.serial = 0
        """Of the newest alert that was told before it was recorded."""
        self._shown: dict[str, Shown] = {}
        self._topics: list[str] = []
        self._told: dict[str, Told] = {}
        self._statuses: dict[str, bytes] = {}
        self._pages: dict[int, Page] = {}
        self._outboxes: set[Behind] = set()
        self._unfinished = False
        self._problem: str | None = None
        for alert in state.open_alerts():
            self._show(alert)

    # -- following ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Pass on what is new to every outbox, for ever."""
        while True:
            if self._state.head == self.head and not self._unfinished:
                await self._state.bell.wait()
            else:
                await self.turn()

    async def turn(self) -> None:
        """Take some events, and let every outbox send some of what it has."""
        self._unfinished = False
        if self._problem is not None:
            log.warning("alerts wait for the disk", name=self.name, problem=self._problem)
            self._problem = None
            await asyncio.sleep(AGAIN)
        try:
            if self._state.head != self.head:
                self._advance()
        except DiskError as error:
            self.again(error)
        await self._pump()

    async def publish(self, alerts: Sequence[Alert]) -> None:
        """Tell of alerts before they are recorded; nothing here can fail."""
        for alert in alerts:
            self.serial += 1
            self._told.pop(alert.id, None)
            self._told[alert.id] = Told(self.serial, topic(self._prefix, alert.id), alert)
            self._show(alert)
        await self._pump()

    def attach(self, outbox: Behind) -> None:
        """Pump this outbox from now on."""
        self._outboxes.add(outbox)

    def detach(self, outbox: Behind) -> None:
        """Leave this outbox alone."""
        self._outboxes.discard(outbox)

    def more(self) -> None:
        """Pump every outbox again soon: one has more to send than it may at a time."""
        self._unfinished = True
        # Whoever else waits for events looks, and finds none.
        self._state.bell.ring()

    def again(self, error: DiskError) -> None:
        """Try again after a while: events could not be read, and no cursor moved past them."""
        self._problem = str(error)
        self.more()

    async def _pump(self) -> None:
        for outbox in tuple(self._outboxes):
            if outbox in self._outboxes:
                outbox.pump()
            # Intake comes first.
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _advance(self) -> None:
        """Take one page of events. Raises DiskError."""
        events, end = self._state.read(self.head, PAGE)
        for one in events:
            alert = one.event.alert
            told = self._told.get(alert.id)
            if told is not None:
                if told.alert != alert:
                    # What we have told is newer, and its record will come.
                    continue
                del self._told[alert.id]
            self._show(alert)
        self._keep(self.head, self._page(events, end))
        self.head = end

    def _show(self, alert: Alert) -> None:
        """Let an alert stand as it is now."""
        name = topic(self._prefix, alert.id)
        self._statuses.clear()
        if alert.ended is not None or alert.retrospective:
            if self._shown.pop(name, None) is not None:
                del self._topics[bisect_right(self._topics, name) - 1]
            return
        if name not in self._shown:
            insort(self._topics, name)
        own = alert.kind == KIND
        self._shown[name] = Shown(alert.device, own, alert.severity, message(alert))

    # -- what outboxes ask -------------------------------------------------------------------

    def since(self, cursor: int) -> Page:
        """Return the changes after an event, up to `head`; some at a time. Raises DiskError."""
        page = self._pages.pop(cursor, None)
        if page is None:
            events, end = self._state.read(cursor, PAGE)
            known = [one for one in events if one.number <= self.head]
            page = self._page(known, min(end, self.head))
        self._keep(cursor, page)
        return page

    def message(self, topic_name: str) -> bytes:
        """Return an alert's message as it is now: empty if it is not open."""
        shown = self._shown.get(topic_name)
        return shown.message if shown is not None else b""

    def told_after(self, serial: int) -> Told | None:
        """Return the next alert that is told and not recorded yet."""
        return next((one for one in self._told.values() if one.serial > serial), None)

    def open_after(self, topic_name: str) -> tuple[str, Shown] | None:
        """Return the next open alert in the order of topics; "" comes before all of them."""
        index = bisect_right(self._topics, topic_name)
        if index == len(self._topics):
            return None
        return self._topics[index], self._shown[self._topics[index]]

    def status(self, owner: str) -> bytes:
        """Return how it stands with the devices of one owner."""
        if owner not in self._statuses:
            shown = [one for one in self._shown.values() if one.device.owner == owner]
            count = Counter(one.severity for one in shown)
            self._statuses[owner] = msgspec.json.encode(
                {
                    "box": self._box,
                    "version": __version__,
                    "started": self._started,
                    "alerts": {severity: count[severity] for severity in GRAVITY},
                }
            )
        return self._statuses[owner]

    def offers(self, topic_filter: str, *, status: bool) -> bool:
        """Whether a topic filter matches anything that we publish, the status only if `status`."""
        if status and matches(topic_filter, self.status_topic):
            return True
        last = topic_filter.rpartition("/")[2]
        identity = "0" if last in {"", "+", "#"} else last
        return matches(topic_filter, topic(self._prefix, identity))

    def _page(self, events: Sequence[StoredEvent], end: int) -> Page:
        changes = []
        for number, _, event in events:
            alert, before = event.alert, event.before
            after = _retained(alert)
            # A resolved event has no `before`: that alert was open. One that was found in the
            # past was never shown.
            shown = _retained(before) if before is not None else not alert.retrospective
            if after or shown:
                name = topic(self._prefix, alert.id)
                own = alert.kind == KIND
                changes.append(Change(number, name, alert.device, own, hash(after)))
        return Page(tuple(changes), end)

    def _keep(self, cursor: int, page: Page) -> None:
        self._pages[cursor] = page
        if len(self._pages) > PAGES:
            del self._pages[next(iter(self._pages))]


def _retained(alert: Alert) -> bytes:
    """Return the message that an alert leaves behind at its topic."""
    return b"" if alert.retrospective else message(alert)
