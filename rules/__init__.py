"""Rules: readings and times in, transitions out. No I/O, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rules.kinds.lost_contact import LostContact
from rules.kinds.no_usable_data import NoUsableData
from rules.kinds.threshold import Threshold

if TYPE_CHECKING:
    from rules.rule import Rule

KINDS: tuple[type[Rule], ...] = (Threshold, LostContact, NoUsableData)
"""Every kind of rule. A new kind is one file, one line here, and one member of AnyRule."""

AnyRule = Annotated[Threshold | LostContact | NoUsableData, Field(discriminator="kind")]
"""What the settings hold: a rule of the kind that its `kind` names."""
