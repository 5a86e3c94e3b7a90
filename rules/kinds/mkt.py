"""What a varying temperature has done to the goods, told as one temperature."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from rules.duration import Duration, format_duration
from rules.meters.kinetic import ENERGY, Kinetic, kinetic
from rules.meters.level import LastingRule


class MeanKinetic(LastingRule):
    """Fires when the mean kinetic temperature of a window, or of the voyage, is above its limit.

    It tells of ageing, excuses no excursion, and does not apply to frozen goods.
    """

    kind: Literal["mkt"] = Field(default="mkt", description="The mean kinetic temperature.")
    channel: str = Field(default="temperature", description="The temperature it is the mean of.")
    above: float = Field(
        gt=0,
        le=100,
        description="A mean above this is a breach, °C; more than 0, since frozen goods have none.",
    )
    window: Duration | None = Field(
        default=None,
        gt=0,
        description='The time it is the mean of, such as "30 days" or "24 h"; all since the '
        "first reading if left out.",
    )
    energy: float = Field(
        default=ENERGY,
        ge=10,
        le=400,
        description="Activation energy of what spoils the goods, kJ/mol; some loggers take 83.0.",
    )
    known: Duration | None = Field(
        default=None,
        gt=0,
        description="How much of the window must be known before it is judged; half of it, or "
        "of what has passed since the first reading, if left out.",
    )

    METER: ClassVar[type] = Kinetic

    @model_validator(mode="after")
    def _of_a_temperature(self) -> Self:
        if self.channel.partition(".")[0] not in {"temperature", "set_point"}:
            raise ValueError(f"a mean kinetic temperature of {self.channel}: name a temperature")
        if self.window is not None and self.known is not None and self.known > self.window:
            raise ValueError(
                f"known = {format_duration(self.known)!r} is longer than the window of "
                f"{format_duration(self.window)}: it would never be judged"
            )
        return self

    def meter(self) -> Kinetic:
        """Return a meter that has seen nothing."""
        return kinetic(self.energy, self.window, self.known or 0)

    def most(self) -> float:
        """Return the limit."""
        return self.above

    def unit(self) -> str:
        """Return the unit of the level."""
        return "°C"

    def limit(self) -> str:
        """Say the limit in words: "mean kinetic temperature of 30 days above 25.0 °C"."""
        over = "the voyage" if self.window is None else format_duration(self.window)
        lasting = f" for {format_duration(self.duration)}" if self.duration else ""
        return f"mean kinetic temperature of {over} above {self.above} °C{lasting}"
