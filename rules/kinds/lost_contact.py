"""A device that is no longer heard."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rules.duration import Duration, format_duration
from rules.rule import AbsenceRule


class LostContact(AbsenceRule):
    """Fires when nothing fresh was received from a device for too long.

    It rests on when this gateway heard the device, and is never revised: what a device
    sends later tells where the goods were, not that we heard it.
    """

    kind: Literal["lost_contact"] = Field(
        default="lost_contact", description="A device that is not heard."
    )
    after: Duration = Field(
        gt=0, description="How long a device may be unheard; a good value is 2.5 intervals."
    )

    def wait(self) -> int:
        """Return how long nothing may be heard, in milliseconds."""
        return self.after

    def limit(self) -> str:
        """Say the limit in words: "not heard for 30 min"."""
        return f"not heard for {format_duration(self.after)}"
