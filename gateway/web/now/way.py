"""The way of a device on the map: where it was, and how it stood there.

`way` is pure: positions and alerts in, lines out. All times are ms since 1970, UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from gateway.downsample import downsample
from gateway.web.told_alert import that_were

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.downsample import Booleans
    from gateway.history.columns import Floats, Integers
    from gateway.history.reader import Series
    from gateway.web.files import Files
    from rules.alert import Alert

WORST = ("critical", "warning", "info")
LATITUDE, LONGITUDE = "latitude", "longitude"


class Fixes(NamedTuple):
    """Positions by time: arrays of equal length."""

    when: Integers
    latitude: Floats
    longitude: Floats


class Stretch(msgspec.Struct, frozen=True):
    """A part of the way in one state, from point to point (latitude, longitude).

    "unknown": nothing was heard in between, so nobody knows where it went.
    """

    state: str
    start: int
    end: int
    points: list[tuple[float, float]]


def fixes(files: Files, device: DeviceKey, start: int, end: int) -> Fixes:
    """Return where a device was in start ≤ t < end, or those that it replaced.

    Maintenance does not count: it is there nevertheless. Raises DamagedHistoryError.
    """
    parts = []
    for one in files.stays(device, start, end):
        begin, until = one.since, one.until or end
        north = files.series(one.device, LATITUDE, begin, until)
        if len(north.when):
            parts.append(together(north, files.series(one.device, LONGITUDE, begin, until)))
    if not parts:
        nowhere = np.zeros(0)
        return Fixes(nowhere.astype(np.int64), nowhere, nowhere)
    return Fixes(*map(np.concatenate, zip(*parts, strict=True)))


def together(north: Series, east: Series) -> Fixes:
    """Return the positions whose latitude and longitude are both there and can be true."""
    usable = [one.usable & np.isfinite(one.values) for one in (north, east)]
    times, first, second = np.intersect1d(
        north.when[usable[0]], east.when[usable[1]], return_indices=True
    )
    return Fixes(times, north.values[usable[0]][first], east.values[usable[1]][second])


def way(found: Fixes, alerts: Sequence[Alert], hold: int, points: int) -> list[Stretch]:
    """Return the way as lines of at most about `points` points.

    Its ends, turns to all sides, and places where an alert began or ended are there. `hold`: after
    so long without a position nobody knows.
    """
    if not len(found.when):
        return []
    alerts = that_were(alerts)
    kept = _kept(found, alerts, points)
    when = found.when[kept]
    places = list(zip(found.latitude[kept].tolist(), found.longitude[kept].tolist(), strict=True))
    silent = _silent(found.when, when, hold)
    states = [
        "unknown" if quiet else _state(alerts, at)
        for at, quiet in zip(when.tolist(), silent, strict=False)
    ]
    stretches: list[Stretch] = []
    first = 0
    for index in range(1, len(states) + 1):
        if index < len(states) and states[index] == states[first]:
            continue
        if states:
            start, end = int(when[first]), int(when[index])
            stretches.append(Stretch(states[first], start, end, places[first : index + 1]))
        first = index
    if not stretches:
        moment = int(when[0])
        stretches = [Stretch(_state(alerts, moment), moment, moment, places)]
    return stretches


def _kept(found: Fixes, alerts: Sequence[Alert], points: int) -> Integers:
    """Return which positions are drawn."""
    when = found.when
    start, end = int(when[0]), int(when[-1]) + 1
    everywhere: Booleans = np.ones(len(when), np.bool_)
    parts = [np.array([0, len(when) - 1])]
    for values in (found.latitude, found.longitude):
        drawn = downsample(when, values, everywhere, start, end, points // 2)
        parts.append(np.searchsorted(when, drawn.t))
    edges = [one for alert in alerts for one in (alert.began, alert.ended or end)]
    parts.append(np.clip(np.searchsorted(when, np.array(edges, np.int64)), 0, len(when) - 1))
    return np.unique(np.concatenate(parts)).astype(np.int64)


def _silent(when: Integers, drawn: Integers, hold: int) -> list[bool]:
    """Return for each piece between two drawn positions whether nothing was heard for too long."""
    gaps = when[:-1][np.diff(when) > hold]
    before, after = (np.searchsorted(gaps, one, side="left") for one in (drawn[:-1], drawn[1:]))
    return [bool(one) for one in after > before]


def _state(alerts: Sequence[Alert], at: int) -> str:
    open_then = {
        one.severity for one in alerts if one.began <= at and (one.ended is None or at < one.ended)
    }
    return next((severity for severity in WORST if severity in open_then), "ok")
