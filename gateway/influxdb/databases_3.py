"""Databases of an InfluxDB 3."""

from __future__ import annotations

import json
import shlex
from http import HTTPStatus

from gateway.influxdb.answers import ServerError, complaint
from gateway.influxdb.server import Server
from gateway.influxdb.steps import MADE, Step, for_how_long, post
from gateway.settings.influxdb import InfluxDB
from rules.duration import HOUR


def make_database(server: Server, section: InfluxDB) -> list[Step]:
    """Make the database if it is not there."""
    what = f"database {section.database}"
    if section.database in (_databases(server, section) or ()):
        step = Step(what, done=True)
        if section.retention is None:
            return [step]
        return [step, Step("retention as it was: it is set with a new database", done=True)]
    body, words = {"db": section.database}, ["influxdb3", "create", "database"]
    if section.retention:
        hours = f"{-(-section.retention // HOUR)}h"
        body["retention_period"] = hours
        words += ["--retention-period", hours]
    what += for_how_long(section)
    reply = post(server, "/api/v3/configure/database", body)
    if reply.status in MADE or reply.status == HTTPStatus.CONFLICT:
        return [Step(what, done=True)]
    if reply.status == HTTPStatus.FORBIDDEN:
        words += ["--host", section.url, section.database]
        return [Step(what, done=False, run=shlex.join(words))]
    raise complaint(reply, section, 3)


def look_for_database(server: Server, section: InfluxDB) -> None:
    """Raise ServerError if the database is not there, or we may not use it.

    No empty body is sent: an InfluxDB 3 makes a database for whatever is written to it.
    """
    names = _databases(server, section)
    if names is None:
        server.query("SHOW MEASUREMENTS")
    elif section.database not in names:
        raise ServerError(
            f"there is no database {section.database}",
            f"Make it: holdwatch influx init {section.name}",
        )


def _databases(server: Server, section: InfluxDB) -> set[str] | None:
    """Return the names of the databases; None where we may not see them."""
    reply = server.ask("GET", "/api/v3/configure/database", {"format": "json"})
    if reply.status == HTTPStatus.FORBIDDEN:
        return None
    if reply.status != HTTPStatus.OK:
        raise complaint(reply, section, 3)
    try:
        return {row["iox::database"] for row in json.loads(reply.body)}
    except (ValueError, KeyError, TypeError) as error:
        raise ServerError(
            f"{section.url} does not answer as an InfluxDB 3 does", "Check url and version"
        ) from error
