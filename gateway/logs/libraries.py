"""What libraries log in their own way becomes lines of ours: their warnings, one line each."""

from __future__ import annotations

import logging

import structlog

log = structlog.get_logger()


class Libraries(logging.Handler):
    """Takes what Python's own logging is given."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as ours, by the library's name: its words may differ each time."""
        facts = {"says": record.getMessage(), "exc_info": record.exc_info}
        if record.levelno >= logging.ERROR:
            log.error(record.name, **facts)
        else:
            log.warning(record.name, **facts)


def listen_to_libraries() -> None:
    """Have them heard from now on, once however often this is called."""
    root = logging.getLogger()
    if not any(isinstance(one, Libraries) for one in root.handlers):
        root.addHandler(Libraries(logging.WARNING))
