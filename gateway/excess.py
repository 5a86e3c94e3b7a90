"""How far the value of an alert is beyond its limit, so that the worst of several comes first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.alert import Alert

NOTABLE = {
    "temperature": 0.3,
    "humidity": 2.0,
    "set_point": 0.1,
    "pressure": 2.0,
    "battery": 0.05,
    "battery_level": 2.0,
    "voltage": 1.0,
    "signal": 6.0,
    "illuminance": 5.0,
    "co2": 100.0,
    "oxygen": 0.5,
    "acceleration": 0.5,
    "door": 0.5,
}
"""What people would call a change of a quantity, in its unit; 1 of all others."""
KINDS = frozenset({"threshold", "battery"})
"""Of these rules the values are measured against the limit itself."""
_NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_LIMIT = re.compile(rf"\b(above|below|outside) {_NUMBER}(?: to {_NUMBER})?")


def excess(alert: Alert) -> float:
    """Return how far an alert is beyond its limit, in notable changes of its quantity.

    By its newest value while it is open, by its worst once it is over; 0 where that cannot be
    said, as of a device that is not heard. An alert has its limit in words only, as it was then.
    """
    value = alert.worst if alert.last is None or alert.ended is not None else alert.last
    limit = _LIMIT.search(alert.limit) if alert.kind in KINDS else None
    if value is None or limit is None:
        return 0.0
    way, first, second = limit.groups()
    low = float(first) if way != "above" else value
    high = float(second or first) if way != "below" else value
    return max(low - value, value - high, 0.0) / NOTABLE.get(alert.channel.partition(".")[0], 1.0)
