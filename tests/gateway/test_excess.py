"""How far an alert is beyond its limit, by the words in which it has it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.excess import excess
from tests.gateway.notify.told import MADE, alert


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"limit": "above 8.0 °C for 3 min", "last": 11.0}, 10.0),
        ({"limit": "at or below -18.0 °C", "last": -21.0}, 10.0),
        ({"limit": "outside -25.0 to -18.0 °C, limits included, for 3 min", "last": -15.0}, 10.0),
        ({"limit": "outside 2.0 to 8.0 °C", "last": -1.0}, 10.0),
        ({"limit": "above 8.0 °C", "last": 7.0}, 0.0),
        ({"limit": "above 8.0 °C", "last": None, "worst": 11.0}, 10.0),
        ({"limit": "above 8.0 °C", "last": 5.0, "worst": 11.0, "ended": MADE}, 10.0),
        ({"limit": "above 60.0 %", "channel": "humidity", "last": 80.0}, 10.0),
        ({"limit": "above 1e-05", "channel": "unheard_of", "last": 10.0}, 10.0),
        ({"limit": "not heard for 30 min", "kind": "lost_contact"}, 0.0),
        ({"limit": "the 2 h allowed above 8.0 °C used up", "kind": "budget"}, 0.0),
    ],
)
def test_it_is_measured_against_the_limit_in_notable_changes(
    changed: dict[str, Any], expected: float
) -> None:
    assert excess(alert(**changed)) == pytest.approx(expected, abs=1e-4)
