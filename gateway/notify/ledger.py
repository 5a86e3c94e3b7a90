"""What was told of each alert by each route: the table `told`, in memory while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.notify.plan import Told, shifted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.state import State

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Told)
OVER = b'"over":true'
"""What stands in a row of which nothing more is told."""
AT_ONCE = 200
"""Rows that are staged before the loop is given back."""

Key = tuple[str, str]
"""An alert's id, and a route's name."""


class Ledger:
    """What was told; those of which nothing more is told are looked up when they are asked for."""

    def __init__(self, state: State, now: int) -> None:
        """Read what goes on. Raises FileError, DiskError."""
        self._state = state
        self._known: dict[str, dict[str, Told]] = {}
        self.unsaved: dict[Key, Told] = {}
        """What is otherwise than in the file because our clock was set."""
        rows = state.rows("SELECT alert, route, body FROM told WHERE instr(body, ?) = 0", (OVER,))
        for alert, route, body in rows:
            told = _decoder.decode(body)
            # Our clock is behind what was noted: count from now what cannot be counted from then.
            latest = max(told.base, told.last, told.waits or 0, told.well or 0)
            if latest > now:
                told = self.unsaved[alert, route] = shifted(told, now - latest)
            self._known.setdefault(alert, {})[route] = told
        for alert in list(self._known):
            self._known[alert] = {**self._read(alert), **self._known[alert]}

    def alerts(self) -> list[str]:
        """Return the alerts of which something may still be told."""
        return list(self._known)

    def going_on(self) -> Iterator[tuple[str, Told]]:
        """Yield the route and what it told, of all that goes on."""
        for routes in self._known.values():
            yield from routes.items()

    def of(self, alert: str) -> dict[str, Told]:
        """Return what was told of an alert, by route; a copy. Raises DiskError."""
        known = self._known.get(alert)
        return dict(known) if known is not None else self._read(alert)

    def shift(self, by: int) -> None:
        """Our clock was set by so many ms: what is waited for comes by the time that passes."""
        for alert, routes in self._known.items():
            for route, told in routes.items():
                if not told.over:
                    routes[route] = self.unsaved[alert, route] = shifted(told, by)

    def stage(self, rows: Mapping[Key, Told]) -> Iterator[None]:
        """Stage what was told; yields where the loop can be given back. Raises DiskError."""
        staged = [(*key, _encoder.encode(told)) for key, told in rows.items()]
        for first in range(0, len(staged), AT_ONCE):
            self._state.stage(
                "INSERT OR REPLACE INTO told VALUES (?,?,?)", staged[first : first + AT_ONCE]
            )
            yield

    def keep(self, rows: Mapping[Key, Told]) -> None:
        """Take up what was committed."""
        for (alert, route), told in rows.items():
            if alert not in self._known:
                self._known[alert] = self._read(alert)
            self._known[alert][route] = told
            self.unsaved.pop((alert, route), None)
        for alert in {alert for alert, _ in rows}:
            if all(told.over for told in self._known[alert].values()):
                del self._known[alert]

    def _read(self, alert: str) -> dict[str, Told]:
        rows = self._state.rows("SELECT route, body FROM told WHERE alert = ?", (alert,))
        return {route: _decoder.decode(body) for route, body in rows}
