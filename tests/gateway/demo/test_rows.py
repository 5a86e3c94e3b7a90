"""What the demo's board says of limits and values: short, and the limit that counts."""

from __future__ import annotations

import math

import pytest

from gateway.demo.rows import _limits, _with_unit
from rules.kinds.lost_contact import LostContact
from rules.kinds.threshold import Threshold

COLD = Threshold.model_validate(
    {"name": "cold", "kind": "threshold", "channel": "temperature", "below": 2.0, "for": "60 min"}
)
WARM = Threshold.model_validate(
    {"name": "warm", "kind": "threshold", "channel": "temperature", "above": 8.0, "for": "30 min"}
)
LIGHT = Threshold.model_validate(
    {
        "name": "light",
        "kind": "threshold",
        "channel": "illuminance",
        "above": 20.0,
        "mode": "instant",
    }
)
SILENT = LostContact.model_validate({"name": "silent", "kind": "lost_contact", "after": "15 min"})


@pytest.mark.parametrize(
    ("rules", "channel", "expected"),
    [
        ([WARM], "temperature", (-math.inf, 8.0, "> 8 °C, 30 min")),
        ([COLD, WARM, SILENT], "temperature", (2.0, 8.0, "< 2 or > 8 °C")),
        ([COLD, LIGHT, SILENT], "illuminance", (-math.inf, 20.0, "> 20 lx")),
        ([SILENT], "temperature", (-math.inf, math.inf, "")),
        ([SILENT], "", (-math.inf, math.inf, "not heard for 15 min")),
        ([], "temperature", (-math.inf, math.inf, "")),
    ],
)
def test_the_limits_of_a_channel(
    rules: list[Threshold | LostContact], channel: str, expected: tuple[float, float, str]
) -> None:
    assert _limits(rules, channel) == expected


@pytest.mark.parametrize(
    ("channel", "value", "expected"),
    [
        ("temperature.return_air", -20.0, "-20.0 °C"),
        ("illuminance", 300.0, "300 lx"),
        ("temperature", None, "?"),
    ],
)
def test_values_with_their_unit(channel: str, value: float | None, expected: str) -> None:
    assert _with_unit(channel, value) == expected
