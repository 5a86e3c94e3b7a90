"""What was judged on a sensor of which it turned out that it was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.registry.cards import Calibration
    from gateway.state import State


class Doubt(msgspec.Struct, frozen=True):
    """Readings and alerts that rest on a sensor which was off by more than its tolerance.

    They lie between its last good calibration and the one that found it. Times are ms.
    """

    since: int | None
    """When it was last known to be right; None: never."""
    until: int
    readings: int
    first: int | None
    last: int | None
    alerts: list[dict[str, Any]]
    """Oldest first, as they stand in the record."""


def doubt(
    state: State,
    device: DeviceKey,
    calibration: Calibration,
    good: Calibration | None,
    readings: Sequence[Reading],
) -> Doubt:
    """Return what a bad calibration casts doubt on; `good` is the last that was none.

    `readings` are the device's from then on.
    """
    since = good.since if good is not None else None
    times = [
        one.when
        for one in readings
        if one.when < calibration.since and one.value(calibration.channel) is not None
    ]
    alerts = [
        msgspec.to_builtins(one)
        for one in state.alerts_of(device, since or 0)
        if one.channel == calibration.channel and one.began < calibration.since
    ]
    return Doubt(
        since=since,
        until=calibration.since,
        readings=len(times),
        first=min(times, default=None),
        last=max(times, default=None),
        alerts=alerts,
    )
