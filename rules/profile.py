"""Profiles of goods: what they stand, and how a consignment of them is judged.

A profile is a file that people read and change: limits with their source, rules, what the operator
does, and tests that show what it does. `rules/goods` holds ours; gateways have their own beside.
`profile_problems` finds what contradicts itself in one, `rehearsal` runs its tests.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from rules import AnyRule
from rules.cargo.consignment import Stage
from rules.duration import YEAR, Age, Duration, format_duration
from rules.meter import MeterRule
from rules.rule import Rule, SampleRule, Severity, check_channel
from rules.series import values

Channel = Annotated[str, AfterValidator(check_channel)]
Measures = Literal["air", "product", "buffered probe"]
Basis = Literal["law", "standard", "practice"]


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
    )


class Range(_Part):
    """What a channel should be. Out of it is an excursion, whatever the rules make of it."""

    channel: Channel = Field(description="A quantity such as temperature, or quantity.place.")
    low: float | None = Field(default=None, description="The lowest value that is well.")
    high: float | None = Field(default=None, description="The highest value that is well.")
    aim: float | None = Field(default=None, description="What is aimed at.")

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.low is None and self.high is None:
            raise ValueError("it has no limit: give low, high or both")
        if any(one is not None and not math.isfinite(one) for one in (self.low, self.high)):
            raise ValueError("limits must be finite numbers: leave out the one that there is not")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(
                f"low = {self.low:g} is not below high = {self.high:g}: put the lower one into low"
            )
        if self.aim is not None and not self.holds(self.aim):
            raise ValueError(f"aim = {self.aim:g} lies outside {self.words()}: aim at what is well")
        return self

    def holds(self, value: float) -> bool:
        """Say whether a value is well."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def words(self) -> str:
        """Say it in words, without the unit: "2 to 8", "at most -18"."""
        if self.low is None:
            return f"at most {self.high:g}"
        if self.high is None:
            return f"at least {self.low:g}"
        return f"{self.low:g} to {self.high:g}"


class Criteria(_Part):
    """By what a verdict is proposed. What no line names is held when it has an alert."""

    reject: tuple[str, ...] = Field(
        default=(),
        description="Names of rules, or of their parts, whose alert means that the goods are lost.",
    )
    accept: tuple[str, ...] = Field(
        default=(),
        description="Names of rules, or of their parts, whose alert does not keep the goods back.",
    )
    unknown: Duration = Field(
        default=0,
        description="How long in all nobody may know before release is not proposed any more.",
    )


class Expected(_Part):
    """An alert that comes of a test. Times count from the beginning of its series."""

    rule: str = Field(description="Name of the rule.")
    begins: Duration = Field(description="When what is wrong begins.")
    fires: Duration | None = Field(
        default=None, description="When the alert fires; at once if left out."
    )
    ends: Duration | None = Field(
        default=None, description="When the alert ends; if left out, it is still open at the end."
    )
    severity: Severity | None = Field(
        default=None, description="How grave it is at its end; not looked at if left out."
    )
    channel: str | None = Field(
        default=None, description="Which channel it is about; not looked at if left out."
    )


class Sample(_Part):
    """A test within a profile: a series, and the alerts that come of it."""

    name: str = Field(min_length=1, description="What it shows, in words.")
    interval: Duration = Field(gt=0, description="The time from one value to the next.")
    series: dict[Channel, str] = Field(
        min_length=1,
        description="Values of each channel: 4x12 9x13 is twelve fours and thirteen nines, 4..9x6 "
        "rises in six steps, - is a value that never came, ? one that cannot be true.",
    )
    alerts: tuple[Expected, ...] = Field(
        default=(), description="The alerts that come of it, in order; none if left out."
    )
    carried: Duration = Field(
        default=0, description="Time out of range that was used up before the series."
    )
    cycles: int = Field(
        default=0, ge=0, description="Times that the goods were frozen before the series."
    )
    stage: Stage = Field(default="in_transit", description="In which stage the consignment is.")
    way: tuple[tuple[float, float], ...] = Field(
        default=(),
        description="Planned stops from origin to destination, as [latitude, longitude].",
    )

    @field_validator("series", mode="before")
    @classmethod
    def _quoted(cls, series: object) -> object:
        """Find a channel whose dot TOML took for its own."""
        for channel, text in series.items() if isinstance(series, dict) else ():
            if isinstance(text, dict):
                place = next(iter(text), "place")
                raise ValueError(  # noqa: TRY004 - pydantic turns ValueError alone into a message for the reader
                    f'{channel}.{place} stands without quotes: write "{channel}.{place}"'
                )
        return series

    @field_validator("series")
    @classmethod
    def _readable(cls, series: dict[str, str]) -> dict[str, str]:
        lengths = {}
        for channel, text in series.items():
            try:
                lengths[channel] = len(values(text))
            except ValueError as error:
                raise ValueError(f"{channel}: {error}") from error
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{channel} {count}" for channel, count in lengths.items())
            raise ValueError(
                f"the series have not the same number of values ({told}): write -x3 for three "
                "that never came"
            )
        return series


