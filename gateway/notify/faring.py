"""How a channel fares: when it is tried again, and since when nothing goes out by it.

All waiting is by the monotonic clock: our own may be set by years while something waits.
"""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

import msgspec
import structlog

if TYPE_CHECKING:
    from random import Random

    from gateway.clock import Clock
    from gateway.notify.message import Message
    from gateway.notify.outbox import Attempt, Standing

log = structlog.get_logger()

FIRST, LONGEST = 2_000, 300_000
"""ms between attempts: doubling, capped."""
UNHEARD = 60_000
"""A channel by which nothing goes out for so many ms is an alert."""


class Faring:
    """Of one channel."""

    def __init__(
        self, name: str, standing: Standing, clock: Clock, random: Random | None = None
    ) -> None:
        """`standing` is what the last run left."""
        self.standing = standing
        self.failures = 0
        """Attempts that failed since the last that did not."""
        self.tried: dict[str, int] = {}
        """Messages that failed, and when they were last tried, monotonic ms."""
        self.alone: set[str] = set()
        """Messages that fail although others went through since they failed before."""
        self._name = name
        self._clock = clock
        self._random = random or SystemRandom()
        self._rests = 0
        self._resting: dict[str, int] = {}
        # An outage goes on where it was: the alert about it is open already.
        self._failing = None if standing.failing is None else clock.monotonic() - UNHEARD
        self._lost = False
        self._failed: dict[str, int] = {}
        self._success: int | None = None

    @property
    def problem(self) -> str | None:
        """Why people are not told, None while nothing is known to be wrong."""
        now = self._clock.monotonic()
        long = self._failing is not None and now - self._failing >= UNHEARD
        return self.standing.problem if long or self._lost else None

    @property
    def rests(self) -> bool:
        """Whether nothing is tried now."""
        return self._clock.monotonic() < self._rests

    def resting(self) -> set[str]:
        """Return the messages that are not tried now."""
        now = self._clock.monotonic()
        return {one for one, until in self._resting.items() if until > now}

    def hurry(self) -> None:
        """Try again now."""
        self._rests = 0
        self._resting.clear()

    def note(self, message: Message, attempt: Attempt, tries: int, after: float) -> int:
        """Learn from an attempt; return when it is tried again (ms since 1970), 0 if it is not.

        `tries`: how often the message was tried before; `after`: seconds that the other side asks
        to be left alone.
        """
        if attempt.outcome == "sent":
            self._sent(message, attempt)
            return 0
        known = self._clock.monotonic()
        if attempt.outcome == "refused":
            self.ended([message.id])
            self.lost(attempt.detail, attempt.at)
            return 0
        if not self.failures:
            log.warning("a channel does not send", channel=self._name, problem=attempt.detail)
        least = int(after * 1000)
        self._rests = known + max(self._delay(self.failures), least)
        rest = max(self._delay(tries), least)
        self._resting[message.id] = known + rest
        self.tried[message.id] = known
        before = self._failed.get(message.id)
        if before is not None and self._success is not None and before <= self._success:
            self.alone.add(message.id)
        self._failed[message.id] = known
        self.failures += 1
        self._failing = known if self._failing is None else self._failing
        self._stand(attempt.detail, attempt.at)
        return self._clock.now() + rest

    def lost(self, problem: str, at: int) -> None:
        """Learn that people will never get a message: that is told at once."""
        log.error("a message did not get through", channel=self._name, problem=problem)
        self._lost = True
        self._stand(problem, at)

    def ended(self, identities: list[str]) -> None:
        """Learn that messages are not tried any more."""
        for identity in identities:
            self._resting.pop(identity, None)
            self.tried.pop(identity, None)
            self._failed.pop(identity, None)
            self.alone.discard(identity)

    def _sent(self, message: Message, attempt: Attempt) -> None:
        if self.failures:
            log.warning("a channel sends again", channel=self._name, failed=self.failures)
        if len(self._resting) > 1:
            # Several failed: it was the channel, and not one message of them.
            self._resting.clear()
            self.tried.clear()
        self.ended([message.id])
        self._success = self._clock.monotonic()
        self.failures, self._rests, self._failing, self._lost = 0, 0, None, False
        self.standing = msgspec.structs.replace(
            self.standing,
            success=attempt.at,
            test=attempt.at if message.test else self.standing.test,
            failing=None,
            problem="",
        )

    def _stand(self, problem: str, at: int) -> None:
        since = self.standing.failing or at
        self.standing = msgspec.structs.replace(self.standing, failing=since, problem=problem)

    def _delay(self, failures: int) -> int:
        """Return how long (ms) to rest after so many failures: many must not come all at once."""
        return int(min(FIRST * 2 ** min(failures, 20), LONGEST) * self._random.uniform(0.5, 1.0))
