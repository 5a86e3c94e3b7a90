"""The first settings file: short, and with a rule that can be tried at once."""

from __future__ import annotations

import json

_HEAD = """\
# Holdwatch settings. Check them with: holdwatch check -c THIS_FILE
# All keys: docs/settings.md

[gateway]
# timezone = "Europe/Berlin"      # in which days begin; UTC if left out
{data}     # where everything is stored

"""
_LISTENER = """\
# Sensors connect straight to this gateway; what it acknowledges is stored.
[[listeners]]
host = "127.0.0.1"                # this machine alone
port = {port}
# Whoever is on this machine may speak for every device, without a name: good for a first try.
# Then take this line out and give each sensor a token: holdwatch device add NAME
anonymous = true
# For sensors on your network: holdwatch tls init, and in place of the lines above
# host = "0.0.0.0"
# tls = {{ certificate = "tls/server.pem", key = "tls/server.key" }}

"""
_BROKER = """\
# {what} a broker to which sensors publish.
[[brokers]]
name = "main"
host = {host}
port = {port}
topics = ["cargo/+/+/readings"]
# username = "holdwatch"
# password_file = "broker-password"
# tls = {{}}                        # speak TLS; port is then 8883

"""
_WEB = """\
# The page, for people: alerts and values in a browser on this machine. {password}
# For phones on your network: holdwatch tls init, then host = "0.0.0.0" with the same
# tls = {{ … }} as above.
[web]
host = "127.0.0.1"
port = 8470

"""
_PRINTED = "The first start prints\n# a password."
_MADE = """Make your password:
# sudo -u holdwatch holdwatch user add NAME --role administrator"""
_INFLUXDB = """\
# Copies of everything in InfluxDB 1, 2 or 3, for Grafana: docs/influxdb.md. After an outage it
# gets what it missed. Make the database by: holdwatch influx init
[[influxdb]]
name = "main"
url = "http://127.0.0.1:8086"
database = "holdwatch"
# organization = "cargo"          # InfluxDB 2 wants to know it
# token_file = "influxdb-token"   # InfluxDB 2 and 3; InfluxDB 1: username and password_file

"""
_CHANNEL = """\
# Tells people of alerts, by e-mail and in other ways: docs/notifications.md
[[channels]]
name = "office"
kind = "email"
host = "mail.example.org"
username = "holdwatch"
password_file = "mail.password"
from = "Holdwatch <holdwatch@example.org>"
to = ["office@example.org"]

"""
_BACKUP = """\
# A copy of everything each day, to a folder that is there, on another disk: docs/backup.md
[backup]
folder = "/mnt/backup"
keys = ["age1…"]                  # the public key of: holdwatch backup key
needs_mount = true                # nothing is written while that disk is not there

"""
_HEARTBEAT = """\
# Who watches the gateway itself: a service that raises an alarm when it hears nothing of it,
# such as a check at healthchecks.io or Uptime Kuma. The file holds the address that it gives.
[[heartbeats]]
name = "outside"
url_file = "heartbeat.url"

"""
_RULES = """\
# Tries the alarm: fires at the first value above 8 °C.
# The topic is cargo/SITE/DEVICE/readings, the message {"temperature": 9.5}
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


def starter(broker: str | None, port: int | None, data: str | None = None) -> str:
    """Return the text of a first settings file: to join this broker, or to listen ourselves.

    `data` is the data folder of a service; None: a person starts it, with the usual one.
    """
    said = '# data = "/var/lib/holdwatch"' if data is None else f"data = {json.dumps(data)}"
    head = _HEAD.format(data=said)
    usual = 1883
    # What a service prints would stay in a log: it makes no password by itself.
    web = _WEB.format(password=_PRINTED if data is None else _MADE)
    more = _CHANNEL + _BACKUP + _HEARTBEAT + _INFLUXDB
    last = web + _commented(more) + _RULES
    if broker is not None:
        joined = _BROKER.format(what="Joins", host=json.dumps(broker), port=port or usual)
        return head + joined + _commented(_LISTENER.format(port=usual)) + last
    joined = _BROKER.format(what="Or joins", host='"localhost"', port=usual)
    return head + _LISTENER.format(port=port or usual) + _commented(joined) + last


def _commented(text: str) -> str:
    lines = text.splitlines()
    return "".join(f"{line}\n" if line[:1] in {"", "#"} else f"# {line}\n" for line in lines)
