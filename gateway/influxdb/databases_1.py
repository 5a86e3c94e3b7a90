"""Databases and retention policies of an InfluxDB 1."""

from __future__ import annotations

import re
import shlex
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from gateway.influxdb.answers import complaint
from gateway.influxdb.server import Server
from gateway.influxdb.steps import REFUSED, Step, for_how_long, literal, longer
from gateway.settings.influxdb import InfluxDB
from rules.duration import HOUR, MINUTE, SECOND


def make_database(server: Server, section: InfluxDB) -> list[Step]:
    """Make the database, or in one that is there the retention policy."""
    name, kept = _quoted(section.database), for_how_long(section)
    found = _influxql(server, section, "SHOW DATABASES") or []
    what = f"database {section.database}"
    if section.database in (row["name"] for row in found):
        return [Step(what, done=True), *_policy(server, section)]
    policy = ""
    if section.retention is not None:
        policy += f" DURATION {_duration(section.retention)} REPLICATION 1"
    if section.retention_policy:
        policy += f" NAME {_quoted(section.retention_policy)}"
    make = f"CREATE DATABASE {name}" + (f" WITH{policy}" if policy else "")
    if _influxql(server, section, make) is not None:
        return [Step(f"{what}{kept}", done=True)]
    steps = [Step(f"{what}{kept}", done=False, run=_shell(section, make))]
    if section.username is not None:
        # Apart: the database may be there, kept for another time, and only hidden from us.
        grant = f"GRANT ALL ON {name} TO {_quoted(section.username)}"
        may = f"{section.username} may read and write {section.database}"
        steps.append(Step(may, done=False, run=_shell(section, grant)))
    return steps


def _policy(server: Server, section: InfluxDB) -> list[Step]:
    """Make the retention policy of a database that is there already."""
    length, on = section.retention, _quoted(section.database)
    if not section.retention_policy and length is None:
        return []
    rows = _influxql(server, section, f"SHOW RETENTION POLICIES ON {on}")
    default = next((row["name"] for row in rows or () if row["default"]), "autogen")
    name = section.retention_policy or default
    now = next((_length(row["duration"]) for row in rows or () if row["name"] == name), None)
    what = f"retention policy {name}{for_how_long(section)}"
    if now is not None and (length is None or now == length):
        return [Step(what, done=True)]
    text = f"RETENTION POLICY {_quoted(name)} ON {on} DURATION {_duration(length or 0)}"
    may_be_there = now is not None or (rows is None and not section.retention_policy)
    text = f"ALTER {text}" if may_be_there else f"CREATE {text} REPLICATION 1"
    if now is not None and length is not None and not longer(length, now):
        what += ": not done, since it deletes what is older"
    elif rows is not None and _influxql(server, section, text) is not None:
        return [Step(what, done=True)]
    return [Step(what, done=False, run=_shell(section, text))]


def _influxql(server: Server, section: InfluxDB, text: str) -> list[dict[str, Any]] | None:
    """Run one statement, and return its rows; None where we may not. ServerError otherwise."""
    reply = server.ask("POST", "/query", {"q": text})
    if reply.status in REFUSED and text.startswith(("CREATE", "ALTER", "SHOW RETENTION")):
        return None
    if reply.status != HTTPStatus.OK:
        raise complaint(reply, section, 1)
    return server.rows(reply)


def _shell(section: InfluxDB, text: str) -> str:
    parts = urlsplit(section.url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    words = ["influx", "-host", parts.hostname or "", "-port", str(port)]
    if secure:
        words.append("-ssl")
    if section.username is not None:
        words += ["-username", "admin", "-password", ""]  # it asks for the password
    return shlex.join([*words, "-execute", text])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


def _duration(length: int) -> str:
    return literal(length) if length else "INF"


def _length(text: str) -> int:
    """Return the ms of what InfluxDB 1 calls 720h0m0s; 0 is for ever."""
    units = {"h": HOUR, "m": MINUTE, "s": SECOND}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))
