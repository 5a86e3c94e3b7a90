"""Whatever answers questions about one of our files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Rows(Protocol):
    """A file of ours that can be read: by the gateway that writes it, or by the page beside it."""

    def rows(self, statement: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a statement finds of what is committed. Raises FileError, DiskError."""
        ...
