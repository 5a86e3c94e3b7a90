"""Lines to one server, by what it answers.

Nothing is given up on a server's word: a batch that it refuses is sent again in halves, until
the one bad line is alone. Parts of a refused batch may have been stored; to store a line again
changes nothing, since its tags and its time are the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gateway.aside import aside
from gateway.follow import RetryLater
from gateway.influxdb.server import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.influxdb.server import Server
    from gateway.pace import Pace

BATCH = 5_000
"""Lines in one request: what a server takes well."""
FEWEST = 100
"""Lines in one request however slow the line is."""
PATIENCE = 60_000
"""A server that is away for so many ms is told of; one that refuses us, at once."""
FITS = 100
"""After so many bodies of the most that fitted, more is tried: whoever set a limit may lift it."""
LATER = frozenset({Verdict.LATER, Verdict.SLOW, Verdict.GONE})
"""Nothing is known of the lines: all of them once more, after a while."""
_FOR_GOOD = ("401", "403", "404")
"""Answers that do not pass by themselves."""
_TOO_OLD = re.compile(r"(beyond|outside) retention policy")


class Refused(NamedTuple):
    """A line that the server does not take: its place among those delivered, and the reason."""

    place: int
    reason: str


class Delivery:
    """One server: how lines get there, and how it stands with it."""

    def __init__(self, name: str, server: Server, pace: Pace, clock: Clock) -> None:
        self.name = name
        self._server = server
        self._pace = pace
        self._clock = clock
        self._failing_since: int | None = None
        self._certain = False
        self.reason = ""
        """Why nothing can be delivered now, and what to do; empty while it can."""
        self._limit = BATCH
        """Lines that the server takes at a time, as far as is known."""
        self._fitted = 0
        """How often as many as `_limit` were taken."""
        self._silent_until = 0
        """By the monotonic clock (ms): until then the server asked to be left alone."""
        self.most = BATCH
        """Lines to send at a time: fewer where the line is slow."""
        self.written = 0
        """Lines that the server took since the start."""
        self.expired = 0
        """Lines older than what the server keeps: it did not take them, and would have dropped
        them."""
        self.returns = 0
        """How often the server came back after it was gone, since the start."""
        self._gone = False
        self.last: int | None = None
        """When it last took something (ms)."""

    @property
    def well(self) -> bool:
        """Whether the last attempt succeeded, or none was made."""
        return not self.reason

    @property
    def problem(self) -> str | None:
        """What people should be told of this server."""
        if self._failing_since is None:
            return None
        if not self._certain and self._clock.monotonic() - self._failing_since < PATIENCE:
            return None
        return self.reason

    async def deliver(self, lines: Sequence[bytes]) -> list[Refused]:
        """Return when every line is stored or refused; say which were refused, and why.

        Raises RetryLater: some may be stored, and all have to be delivered again. So it does at
        once while the server has asked to be left alone, whoever was told so.
        """
        silent = self._silent_until - self._clock.monotonic()
        if silent > 0:
            raise RetryLater(f"{self.name}: {self.reason}", silent / 1000)
        refused: list[Refused] = []
        begin = 0
        while begin < len(lines):
            # Looked up each time: `most` changes with what the server takes.
            part = lines[begin : begin + self.most]
            refused += await self._send(part, range(begin, begin + len(part)))
            begin += len(part)
        return refused

    async def _send(self, lines: Sequence[bytes], places: Sequence[int]) -> list[Refused]:
        answer = await self._write(lines)
        if answer.verdict is Verdict.WRITTEN:
            self.written += len(lines)
            self._grow(len(lines))
            return []
        if answer.verdict is Verdict.SLOW:
            # A thin line may take a smaller part in time.
            self.most = max(FEWEST, self.most // 2)
        later = answer.verdict in LATER
        if later or (answer.verdict is Verdict.RESET and len(lines) == 1):
            raise self._later(answer)
        if len(lines) == 1:
            if _TOO_OLD.search(answer.reason):
                self.expired += 1
                return []
            return [Refused(places[0], answer.reason)]
        if answer.verdict is Verdict.TOO_LARGE:
            self.most = self._limit = max(1, min(self.most, len(lines) // 2))
            self._fitted = 0
        elif answer.verdict is Verdict.REFUSED and _TOO_OLD.search(answer.reason):
            young = await self._young(lines)
            if len(young) < len(lines):
                self.expired += len(lines) - len(young)
                if not young:
                    return []
                return await self._send([lines[i] for i in young], [places[i] for i in young])
        half = len(lines) // 2
        refused = await self._send(lines[:half], places[:half])
        return refused + await self._send(lines[half:], places[half:])

    def _grow(self, count: int) -> None:
        """Send more at a time, where so many lines were taken well."""
        self._fitted += count >= self._limit
        if self._fitted >= FITS:
            self._limit, self._fitted = min(2 * self._limit, BATCH), 0
        self.most = min(self._limit, 2 * self.most)

    async def _young(self, lines: Sequence[bytes]) -> list[int]:
        """Return the places of the lines that the server is not too young for, in order.

        One line after the other would be thousands of requests where an old logger was read in;
        by halving between the newest and the oldest it is a dozen.
        """
        by_age = sorted(range(len(lines)), key=lambda i: int(lines[i].rpartition(b" ")[2]))
        low, high = 0, len(by_age)
        while low < high:
            middle = (low + high) // 2
            answer = await self._write([lines[by_age[middle]]])
            if answer.verdict in LATER:
                raise self._later(answer)
            if answer.verdict is Verdict.REFUSED and _TOO_OLD.search(answer.reason):
                low = middle + 1
            else:
                high = middle
        return sorted(by_age[low:])

    async def _write(self, lines: Sequence[bytes]) -> Answer:
        body = b"\n".join(lines)

        def write() -> Answer:
            with self._pace.working():
                return self._server.write(body)

        answer = await aside(write)
        if answer.verdict in {Verdict.WRITTEN, Verdict.REFUSED, Verdict.TOO_LARGE}:
            # It answers, and takes us for one who may write.
            self._failing_since, self._certain, self.reason = None, False, ""
            self.last = self._clock.now()
            self.returns += self._gone
            self._gone = False
        elif answer.verdict is Verdict.GONE:
            self._gone = True
        return answer

    def _later(self, answer: Answer) -> RetryLater:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        self._silent_until = self._clock.monotonic() + int(1000 * answer.after)
        self._certain = answer.reason.startswith(_FOR_GOOD)
        self.reason = f"{answer.reason}. {answer.cure}".rstrip(". ")
        return RetryLater(f"{self.name}: {self.reason}", answer.after)
