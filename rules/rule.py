"""What every kind of rule declares.

A kind is one file with one subclass of SampleRule (judged reading by reading, through the
lifecycle) or AbsenceRule (judged when nothing is heard), and one line in `rules.KINDS`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from devices.reading import QUANTITIES
from rules.duration import Duration
from rules.grace import Grace
from rules.lifecycle import StepAt
from rules.only import Only

if TYPE_CHECKING:
    from typing import Self

    from devices.reading import DeviceKey
    from rules.cargo.consignment import Consignment
    from rules.lifecycle import Timing

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""In rising order."""


class Rule(BaseModel):
    """The settings that all kinds share. Frozen; an unknown key is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, allow_inf_nan=False
    )

    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=60,
        description="What the rule is called in alerts and reports: small letters, digits and "
        "hyphens, such as too-warm. Alert ids depend on it.",
    )
    kind: str = Field(description="Which kind of rule this is.")
    devices: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Which devices it watches: patterns with * and ? on the device's key, "
        "such as reefer-* or acme/reefer-*.",
    )
    severity: Severity = Field(default="warning", description="How grave an alert of it is.")
    note: str = Field(default="", description="What the operator should do when it fires.")
    only: Only | None = Field(
        default=None, description="When it applies: on some legs, in some stages, at some times."
    )

    def parts(self) -> tuple[Rule, ...]:
        """Return the rules that it is made of, each with alerts of its own: mostly itself."""
        return (self,)

    def bound(self, consignment: Consignment) -> Self:
        """Return the rule as it judges one consignment: its legs, and what it brought along."""
        if self.only is None:
            return self
        return self.model_copy(update={"only": self.only.bound(consignment)})

    def settings(self) -> dict[str, Any]:
        """Return the settings as they would stand in a file: `model_validate` takes them back."""
        return self.model_dump(mode="json", exclude_none=True)

    def version(self) -> str:
        """First 12 hex digits of the SHA-256 of the settings in canonical JSON."""
        text = json.dumps(self.settings(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def matches(self, device: DeviceKey) -> bool:
        """Say whether this rule watches the device."""
        if "*" in self.devices:
            return True
        key = str(device)
        return any(fnmatchcase(key, pattern) for pattern in self.devices)

    def limit(self) -> str:
        """Say in words what the rule does not allow: "above 8.0 °C for 60 min"."""
        raise NotImplementedError


def check_channel(channel: str) -> str:
    """Return the channel, or raise ValueError with the nearest known quantity."""
    quantity = channel.partition(".")[0]
    if quantity in QUANTITIES and not channel.endswith("."):
        return channel
    near = difflib.get_close_matches(quantity, QUANTITIES, n=1, cutoff=0.5)
    cure = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(QUANTITIES)}"
    raise ValueError(f"there is no quantity {quantity!r}: {cure}")


class Step(BaseModel):
    """Where an alert that fires rises to another severity; it falls when that is over."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, allow_inf_nan=False
    )

    severity: Severity = Field(description="How grave it is from there on.")
    beyond: float | None = Field(
        default=None,
        gt=0,
        description="Reached while the value is so far beyond the limit, in its own unit.",
    )
    after: Duration | None = Field(
        default=None, gt=0, description="Reached after so much time in breach."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Step:
        if (self.beyond is None) == (self.after is None):
            raise ValueError('a step needs one of both: beyond = 4.0 or after = "2 h"')
        return self


class SampleRule(Rule):
    """A rule that looks at one channel's samples; durations are the lifecycle's work."""

    channel: str = Field(
        description="The channel it watches: a quantity such as temperature, or "
        "quantity.place such as temperature.return_air."
    )
    counts: str = Field(
        default="any",
        description="Of a consignment with several sensors, which counts: any (the worst), all "
        "(it must be true of each), mean, or the id of one.",
    )
    steps: tuple[Step, ...] = Field(
        default=(),
        description="Where an alert of it becomes graver, in rising order.",
    )
    grace: Grace | None = Field(
        default=None, description="What excuses a breach for a while: a door, a defrost."
    )
    judges_flags: ClassVar[int] = 0
    """Flags of a reading that are a breach whatever its values; 0: it judges values."""

    @field_validator("channel")
    @classmethod
    def _known(cls, channel: str) -> str:
        return channel if channel == "*" else check_channel(channel)

    @field_validator("steps")
    @classmethod
    def _rising(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        places = [SEVERITIES.index(one.severity) for one in steps]
        if places != sorted(places):
            raise ValueError("steps rise: put the one of the lower severity first")
        return steps

    @model_validator(mode="after")
    def _steps_are_graver(self) -> Self:
        if self.steps and SEVERITIES.index(self.steps[0].severity) < SEVERITIES.index(
            self.severity
        ):
            raise ValueError(
                f"a step cannot be milder than the rule: {self.steps[0].severity} is below "
                f"{self.severity}"
            )
        return self

    @model_validator(mode="after")
    def _grace_by_another(self) -> Self:
        excusing = None if self.grace is None else self.grace.channel
        if excusing is not None and self.channel == "*":
            raise ValueError("a grace by a channel needs a rule for one channel: name it")
        if excusing == self.channel:
            raise ValueError(f"{excusing} cannot excuse itself: name another channel, such as door")
        return self

    def steps_at(self) -> tuple[StepAt, ...]:
        """Return the steps as the lifecycle takes them."""
        return tuple(StepAt(one.beyond, one.after) for one in self.steps)

    def severity_at(self, step: int) -> Severity:
        """Return how grave it is at a step; 0 is the rule's own severity."""
        return self.steps[step - 1].severity if step else self.severity

    def settles(self) -> bool:
        """Whether all that is calm is CLEAR, and never NEUTRAL."""
        return True

    def rate(self, value: float) -> float:  # noqa: ARG002 - one signature for all kinds
        """Return how fast time in breach counts at a value; 1.0 is as time passes."""
        return 1.0

    def timing(self, interval: int) -> Timing:
        """Return the durations for a device that sends every `interval` milliseconds."""
        raise NotImplementedError

    def condition(self, value: float, usable: bool) -> int:  # noqa: FBT001 - hot: called by position for each sample
        """Return UNKNOWN, CLEAR, NEUTRAL or BREACH for one sample."""
        raise NotImplementedError

    def waits(self) -> bool:
        """Say whether a value that jumped as nothing real does waits for the next to confirm it."""
        return False

    def badness(self, value: float) -> float:
        """Return how bad a value is; the largest of a run is its worst."""
        raise NotImplementedError

    def calm(self) -> tuple[float, float]:
        """Return an open interval: no usable value strictly inside it is a BREACH."""
        raise NotImplementedError


class AbsenceRule(Rule):
    """A rule that fires because nothing fresh was heard for `wait` milliseconds."""

    def wait(self) -> int:
        """Return how long nothing may be heard, in milliseconds."""
        raise NotImplementedError


class RuleVersion(msgspec.Struct, frozen=True):
    """A rule as it stood for some time: it judges only samples with since <= when < until.

    `since` 0 means ever; `until` is None while it is in force, and set once it has passed.
    Times are milliseconds since 1970.
    """

    rule: Rule
    version: str
    since: int = 0
    until: int | None = None


def current(rules: tuple[Rule, ...], since: int = 0) -> list[RuleVersion]:
    """Return each rule as a version in force from `since` on."""
    return [RuleVersion(rule, rule.version(), since) for rule in rules]
