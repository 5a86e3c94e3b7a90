"""Lines for people and for systemd's journal: what others send cannot steer a terminal with them.

A device's name, or an answer of a server, may hold the signs by which a terminal is cleared, its
title changed, or a line made to look like two. As JSON they are written as escapes anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class _Shown:
    """A text that is shown as Python writes it down."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)


class Plain:
    """The renderer of lines as text."""

    def __init__(self, *, coloured: bool) -> None:
        # An exception is in words already: it comes after the secrets were taken out.
        self._render = structlog.dev.ConsoleRenderer(
            colors=coloured, exception_formatter=structlog.dev.plain_traceback
        )

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:  # noqa: ANN401 - as structlog has it
        """Return the line; with an exception, several, of which each but the first is indented."""
        facts = {name: _shown(name, value) for name, value in event.items()}
        return str(self._render(logger, method, facts))


def _shown(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever somebody logs
    if not isinstance(value, str):
        return value
    if name == "exception":
        # Indented, a line in its words is not taken for a line of ours.
        return "\n".join(f"  {_escaped(line)}" for line in value.split("\n"))
    if name == "event":
        return _escaped(value)
    return value if value.isprintable() else _Shown(value)


def _escaped(text: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
