"""What calibration and maintenance make of one channel over time. Pure: arrays in and out.

Files hold what sensors said; people see what counts, and what was said beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gateway.history.reader import Series
from gateway.registry.corrections import DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.downsample import Booleans
    from gateway.history.columns import Floats
    from gateway.registry.registry import Registry

CALIBRATED, MAINTAINED = 1 << 14, 1 << 15
"""Flags that no reading has by itself: its value was corrected, it was sent in maintenance."""


class Corrected(NamedTuple):
    """One channel over time: arrays of equal length."""

    series: Series
    """As it counts: values corrected, and none of maintenance usable."""
    offsets: Floats
    """What was added to each value that the sensor said."""
    maintained: Booleans
    """Which were sent in maintenance."""
    sound: Booleans
    """Which would be usable without it."""


def corrected(registry: Registry, device: DeviceKey, channel: str, said: Series) -> Corrected:
    """Return what a device said of a channel, as it counts."""
    offsets, maintained = np.zeros(len(said.when)), np.zeros(len(said.when), np.bool_)
    if not registry.corrections.any:
        return Corrected(said, offsets, maintained, said.usable)
    for one in registry.calibrations(device):
        if one.channel == channel:
            offsets[np.searchsorted(said.when, one.since) :] = one.offset
    for work in registry.maintenances(device):
        maintained[slice(*np.searchsorted(said.when, (work.since, work.until)).tolist())] = True
    values = np.where(offsets != 0.0, np.round(said.values + offsets, DIGITS), said.values)
    flags = (
        said.flags | np.where(offsets != 0.0, CALIBRATED, 0) | np.where(maintained, MAINTAINED, 0)
    )
    series = Series(said.when, values, flags.astype(said.flags.dtype), said.usable & ~maintained)
    return Corrected(series, offsets, maintained, said.usable)


def joined(parts: Sequence[Corrected]) -> Corrected:
    """Return one after the other what is at least one, as one."""
    if len(parts) == 1:
        return parts[0]
    series = Series(
        *(np.concatenate(some) for some in zip(*(one.series for one in parts), strict=True))
    )
    offsets, maintained, sound = (
        np.concatenate(some) for some in list(zip(*parts, strict=True))[1:]
    )
    return Corrected(series, offsets, maintained, sound)