class Profile(_Part):
    """One kind of goods."""

    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=60,
        description="What it is called, as its file is: small letters, digits and hyphens.",
    )
    title: str = Field(description="What the goods are, for people.")
    source: str = Field(description="Where the limits come from.")
    basis: Basis = Field(default="practice", description="What kind of source that is.")
    measures: Measures = Field(description="What the limits are limits of.")
    extends: str = Field(default="", description="The profile that this one changes.")
    without: tuple[str, ...] = Field(
        default=(), description="Names of rules of that profile which this one leaves out."
    )
    needs: tuple[Channel, ...] = Field(
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
    keep: Age = Field(
        default=5 * YEAR,
        description="How long all that its verdict rests on is kept.",
        json_schema_extra={"default text": '`"5 years"`'},
    )
    tests: tuple[Sample, ...] = Field(default=(), alias="test", description="Its own tests.")

    def settings(self) -> dict[str, Any]:
        """Return all that counts for judging, as it would stand in a file that extends nothing."""
        apart = {"tests", "extends", "without"}
        return self.model_dump(mode="json", exclude=apart, exclude_none=True)

    def version(self) -> str:
        """Name and 12 hex digits of the SHA-256 of all but the tests: vaccines@0123456789ab."""
        text = json.dumps(self.settings(), sort_keys=True, separators=(",", ":"))
        return f"{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def channels(self) -> tuple[str, ...]:
        """Return every channel that ranges and rules are about, or that is needed, in order."""
        found = {one.channel for one in self.ranges} | set(self.needs)
        for rule in self.rules:
            found |= channels_of(rule)
        return tuple(sorted(found))

    def range(self, channel: str) -> Range | None:
        """Return what a channel should be in, None where nothing is said of it."""
        return next((one for one in self.ranges if one.channel == channel), None)

    def rule(self, name: str) -> AnyRule | None:
        """Return a rule by its name."""
        return next((one for one in self.rules if one.name == name), None)

    def sampled(self, interval: int) -> tuple[str, ...]:
        """Say in words what cannot be judged where a sensor sends every `interval` ms."""
        wrong = []
        if self.interval is not None and interval > self.interval:
            wrong.append(
                f"it sends every {format_duration(interval)}, and must at least every "
                f"{format_duration(self.interval)}"
            )
        for rule in self.rules:
            found = too_short(rule, interval)
            if found is not None:
                wrong.append(f"rule {rule.name}: {found[1]}")
        return tuple(wrong)


def channels_of(rule: Rule) -> set[str]:
    """Return the channels that a rule must have to judge anything."""
    if isinstance(rule, MeterRule):
        return set(rule.inputs())
    if isinstance(rule, SampleRule) and rule.channel != "*":
        return {rule.channel}
    return set()


_LENGTHS = (("window", 2), ("within", 2), ("hold", 1), ("after", 1))
"""Settings of rules that are a length of time, and how many intervals it must last at least."""


def too_short(rule: Rule, interval: int) -> tuple[str, str] | None:
    """Return which setting of a rule is too short for this interval (ms), and why in words."""
    for setting, times in _LENGTHS:
        length = getattr(rule, setting, None)
        if isinstance(length, int) and 0 < length < times * interval:
            return setting, (
                f"{setting} = {format_duration(length)} is shorter than "
                f"{'two intervals' if times > 1 else 'the interval'} of {format_duration(interval)}"
            )
    return None
