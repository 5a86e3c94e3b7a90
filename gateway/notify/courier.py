"""A courier: brings the messages of one channel to people, one at a time, whatever happens.

What must hold: a message is sent at least once and its end is on record, also when we are killed at
any point (what was sent and not recorded is sent again, with the same id); of one alert the
messages go out in order; a message that the other side never takes holds up none that is about
something else; and a channel that is dead costs one attempt every few minutes and one line of log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from gateway.database import DiskError, FileError
from gateway.notify.channel import NotSentError
from gateway.notify.faring import Faring
from gateway.notify.outbox import Attempt, Standing
from gateway.notify.queue import needless, next_of
from gateway.notify.wording import OVER

if TYPE_CHECKING:
    from random import Random

    from gateway.clock import Clock
    from gateway.notify.channel import Channel
    from gateway.notify.message import Message
    from gateway.notify.outbox import Kept, Outbox, Outcome
    from gateway.state import State

log = structlog.get_logger()

PATIENCE = 120.0
"""Seconds after which an attempt is left, whatever the channel itself says of its time."""
POLL = 1.0
"""Seconds between looks for messages."""
LOOK = 400
"""Messages that are looked at for the next one to send."""
DIRECT = 100
"""Messages that can wait in memory while state.db takes no writes."""


class Courier:
    """Sends by one channel."""

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        clock: Clock,
        *,
        give_up: int,
        random: Random | None = None,
    ) -> None:
        """`give_up`: ms that a message is tried."""
        self.name = channel.name
        self._channel = channel
        self._outbox = outbox
        self._state: State = outbox.state
        self._clock = clock
        self._give_up = give_up
        self._woken = asyncio.Event()
        self._direct: deque[Message] = deque(maxlen=DIRECT)
        self._told: set[str] = set()
        """Ids of what went out while nothing could be recorded."""
        self._unrecorded: deque[tuple[str, Attempt, int]] = deque()
        self._unrecordable = False
        standing = outbox.standings().get(self.name) or Standing(since=clock.now())
        self._faring = Faring(self.name, standing, clock, random)

    @property
    def standing(self) -> Standing:
        """How the channel fares."""
        return self._faring.standing

    @property
    def problem(self) -> str | None:
        """Why people are not told by this channel, None while nothing is known to be wrong."""
        return self._faring.problem or self._channel.remark or None

    def wake(self) -> None:
        """Look for messages now."""
        self._woken.set()

    def hurry(self) -> None:
        """Try now, also where the last attempt has just failed."""
        self._faring.hurry()
        self.wake()

    def tell(self, message: Message) -> None:
        """Send without the outbox, which cannot be written now."""
        if message.id not in self._told and all(one.id != message.id for one in self._direct):
            self._direct.append(message)
            self.wake()

    async def run(self) -> None:
        """Send whatever there is, for ever."""
        told = ""
        while True:
            self._woken.clear()
            try:
                busy, told = await self.step(), ""
            except (DiskError, FileError) as error:
                # Whoever watches the disk tells of it; the same is read again.
                if str(error) != told:
                    told = str(error)
                    log.warning("messages cannot be read", channel=self.name, problem=told)
                busy = False
            if not busy:
                await self._pause()

    async def _pause(self) -> None:
        waiting = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait([waiting], timeout=POLL)
        finally:
            waiting.cancel()

    async def step(self) -> bool:
        """Do the next thing there is to do now; say whether there was one.

        Raises DiskError, FileError.
        """
        recorded = await self._record()
        if self._faring.rests:
            return False
        if self._direct:
            await self._tell_directly()
            return True
        kept = await self._choose() if recorded else None
        if kept is None:
            return False
        message = kept.message
        if message.id in self._told:
            self._told.discard(message.id)
            said = "sent already, while nothing could be recorded"
            self._unrecorded.append((message.id, Attempt(self._clock.now(), 0, "sent", said), 0))
        else:
            attempt, after = await self._attempt(message)
            due = self._faring.note(message, attempt, kept.tries, after)
            self._unrecorded.append((message.id, attempt, due))
        await self._record()
        return True

    # -- what is next ------------------------------------------------------------------------

    async def _choose(self) -> Kept | None:
        """Return the message to send now; those that need not be sent any more are ended."""
        waiting = self._outbox.waiting(self.name, LOOK)
        if not waiting:
            return None
        ended = await self._end(waiting)
        left = [one for one in waiting if one.message.id not in ended]
        return next_of(left, self._faring.resting(), self._faring.tried)

    async def _end(self, waiting: list[Kept]) -> set[str]:
        """End what a later message made needless, and what was tried for too long."""
        now = self._clock.now()
        superseded = needless(waiting)
        old = [one for one in self._too_old(waiting, now) if one.message.id not in superseded]
        gone = [one.message.id for one in old]
        if not superseded and not old:
            return set()
        async with self._state.writing():
            self._outbox.end(superseded, "superseded", "a later message says more", now)
            for one in old:
                why = one.problem or self.standing.problem
                self._outbox.end([one.message.id], "given up", why, now)
        self._faring.ended([*superseded, *gone])
        if old:
            self._faring.lost(f"{len(old)} given up: {self.standing.problem}", now)
        return {*superseded, *gone}

    def _too_old(self, waiting: list[Kept], now: int) -> list[Kept]:
        """Return what was not sent for so long that it is given up.

        Not what tells of an alert that still stands, of which nobody may know; but a message that
        fails alone must not hold up for ever what else there is about its alerts. After a start, or
        a success, the oldest is tried first, however old: we may have been
        switched off all the while.
        """
        faring, longest = self._faring, self._give_up
        late = [one for one in waiting if now - one.message.made >= longest]
        late = [one for one in late if faring.failures or one.message.id in faring.tried]
        late = [
            one for one in late if one.message.id in faring.alone or not self._stands(one.message)
        ]
        if not late:
            return []
        # Times before our clock was set cannot be compared with those after.
        rows = self._state.rows(
            "SELECT wall FROM clock WHERE moved <> 0 ORDER BY number DESC LIMIT 1"
        )
        since = int(rows[0][0]) if rows else 0
        return [one for one in late if now - max(one.message.made, since) >= longest]

    def _stands(self, message: Message) -> bool:
        return any(
            line.occasion not in OVER
            and (alert := self._state.alert(line.alert.id)) is not None
            and alert.ended is None
            for line in message.lines
        )

    # -- sending -----------------------------------------------------------------------------

    async def _attempt(self, message: Message) -> tuple[Attempt, float]:
        """Send; return what came of it, and for how many seconds the other side asks to be left."""
        at, began = self._clock.now(), self._clock.monotonic()
        outcome: Outcome = "again"
        after = 0.0
        try:
            async with asyncio.timeout(PATIENCE):
                detail = await self._channel.send(message)
            outcome = "sent"
        except NotSentError as error:
            detail, after = error.problem, error.after
            outcome = "again" if error.again else "refused"
        except TimeoutError:
            detail = f"no answer within {PATIENCE:g} s"
        except Exception as error:
            # A fault in one channel must not end the intake of readings: it is on record, an alert
            # to all other channels, and tried again.
            log.exception("a fault in a channel", channel=self.name)
            detail = f"a fault of ours ({type(error).__name__}): the log says more"
        return Attempt(at, self._clock.monotonic() - began, outcome, detail), after

    async def _tell_directly(self) -> None:
        message = self._direct[0]
        attempt, after = await self._attempt(message)
        self._faring.note(message, attempt, self._faring.failures, after)
        if attempt.outcome == "again":
            self._direct.rotate(-1)
            return
        # Not there any more, where more came meanwhile than there is room for.
        if message in self._direct:
            self._direct.remove(message)
        log.warning(
            "told without a record", channel=self.name, message=message.id, came=attempt.detail
        )
        if attempt.outcome == "sent":
            self._told.add(message.id)

    async def _record(self) -> bool:
        """Record what was tried; False while the disk does not take it. It is kept until then."""
        while self._unrecorded:
            identity, attempt, due = self._unrecorded[0]
            try:
                async with self._state.writing():
                    self._outbox.note(identity, attempt, due)
                    self._outbox.keep_standing(self.name, self.standing)
            except DiskError as error:
                if not self._unrecordable:
                    log.warning("an attempt waits to be recorded", problem=str(error))
                self._unrecordable = True
                return False
            self._unrecordable = False
            self._unrecorded.popleft()
        return True
