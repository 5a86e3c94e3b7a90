"""Where logs go and what they look like: for people, for programs, for systemd's journal.

Every line passes the same way: its time and level, no secret, no text without an end, no flood.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

import structlog

from gateway.logs.flood import Flood
from gateway.logs.libraries import listen_to_libraries
from gateway.logs.plain import Plain
from gateway.logs.secret_words import Hidden
from gateway.settings.log import Log

if TYPE_CHECKING:
    from structlog.typing import Processor

    from gateway.settings import Settings


def configure(stream: TextIO, settings: Settings | None = None, *, quiet: bool = False) -> Hidden:
    """Send logs to `stream`, `quiet` only warnings. None holds a payload or a secret.

    `settings` say the level and the form, and which secrets must never be seen: what is returned
    is told of others.
    """
    section = settings.log if settings is not None else Log()
    people = stream.isatty()
    text = people if section.format == "auto" else section.format == "text"
    journal = is_journal(stream)
    hidden = Hidden(settings)
    flood = Flood(
        _renderer(text=text, coloured=people),
        limit=section.rate,
        now=time.monotonic,
        prefixed=journal,
    )
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        hidden,
        flood,
    ]
    if not (text and journal):  # the journal has a time of its own
        processors.insert(1, structlog.processors.TimeStamper(fmt="iso", utc=not people))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning" if quiet else section.level),
        processors=processors,
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    listen_to_libraries()
    return hidden


def _renderer(*, text: bool, coloured: bool) -> Processor:
    return Plain(coloured=coloured) if text else structlog.processors.JSONRenderer()


def is_journal(stream: TextIO) -> bool:
    """Whether a stream goes to systemd's journal: it names the one that it gave us."""
    named = os.environ.get("JOURNAL_STREAM", "")
    if not named:
        return False
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return False  # such as a text in memory, which is no file
    return named == f"{found.st_dev}:{found.st_ino}"
