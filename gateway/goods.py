"""The profiles of goods that this gateway knows: those of now, and every version there ever was.

A verdict names the version that it was made by, so that years later all of it can be shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.goods_files import Shelf
from rules.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.state import State


class Goods:
    """Profiles by name, as they were when this was made, and by version, ever."""

    def __init__(self, state: State, folder: Path | None) -> None:
        """Read ours and the folder's own. Raises ProfileError with every mistake of every file."""
        self._state = state
        self._newest = {one.name: one for one in Shelf(folder).all()}
        self._versions = {one.version(): one for one in self._newest.values()}

    def all(self) -> list[Profile]:
        """Return the newest of each, by name."""
        return [self._newest[name] for name in sorted(self._newest)]

    def profile(self, name: str) -> Profile | None:
        """Return the newest of a name, None where there is none."""
        return self._newest.get(name)

    def version(self, version: str) -> Profile | None:
        """Return a profile as it stood, by its version: one of now, or one that ever was.

        What had tests then comes without them: they do not count for judging.
        """
        known = self._versions.get(version)
        if known is None:
            known = stored(self._state, version)
            if known is not None:
                self._versions[version] = known
        return known

    def before(self, name: str, version: str) -> Profile | None:
        """Return the newest recorded profile of a name that is another version, None if none is."""
        rows = self._state.rows(
            "SELECT body FROM profile WHERE name = ? AND version != ? ORDER BY since DESC LIMIT 1",
            (name, version),
        )
        return Profile.model_validate_json(rows[0][0]) if rows else None

    async def adopt(self, now: int) -> None:
        """Record the versions that are new, in force since `now` (ms). Raises DiskError."""
        new = self.new()
        if new:
            async with self._state.writing():
                self.stage(new, now)

    def new(self) -> list[Profile]:
        """Return the versions that were never recorded."""
        return [one for one in self.all() if stored(self._state, one.version()) is None]

    def stage(self, new: Sequence[Profile], now: int) -> None:
        """Stage versions that are in force since `now` (ms)."""
        self._state.stage(
            "INSERT INTO profile VALUES (?,?,?,?)",
            [(one.version(), one.name, now, msgspec.json.encode(one.settings())) for one in new],
        )

    def use(self, other: Goods) -> None:
        """Take the profiles of files that were read anew."""
        self._newest = other._newest
        self._versions |= other._versions


def stored(state: State, version: str) -> Profile | None:
    """Return a version that was recorded, None if it was not."""
    rows = state.rows("SELECT body FROM profile WHERE version = ?", (version,))
    return Profile.model_validate_json(rows[0][0]) if rows else None
