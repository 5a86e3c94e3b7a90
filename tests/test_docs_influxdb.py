"""Holds docs/influxdb.md to the code, and its queries to a real InfluxDB."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.influxdb.lines import Lines
from gateway.settings.influxdb import ALERT_FIELDS, ALERT_TAGS, READING_FIELDS, Schema
from gateway.state import StoredEvent
from gateway.tagging import BEGINNING, Pattern, Tagging, Tags
from rules.alert import Event
from tests.deploy.sample import VITALS
from tests.gateway.asked import alarm
from tests.gateway.parts import said
from tests.influxdb import RunningInflux

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "influxdb.md").read_text("utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)\n```", GUIDE, re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    return GUIDE.partition(f"### {heading}\n")[2].partition("\n### ")[0]


def named(text: str) -> set[str]:
    """Return what the first cells of a table name."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_tag_and_field_is_in_the_guide() -> None:
    names = Schema()
    tags = set(names.tags.model_dump().values())
    assert named(section("Measurement `readings`")) >= tags | set(READING_FIELDS)
    assert named(section("Measurement `alerts`")) == tags | set(ALERT_TAGS) | set(ALERT_FIELDS)
    assert named(section("Measurement `gateway`")) == set(VITALS)
    for measurement in (names.readings, names.alerts, names.gateway):
        assert section(f"Measurement `{measurement}`")


@pytest.fixture(scope="module")
def database(influxdb: RunningInflux) -> str:
    """A database with a reading, an alert and a point of the gateway's health, all of just now."""
    name = influxdb.database()
    tagging = Tagging([(BEGINNING, [Pattern("fridge-*", Tags("Warehouse 2"))])])
    lines = Lines(Schema(), tagging)
    now = 0
    reading = said("fridge-1", now)
    alert = alarm("a1", device=DeviceKey("", "fridge-1"), severity="critical")
    event = StoredEvent(1, now, Event(key="a1:firing", kind="firing", at=now, alert=alert))
    written = [
        *lines.of_readings([reading]),
        *lines.of_events([event]),
        lines.of_health("dock", now, {"waiting_influxdb": 3.0}),
    ]
    # Without a time of theirs, the server takes its own: that is what now() counts from.
    influxdb.write(name, b"\n".join(one.rpartition(b" ")[0] for one in written))
    return name


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_queries_of_the_guide_find_what_we_write(
    influxdb: RunningInflux, database: str, query: str
) -> None:
    assert influxdb.rows(database, query)


def test_there_are_queries() -> None:
    assert len(QUERIES) >= 4
