"""What every way in has in common: its name, how it fares, and when people are told."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec
import structlog

from gateway.database import FileError
from rules.duration import MINUTE

if TYPE_CHECKING:
    from gateway.clock import Clock

log = structlog.get_logger()

PATIENCE = 5 * MINUTE
"""For how long (ms) something may fail before people are told of it."""
INTERVALS = 3
"""And how often in a row it must at least have been tried."""
AGAIN = 30.0
"""Seconds until what broke off is tried again."""


class Report(msgspec.Struct, frozen=True):
    """How a way in fares, for status and page. Times are ms since 1970, UTC."""

    name: str
    """As its readings name their source: poll:cold-store."""
    well: bool
    since: int
    """Since when it has been so."""
    reason: str
    """What is wrong, and what to do; empty where it is well."""
    last: int | None
    """When something came last."""
    readings: int
    """How many came since the start."""
    rejected: int
    """How many messages went to the quarantine since the start."""


class Fare:
    """How one way in fares: a single failure is shown, a lasting one is told."""

    def __init__(self, name: str, every: int, clock: Clock) -> None:
        """`every`: how often (ms) it is tried."""
        self._name = name
        self._clock = clock
        self._patience = max(PATIENCE, INTERVALS * every)
        self._began = clock.monotonic()
        self._since = clock.now()
        self._reason = ""
        self._last: int | None = None
        self._readings = self._rejected = 0
        self._broke: set[type[Exception]] = set()

    def came(self, readings: int, rejected: int = 0) -> None:
        """Know that something came and is on the disk."""
        self._readings += readings
        self._rejected += rejected
        self._last = self._clock.now()

    def well(self) -> None:
        """Know that it goes well."""
        if self._reason:
            log.info("a way in is well again", way=self._name)
            self._turn("")
        self._broke.clear()

    def failed(self, problem: str, cure: str = "") -> None:
        """Know that it does not go well. The reason may change while it lasts."""
        reason = f"{problem}. {cure}" if cure else problem
        if not self._reason:
            log.warning("a way in fails", way=self._name, problem=reason)
            self._turn(reason)
        self._reason = reason

    def broke(self, error: Exception) -> None:
        """Know of an error that nobody foresaw. The log says once where it was."""
        kind = type(error)
        if kind not in self._broke:
            self._broke.add(kind)
            log.error("a way in broke off", way=self._name, exc_info=error)
        self.failed(
            f"it broke off, which nobody foresaw ({kind.__name__})",
            "Look into the log, and compare the section of the settings; it is tried again",
        )

    def _turn(self, reason: str) -> None:
        self._reason = reason
        self._began = self._clock.monotonic()
        self._since = self._clock.now()

    @property
    def problem(self) -> str | None:
        """What people are to be told is wrong."""
        lasts = self._clock.monotonic() - self._began
        if not self._reason or lasts < self._patience:
            return None
        return f"{self._name}: {self._reason}"

    @property
    def report(self) -> Report:
        """How it fares at this moment."""
        return Report(
            name=self._name,
            well=not self._reason,
            since=self._since,
            reason=self._reason,
            last=self._last,
            readings=self._readings,
            rejected=self._rejected,
        )


class Way(ABC):
    """A way in, made by `ways`."""

    def __init__(self, name: str, every: int, clock: Clock) -> None:
        """`name`: as its readings name their source. `every`: how often (ms) it is tried."""
        self.name = name
        self._fare = Fare(name, every, clock)

    @property
    def problem(self) -> str | None:
        """What people are to be told is wrong: it has lasted a while. None where nothing is."""
        return self._fare.problem

    @property
    def report(self) -> Report:
        """How it fares at this moment."""
        return self._fare.report

    async def run(self) -> None:
        """Take in what comes, for ever, until cancelled. Raises FileError.

        An error that nobody foresaw costs this way a while, and the others nothing: what a service
        or a device answers must never end the gateway.
        """
        while True:
            try:
                await self._take_in()
            except FileError:
                # A file of ours that must not be used ends the gateway, whoever notices it.
                raise
            except Exception as error:  # noqa: BLE001 - nobody foresaw it; it is told, logged and tried again
                self._fare.broke(error)
            await asyncio.sleep(AGAIN)

    @abstractmethod
    async def _take_in(self) -> None:
        """Take in what comes, for ever."""
