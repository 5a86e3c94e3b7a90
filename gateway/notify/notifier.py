"""Who is told of an alert, when, and why not: follows the events, and lets time pass.

What must hold: what is told, and that it was, are committed together with the cursor, so that a
crash at any point neither loses a message nor makes it twice; an alert that is open is always
looked at again. Each look takes those alerts alone to which something has happened, or whose time
has come. On a folder that tells nobody yet the past is left alone, and only what is open is told.

How it decides: deciding.py, plan.py. What it writes, couriers send.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.clock import STEP
from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.notify.deciding import Decider, Why, Work
from gateway.notify.hiding import LINK, LOST, gravest, silent
from gateway.notify.ledger import Ledger
from gateway.own_alerts import KIND as OWN
from gateway.people.acts import Act, Acts, acts_after, acts_of, acts_of_many, facts
from gateway.people.audit import Who
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.notify.about import Whereabouts
    from gateway.notify.deciding import Policy
    from gateway.notify.hiding import Heard, Links
    from gateway.notify.message import Message
    from gateway.notify.mutes import Mutes
    from gateway.own_alerts import OwnAlerts
    from gateway.registry.cards import Maintenance
    from gateway.state import State, StoredEvent
    from rules.alert import Alert

log = structlog.get_logger()

LOOK = 1.0
"""Seconds between looks at the time and at what people did."""
WATCH = 10_000
"""Milliseconds between looks for dead links while those who are lost stay the same."""
SLICE = 20
"""Alerts that are decided before the loop is given back."""
PAGE = 500
"""Acts that are read at a time."""
OURSELVES = Who("gateway", "gateway")


class Outbox(Protocol):
    """Where messages wait to be sent."""

    def put(self, message: Message) -> bool:
        """Stage a message; False if it was there already."""
        ...


class Notifier:
    """Follows events and acts, and decides who is told."""

    name = "notify"
    limit = 100

    def __init__(  # noqa: PLR0913 - it brings these together
        self,
        state: State,
        clock: Clock,
        outbox: Outbox,
        *,
        policy: Policy,
        where: Whereabouts,
        mutes: Mutes,
        links: Links,
        maintenance: Callable[[DeviceKey, int], Maintenance | None],
    ) -> None:
        """Take up what was told when the last run ended. Raises FileError, DiskError.

        `maintenance`: the maintenance of a device at a time (ms), None where there is none.
        """
        # Of a folder that never told anybody, what is open is told and nothing else.
        self.cursor = state.cursor(self.name) or state.head
        self.mutes = mutes
        mutes.on_change = self._all_again
        self.on_messages: Callable[[], None] = lambda: None
        """Called when messages wait to be sent."""
        self.before_look: Callable[[], None] = lambda: None
        """Called before each look, as time passes."""
        self._state = state
        self._clock = clock
        self._outbox = outbox
        self._links = links
        self._acts = Acts(state)
        self._ledger = Ledger(state, clock.now())
        self._decider = Decider(policy, where, mutes, links, self._ledger, maintenance)
        self._offset = clock.now() - clock.monotonic()
        self._trusted = clock.trusted()
        self._last_act = int(state.rows("SELECT ifnull(max(number), 0) FROM act")[0][0])
        # What is to be looked at now, in order; and when else, with the heap that finds it.
        self._now: dict[str, None] = {}
        self._again: dict[str, int] = {}
        self._due: list[tuple[int, str]] = []
        self._lost: dict[str, Alert] = {}
        self._watched: set[str] = set()
        self._watch_again = 0
        self._turn = asyncio.Lock()
        for alert in state.open_alerts():
            self._take(alert)
        self._now |= dict.fromkeys(self._ledger.alerts())

    # -- what happens ------------------------------------------------------------------------

    async def handle(self, items: Sequence[StoredEvent], cursor: int) -> None:
        """Decide on these events' alerts as they now stand. Raises RetryLater."""
        async with self._turn:
            self._check_clock()
            try:
                for identity in dict.fromkeys(one.event.alert.id for one in items):
                    alert = self._state.alert(identity)
                    if alert is not None:
                        self._take(alert)
                await self._look(cursor)
            except DiskError as error:
                raise RetryLater(str(error)) from error

    async def run(self) -> None:
        """Look whenever something is due, for ever."""
        told = ""
        while True:
            try:
                self.before_look()
                await self.look()
                told = ""
            except DiskError as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("nobody can be told of alerts", problem=told)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Decide on what is due by now, and on what people did something about.

        Raises DiskError: then nothing of it has happened, and the next look does it.
        """
        async with self._turn:
            self._check_clock()
            self._notice()
            await self._look(None)

    def renew(self, policy: Policy) -> None:
        """Take up other settings: what is told goes on from what was told."""
        self._decider.policy = policy
        self._all_again()

    def why(self, alert: str) -> list[Why]:
        """Return what every route has told of an alert, and why no more. Raises DiskError."""
        found = self._state.alert(alert)
        if found is None:
            return []
        work = self._work()
        return self._decider.why(found, facts(acts_of(self._state, alert), work.now), work)

    def next_look(self, alert: str) -> int | None:
        """Return when an alert is looked at again (ms), if nothing happens to it; None: not."""
        return self._again.get(alert)

    def watch_links(self, own: OwnAlerts, heard: Heard) -> None:
        """Raise and clear alerts about links through which nobody is heard any more."""
        now, passed = self._clock.now(), self._clock.monotonic()
        ours = [one for one in own.open_alerts if one.channel.startswith(LINK)]
        if not (ours or self._lost) or (
            self._lost.keys() == self._watched and passed < self._watch_again
        ):
            return
        self._watched, self._watch_again = set(self._lost), passed + WATCH
        lost = {one.device for one in self._lost.values()}
        for name, alerts in silent(self._lost.values(), heard, now).items():
            if not self._links.dead(name):
                problem = f"none of the {len(alerts)} sensors that come through {name} is heard"
                note = "Look at what they have in common: a radio gateway, its power, its network."
                own.report(f"{LINK}{name}", problem, gravest(alerts), note)
        for alert in ours:
            name = alert.channel.removeprefix(LINK)
            gone = any(heard.source(one) == name for one in lost)
            if not gone or heard.since(name, alert.began, lost):
                own.report(alert.channel, None)

    def _take(self, alert: Alert) -> None:
        """Look at an alert soon: something has happened to it."""
        self._now[alert.id] = None
        if alert.kind == OWN and self._links.take(alert):
            self._now |= dict.fromkeys(self._lost)
        if alert.kind == LOST and alert.ended is None and not alert.retrospective:
            self._lost[alert.id] = alert
        else:
            self._lost.pop(alert.id, None)

    def _notice(self) -> None:
        """Take up what people did. Raises DiskError."""
        for act in acts_after(self._state, self._last_act, PAGE):
            self._now[act.alert] = None
            self._last_act = act.number

    def _check_clock(self) -> None:
        """Take up whether our clock was set: what is waited for comes by the time that passes."""
        moved = self._clock.now() - self._clock.monotonic() - self._offset
        if abs(moved) >= STEP:
            self._offset += moved
            self._ledger.shift(moved)
            self._decider.windows.shift(moved)
            self._decider.often.shift(moved)
            self._all_again()
        if self._trusted != self._clock.trusted():
            self._trusted = self._clock.trusted()
            self._all_again()

    def _all_again(self) -> None:
        self._now |= dict.fromkeys((*self._again, *self._ledger.alerts()))

    # -- what is decided ---------------------------------------------------------------------

    async def _look(self, cursor: int | None) -> None:
        """Decide on whatever is due, and commit what comes of it, with the cursor."""
        work = self._work()
        while self._due and self._due[0][0] <= work.now:
            when, identity = heapq.heappop(self._due)
            if self._again.get(identity) == when:
                self._now[identity] = None
        due, self._now = list(self._now), {}
        try:
            for first in range(0, len(due), SLICE):
                await self._decide(due[first : first + SLICE], work)
                await asyncio.sleep(0)
            if cursor is not None or work.told or work.gathered or self._ledger.unsaved:
                await self._commit(work, cursor)
        except BaseException:
            self._now = dict.fromkeys((*due, *self._now))
            raise
        self._decider.windows.close(work.now, self._decider.policy.gather())
        for identity in due:
            self._wait(identity, work.again.get(identity))

    async def _decide(self, due: Sequence[str], work: Work) -> None:
        alerts = [one for one in map(self._state.alert, due) if one is not None]
        acts = acts_of_many(self._state, [one.id for one in alerts])
        for alert in alerts:
            known = facts(acts[alert.id], work.now)
            why = self._decider.lapse(alert, known, work).reason
            if why and await self._lapse(alert, why, work):
                known = facts(acts_of(self._state, alert.id), work.now)
            self._decider.look(alert, known, work)

    async def _lapse(self, alert: Alert, why: str, work: Work) -> bool:
        """Record that nobody has an alert any more; say whether it was. Raises DiskError."""
        try:
            await self._acts.do(Act(alert.id, "lapsed", "", work.now, why), OURSELVES)
        except ControlError:
            # It is over by now: its end comes as an event.
            return False
        return True

    async def _commit(self, work: Work, cursor: int | None) -> None:
        rows = {**self._ledger.unsaved, **work.told}
        async with self._state.writing():
            for _ in self._ledger.stage(rows):
                await asyncio.sleep(0)
            for message in work.gathered.messages(work.now):
                self._outbox.put(message)
                await asyncio.sleep(0)
            if cursor is not None:
                self._state.move(self.name, cursor)
        self._ledger.keep(rows)
        self._decider.often.told(work.began, work.now)
        if cursor is not None:
            self.cursor = cursor
        if work.gathered:
            self.on_messages()

    def _wait(self, identity: str, until: int | None) -> None:
        """Look at an alert again at a time (ms); None: not before something happens to it."""
        if until is None:
            self._again.pop(identity, None)
        elif self._again.get(identity) != until:
            self._again[identity] = until
            heapq.heappush(self._due, (until, identity))

    def _work(self) -> Work:
        return Work(self._clock.now(), trusted=self._clock.trusted())
