"""Text exports of USB loggers. Every kind of file is one module, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import DecodeError
from devices.loggers.berlinger import BERLINGER
from devices.loggers.file import Logger, LoggerFile, Request, text_of
from devices.loggers.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

LOGGERS: tuple[Logger, ...] = (BERLINGER, TABLE)
"""In the order in which they are asked; the table takes what nobody else knows."""


def recognise(name: str, content: bytes) -> Logger | None:
    """Return the kind of a file, None if nobody knows it. Raises DecodeError if it is not text."""
    text = text_of(content)
    return next((logger for logger in LOGGERS if logger.recognises(name, text)), None)


def read(  # noqa: PLR0913 - all that a file cannot say itself
    name: str,
    content: bytes,
    *,
    received: int,
    owner: str = "",
    zone: tzinfo | None = None,
    device: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> LoggerFile:
    """Read a logger's file. See Request for what is asked. Raises DecodeError and nothing else."""
    text = text_of(content)
    if not text.strip():
        raise DecodeError("empty", f"{name}: the file is empty", "Export the data again")
    logger = recognise(name, content)
    if logger is None:
        raise DecodeError(
            "unknown-file",
            f"{name} is not {' or '.join(each.title for each in LOGGERS)}",
            "Export the logger's data as CSV, and let the file's name end in .csv",
        )
    request = Request(
        received=received, owner=owner, zone=zone, device=device, columns=dict(columns or {})
    )
    return logger.read(name, text, request)
