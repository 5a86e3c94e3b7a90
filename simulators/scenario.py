"""A scenario: which goods stand or travel where, what measures them, and what goes wrong.

It is one TOML file: scenario_file.py reads and checks it. The same file, seed and start give
the same bytes again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from simulators.length import MINUTE, SECOND, Length

MOST_DEVICES = 100_000
"""Devices of one scenario."""


class Section(BaseModel):
    """What all sections share. Frozen; an unknown key is a mistake."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Pattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9_{}-]+$", max_length=60)]
Temperature = Annotated[float, Field(ge=-90, le=90)]


def _pair(value: object) -> object:
    """Make a tuple of a list of two, as TOML has it."""
    return tuple(value) if isinstance(value, list) and len(value) == 2 else value


Point = Annotated[
    tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]],
    BeforeValidator(_pair),
]
"""Latitude and longitude, degrees, WGS 84."""


class Route(Section):
    """A way that ships or trucks take, along great circles between its waypoints."""

    name: Name = Field(description="What assets call it.")
    by: Literal["sea", "road"] = Field(description="What it leads over.")
    speed: float = Field(gt=0, description="km/h: at most 60 by sea, 120 by road.")
    waypoints: list[Point] = Field(
        min_length=2, description="[latitude, longitude] in degrees, in their order."
    )
    then: Literal["stay", "return"] = Field(
        default="stay", description="What happens at the end: it stays there, or goes to and fro."
    )


class Sensors(Section):
    """Devices of one make in one asset: what they measure, how well, how often."""

    device: Pattern = Field(
        default="{asset}",
        description="The device's id: {asset} is the asset's name, {n} the number, from 1.",
    )
    count: int = Field(default=1, ge=1, description="How many of them are in each asset.")
    channels: list[str] = Field(min_length=1, description="What each message holds.")
    model: str | None = Field(
        default=None, description="What it is in the catalogue: it sends its own bytes."
    )
    envelope: str | None = Field(
        default=None, description="What wraps them; by the model, if left out."
    )
    measures: str = Field(
        default="return_air", description="What the channel temperature is, without a place."
    )
    probe: str = Field(default="cargo", description="What the channel temperature.external is.")
    every: Length = Field(default=MINUTE, description="Time between two readings.")
    phase: Length | None = Field(
        default=None, description="When the first one is; spread over `every` if left out."
    )
    noise: float | None = Field(
        default=None, ge=0, le=20, description="Of temperatures: standard deviation in K."
    )
    resolution: float | None = Field(
        default=None, ge=0.001, le=5, description="Of temperatures: the step in K."
    )
    lag: Length | None = Field(
        default=None, description="Of temperatures: time constant of the probe."
    )
    error: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Of temperatures: standard deviation, in K, of what each probe is wrong by.",
    )
    clock_offset: float = Field(
        default=0.0, ge=-1e9, le=1e9, description="Seconds by which its clock is ahead."
    )
    clock_drift: float = Field(
        default=0.0, ge=-1000, le=1000, description="Parts per million by which it gains."
    )
    battery: float = Field(default=3.6, gt=0, le=60, description="Volts of a fresh battery.")
    battery_life: Length = Field(
        default=1_826 * 86_400 * SECOND, ge=MINUTE, description="How long a battery lasts."
    )


class Asset(Section):
    """Something that is to be kept cool or safe: of one kind, one or many of it."""

    name: Pattern = Field(description="Its name; with {n} for the number where there are many.")
    kind: str = Field(description="What it is; it decides all physical properties.")
    count: int = Field(default=1, ge=1, le=10_000, description="How many there are.")
    site: Name = Field(default="site", description="The part of the topic that says where.")
    set_point: Temperature = Field(default=5.0, description="What its unit is set to, °C.")
    cargo: Temperature | None = Field(
        default=None,
        description="The goods' temperature at the start, °C; the set point if left out.",
    )
    place: Point | None = Field(default=None, description="Where it stands: [latitude, longitude].")
    route: str | None = Field(default=None, description="The route that it travels.")
    underway: Length = Field(default=0, description="How long it has travelled at the start.")
    apart: Length = Field(
        default=0, description="How much longer each further one of it has travelled."
    )
    openings: float = Field(
        default=0.0, ge=0, le=500, description="Openings of the door a day, by day, a minute each."
    )
    sensors: list[Sensors] = Field(min_length=1, description="What measures it.")


class Fault(Section):
    """Something that goes wrong."""

    kind: str = Field(description="What goes wrong.")
    on: str = Field(description="The asset or device: its name, or a pattern with * and ?.")
    at: Length = Field(description="When it begins, counted from the start.")
    lasts: Length | None = Field(
        default=None, alias="for", gt=0, description="How long; to the end if left out."
    )
    severity: float = Field(default=1.0, gt=0, le=1, description="How grave, 0 to 1.")
    over: Length | None = Field(default=None, description="How long it grows to its severity.")
    size: float | None = Field(
        default=None, ge=-1e9, le=1e9, description="How large it is at severity 1."
    )


class Limit(Section):
    """A limit whose true crossings the ground truth tells."""

    name: Name = Field(description="What the truth calls it.")
    on: str = Field(description="The asset: its name, or a pattern with * and ?.")
    of: str = Field(default="return_air", description="What must not cross it, as for `measures`.")
    above: float | None = Field(default=None, description="More than this is beyond.")
    below: float | None = Field(default=None, description="Less than this is beyond.")
    lasts: Length = Field(
        default=0, alias="for", description="How long beyond until it counts as exceeded."
    )


class Scenario(Section):
    """A whole scenario."""

    title: str = Field(default="", max_length=200, description="What it shows, in a sentence.")
    seed: int = Field(ge=0, lt=1 << 63, description="Decides all that is left to chance.")
    step: Length = Field(default=10 * SECOND, description='Of the physics: "1 s" to "10 s".')
    weather: datetime | None = Field(
        default=None,
        description="When its weather begins, as in 2026-07-01T06:00:00Z; with the time of the "
        "start if left out. Given, all runs are alike but for their times.",
    )
    lasts: Length | None = Field(
        default=None, alias="for", gt=0, description="How long it runs; on and on if left out."
    )
    assets: list[Asset] = Field(min_length=1)
    routes: list[Route] = Field(default=[])
    faults: list[Fault] = Field(default=[])
    limits: list[Limit] = Field(default=[])


def _section(field: FieldInfo) -> type[Section] | None:
    """Return the section that a list holds, None for any other field."""
    inner = get_args(field.annotation)
    wanted = inner and isinstance(inner[0], type) and issubclass(inner[0], Section)
    return inner[0] if wanted else None


def _keys(section: type[Section]) -> dict[str, list[str]]:
    """Return the keys of all sections within one, by the name of the list that holds them."""
    found: dict[str, list[str]] = {}
    for name, field in section.model_fields.items():
        below = _section(field)
        if below is not None:
            found[name] = [each.alias or key for key, each in below.model_fields.items()]
            found |= _keys(below)
    return found


KEYS = {"": [field.alias or key for key, field in Scenario.model_fields.items()], **_keys(Scenario)}
"""Every key of every section; the scenario's own under ""."""
