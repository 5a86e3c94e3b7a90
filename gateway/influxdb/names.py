"""Under what names the followers of one InfluxDB keep their cursors and dead letters."""

from __future__ import annotations

_PREFIX = "influxdb:"


def cursor_name(server: str) -> str:
    """Return the name of the follower that copies readings to a server."""
    return f"{_PREFIX}{server}"


def alerts_name(server: str) -> str:
    """Return the name of the follower that copies alerts to a server."""
    return f"{cursor_name(server)}:alerts"


def server_of(follower: str) -> str:
    """Return which server a follower copies to; empty for one that copies to none."""
    return follower.removeprefix(_PREFIX).partition(":")[0] if follower.startswith(_PREFIX) else ""
