"""Logs: for people on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor


def configure(stream: TextIO, *, quiet: bool = False) -> None:
    """Send logs to `stream`, `quiet` only warnings. None holds a payload or a secret."""
    people = stream.isatty()
    last: Processor = (
        structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning" if quiet else "info"),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not people),
            structlog.processors.format_exc_info,
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
