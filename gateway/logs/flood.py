"""No flood: lines about one thing take so many bytes a minute, and the rest is counted.

Whoever can make us write a line, as by a wrong password, must not fill the disk or wear out an SD
card with it. The first lines are there, one says that more are left out, and how many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

WINDOW = 60.0
"""Seconds over which lines are counted together."""
KINDS = 500
"""Things that are counted apart; what comes beyond is counted as one."""
OTHERS = "others"
NUMBERS = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""A level as systemd's journal knows it."""


class _Window(msgspec.Struct):
    began: float
    size: int = 0
    left_out: int = 0


class Flood:
    """The last step of the log: a line as text, unless there were too many of its kind.

    May be called on any thread.
    """

    def __init__(
        self,
        render: Processor,
        *,
        limit: int,
        now: Callable[[], float],
        prefixed: bool = False,
    ) -> None:
        """`limit`: bytes in a window; `now`: seconds, never set back; `prefixed`: for journald."""
        self._render = render
        self._limit = limit
        self._now = now
        self._prefixed = prefixed
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def __call__(self, logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:  # noqa: ANN401 - as structlog has it
        """Return the line, and before it how many others were left out. Raises DropEvent."""
        with self._lock:
            now, kind = self._now(), str(event.get("event", ""))
            lines = [self._line(logger, told) for told in self._over(now, event)]
            if kind not in self._windows and len(self._windows) >= KINDS:
                kind = OTHERS
            window = self._windows.setdefault(kind, _Window(now))
            facts = dict(event)  # the renderer takes it apart
            line = self._line(logger, facts)
            window.size += len(line.encode(errors="replace")) + 1
            if window.size <= self._limit:
                lines.append(line)
            else:
                window.left_out += 1
                if window.left_out == 1:
                    lines.append(self._line(logger, _told(event, kind)))
        if not lines:
            raise structlog.DropEvent
        return "\n".join(lines)

    def _over(self, now: float, event: MutableMapping[str, Any]) -> list[MutableMapping[str, Any]]:
        """Forget windows that are over; return what is to be told of them."""
        over = {kind: one for kind, one in self._windows.items() if now - one.began >= WINDOW}
        for kind in over:
            del self._windows[kind]
        return [
            _told(event, kind, count=one.left_out) for kind, one in over.items() if one.left_out
        ]

    def _line(self, logger: Any, event: MutableMapping[str, Any]) -> str:  # noqa: ANN401 - as structlog has it
        level = str(event.get("level", "info"))
        line = str(self._render(logger, level, event))
        if not self._prefixed:
            return line
        prefix = f"<{NUMBERS.get(level, NUMBERS['info'])}>"
        return "\n".join(f"{prefix}{part}" for part in line.splitlines())


def _told(
    event: MutableMapping[str, Any], kind: str, count: int | None = None
) -> MutableMapping[str, Any]:
    """Return a line about lines that are left out, at the time of another one."""
    facts: dict[str, Any] = {"of": kind}
    words = "further lines of this kind are left out for a while"
    if count is not None:
        facts["count"], words = count, "lines were left out"
    when = {"timestamp": event["timestamp"]} if "timestamp" in event else {}
    return {**facts, "event": words, "level": "warning", **when}
