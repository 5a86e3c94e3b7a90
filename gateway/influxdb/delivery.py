"""Lines to one server, by what it answers.

Nothing is given up on a server's word: a batch that it refuses is sent again in halves, until
the one bad line is alone. Parts of a refused batch may have been stored; to store a line again
changes nothing, since its tags and its time are the same.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple

import structlog

from gateway.aside import aside
from gateway.follow import Bell, RetryLater
from gateway.influxdb.server import Answer, Verdict
from rules.duration import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.influxdb.server import Server
    from gateway.pace import Pace

log = structlog.get_logger()

BATCH = 5_000
"""Lines in one request: what a server takes well."""
FEWEST = 100
"""Lines in one request however slow the line is."""
PATIENCE = 60_000
"""A server that is away for so many ms is told of; one that refuses us, at once."""
FITS = 20
"""After so many bodies of the most that fitted, more is tried: whoever set a limit may lift it."""
LONGEST = 120.0
"""Seconds for one request, however steadily a server dribbles its answer."""
LATER = frozenset({Verdict.LATER, Verdict.SLOW, Verdict.GONE})
"""Nothing is known of the lines: all of them once more, after a while."""
_FOR_GOOD = ("401", "403", "404")
"""Answers that do not pass by themselves."""
_TOO_OLD = re.compile(r"(beyond|outside) retention policy")
_OF_LINES = re.compile(
    r"unable to parse|partial write|field type|retention policy|line protocol|missing (field|tag)"
    r"|max-(values|series)|duplicate tag|invalid (number|boolean|tag|field|time)|outside range",
    re.IGNORECASE,
)
"""Words by which servers refuse lines. Other words may be a proxy's, or about the request."""


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
        self.most = BATCH
        """Lines to send at a time: fewer where the server takes no more, or the line is slow."""
        self._fitted = 0
        """How often as many as `most` were taken."""
        self._silent_until = 0
        """By the monotonic clock (ms): until then the server asked to be left alone."""
        self.written = 0
        """Lines that the server took since the start."""
        self.expired = 0
        """Lines older than what the server keeps: it did not take them, and would have dropped
        them."""
        self.returns = 0
        """How often the server came back after it was gone, since the start."""
        self._gone = False
        self._again = Bell()
        """Rung when the server takes something after it did not."""
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
            raise RetryLater(f"{self.name}: {self.reason}", silent / 1000, self._again)
        refused: list[Refused] = []
        begin = 0
        while begin < len(lines):
            # Looked up each time: `most` changes with what the server takes.
            part = lines[begin : begin + self.most]
            try:
                refused += await self._send(part, range(begin, begin + len(part)))
            except _TooSlowError as error:
                # A thin line may take a smaller part in time. What came before it is kept.
                if begin == 0 or len(part) <= FEWEST:
                    raise self._later(error.answer) from None
            else:
                begin += len(part)
        return self._judge(lines, refused)

    def _judge(self, lines: Sequence[bytes], refused: Sequence[Refused]) -> list[Refused]:
        """Return those of the refused lines that are bad; raise RetryLater where that is doubtful.

        A 400 in words that are not about lines, or a 413 for a single line, says nothing of the
        line as long as no other was taken. And what is an hour old is too old for no InfluxDB:
        then the server's clock is wrong, or ours.
        """
        old = [one for one in refused if _TOO_OLD.search(one.reason)]
        bad = [one for one in refused if not _TOO_OLD.search(one.reason)]
        newest = max((_time(lines[one.place]) for one in old), default=0)
        if newest > (self._clock.now() - HOUR) * 1_000_000:
            raise self._doubt(
                "what was measured in the last hour is older than it keeps, it says. Its clock "
                "or this one is wrong"
            )
        doubtful = [one for one in bad if not _OF_LINES.search(one.reason)]
        if doubtful and len(refused) == len(lines):
            raise self._doubt(f"it takes nothing: {doubtful[0].reason}")
        if old:
            self.expired += len(old)
            log.warning("older than the server keeps", name=self.name, count=len(old))
        return bad

    async def _send(self, lines: Sequence[bytes], places: Sequence[int]) -> list[Refused]:
        answer = await self._write(lines)
        if answer.verdict is Verdict.WRITTEN:
            self.written += len(lines)
            self.last = self._clock.now()
            self._grow(len(lines))
            return []
        if answer.verdict is Verdict.SLOW:
            self.most, self._fitted = max(FEWEST, self.most // 2), 0
            raise _TooSlowError(answer)
        if answer.verdict in LATER or (answer.verdict is Verdict.RESET and len(lines) == 1):
            raise self._later(answer)
        if len(lines) == 1:
            return [Refused(places[0], answer.reason)]
        if answer.verdict is Verdict.TOO_LARGE:
            self.most, self._fitted = max(1, min(self.most, len(lines) // 2)), 0
        elif answer.verdict is Verdict.REFUSED and _TOO_OLD.search(answer.reason):
            young = await self._young(lines)
            if len(young) < len(lines):
                old = sorted({*range(len(lines))} - {*young})
                refused = [Refused(places[i], answer.reason) for i in old]
                if young:
                    some = [lines[i] for i in young]
                    refused += await self._send(some, [places[i] for i in young])
                return refused
        half = len(lines) // 2
        refused = await self._send(lines[:half], places[:half])
        return refused + await self._send(lines[half:], places[half:])

    def _grow(self, count: int) -> None:
        """Send more at a time, where so many lines were often taken well."""
        self._fitted += count >= self.most
        if self._fitted >= FITS:
            self.most, self._fitted = min(2 * self.most, BATCH), 0

    async def _young(self, lines: Sequence[bytes]) -> list[int]:
        """Return the places of the lines that the server is not too young for, in order.

        One line after the other would be thousands of requests where an old logger was read in;
        by halving between the newest and the oldest it is a dozen.
        """
        by_age = sorted(range(len(lines)), key=lambda i: _time(lines[i]))
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

        try:
            async with asyncio.timeout(LONGEST):
                answer = await aside(write)
        except TimeoutError:
            answer = Answer(Verdict.SLOW, f"its answer had no end within {LONGEST:g} s")
        if answer.verdict in {Verdict.WRITTEN, Verdict.REFUSED, Verdict.TOO_LARGE}:
            # It answers, and takes us for one who may write.
            self.returns += self._gone
            self._gone = False
            if self.reason and self._clock.monotonic() >= self._silent_until:
                self._failing_since, self._certain, self.reason = None, False, ""
                self._again.ring()
        elif answer.verdict is Verdict.GONE:
            self._gone = True
        return answer

    def _doubt(self, reason: str) -> RetryLater:
        later = self._later(Answer(Verdict.LATER, reason))
        self._certain = True
        return later

    def _later(self, answer: Answer) -> RetryLater:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        silent_until = self._clock.monotonic() + int(1000 * answer.after)
        self._silent_until = max(self._silent_until, silent_until)
        self._certain = answer.reason.startswith(_FOR_GOOD)
        self.reason = f"{answer.reason}. {answer.cure}".rstrip(". ")
        return RetryLater(f"{self.name}: {self.reason}", answer.after, self._again)


class _TooSlowError(Exception):
    """There was no answer in time."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def _time(line: bytes) -> int:
    """Return the time of a line's point, in ns."""
    return int(line.rpartition(b" ")[2])
