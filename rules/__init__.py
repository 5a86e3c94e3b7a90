"""Rules: readings and times in, transitions out. No I/O, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rules.kinds.battery import LowBattery
from rules.kinds.budget import StabilityBudget
from rules.kinds.calibration import CalibrationExpired
from rules.kinds.condensation import Condensation
from rules.kinds.exposure import Exposure
from rules.kinds.freeze_thaw import FreezeThaw
from rules.kinds.lost_contact import LostContact
from rules.kinds.mkt import MeanKinetic
from rules.kinds.no_usable_data import NoUsableData
from rules.kinds.off_route import OffRoute
from rules.kinds.rate import RateOfChange
from rules.kinds.steadiness import Steadiness
from rules.kinds.threshold import Threshold

if TYPE_CHECKING:
    from rules.rule import Rule

KINDS: tuple[type[Rule], ...] = (
    Threshold,
    LostContact,
    NoUsableData,
    Exposure,
    StabilityBudget,
    FreezeThaw,
    MeanKinetic,
    RateOfChange,
    Steadiness,
    Condensation,
    LowBattery,
    CalibrationExpired,
    OffRoute,
)
"""Every kind of rule. A new kind is one file, one line here, and one member of AnyRule."""

AnyRule = Annotated[
    Threshold
    | LostContact
    | NoUsableData
    | Exposure
    | StabilityBudget
    | FreezeThaw
    | MeanKinetic
    | RateOfChange
    | Steadiness
    | Condensation
    | LowBattery
    | CalibrationExpired
    | OffRoute,
    Field(discriminator="kind"),
]
"""What the settings hold: a rule of the kind that its `kind` names."""
