"""What every kind of rule declares.

A kind is one file with one subclass of SampleRule (judged reading by reading, through the
lifecycle) or AbsenceRule (judged when nothing is heard), and one line in `rules.KINDS`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from devices.reading import QUANTITIES

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from rules.lifecycle import Timing

Severity = Literal["info", "warning", "critical"]


class Rule(BaseModel):
    """The settings that all kinds share. Frozen; an unknown key is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True
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


class SampleRule(Rule):
    """A rule that looks at one channel's samples; durations are the lifecycle's work."""

    channel: str = Field(
        description="The channel it watches: a quantity such as temperature, or "
        "quantity.place such as temperature.return_air."
    )

    @field_validator("channel")
    @classmethod
    def _known(cls, channel: str) -> str:
        return channel if channel == "*" else check_channel(channel)

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
