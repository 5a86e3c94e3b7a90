"""Two clients with one client id: each that joins throws the other out, again and again.

MQTT 5 has a word for it (0x8E). In MQTT 3.1.1, and with Mosquitto 2.0.11 in both, the connection
just ends, as it also does for other reasons; so it is said as a guess there.
"""

from __future__ import annotations

from collections import deque

TIMES = 3
"""So often within WITHIN seconds is no chance."""
WITHIN = 60.0
OVER = 600.0
"""Seconds without another time, joined, after which it is over."""
LONGEST_DELAY = 300.0
"""Seconds that one who knows of it stays away at most: the other has peace meanwhile."""


class Takeover:
    """Whether a client is being thrown out again and again; times are seconds of any clock."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._times: deque[float] = deque(maxlen=TIMES)
        self._detail = ""
        self.certain = False
        """Whether a broker said that it is another client."""
        self._last: float | None = None
        """When it last happened, of a row that was recognised."""

    def thrown_out(self, now: float, detail: str, *, certain: bool) -> None:
        """Know that a connection ended soon after joining, and why.

        `certain`: the broker says that another client took over.
        """
        self._times.append(now)
        self._detail = detail
        self.certain = certain or (self.certain and self._last is not None)
        row = len(self._times) == TIMES and now - self._times[0] <= WITHIN
        if row or self.named(now) is not None:
            self._last = now

    def unreachable(self) -> None:
        """Know that the broker was away: then it was the end of what came before."""
        self._times.clear()

    def named(self, now: float) -> str | None:
        """Return what is wrong and what to do, None where nothing is or it is over."""
        if self._last is None or now - self._last >= OVER:
            self._last = None
            return None
        mine = self._client_id
        cure = (
            "If this gateway is a copy of another: holdwatch identity new. Else give each a "
            "client_id of its own"
        )
        if self.certain:
            return (
                f"Another client uses the same client id {mine!r}, and takes the session again and "
                f"again: each of the two gets a part of what is sent. {cure}"
            )
        return (
            f"{self._detail}, soon after joining, again and again. If another client uses the same "
            f"client id {mine!r}, it takes the session each time. {cure}"
        )
