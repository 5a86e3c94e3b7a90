"""What sensors make of the truth: lag, error, noise, steps, a clock, a battery.

All channels of all devices lie in one row after another, so that a step costs a few operations
on arrays however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.reading import QUANTITIES
from simulators.faults import SAG, SPIKES, Fault, Places
from simulators.length import SECOND
from simulators.roster import DeviceEntry
from simulators.senders import BY_MODEL
from simulators.sources import CHANNELS, MAKES, SOURCES, Make

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
EMPTY = 0.95
"""Of a battery's life: its voltage is nearly even until then. Lithium cells are like that."""
EVEN_LOSS, LAST_LOSS = 0.03, 0.27
"""Parts of the voltage lost until EMPTY, and from there to the end."""


class Samples(NamedTuple):
    """What was measured in one step, in order of time.

    `at` is when it truly was, `told` what the device's clock said (both ms since 1970);
    `values` holds those of device i from `first[i]` to `last[i]`, rounded.
    """

    devices: Places
    at: Integers
    told: Integers
    sequence: Integers
    values: list[float]
    first: list[int]
    last: list[int]


class _Row(NamedTuple):
    """One value of one device."""

    source: int
    asset: int
    device: int
    make: Make
    quantity: str


class Sensing:
    """All sensors of a simulation."""

    def __init__(
        self,
        devices: Sequence[DeviceEntry],
        faults: Sequence[Fault],
        *,
        start: int,
        step: int,
        generators: tuple[np.random.Generator, np.random.Generator],
    ) -> None:
        """Make them. `start` is ms since 1970, `step` ms; the generators make noise and spikes."""
        self._noise, self._chance = generators
        self._faults = faults
        self._start = start
        rows = [row for i, device in enumerate(devices) for row in _rows(i, device)]
        self._source = np.array([row.source for row in rows])
        self._asset = np.array([row.asset for row in rows])
        device = np.array([row.device for row in rows])
        self._first = np.searchsorted(device, np.arange(len(devices)))
        self._count = np.bincount(device, minlength=len(devices))
        self._device = device
        lag = np.array([row.make.lag for row in rows]) * SECOND
        self._follows = np.where(lag > 0, 1 - np.exp(-step / np.maximum(lag, 1e-9)), 1.0)
        self._spread = np.array([row.make.noise for row in rows])
        self._unit = np.array([row.make.resolution for row in rows])
        self._lowest = np.array([QUANTITIES[row.quantity].lowest for row in rows])
        self._highest = np.array([QUANTITIES[row.quantity].highest for row in rows])
        self._warmth = np.array([row.quantity == "temperature" for row in rows])
        # A peak is told as a strength, which is never negative.
        self._lowest[[row.quantity == "acceleration" for row in rows]] = 0.0
        self._peaks = np.flatnonzero([row.quantity == "acceleration" for row in rows])
        self._volts = np.array([row.quantity == "battery" for row in rows])
        error = np.array([device.section.error for device in devices])
        self._error = self._noise.standard_normal(len(rows)) * error[device] * self._warmth
        every = [device.section.every for device in devices]
        self._every = np.array(every, dtype=np.int64)
        self._due = start + np.array(_phases(devices), dtype=np.int64)
        self._next = int(self._due.min())
        self._sequence = np.zeros(len(devices), dtype=np.int64)
        self._ahead = np.array([device.section.clock_offset * SECOND for device in devices])
        self._gains = np.array([device.section.clock_drift * 1e-6 for device in devices])
        self._fresh = np.array([device.section.battery for device in devices])
        self._life = np.array([float(device.section.battery_life) for device in devices])
        self._felt: Floats | None = None
        self._before: Floats = np.zeros(0)
        self._told = np.full(len(rows), np.nan)

    def feel(self, truth: Floats) -> None:
        """Let a step pass at whose end the truth is so: [source, asset], as in SOURCES."""
        now = truth[self._source, self._asset]
        if self._felt is None:
            self._felt = now
        self._before = self._felt
        felt = self._before + self._follows * (now - self._before)
        if len(self._peaks):
            felt[self._peaks] = np.maximum(self._before[self._peaks], now[self._peaks])
        self._felt = felt

    def measure(self, begin: int, end: int) -> Samples | None:
        """Return what is measured from `begin` until before `end`, the last step; None: nothing."""
        if self._next >= end:
            return None
        devices = np.flatnonzero(self._due < end)
        at = self._due[devices]
        in_time = np.argsort(at, kind="stable")
        devices, at = devices[in_time], at[in_time]
        self._due[devices] += self._every[devices]
        self._next = int(self._due.min())
        counts = self._count[devices]
        last = np.cumsum(counts)
        rows = np.repeat(self._first[devices] - last + counts, counts) + np.arange(last[-1])
        times = np.repeat(at, counts)
        values = self._values(rows, times, (times - begin) / (end - begin))
        values = self._spoil(devices, at, rows, counts, values)
        self._told[rows] = values
        alive = ~self._dead(devices, at)
        self._sequence[devices] += alive
        first = last - counts
        return Samples(
            devices[alive],
            at[alive],
            self._clocks(devices, at)[alive],
            self._sequence[devices][alive],
            values.tolist(),
            first[alive].tolist(),
            last[alive].tolist(),
        )

    def _values(self, rows: Places, times: Integers, part: Floats) -> Floats:
        """Return what sound sensors tell; `part` is how far into the step each is."""
        assert self._felt is not None, "feel comes first"  # noqa: S101 - the order of two calls
        before, felt = self._before[rows], self._felt[rows]
        peaks = np.isin(rows, self._peaks)
        values = np.where(peaks, felt, before + part * (felt - before))
        # A peak is told once; the next step's truth raises it again if it still is so.
        self._felt[rows[peaks]] = 0.0
        if self._volts[rows].any():
            volts = self._voltage(self._device[rows], times)
            values = np.where(self._volts[rows], volts, values)
        noise = self._spread[rows] * self._noise.standard_normal(len(rows))
        values = np.clip(
            values + self._error[rows] + noise, self._lowest[rows], self._highest[rows]
        )
        # Adding zero turns minus zero into zero.
        rounded: Floats = np.round(values / self._unit[rows]) * self._unit[rows] + 0.0
        return rounded

    def _spoil(
        self, devices: Places, at: Integers, rows: Places, counts: Places, values: Floats
    ) -> Floats:
        """Let faults of sensors change what is told."""
        for fault in self._faults:
            if fault.kind.acts_on != "values":
                continue
            hit = np.isin(devices, fault.targets) & _during(fault, at)
            if not hit.any():
                continue
            if fault.kind.name == "spikes":
                chance = self._chance.random((2, len(devices)))
                hit &= chance[0] < SPIKES * fault.severity
                wrong = np.where(chance[1] < 0.5, -fault.size, fault.size)
            else:
                wrong = fault.size * np.array([fault.degree(int(when)) for when in at])
            touched = np.repeat(hit, counts)
            if fault.kind.name == "frozen_value":
                known = touched & ~np.isnan(self._told[rows])
                values = np.where(known, self._told[rows], values)
                continue
            touched &= self._warmth[rows]
            unit = self._unit[rows]
            spoilt = np.round((values + np.repeat(wrong, counts)) / unit) * unit + 0.0
            values = np.where(touched, spoilt, values)
        return values

    def _clocks(self, devices: Places, at: Integers) -> Integers:
        """Return what the devices' clocks say."""
        wrong = self._ahead[devices] + self._gains[devices] * (at - self._start)
        for fault in self._faults:
            if fault.kind.name == "clock_jump":
                hit = np.isin(devices, fault.targets) & _during(fault, at)
                wrong = wrong + hit * (fault.size * fault.severity * SECOND)
        return at + np.round(wrong).astype(np.int64)

    def _voltage(self, devices: Places, at: Integers) -> Floats:
        used = np.clip((at - self._start) / self._life[devices], 0, 1)
        lost = EVEN_LOSS * used + LAST_LOSS * np.clip((used - EMPTY) / (1 - EMPTY), 0, 1)
        for fault in self._faults:
            if fault.kind.name == "dead_battery":
                sunk = np.clip(1 - (fault.begin - at) / SAG, 0, 1)
                sunk = np.where(np.isin(devices, fault.targets), sunk, 0.0)
                if fault.end is not None:
                    sunk = np.where(at >= fault.end, 0.0, sunk)
                lost = np.maximum(lost, (EVEN_LOSS + LAST_LOSS) * sunk)
        volts: Floats = self._fresh[devices] * (1 - lost)
        return volts

    def _dead(self, devices: Places, at: Integers) -> NDArray[np.bool_]:
        dead: NDArray[np.bool_] = (at - self._start) >= self._life[devices]
        for fault in self._faults:
            if fault.kind.name == "dead_battery":
                dead |= np.isin(devices, fault.targets) & _during(fault, at)
        return dead


