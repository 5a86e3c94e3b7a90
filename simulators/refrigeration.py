"""The refrigeration unit of each asset: what its controller switches, and what its coil does.

Two ways to control, as the Container Handbook (GDV, 7.2.7) tells them. Chilled, a modulating unit
holds its *supply* air at the set point with a part of its power, or heats. Frozen (below -10 °C),
and every other unit at any set point: the compressor switches on when the *return* air is `band`
above the set point, off when it is as much below, and rests between switches; a modulating unit's
fans then run at half speed.

Defrosting comes by the clock: compressor and fans stop, the coil is heated until it is warm (or
for too long); then it is cooled before the fans run again, so that they blow no warm air.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.kinds import Kind
from simulators.moist_air import Array

Flags = NDArray[np.bool_]

FROZEN = -10.0
"""°C of set point below which a modulating unit switches on and off."""
NO_DEFROST = 10.0
"""°C of set point above which no ice forms on the coil."""
REST = 120.0
"""s at least between two switches of a compressor; estimate, makers use one to five minutes."""
WARM = 15.0
"""°C at which a coil counts as free of ice; estimate, makers use 10 to 30."""
LONGEST_DEFROST = 2_700.0
"""s after which a defrost ends, ice or no ice; estimate."""
LONGEST_PRECOOLING = 300.0
"""s after which the fans run, whatever the coil."""
TOO_COLD = 3.0
"""K below the set point at which a switching unit heats; frozen goods need no heat."""
PROPORTIONAL, INTEGRAL = 0.08, 0.08 / 180
"""Per K, and per K and s: a modulating unit's answer to supply air that is off."""
SLOW_FLOW, SLOW_POWER = 0.5, 0.125
"""Of the fans at half speed: an eighth of the power (Handbook 7.2.7.1)."""
HOTTER_OUTSIDE = 0.01
"""Part of the capacity lost per K that it is hotter outside than 38 °C; usual for compressors."""
RATED_INSIDE, RATED_OUTSIDE = 2.0, 38.0
"""°C at which a kind's capacity holds."""
LEAST = 0.1
"""Part of the capacity at 2 °C that is left however cold it is inside."""


class Refrigeration:
    """The controllers of n units. Temperatures of air and coil are handed in, in °C.

    After `control`: `duty` is what part of its power the compressor gives, `heat` what part the
    heater gives, `fans` the part of full flow and `fan_power` the part of full power: all 0..1.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        """All units run, and their defrosts are due at different times."""
        count = len(kinds)
        self._band = np.array([kind.band for kind in kinds])
        self._modulating = np.array([kind.modulating for kind in kinds])
        self._capacity = np.array([kind.capacity for kind in kinds])
        self._slope = np.array([kind.capacity_slope for kind in kinds])
        self._every = np.array([kind.defrost_every for kind in kinds])
        self.duty = np.zeros(count)
        self.heat = np.zeros(count)
        self.fans = np.ones(count)
        self.fan_power = np.ones(count)
        self.defrosting: Flags = np.zeros(count, dtype=bool)
        """From the stop of the fans until they run again."""
        self._melting: Flags = np.zeros(count, dtype=bool)
        self._phase = np.zeros(count)
        """s in this defrost, or in its cooling down."""
        golden = (np.arange(count) * 0.618_034) % 1
        self._until_defrost = self._every * (0.25 + 0.75 * golden)
        self._running: Flags = np.zeros(count, dtype=bool)
        self._warming: Flags = np.zeros(count, dtype=bool)
        self._rested = np.full(count, REST)
        self._share = np.zeros(count)
        """The slow part of a modulating unit's answer: -1..1."""

    def control(  # noqa: PLR0913 - one argument per sensor and switch of the unit
        self,
        seconds: float,
        *,
        set_point: Array,
        supply: Array,
        returned: Array,
        coil: Array,
        powered: Flags,
        heating: Flags,
    ) -> None:
        """Decide what runs for the next `seconds`."""
        self._defrost(seconds, set_point, returned, coil, powered)
        chilled = self._modulating & (set_point >= FROZEN)
        part = self._modulate(seconds, supply - set_point, chilled & powered & ~self.defrosting)
        self._switch(seconds, returned - set_point, powered, set_point < FROZEN)
        duty = np.where(chilled, np.maximum(part, 0), self._running)
        heat = np.where(chilled, np.maximum(-part, 0), self._warming) * heating
        cooling_down = self.defrosting & ~self._melting
        self.duty = np.where(self.defrosting, cooling_down, duty) * powered
        self.heat = np.where(self.defrosting, self._melting, heat) * powered
        slow = self._modulating & ~chilled
        turning = powered & ~self.defrosting
        self.fans = np.where(slow, SLOW_FLOW, 1.0) * turning
        self.fan_power = np.where(slow, SLOW_POWER, 1.0) * turning

    def capacity(self, returned: Array, outside: Array, cooling: Array) -> Array:
        """Return the W that full power takes out of the coil; `cooling` is what is left, 0..1."""
        rated = self._capacity + self._slope * (returned - RATED_INSIDE)
        hotter = 1 - HOTTER_OUTSIDE * (outside - RATED_OUTSIDE)
        return np.maximum(rated, LEAST * self._capacity) * np.clip(hotter, 0.5, 1.3) * cooling

    def _defrost(
        self, seconds: float, set_point: Array, returned: Array, coil: Array, powered: Flags
    ) -> None:
        cold = set_point < NO_DEFROST
        self._until_defrost -= seconds * (powered & cold)
        begins = powered & cold & (self._until_defrost <= 0) & ~self.defrosting
        self._until_defrost[begins] = self._every[begins]
        self._melting |= begins
        self._phase[begins] = 0
        self._phase += seconds * powered
        melted = self._melting & ((coil >= WARM) | (self._phase >= LONGEST_DEFROST))
        self._melting &= ~melted
        self._phase[melted] = 0
        precooled = (
            self.defrosting
            & ~self._melting
            & ~melted
            & ((coil <= returned) | (self._phase >= LONGEST_PRECOOLING))
        )
        self.defrosting = (self.defrosting | begins) & ~precooled

    def _modulate(self, seconds: float, off: Array, active: Flags) -> Array:
        """Return the part of the power that brings the supply air back: -1 (heat) to 1."""
        self._share += np.where(active, INTEGRAL * seconds * off, 0)
        np.clip(self._share, -1, 1, out=self._share)
        part: Array = np.clip(PROPORTIONAL * off + self._share, -1, 1)
        return part

    def _switch(self, seconds: float, off: Array, powered: Flags, frozen: Flags) -> None:
        self._rested += seconds
        ready = self._rested >= REST
        wanted = np.where(self._running, off > -self._band, off > self._band) & powered
        switched = (wanted != self._running) & (ready | ~powered)
        self._running ^= switched
        self._rested[switched] = 0
        idle = ~self._running & ready & ~frozen
        self._warming = idle & ((off < -TOO_COLD) | (self._warming & (off < 0)))
