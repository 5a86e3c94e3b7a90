"""Insulated spaces: where the heat goes, in W, and how warm that makes everything, in °C.

Five lumps in each asset: the air, the coil of its unit, the inner walls, the outer third of the
goods and the rest. Between them heat flows in proportion to the difference. In one step the
air and the coil, which are light and fast, go to where the flows balance at the step's end
(backward Euler, solved in closed form: stable at any step); the heavy lumps take what has flowed.
Every flow that one lump loses another gains, so that the ledger closes to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.goods import Stock
from simulators.kinds import Kind
from simulators.moist_air import (
    DENSITY,
    FUSION,
    HEAT,
    VAPORISING,
    Array,
    density,
    relative,
    saturated,
    vapour,
)
from simulators.refrigeration import Refrigeration

LONGEST_STEP = 10.0
"""s: what is tested, not where it would break."""
LIGHT = 4.0
"""Air and what follows it at once, packaging and linings, hold so many times the air's heat;
estimate, as programs for buildings multiply the air of a room."""
STILL = 0.35
"""Part of the heat that passes from air to walls and goods while the fans stand still: about
3 W/(m² K) of natural convection against 8 of moving air; estimate. At half speed it is the usual
power of 0.8 of the flow."""
RADIANT = 0.2
"""What walls and goods radiate at each other, of what moving air passes to the goods: 1.6 W/(m² K)
against 8. Painted walls would do 4; bright linings do less; estimate."""
EFFECTIVENESS = 0.7
"""Of the coil: how far the air that passes it comes to its temperature; estimate."""
STILL_COIL = 20.0
"""W/K between air and coil while the fans stand still; estimate."""
RISING = 0.25
"""How much of a warm coil's heat the return air's sensor above it feels; estimate. Why it does:
Container Handbook (GDV) 7.2.7.3."""
MELTING = 400.0
"""W/K from a coil above 0 °C to the ice on it; estimate."""
ABSORBED = 0.5
"""Of sunlight, by white paint that is no longer new."""
FILM = 20.0
"""W/(m² K) from the outer skin to the air: a light wind."""
BUILDING = 18.0
"""°C in the building around a sheltered asset."""
INDOORS = 0.0065
"""kg/kg of water there: 50 %RH."""
GRAVITY = 9.81


class Energy(NamedTuple):
    """J for each asset since the start; what came in is positive.

    stored = through_walls + sun + door + unit + heater + fans + moisture
    """

    stored: Array
    """What air, coil, walls and goods hold more than at the start."""
    through_walls: Array
    """By the difference of temperature."""
    sun: Array
    """Through walls that the sun has heated."""
    door: Array
    """With the air that comes in through the door and leaks."""
    unit: Array
    """Taken out by the compressor: never positive."""
    heater: Array
    fans: Array
    moisture: Array
    """Freed by water on the coil, less what melting it and drying the goods took."""


class Assets:
    """n insulated spaces; arrays have one entry for each.

    Controls, to be written at any time (in place or replaced): `set_point` °C, `powered`,
    `cooling` 0..1 (what is left of the compressor's power), `door` 0..1 open, `heating` allowed.

    State, °C unless said, to be read only: `supply_air`, `return_air`, `cargo` (mean by mass),
    `cargo_surface`, `cargo_core`, `wall`, `coil`; `humidity` %RH of the return air; `frost` kg on
    the coil; `duty` 0..1 of the compressor in the last step; `defrosting`.
    """

    def __init__(self, kinds: Sequence[Kind], set_points: Array, cargo: Array) -> None:
        """Begin with all goods at `cargo` °C, and everything else too. Raises ValueError."""
        count = len(kinds)
        if np.shape(set_points) != (count,) or np.shape(cargo) != (count,):
            message = f"{count} kinds need as many set points and cargo temperatures"
            raise ValueError(message)
        self.kinds = tuple(kinds)
        self.set_point = np.array(set_points, dtype=float)
        self.powered = np.ones(count, dtype=bool)
        self.cooling = np.ones(count)
        self.door = np.zeros(count)
        self.heating = np.ones(count, dtype=bool)

        self._unit = Refrigeration(kinds)
        self._of_kind(kinds)
        self._air = np.array(cargo, dtype=float)
        self._stock = Stock([kind.goods for kind in kinds], self._mass, self._link, self._air)
        self.coil = self._air.copy()
        self.wall = self._air.copy()
        self._vapour = saturated(self._air) * self._stock.activity
        self.frost = np.zeros(count)
        self._tell()
        self._held = self._holding()
        self._flowed = np.zeros((7, count))

    def _of_kind(self, kinds: Sequence[Kind]) -> None:
        def each(name: str) -> Array:
            return np.array([float(getattr(kind, name)) for kind in kinds])

        self._air_mass = DENSITY * each("air")
        self._air_capacity = LIGHT * self._air_mass * HEAT
        self._coil_capacity, self._wall_capacity = each("coil"), each("wall")
        self._inner, self._surface = each("inner"), each("surface")
        # What is published is the leakage from outside air to inside air: take off the inner film.
        self._insulation = 1 / (1 / each("ua") - 1 / self._inner)
        self._sunlit = each("sunlit") * ABSORBED / FILM
        self._sheltered = each("sheltered")
        self._door_area, self._door_height = each("door_area"), each("door_height")
        self._leak = each("leak")
        self._flow, self._fans, self._heater = each("flow"), each("fans"), each("heater")
        self._evaporation = each("evaporation")
        self._mass, self._link = each("mass"), each("core")

    def step(self, seconds: float, outside: Array, outside_humidity: Array, sun: Array) -> None:
        """Let `seconds` pass under outside air in °C and %RH and sun in W/m².

        Raises ValueError beyond LONGEST_STEP.
        """
        if not 0 < seconds <= LONGEST_STEP:
            message = f"a step of {seconds} s; take steps of at most {LONGEST_STEP:.0f} s"
            raise ValueError(message)
        unit = self._unit
        unit.control(
            seconds,
            set_point=self.set_point,
            supply=self.supply_air,
            returned=self.return_air,
            coil=self.coil,
            powered=self.powered,
            heating=self.heating,
        )
        around = outside + self._sheltered * (BUILDING - outside)
        moving = np.maximum(STILL, unit.fans**0.8)
        blown = density(self._air) * self._flow * unit.fans * EFFECTIVENESS
        entering = density(around) * self._entering(around)
        damp = vapour(outside, outside_humidity)
        damp = np.minimum(damp + self._sheltered * (INDOORS - damp), saturated(around))
        moisture, drying = self._water(seconds, blown, entering, damp)
        cooled = np.where(
            unit.duty > 0, unit.duty * unit.capacity(self._air, around, self.cooling), 0.0
        )
        heated, fans = self._heater * unit.heat, self._fans * unit.fan_power
        air, coil = self._balance(
            seconds,
            to_goods=self._surface * moving,
            to_walls=self._inner * moving,
            to_door=entering * HEAT,
            to_coil=blown * HEAT + STILL_COIL,
            around=around,
            fans=fans,
            on_coil=heated - cooled + moisture,
        )
        radiated = RADIANT * self._surface * (self.wall - self._stock.surface)
        into_goods = self._surface * moving * (air - self._stock.surface) + radiated - drying
        into_walls = self._inner * moving * (air - self.wall) - radiated
        through = self._insulation * (around - self.wall)
        shone = self._insulation * self._sunlit * sun * (1 - self._sheltered)
        door = entering * HEAT * (around - air)
        self._stock.take(seconds * into_goods, seconds)
        self.wall = self.wall + seconds * (through + shone + into_walls) / self._wall_capacity
        self._air, self.coil = air, coil
        self._tell()
        self._flowed += seconds * np.stack(
            (through, shone, door, -cooled, heated, fans, moisture - drying)
        )

    @property
    def duty(self) -> Array:
        """What part of its power the compressor gave in the last step: 0..1."""
        return self._unit.duty

    @property
    def defrosting(self) -> NDArray[np.bool_]:
        """Whether the unit defrosts, up to when its fans run again."""
        return self._unit.defrosting

    @property
    def energy(self) -> Energy:
        """The ledger since the start."""
        return Energy(self._holding() - self._held, *self._flowed)

    def _balance(  # noqa: PLR0913 - one argument per flow
        self,
        seconds: float,
        *,
        to_goods: Array,
        to_walls: Array,
        to_door: Array,
        to_coil: Array,
        around: Array,
        fans: Array,
        on_coil: Array,
    ) -> tuple[Array, Array]:
        """Return air and coil at the end of the step. `to_…` are W/K, `fans` and `on_coil` W."""
        air_inertia = self._air_capacity / seconds
        coil_inertia = self._coil_capacity / seconds
        share = to_coil / (coil_inertia + to_coil)
        coil_drive = coil_inertia * self.coil + on_coil
        air = (
            air_inertia * self._air
            + to_goods * self._stock.surface
            + to_walls * self.wall
            + to_door * around
            + fans
            + share * coil_drive
        ) / (air_inertia + to_goods + to_walls + to_door + share * coil_inertia)
        return air, (coil_drive + to_coil * air) / (coil_inertia + to_coil)

    def _entering(self, around: Array) -> Array:
        """Return m³/s of air that comes in, and goes out, through door and leaks.

        Through an open door: the counterflow of warm and cold air by Gosney and Olama (1975), as
        in ASHRAE's chapter on refrigeration loads.
        """
        inside, outside = density(self._air), density(around)
        heavy, light = np.maximum(inside, outside), np.minimum(inside, outside)
        shape = (2 / (1 + np.cbrt(heavy / light))) ** 1.5
        speed = np.sqrt((1 - light / heavy) * GRAVITY * self._door_height)
        return self._leak + 0.221 * self.door * self._door_area * speed * shape

    def _water(
        self, seconds: float, blown: Array, entering: Array, damp: Array
    ) -> tuple[Array, Array]:
        """Let water move; return the W that it gives to the coil and takes from the goods.

        `blown` and `entering` are kg/s of air, `damp` is the kg/kg of the air that enters.
        """
        on_coil, by_goods = (
            saturated(self.coil),
            self._stock.activity * saturated(self._stock.surface),
        )
        onto_coil = np.where(self._vapour > on_coil, blown, 0.0)
        inertia = self._air_mass / seconds
        self._vapour = (
            inertia * self._vapour
            + entering * damp
            + onto_coil * on_coil
            + self._evaporation * by_goods
        ) / (inertia + entering + onto_coil + self._evaporation)
        # What air cannot hold wets walls and goods; that its heat warms them is left out.
        self._vapour = np.minimum(self._vapour, saturated(self._air))
        caught = onto_coil * np.maximum(self._vapour - on_coil, 0)
        dried = self._evaporation * (by_goods - self._vapour)
        freezes = self.coil < 0
        melts = np.minimum(np.maximum(self.coil, 0) * MELTING / FUSION, self.frost / seconds)
        self.frost = self.frost + seconds * (np.where(freezes, caught, 0.0) - melts)
        given = caught * (VAPORISING + FUSION * freezes) - melts * FUSION
        return given, dried * VAPORISING

    def _tell(self) -> None:
        """Work out from the state what can be read."""
        self.cargo = self._stock.mean
        self.cargo_surface, self.cargo_core = self._stock.surface, self._stock.core
        blowing = self._unit.fans > 0
        warmer = self.coil - self._air
        self.supply_air = self._air + np.where(blowing, EFFECTIVENESS * warmer, 0.0)
        rising = np.where(blowing, 0.0, RISING * np.maximum(warmer, 0))
        self.return_air = self._air + rising
        self.humidity = relative(self._air, self._vapour)

    def _holding(self) -> Array:
        """Return the J that all lumps hold."""
        held: Array = (
            self._air_capacity * self._air
            + self._coil_capacity * self.coil
            + self._wall_capacity * self.wall
            + self._stock.heat
        )
        return held
