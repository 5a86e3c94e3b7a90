"""Buckets of an InfluxDB 2, and the mapping by which InfluxQL reads them as databases."""

from __future__ import annotations

import shlex
from http import HTTPStatus
from typing import Any

from gateway.influxdb.answers import Reply, ServerError, complaint, document
from gateway.influxdb.server import Server
from gateway.influxdb.steps import (
    MADE,
    Step,
    for_how_long,
    listed,
    literal,
    longer,
    post,
    try_to_write,
)
from gateway.settings.influxdb import InfluxDB
from rules.duration import SECOND


def make_bucket(server: Server, section: InfluxDB) -> list[Step]:
    """Make the bucket and its mapping, as far as they are not there."""
    bucket = _bucket(server, section)
    if bucket is not None:
        return [_retention(server, section, bucket), _map(server, section, bucket)]
    bucket = _make_bucket(server, section)
    if bucket is None:
        return _by_hand(server, section)
    step = Step(f"bucket {section.database}{for_how_long(section)}", done=True)
    return [step, _map(server, section, bucket)]


def _by_hand(server: Server, section: InfluxDB) -> list[Step]:
    """Return what somebody else has to do. A token may write to what it may not see."""
    what = f"bucket {section.database}{for_how_long(section)}"
    keep = [] if section.retention is None else ["--retention", literal(section.retention)]
    mapping = Step(_mapping(section), done=False, run=_map_by_hand(section, ""))
    try:
        try_to_write(server)
    except ServerError as error:
        if error.reason.startswith("404 organization"):
            raise
        words = ["influx", "bucket", "create", "--name", section.database, *keep]
        return [Step(what, done=False, run=_shell(section, words)), mapping]
    if not keep:
        return [Step(what, done=True), mapping]
    words = ["influx", "bucket", "update", "--host", section.url, *keep]
    run = f"{shlex.join(words)} --id {_find(section)}"
    return [Step(what, done=False, run=run), mapping]


def _bucket(server: Server, section: InfluxDB) -> dict[str, Any] | None:
    """Return the bucket, None if it is not there or we may not see it."""
    fields = {"org": section.organization, "name": section.database}
    reply = server.ask("GET", "/api/v2/buckets", fields)
    if reply.status == HTTPStatus.OK:
        return next(iter(listed(reply, "buckets")), None)
    if _is_denied(reply) or _is_missing(reply):
        return None
    raise complaint(reply, section, 2)


def _make_bucket(server: Server, section: InfluxDB) -> dict[str, Any] | None:
    """Make the bucket, and return it; None if we may not."""
    reply = server.ask("GET", "/api/v2/orgs", {"org": section.organization})
    found = listed(reply, "orgs")
    if not found:
        if reply.status == HTTPStatus.OK or _is_denied(reply) or _is_missing(reply):
            return None
        raise complaint(reply, section, 2)
    body: dict[str, Any] = {"orgID": found[0]["id"], "name": section.database}
    body["retentionRules"] = _rules(section.retention or 0)
    reply = post(server, "/api/v2/buckets", body)
    if _is_denied(reply):
        return None
    if reply.status not in MADE:
        raise complaint(reply, section, 2)
    return document(reply)


def _retention(server: Server, section: InfluxDB, bucket: dict[str, Any]) -> Step:
    what, length = f"bucket {section.database}", section.retention
    now = sum(rule.get("everySeconds", 0) for rule in bucket.get("retentionRules") or ()) * SECOND
    if length is None or length == now:
        return Step(what, done=True)
    what += for_how_long(section)
    if longer(length, now):
        path = f"/api/v2/buckets/{bucket['id']}"
        reply = post(server, path, {"retentionRules": _rules(length)}, method="PATCH")
        if reply.status in MADE:
            return Step(what, done=True)
        if not _is_denied(reply):
            raise complaint(reply, section, 2)
    else:
        what += ": not done, since it deletes what is older"
    words = ["influx", "bucket", "update", "--id", bucket["id"], "--retention", literal(length)]
    return Step(what, done=False, run=shlex.join([*words, "--host", section.url]))


def _rules(length: int) -> list[dict[str, object]]:
    return [{"type": "expire", "everySeconds": -(-length // SECOND)}] if length else []


def _mapping(section: InfluxDB) -> str:
    return f"InfluxQL reads database {section.database} from this bucket"


def _map(server: Server, section: InfluxDB, bucket: dict[str, Any]) -> Step:
    """Map the database of InfluxQL to the bucket by a mapping of its own.

    There is one that InfluxDB makes up; it goes as soon as anybody makes another.
    """
    fields = {"orgID": bucket["orgID"], "db": section.database}
    reply = server.ask("GET", "/api/v2/dbrps", fields)
    if reply.status != HTTPStatus.OK and not _is_denied(reply):
        raise complaint(reply, section, 2)
    for one in listed(reply, "content"):
        if one.get("virtual") or not one.get("default"):
            continue
        if one.get("bucketID") == bucket["id"]:
            return Step(_mapping(section), done=True)
        words = ["influx", "v1", "dbrp", "delete", "--id", str(one.get("id"))]
        what = f"{_mapping(section)}: not done, since it is another's now"
        return Step(what, done=False, run=_shell(section, words))
    body = fields | {"bucketID": bucket["id"], "retention_policy": "autogen", "default": True}
    body["database"] = body.pop("db")
    reply = post(server, "/api/v2/dbrps", body)
    if _is_denied(reply):
        return Step(_mapping(section), done=False, run=_map_by_hand(section, bucket["id"]))
    if reply.status not in MADE:
        raise complaint(reply, section, 2)
    return Step(_mapping(section), done=True)


def _map_by_hand(section: InfluxDB, bucket: str) -> str:
    words = ["influx", "v1", "dbrp", "create", "--default", "--rp", "autogen"]
    words += ["--db", section.database]
    if bucket:
        return _shell(section, [*words, "--bucket-id", bucket])
    return f"{_shell(section, words)} --bucket-id {_find(section)}"


def _find(section: InfluxDB) -> str:
    """Return what a shell makes the id of the bucket of."""
    words = ["influx", "bucket", "list", "--hide-headers", "--name", section.database]
    return f'"$({_shell(section, words)} | cut -f 1)"'


def _shell(section: InfluxDB, words: list[str]) -> str:
    return shlex.join([*words, "--org", section.organization, "--host", section.url])


def _is_denied(reply: Reply) -> bool:
    """Whether the token is known, and may not do this.

    InfluxDB 2 answers 401 to that as well, and names the right that is missing, as in
    "write:orgs/1a/buckets is unauthorized". A token that it does not know is a 401 in other words.
    """
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return str(document(reply).get("message", "")).endswith(" is unauthorized")
    return reply.status == HTTPStatus.FORBIDDEN


def _is_missing(reply: Reply) -> bool:
    """Whether a 404 speaks of what was looked for, and not of the path."""
    return reply.status == HTTPStatus.NOT_FOUND and document(reply).get("code") == "not found"
