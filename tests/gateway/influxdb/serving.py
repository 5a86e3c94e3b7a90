"""A Server for a test, closed afterwards, and what tests of it send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.influxdb.server import Server
from gateway.settings.influxdb import InfluxDB

LINE = b"m,a=b x=1.5 1763800000123456789"
SECRET = "tiger-in-the-night"


@contextmanager
def serving(url: str, *, timeout: float = 30.0, **keys: Any) -> Iterator[Server]:  # noqa: ANN401 - keys of the settings
    """The server at an address, by the keys of its settings."""
    server = Server(InfluxDB(url=url, **keys), timeout=timeout)
    try:
        yield server
    finally:
        server.close()
