"""What one server refuses: dead letters, written with the cursor behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.database import DiskError, FileError
from gateway.follow import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.state import State

MOST = 10_000
"""Dead letters at most. A server that refuses so much is set up wrongly: it has to be mended."""


class Refusals:
    """The dead letters of one follower."""

    def __init__(self, follower: str, state: State, clock: Clock) -> None:
        self._follower = follower
        self._state = state
        self._clock = clock
        self.stopped = ""
        """Why nothing more is sent: so much lies aside. Empty while it is sent."""
        self.recount()

    def recount(self) -> None:
        """Count them again, and let copying go on: somebody has seen to them."""
        self.count: int = self._state.dead_letters().get(self._follower, 0)
        self.stopped = ""

    def check(self) -> None:
        """Raise RetryLater while copying has stopped, so that a server is not asked in vain."""
        if self.stopped:
            raise RetryLater(self.stopped)

    async def lay_aside(
        self, letters: Sequence[tuple[bytes, str]], with_it: Callable[[], None]
    ) -> None:
        """Write what was refused, each with the reason, and in one transaction what else is staged.

        Those that lie there already, as when a day is sent again, are left out. Raises RetryLater
        where there are too many, or the disk takes none.
        """
        try:
            async with self._state.writing():
                lying = self._state.letters(self._follower, 0, MOST)
                known = {one.body for one in lying}
                fresh = [one for one in letters if one[0] not in known]
                if len(lying) + len(fresh) > MOST:
                    self.stopped = (
                        f"copying has stopped, since {len(lying)} refused points lie aside, and "
                        f"the server refuses more: {fresh[0][1]}"
                    )
                    raise RetryLater(self.stopped)
                self._state.bury(self._follower, fresh, self._clock.now())
                with_it()
        except (DiskError, FileError) as error:
            raise RetryLater(str(error)) from error
        self.count = len(lying) + len(fresh)
