"""What lies in an asset: how warm it gets with so much heat, and freezing in between.

Stock holds its *heat*, not its temperature, so that freezing costs what it costs: below the
freezing point F (in °C) the part of its water that is ice is 1 - F/T, as Raoult's law has it for
a thin solution. Heat is then h = c (T - F) - L (1 - F/T), and T a root of a quadratic in it.

Foods means ASHRAE's thermal properties of foods, as given by R. L. Earle, "Unit Operations in
Food Processing", appendix 7.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from simulators.moist_air import Array

OUTER = 1 / 3
"""Part of the goods that is their surface: the outer 6 % of a cube, on each side."""


class Goods(msgspec.Struct, frozen=True):
    """What lies in an asset, as far as heat and water are concerned."""

    name: str
    thawed: float
    """J/(kg K) above freezing."""
    frozen: float
    """J/(kg K) of the fully frozen goods."""
    latent: float
    """J/kg that freezing gives. 0: they do not freeze."""
    freezing: float
    """°C where freezing begins; below 0."""
    activity: float
    """0..1: the relative humidity that the goods keep around them."""


FRUIT = Goods("fruit", 3_600.0, 1_880.0, 280e3, -2.0, 0.95)
"""Apples in Foods; their air is damp."""
MEAT = Goods("meat", 3_220.0, 1_670.0, 255e3, -1.0, 0.95)
"""Beef in Foods, but for the freezing point: 0.9 K below water's at 75 % of water ("Handbook of
Frozen Food Processing and Packaging", 2006); -1 °C is its first guess for any food."""
VACCINES = Goods("vaccines", 3_300.0, 2_000.0, 230e3, -0.6, 0.5)
"""Seven parts of water (Foods) and three of glass and cardboard, at 800 J/(kg K); estimate."""
PARCELS = Goods("parcels", 1_400.0, 1_400.0, 0.0, -1.0, 0.5)
"""Paper and plastics; estimate from their usual 1.3 to 1.5 kJ/(kg K)."""


class Stock:
    """The goods of n assets, each in two lumps: an outer third that meets the air, and the rest.

    `surface`, `core` and `mean` (by mass) are °C.
    """

    def __init__(self, goods: Sequence[Goods], mass: Array, link: Array, cargo: Array) -> None:
        """Begin at `cargo` °C. `mass` is kg, `link` the W/K from the outer third to the rest."""
        self.activity = np.array([one.activity for one in goods])
        self._thawed = np.array([one.thawed for one in goods])
        self._frozen = np.array([one.frozen for one in goods])
        self._latent = np.array([one.latent for one in goods])
        self._freezing = np.array([one.freezing for one in goods])
        self._outer, self._inner = OUTER * mass, (1 - OUTER) * mass
        self._link = link
        heat = self._heat_of(cargo)
        self._surface_heat, self._core_heat = self._outer * heat, self._inner * heat
        self._tell()

    @property
    def heat(self) -> Array:
        """J held, counted from thawed goods about to freeze."""
        total: Array = self._surface_heat + self._core_heat
        return total

    def take(self, heat: Array, seconds: float) -> None:
        """Let `heat` J in through the surface, and what is due pass on to the core."""
        inwards = seconds * self._link * (self.surface - self.core)
        self._surface_heat = self._surface_heat + (heat - inwards)
        self._core_heat = self._core_heat + inwards
        self._tell()

    def _tell(self) -> None:
        self.surface = self._temperature_of(self._surface_heat / self._outer)
        self.core = self._temperature_of(self._core_heat / self._inner)
        self.mean: Array = OUTER * self.surface + (1 - OUTER) * self.core

    def _heat_of(self, temperature: Array) -> Array:
        """Return J/kg at °C."""
        cold = np.minimum(temperature, self._freezing)
        ice = 1 - self._freezing / cold
        above = np.maximum(temperature - self._freezing, 0)
        heat: Array = (
            self._thawed * above + self._frozen * (cold - self._freezing) - self._latent * ice
        )
        return heat

    def _temperature_of(self, heat: Array) -> Array:
        """Return °C with so many J/kg."""
        cold = np.minimum(heat, 0)
        half = (cold + self._frozen * self._freezing + self._latent) / (2 * self._frozen)
        root = np.sqrt(half**2 - self._latent * self._freezing / self._frozen)
        thawed = self._freezing + heat / self._thawed
        temperature: Array = np.where(heat < 0, half - root, thawed)
        return temperature
