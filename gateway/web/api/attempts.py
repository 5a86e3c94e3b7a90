"""How many messages channels have sent, and how many attempts failed: counted as they are recorded.

The record is pruned, so it is counted once and then only what is new: a counter never falls.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.web.files import Files


class Attempts:
    """Counts attempts by channel. `look` with files of one thread alone."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._seen = 0

    def look(self, files: Files) -> None:
        """Count what is new. Raises DiskError."""
        newest = int(files.state.rows("SELECT ifnull(max(number), 0) FROM attempt")[0][0])
        rows = files.state.rows(
            "SELECT channel, outcome = 'sent', count(*) FROM attempt "
            "JOIN message ON message.id = attempt.message "
            "WHERE number > ? AND number <= ? GROUP BY 1, 2",
            (self._seen, newest),
        )
        for channel, sent, count in rows:
            (self.sent if sent else self.failed)[channel] += count
        self._seen = newest
