"""Kinds of insulated space: their parameters, each with its source.

Sources that are named more than once:
- Handbook: the Container Handbook of the German insurers (GDV), containerhandbuch.de, with the
  number of the chapter;
- Reeferco: specification SS1WN1 of a 40 ft high cube reefer and its unit (2009);
- ATP: the Agreement on the International Carriage of Perishable Foodstuffs, UNECE.
What says "estimate" has no better source than the size of things.
"""

from __future__ import annotations

import msgspec

from simulators.goods import FRUIT, MEAT, PARCELS, VACCINES, Goods


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of asset."""

    name: str
    air: float
    """m³ of air around the goods."""
    ua: float
    """W/K from the outside to the inside through everything, fans running: the heat leakage."""
    inner: float
    """W/K from the inner walls, floor and roof to the air, fans running: 8 W/(m² K), estimate."""
    wall: float
    """J/K of the inner walls and floor."""
    sunlit: float
    """0..1: how much of the surface the sun heats as it would a roof."""
    sheltered: float = 0.0
    """0..1: how much a building around takes away of the weather; its inside is near 18 °C."""

    goods: Goods
    mass: float
    """kg of goods."""
    surface: float
    """W/K from the air to the goods, fans running: 8 W/(m² K) times their outside, estimate."""
    core: float
    """W/K from the outer third of the goods to the rest: about k A / 0.25 m, k 0.5 W/(m K)."""
    evaporation: float
    """kg/s that the goods give off per kg/kg by which the air is too dry for them; estimate."""

    door_area: float
    """m²."""
    door_height: float
    """m."""
    leak: float
    """m³/s of outside air that comes in with closed doors and vents."""

    capacity: float
    """W that the unit takes out at 2 °C inside and 38 °C outside."""
    capacity_slope: float
    """W more per K that it is warmer inside."""
    flow: float
    """m³/s that the fans move at full speed."""
    fans: float
    """W of the fans at full speed, all of it heat inside."""
    heater: float
    """W of the heater in the evaporator, which defrosts it as well."""
    coil: float
    """J/K of the evaporator."""
    band: float
    """K either side of the set point at which the compressor switches."""
    modulating: bool = False
    """Above -10 °C the unit holds the supply air at the set point with part of its power."""
    defrost_every: float
    """s between defrosts; they happen only below 10 °C of set point."""


_HOUR = 3600.0

_REEFER = Kind(
    name="reefer",
    air=35.0,  # of 67 m³ inside (Reeferco); 20 t of goods take about half
    ua=44.0,  # 38.1 kcal/(h K) measured in a chamber, 38.5 promised (CINS Tech 2021); ISO 1496-2
    # allows 0.4 W/(m² K), about 54 W/K (Handbook 7.2.10)
    inner=1_080.0,  # 135 m²
    wall=900e3,  # T-floor and linings: 600 kg of aluminium and steel, and the inner foam
    sunlit=0.35,  # the roof, and a part of one side: 45 of 135 m²
    goods=FRUIT,
    mass=20_000.0,
    surface=640.0,  # 80 m² of stacks that air passes
    core=160.0,
    evaporation=0.02,
    door_area=5.7,  # 2.29 m by 2.5 m
    door_height=2.5,
    leak=1.0 / _HOUR,  # 10 m³/h at 250 Pa is allowed (Handbook 7.2.10); a ship's wind is weaker
    capacity=10_250.0,  # at 2 °C; 6,010 W at -18 °C (Reeferco)
    capacity_slope=212.0,
    flow=1.5,  # 80 changes an hour of the empty container, the usual range
    fans=900.0,  # estimate from two motors
    heater=4_000.0,  # estimate; ISO 1496-2 asks for enough to keep 16 °C in hard cold
    coil=60e3,  # 60 kg of copper and aluminium, drip tray and ducts; estimate
    band=0.2,  # Handbook 7.2.7.1
    modulating=True,
    defrost_every=6 * _HOUR,  # six, eight or twelve hours (Handbook 7.2.7.3)
)

_REEFER_FROZEN = msgspec.structs.replace(
    _REEFER,
    name="reefer-frozen",
    goods=MEAT,
    core=480.0,  # frozen goods conduct three times as well, and boxes lie close
    evaporation=0.001,  # wrapped
)

_TRUCK = Kind(
    name="truck",
    air=28.0,  # a body of 7.3 m: 43 m³, a third of it goods
    ua=32.0,  # 80 m² at 0.4 W/(m² K), the limit of ATP for class C
    inner=600.0,
    wall=350e3,
    sunlit=0.4,
    goods=MEAT,
    mass=5_000.0,
    surface=360.0,
    core=90.0,
    evaporation=0.002,
    door_area=5.5,
    door_height=2.4,
    leak=5.0 / _HOUR,  # on the road; estimate
    capacity=8_500.0,  # a diesel unit of this size, by makers' sheets: some 4.5 kW at -20 °C
    capacity_slope=180.0,
    flow=0.7,
    fans=350.0,
    heater=3_000.0,
    coil=25e3,
    band=1.0,
    defrost_every=6 * _HOUR,
)

_COLD_ROOM = Kind(
    name="cold-room",
    air=24.0,  # 4 m by 3 m by 2.5 m, of which goods take 6 m³
    ua=14.0,  # 59 m² of polyurethane panels of 100 mm: 0.22 W/(m² K), and the door's frame
    inner=470.0,
    wall=300e3,
    sunlit=0.0,
    sheltered=0.8,
    goods=VACCINES,
    mass=1_500.0,
    surface=240.0,
    core=40.0,
    evaporation=0.0002,
    door_area=1.8,
    door_height=2.0,
    leak=2.0 / _HOUR,
    capacity=2_600.0,  # the smallest usual unit for such a room; estimate
    capacity_slope=60.0,
    flow=0.4,
    fans=140.0,
    heater=1_200.0,
    coil=10e3,
    band=0.8,
    defrost_every=6 * _HOUR,
)

_FREEZER = Kind(
    name="freezer",
    air=30.0,  # 5 m by 4 m by 2.5 m, of which goods take 20 m³
    ua=17.0,  # 85 m² of panels of 120 mm: 0.18 W/(m² K), and a heated door frame
    inner=680.0,
    wall=500e3,
    sunlit=0.0,
    sheltered=0.8,
    goods=MEAT,
    mass=6_000.0,
    surface=320.0,
    core=180.0,
    evaporation=0.0005,
    door_area=2.0,
    door_height=2.0,
    leak=3.0 / _HOUR,
    capacity=4_500.0,  # a walk-in unit of 2.8 kW at -20 °C; estimate
    capacity_slope=77.0,
    flow=0.6,
    fans=250.0,
    heater=2_500.0,
    coil=15e3,
    band=1.0,
    defrost_every=8 * _HOUR,
)

_STRONG_ROOM = Kind(
    name="strong-room",
    air=38.0,  # 4 m by 4 m by 2.7 m
    ua=110.0,  # 75 m² of concrete, 30 cm thick: 1.5 W/(m² K)
    inner=600.0,
    wall=16e6,  # its inner 10 cm: 2,400 kg/m³, 900 J/(kg K)
    sunlit=0.0,
    sheltered=0.9,
    goods=PARCELS,
    mass=2_000.0,
    surface=300.0,
    core=30.0,
    evaporation=0.0005,
    door_area=1.8,
    door_height=2.0,
    leak=5.0 / _HOUR,
    capacity=2_500.0,  # a small split air conditioner; estimate
    capacity_slope=50.0,
    flow=0.15,
    fans=40.0,
    heater=1_500.0,
    coil=6e3,
    band=0.8,
    defrost_every=12 * _HOUR,
)

_WAREHOUSE_ZONE = Kind(
    name="warehouse-zone",
    air=7_000.0,  # 1,000 m² of 8 m, an eighth of it goods
    ua=450.0,  # roof at 0.25, walls at 0.3 W/(m² K), and gates
    inner=16_000.0,
    wall=250e6,  # the upper 10 cm of a concrete floor, and the racks
    sunlit=0.6,
    goods=PARCELS,
    mass=200_000.0,
    surface=8_000.0,
    core=900.0,
    evaporation=0.02,
    door_area=10.5,
    door_height=3.5,
    leak=0.4,  # a fifth of the air in an hour; estimate
    capacity=60_000.0,
    capacity_slope=1_200.0,
    flow=9.0,
    fans=3_000.0,
    heater=60_000.0,
    coil=150e3,
    band=0.8,
    defrost_every=12 * _HOUR,
)

KINDS: tuple[Kind, ...] = (
    _REEFER,
    _REEFER_FROZEN,
    _TRUCK,
    _COLD_ROOM,
    _FREEZER,
    _STRONG_ROOM,
    _WAREHOUSE_ZONE,
)
"""Every kind there is; scenarios name them."""
