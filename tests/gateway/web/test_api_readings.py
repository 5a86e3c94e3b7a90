"""Readings over HTTP: ranges, buckets, tables for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from gateway.web.api import models, table
from gateway.web.api.asked import parse_moment
from tests.gateway.web.api_client import api, pages, refused
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = 1_772_323_200_000  # 2026-03-01T00:00:00Z
MINUTE = 60_000


@pytest.fixture(scope="module")
def client(page: RunningPage) -> Iterator[httpx.Client]:
    """A client, and a device with 100 minutes of readings in which one is a peak."""
    series = [
        {"time": BEGIN + i * MINUTE, "temperature": 30.0 if i == 33 else 4.0 + i % 5 / 10}
        for i in range(100)
    ]
    page.publish("series", *series)
    with api(page) as client:
        until(lambda: client.get("/devices/series").is_success, "it is known")
        yield client


RANGE = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}


@pytest.mark.parametrize("limit", [7, 100, 1_000])
def test_readings_come_as_they_were_sent(client: httpx.Client, limit: int) -> None:
    found = pages(client, "/devices/series/readings", limit=limit, **RANGE)
    items = [one for part in found for one in part]
    assert [one["at"] for one in items] == [BEGIN + i * MINUTE for i in range(100)]
    assert items[33]["values"] == {"temperature": 30.0}
    models.Readings.model_validate({"items": items, "next": None})


@pytest.mark.parametrize("resolution", ["90s", "5min", "1h", "7 d"])
def test_no_extreme_is_lost_in_buckets(client: httpx.Client, resolution: str) -> None:
    found = pages(client, "/devices/series/readings", resolution=resolution, limit=3, **RANGE)
    items = [one for part in found for one in part]
    models.Summaries.model_validate({"items": items, "next": None})
    of = [one["channels"]["temperature"] for one in items]
    assert max(one["max"] for one in of) == 30.0
    assert sum(one["readings"] for one in of) == 100
    assert [one["start"] for one in items] == sorted({one["start"] for one in items})


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"from": BEGIN, "to": BEGIN + 10 * MINUTE}, 10),
        ({"from": "2026-03-01T01:00:00+01:00", "to": "2026-03-01T00:10:00"}, 10),
        ({"from": BEGIN + MINUTE, "to": BEGIN + MINUTE + 1}, 1),
        ({"from": BEGIN, "to": BEGIN + 10 * MINUTE, "channel": "humidity"}, 0),
        ({"to": BEGIN + 10 * MINUTE}, 10),
        ({}, 0),
    ],
)
def test_a_range_has_a_beginning_and_an_end(
    client: httpx.Client, asked: dict[str, Any], count: int
) -> None:
    (items,) = pages(client, "/devices/series/readings", **asked)
    assert len(items) == count


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"from": BEGIN, "to": BEGIN},
        {"from": "99999999999999999"},
        {"resolution": "0s"},
        {"resolution": "5 parsecs"},
        {"resolution": "1000d"},
        {"channel": "flavour"},
        {"format": "xml"},
        {"next": "AAAA", "resolution": "1h"},
    ],
)
def test_a_range_that_is_none_is_refused(client: httpx.Client, asked: dict[str, Any]) -> None:
    refused(client.get("/devices/series/readings", params=asked), 422)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0", 0),
        ("-1", -1),
        ("1970-01-01T00:00:01Z", 1_000),
        ("1970-01-01t00:00:01z", 1_000),
        ("1970-01-01 00:00:01", 1_000),
        ("1970-01-01T01:00:00 01:00", 0),
        ("1970-01-02", 86_400_000),
    ],
)
def test_times_are_milliseconds_or_iso_8601(text: str, moment: int) -> None:
    assert parse_moment(text) == moment


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    "way", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}]
)
def test_a_table_holds_the_whole_range(client: httpx.Client, way: dict[str, Any]) -> None:
    params = {**RANGE, "limit": 3, **way.get("params", {})}
    found = rows(client.get("/devices/series/readings", params=params, headers=way.get("headers")))
    assert len(found) == 100
    assert found[33] == {
        "device": "series",
        "when": "2026-03-01T00:33:00.000Z",
        "at": "2026-03-01T00:33:00.000Z",
        "received": found[33]["received"],
        "channel": "temperature",
        "value": "30.0",
        "unit": "°C",
        "flags": "",
        "raw": "",
    }


def test_a_table_of_buckets_holds_the_extremes(client: httpx.Client) -> None:
    asked = {**RANGE, "format": "csv", "resolution": "1h"}
    found = rows(client.get("/devices/series/readings", params=asked))
    assert [one["max"] for one in found] == ["30.0", "4.4"]
    assert [one["readings"] for one in found] == ["60", "40"]


def test_a_table_is_joined_of_parts_without_a_seam(client: httpx.Client) -> None:
    items = [one for part in pages(client, "/devices/series/readings", **RANGE) for one in part]
    whole = client.get("/devices/series/readings", params={**RANGE, "format": "csv"}).text
    parts = [table.readings("series", items[i : i + 7]) for i in range(0, 100, 7)]
    assert whole == table.heading(buckets=False) + "".join(parts)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(sign: str) -> None:
    hostile = f"{sign}cmd|' /C calc'!A0"
    item = {
        "when": 0,
        "at": 0,
        "received": 0,
        "flags": (),
        "values": {"temperature": -4.5},
        "raw": {},
    }
    ((device, *_, value, _, _, _),) = csv.reader(io.StringIO(table.readings(hostile, [item])))
    assert device == f"'{hostile}"
    assert value == "-4.5"  # a number stays one


def test_a_hostile_name_stays_a_text(page: RunningPage, client: httpx.Client) -> None:
    name = "=1-1\"<img,'"
    path = f"/devices/{quote(name)}"
    page.publish(name, {"temperature": 4.0})
    until(lambda: client.get(path).is_success, "it is known")
    assert client.get(path).json()["name"] == name
    (row,) = rows(client.get(f"{path}/readings", params={"format": "csv"}))
    assert row["device"] == f"'{name}"
