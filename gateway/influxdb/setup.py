"""What a server needs before the first line: a database, for how long it keeps, a mapping.

`try_out` looks and changes nothing. `init` makes what is missing, as far as it may; where it may
not, it says what somebody with the rights has to type. What is there is never kept shorter: that
deletes, and is left to people. Both block.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.influxdb import buckets, databases_1, databases_3
from gateway.influxdb.answers import ServerError
from gateway.influxdb.server import Server
from gateway.influxdb.steps import Step, try_to_write
from gateway.settings.influxdb import InfluxDB

__all__ = ["Step", "Tried", "init", "try_out"]


class Tried(NamedTuple):
    """How it stands with a server."""

    ok: bool
    version: str
    """Empty where the server did not tell."""
    says: str
    cure: str = ""


def try_out(server: Server, section: InfluxDB) -> Tried:
    """Connect, log in, and see that the database is there and may be written. Writes nothing."""
    version = ""
    try:
        version = server.version()
        _look(server, section)
    except ServerError as error:
        cure = _pin(section, version) or error.cure
        return Tried(ok=False, version=version, says=error.reason, cure=cure)
    says = f"InfluxDB {version}, {section.database} is there"
    return Tried(ok=True, version=version, says=says)


def _look(server: Server, section: InfluxDB) -> None:
    """Raise ServerError if nothing could be written."""
    if server.major == 3:
        databases_3.look_for_database(server, section)
    else:
        try_to_write(server)


def _pin(section: InfluxDB, version: str) -> str:
    """Return what to do where the settings say another version than the server; or nothing."""
    if section.version == "auto" or version.partition(".")[0] in {"", section.version}:
        return ""
    return f'The settings say version = "{section.version}", the server {version}: leave it out'


def init(server: Server, section: InfluxDB) -> list[Step]:
    """Make the database or bucket, its retention, and what InfluxQL needs to read it.

    What is there already is left. ServerError where the server cannot be asked, or refuses for
    another reason than that we may not.
    """
    if server.major == 1:
        return databases_1.make_database(server, section)
    if server.major == 2:
        return buckets.make_bucket(server, section)
    return databases_3.make_database(server, section)
