"""The steps of `holdwatch influx init`: what the three kinds of InfluxDB have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from gateway.influxdb.answers import Reply, ServerError, Verdict, document
from gateway.influxdb.server import Server
from gateway.settings.influxdb import InfluxDB
from rules.duration import DAY, HOUR, SECOND

REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Answers that say: it could be done, but not by us."""
MADE = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}


class Step(NamedTuple):
    """One thing that a server needs."""

    what: str
    done: bool
    run: str = ""
    """The command for somebody with the rights, where it is not done."""


def literal(length: int) -> str:
    """Return a length of time (ms) as InfluxQL and the shells of InfluxDB write it; 0: for ever."""
    for unit, letter in ((DAY, "d"), (HOUR, "h")):
        if length % unit == 0:
            return f"{length // unit}{letter}"
    return f"{-(-length // SECOND)}s"


def longer(length: int, now: int) -> bool:
    """Whether a length (ms) keeps all that is kept now, where 0 is for ever."""
    return now != 0 and (length == 0 or length > now)


def for_how_long(section: InfluxDB) -> str:
    """Return the retention of the settings in words, nothing if they give none."""
    if section.retention is None:
        return ""
    return f", kept for {literal(section.retention) if section.retention else 'ever'}"


def try_to_write(server: Server) -> None:
    """Raise ServerError if nothing could be written to an InfluxDB 1 or 2. Writes nothing.

    They judge a body without a line like any other, until they miss the line.
    """
    answer = server.write(b"")
    wants_a_line = answer.verdict is Verdict.REFUSED and "requires points" in answer.reason
    if answer.verdict is not Verdict.WRITTEN and not wants_a_line:
        raise ServerError(answer.reason, answer.cure)


def post(server: Server, path: str, body: Mapping[str, Any], method: str = "POST") -> Reply:
    """Send JSON. ServerError if there is no answer."""
    content = json.dumps(body).encode()
    return server.ask(method, path, body=content, headers={"Content-Type": "application/json"})


def listed(reply: Reply, key: str) -> list[dict[str, Any]]:
    """Return the objects in a list of a JSON answer."""
    found = document(reply).get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
