"""The first settings file: short, and with a rule that can be tried at once."""

from __future__ import annotations

import json

_TEXT = """\
# Holdwatch settings. Check them with: holdwatch check -c THIS_FILE
# All keys: docs/settings.md

[gateway]
# timezone = "Europe/Berlin"      # in which days begin; UTC if left out
# data = "/var/lib/holdwatch"     # where everything is stored

[[brokers]]
name = "main"
host = {host}
port = {port}
topics = ["cargo/+/+/readings"]
# username = "holdwatch"
# password_file = "broker-password"
# tls = {{}}                        # speak TLS; port is then 8883

# Tries the alarm: fires at the first value above 8 °C.
# The topic is cargo/SITE/DEVICE/readings, the message {{"temperature": 9.5}}
[[rules]]
name = "too-warm-now"
kind = "threshold"
channel = "temperature"
above = 8.0
severity = "warning"

# What vaccines in a refrigerator need: 2 to 8 °C, an alert after an hour outside.
[[rules]]
name = "fridge"
kind = "threshold"
devices = ["fridge-*"]
channel = "temperature"
outside = [2.0, 8.0]
for = "60 min"
severity = "critical"
note = "Move the vaccines to another refrigerator, then look at this one."

[[rules]]
name = "not-heard"
kind = "lost_contact"
after = "1 h"
"""


def starter(host: str, port: int) -> str:
    """Return the text of a first settings file for this broker."""
    return _TEXT.format(host=json.dumps(host), port=port)