def _rows(number: int, device: DeviceEntry) -> list[_Row]:
    section = device.section
    rows = []
    for channel in section.channels:
        quantity = channel.partition(".")[0]
        for found in CHANNELS[channel]:
            inside = section.probe if channel == "temperature.external" else section.measures
            source = found or inside
            name = quantity if quantity in MAKES else source
            make = MAKES[name]
            if name == "temperature":
                make = Make(
                    make.noise if section.noise is None else section.noise,
                    section.resolution or make.resolution,
                    make.lag if section.lag is None else section.lag / SECOND,
                )
            if section.model is not None:
                # What its bytes can say is finer or coarser than a sensor of no model.
                step = BY_MODEL[section.model].ranges[found or channel][2]
                make = make._replace(resolution=step)
            rows.append(_Row(SOURCES.index(source), device.asset, number, make, name))
    return rows


def _phases(devices: Sequence[DeviceEntry]) -> list[int]:
    """Return when each device measures first, in ms: spread evenly where nothing is said."""
    return [
        int(device.section.every * (number * 0.618_034 % 1))
        if device.section.phase is None
        else device.section.phase
        for number, device in enumerate(devices)
    ]


def _during(fault: Fault, at: Integers) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = at >= fault.begin
    return within if fault.end is None else within & (at < fault.end)
