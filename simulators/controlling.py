"""What people and faults do to the assets: set points, power, doors, light and shocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.assets import Assets
from simulators.faults import Booleans, Controls, Fault, Floats, act
from simulators.kinds import KINDS
from simulators.length import DAY, MINUTE
from simulators.roster import Roster
from simulators.surroundings import Surroundings

MORNING, EVENING = 6.0, 18.0
"""Hours, by the sun, between which doors are opened."""
OPENED = MINUTE
"""How long a door that is used stands open."""
HALL_LIGHT = 200.0
"""lx in a building (EN 12464-1 asks for 100 to 200 in store rooms and loading bays)."""
DAYLIGHT = 120.0
"""lx of the sun for each W/m²: the luminous efficacy of daylight is 105 to 130 lm/W."""
DOORWAY = 0.1
"""Part of the daylight that comes in by an open door; estimate."""
TORCH = 300.0
"""lx inside while it is robbed; estimate."""
SHAKING = {"sea": 0.05, "road": 0.3, "": 0.01}
"""g at most within a minute, under way and standing; estimates."""
SHOCK = 5.0
"""g of a door that is forced, at severity 1; estimate."""


class Controlling:
    """The assets of a simulation, and who has their controls in hand."""

    def __init__(
        self, everybody: Roster, faults: Sequence[Fault], generator: np.random.Generator
    ) -> None:
        sections = [asset.section for asset in everybody.assets]
        kinds = {kind.name: kind for kind in KINDS}
        set_points = np.array([section.set_point for section in sections])
        cargo = [s.set_point if s.cargo is None else s.cargo for s in sections]
        self.assets = Assets([kinds[s.kind] for s in sections], set_points, np.array(cargo))
        self._faults = [fault for fault in faults if fault.kind.acts_on == "asset"]
        self._generator = generator
        self._openings = np.array([section.openings for section in sections])
        self._shut_at = np.zeros(len(sections))
        self._set_points = set_points
        self._sheltered = np.array([kinds[s.kind].sheltered for s in sections])
        self._route = np.array([section.route is not None for section in sections])
        self._controls: Controls = self._fresh()

    @property
    def standing_open(self) -> Floats:
        """1 where a door is open, else 0."""
        return (self._controls.door > 0).astype(float)

    def control(self, now: int, step: int, around: Surroundings) -> None:
        """Set all controls for a step of `step` ms from `now` on."""
        controls = self._controls = self._fresh()
        if self._openings.any():
            hour = around.hour(now)
            by_day = (hour >= MORNING) & (hour < EVENING)
            chance = self._openings * step / (DAY * (EVENING - MORNING) / 24)
            opened = by_day & (self._generator.random(len(chance)) < chance)
            self._shut_at[opened] = now + OPENED
            controls.door[self._shut_at > now] = 1.0
        for fault in self._faults:
            if fault.active(now):
                act(fault, now, controls)
        assets = self.assets
        assets.set_point, assets.powered = controls.set_point, controls.powered
        assets.cooling, assets.door = controls.cooling, controls.door

    def light(self, around: Surroundings) -> Floats:
        """Return lx inside: nothing, unless a door is open."""
        outside = np.where(self._sheltered > 0, HALL_LIGHT, around.sun * DAYLIGHT * DOORWAY)
        return self._controls.door * outside + self._controls.forced * TORCH

    def shaken(self, now: int, around: Surroundings) -> Floats:
        """Return g: what moves is shaken, and what is broken open gets a shock."""
        under_way = np.where(around.sea, SHAKING["sea"], SHAKING["road"])
        shaken = np.where(around.speed > 0, under_way, SHAKING[""])
        for fault in self._faults:
            if fault.kind.name == "theft" and 0 <= now - fault.begin < MINUTE:
                shaken[fault.targets] = SHOCK * fault.severity
        return shaken

    def _fresh(self) -> Controls:
        count = len(self._set_points)
        powered: Booleans = np.ones(count, dtype=bool)
        return Controls(
            self._set_points.copy(), powered, np.ones(count), np.zeros(count), np.zeros(count)
        )
