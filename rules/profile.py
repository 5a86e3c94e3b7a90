"""Profiles of goods: what they stand, and how a consignment of them is judged.

A profile is a file that people read and change: limits with their source, rules, what the operator
does, and tests that show what it does. `rules.goods` holds ours; gateways have their own beside.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules import AnyRule
from rules.duration import DAY, Duration


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )


class Range(_Part):
    """What a channel should be. Out of it is an excursion, whatever the rules make of it."""

    channel: str = Field(description="A quantity such as temperature, or quantity.place.")
    low: float | None = Field(default=None, description="The lowest value that is well.")
    high: float | None = Field(default=None, description="The highest value that is well.")
    aim: float | None = Field(default=None, description="What is aimed at.")


class Criteria(_Part):
    """By what a verdict is proposed. What no line names is held when it has an alert."""

    reject: tuple[str, ...] = Field(
        default=(), description="Names of rules whose alert means that the goods are lost."
    )
    accept: tuple[str, ...] = Field(
        default=(), description="Names of rules whose alert does not keep the goods back."
    )
    unknown: Duration = Field(
        default=0,
        description="How long in all nobody may know before release is not proposed any more.",
    )


class Sample(_Part):
    """A test within a profile: a series, and the alerts that come of it."""

    name: str = Field(description="What it shows, in words.")
    interval: Duration = Field(description="The time from one value to the next.")
    series: dict[str, str] = Field(
        description="Values of each channel: 4x12 9x13 is twelve fours and thirteen nines, 4..9x6 "
        "rises in six steps, - is a value that never came, ? one that cannot be true."
    )
    alerts: tuple[dict[str, Any], ...] = Field(
        default=(), description="The alerts that come of it, in order; none if left out."
    )


class Profile(_Part):
    """One kind of goods."""

    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=60,
        description="What it is called, as its file is.",
    )
    title: str = Field(description="What the goods are, for people.")
    source: str = Field(description="Where the limits come from.")
    basis: Literal["law", "standard", "practice"] = Field(
        default="practice", description="What kind of source that is."
    )
    measures: Literal["air", "product", "buffered probe"] = Field(
        description="What the limits are limits of."
    )
    extends: str = Field(default="", description="The profile that this one changes.")
    needs: tuple[str, ...] = Field(
        default=(), description="Channels that must be measured, besides those of ranges and rules."
    )
    interval: Duration | None = Field(
        default=None, gt=0, description="How often at least a sensor must send."
    )
    instructions: str = Field(description="What the operator does when something is wrong.")
    ranges: tuple[Range, ...] = Field(default=(), description="What the goods should be in.")
    rules: tuple[AnyRule, ...] = Field(default=(), description="What is alerted.")
    criteria: Criteria = Field(default_factory=Criteria, description="How a verdict is proposed.")
    energy: float | None = Field(
        default=None,
        gt=0,
        description="Activation energy for the mean kinetic temperature, kJ/mol; left out where "
        "that does not apply, as to frozen goods.",
    )
    keep: Duration = Field(
        default=5 * 365 * DAY, description="How long all that its verdict rests on is kept."
    )
    tests: tuple[Sample, ...] = Field(default=(), alias="test", description="Its own tests.")

    def version(self) -> str:
        """Name and 12 hex digits of the SHA-256 of all but the tests: vaccines@0123456789ab."""
        plain = self.model_dump(mode="json", exclude={"tests"}, exclude_none=True)
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return f"{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"
