"""The rule set of a consignment of vaccines: five rules of five kinds for each sensor."""

from __future__ import annotations

FIVE = """
[[rules]]
name = "fridge"
kind = "threshold"
channel = "temperature"
outside = [2.0, 8.0]
for = "60 min"
severity = "critical"

[[rules]]
name = "exposed"
kind = "exposure"
channel = "temperature"
bands = [
    { name = "warm", above = 8.0, for = "10 h" },
    { name = "frozen", below = -0.5, for = "60 min" },
]

[[rules]]
name = "stability"
kind = "stability_budget"
channel = "temperature"
low = 2.0
high = 8.0
allowed = "72 h"

[[rules]]
name = "mean-kinetic"
kind = "mkt"
channel = "temperature"
above = 8.0
window = "24 h"

[[rules]]
name = "gone"
kind = "lost_contact"
after = "2 h"
"""
"""As TOML, as it stands in settings. An exposure of two bands is one rule."""
RULES = 5
