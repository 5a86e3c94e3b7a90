"""How connections ended that ended without a good-bye: who, when, why, and with what will."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.journal import Journal

KEPT = 10_000
"""Of so many it is known; the oldest go."""


class End(NamedTuple):
    """One end: `at` in ms since 1970, UTC; `will` is the topic of what was said then, or None."""

    at: int
    principal: str
    client: str
    address: str
    why: str
    will: str | None


def note(end: End) -> Callable[[Journal], None]:
    """Return what records an end."""

    def stage(journal: Journal) -> None:
        columns = "at, principal, client, address, why, will"
        journal.stage(f"INSERT INTO ended ({columns}) VALUES (?,?,?,?,?,?)", [end])  # noqa: S608 - constant
        journal.stage(
            "DELETE FROM ended WHERE number <= (SELECT max(number) FROM ended) - ?", [(KEPT,)]
        )

    return stage


def last_ends(journal: Journal) -> dict[str, End]:
    """Return the last end of each principal, by its name."""
    rows = journal.rows(
        "SELECT at, principal, client, address, why, will FROM ended "
        "WHERE number IN (SELECT max(number) FROM ended GROUP BY principal)"
    )
    return {row[1]: End(*row) for row in rows}
