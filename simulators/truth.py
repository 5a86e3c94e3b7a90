"""The ground truth beside what is sent: what really was, what was wrong, which limit was crossed.

Told as JSON lines. Between two steps of the physics everything is taken to change evenly, so a
crossing has a time of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.faults import Fault
from simulators.roster import Roster
from simulators.scenario import Limit
from simulators.sources import SOURCES

Floats = NDArray[np.float64]
FOREVER = 1 << 62
"""ms since 1970 that nothing reaches."""
TOLD = tuple(name for name in SOURCES if name != "battery")
"""What a row tells of an asset, besides the state of its unit: a battery is a device's."""


class Crossing(NamedTuple):
    """A limit is truly crossed, at `at` (ms since 1970).

    `exceeded`: it has been beyond for as long as the limit allows.
    """

    limit: str
    asset: str
    at: int
    what: Literal["beyond", "exceeded", "back"]


class Row(NamedTuple):
    """All assets at one time: `values` is [source, asset], the others have one for each asset."""

    at: int
    values: Floats
    duty: Floats
    defrosting: NDArray[np.bool_]


class _Watch:
    """One limit on all assets that it is on."""

    def __init__(self, limit: Limit, roster: Roster) -> None:
        self._limit = limit
        self._where = roster.assets_called(limit.on)
        self._names = [roster.assets[place].name for place in self._where.tolist()]
        self._source = SOURCES.index(limit.of)
        self._beyond = np.zeros(len(self._where), dtype=bool)
        self._since: dict[int, int] = {}
        """Since when it is beyond, by the asset's place here; not there once it is exceeded."""

    def look(self, begin: int, end: int, before: Floats, after: Floats) -> Iterator[Crossing]:
        """Yield what happened from `begin` to `end`; both truths are [source, asset]."""
        limit = self._limit
        border = limit.above if limit.above is not None else limit.below
        assert border is not None, "the checks of a scenario see to it"  # noqa: S101
        now = after[self._source, self._where]
        beyond = now > border if limit.above is not None else now < border
        for place in np.flatnonzero(beyond != self._beyond).tolist():
            was = before[self._source, self._where[place]]
            apart = now[place] - was
            part = min(1.0, max(0.0, (border - was) / apart)) if apart else 0.0
            at = begin + round(float(part) * (end - begin))
            if beyond[place]:
                self._since[place] = at
                yield Crossing(limit.name, self._names[place], at, "beyond")
            else:
                if (full := self._since.pop(place, FOREVER) + limit.lasts) <= at:
                    yield Crossing(limit.name, self._names[place], full, "exceeded")
                yield Crossing(limit.name, self._names[place], at, "back")
        self._beyond = beyond
        for place, since in list(self._since.items()):
            if since + limit.lasts <= end:
                del self._since[place]
                yield Crossing(limit.name, self._names[place], since + limit.lasts, "exceeded")


class Truth:
    """What really was, kept until it is taken."""

    def __init__(self, roster: Roster, limits: Sequence[Limit], faults: Sequence[Fault]) -> None:
        self.faults = faults
        """All faults of the scenario, past and future."""
        self.crossings: list[Crossing] = []
        """All crossings so far."""
        self.rows: list[Row] = []
        """Since they were last taken."""
        self._roster = roster
        self._watches = [_Watch(limit, roster) for limit in limits]
        self._told = 0
        self._faults_told = False

    def look(self, begin: int, end: int, before: Floats, after: Floats) -> None:
        """Find what was crossed in a step from `begin` to `end`."""
        for watch in self._watches:
            self.crossings += watch.look(begin, end, before, after)

    def take(self) -> Iterator[bytes]:
        """Yield a JSON line for each fault, once, and for all rows and crossings since the last.

        Lines end with a line feed. `what` is fault, asset or limit; times are RFC 3339.
        """
        if not self._faults_told:
            self._faults_told = True
            yield from (_line(self._fault(fault)) for fault in self.faults)
        rows, self.rows = self.rows, []
        for row in rows:
            yield from (_line(told) for told in self._assets(row))
        told, self._told = self._told, len(self.crossings)
        for crossing in self.crossings[told:]:
            yield _line(
                {
                    "what": "limit",
                    "time": moment(crossing.at),
                    "limit": crossing.limit,
                    "asset": crossing.asset,
                    "is": crossing.what,
                }
            )

    def _fault(self, fault: Fault) -> dict[str, object]:
        known = self._roster.assets if fault.kind.acts_on == "asset" else self._roster.devices
        return {
            "what": "fault",
            "time": moment(fault.begin),
            "until": None if fault.end is None else moment(fault.end),
            "fault": fault.kind.name,
            "on": [known[place].name for place in fault.targets.tolist()],
            "severity": fault.severity,
        }

    def _assets(self, row: Row) -> Iterator[dict[str, object]]:
        time = moment(row.at)
        for place, asset in enumerate(self._roster.assets):
            yield {
                "what": "asset",
                "time": time,
                "asset": asset.name,
                **{name: round(float(row.values[SOURCES.index(name), place]), 4) for name in TOLD},
                "duty": round(float(row.duty[place]), 4),
                "defrosting": bool(row.defrosting[place]),
            }


def moment(at: int) -> str:
    """Return ms since 1970 as RFC 3339."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def _line(content: dict[str, object]) -> bytes:
    return msgspec.json.encode(content) + b"\n"
