"""The dashboards ask a real InfluxDB, in our schema, and are what their generator makes."""

from __future__ import annotations

import re
import time
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from devices.reading import QUANTITIES
from gateway.settings.influxdb import Schema
from scripts.grafana.write import FOLDER, files
from tests.deploy import sample
from tests.deploy.asking import DASHBOARDS, Asked, Chosen, asked, filled, panels, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.influxdb import RunningInflux

ALL: Chosen = {
    "site": ".*",
    "model": ".*",
    "device": ".*",
    "box": ".*",
    "temperature": "temperature",
    "humidity": "humidity",
}
ONE: Chosen = {
    "site": ["Ward / 3rd floor", "Kai 3"],
    "model": ".*",
    "device": [str(sample.FRIDGE), str(sample.REEFER)],
    "box": ["pi"],
    "temperature": ["temperature.return_air"],
    "humidity": ["humidity.box"],
}
QUERIES = [one for path in DASHBOARDS for one in asked(path)]
PANELS = [
    pytest.param(panel, id=f"{path.stem}-{panel['id']}")
    for path in DASHBOARDS
    for panel in panels(read(path))
]


class Filled(NamedTuple):
    server: RunningInflux
    database: str


@pytest.fixture(scope="module")
def written(influxdb: RunningInflux) -> Filled:
    database = influxdb.database()
    # What is shown ends now, by the server's clock.
    influxdb.write(database, sample.lines(time.time_ns() // 1_000_000))
    return Filled(influxdb, database)


def answers(written: Filled, text: str) -> list[Any]:
    """Return what is told of each row beside its time, where that is anything."""
    series = written.server.query(written.database, text)
    rows = [row for one in series for row in one["values"]]
    return [row for row in rows if any(value is not None for value in row[1:] or row)]


@pytest.mark.parametrize("chosen", [ALL, ONE], ids=["all", "chosen"])
@pytest.mark.parametrize("query", QUERIES, ids=lambda one: f"{one.dashboard} {one.place}")
def test_a_query_is_answered_with_values(written: Filled, query: Asked, chosen: Chosen) -> None:
    assert answers(written, filled(query.text, chosen)) != []


@pytest.mark.parametrize("device", [*map(str, sample.CARRIES)])
def test_a_sensor_is_shown_with_every_channel_that_it_has(written: Filled, device: str) -> None:
    path = next(one for one in DASHBOARDS if one.stem == "sensor")
    found = set()
    for query in asked(path):
        if "GROUP BY time" in query.text or "latitude" in query.text:
            for series in written.server.query(
                written.database, filled(query.text, {"device": device})
            ):
                told = zip(series["columns"], zip(*series["values"], strict=True), strict=True)
                found |= {name for name, column in told if any(x is not None for x in column)}
    shown = {re.sub("^(mean|min|max)_", "", name) for name in found}
    key = next(one for one in sample.CARRIES if str(one) == device)
    assert set(sample.CARRIES[key]) - shown == set()


def test_every_quantity_has_a_place_on_the_sensors_dashboard() -> None:
    text = " ".join(query.text for query in QUERIES if query.dashboard == "sensor")
    words = set(re.findall(r"\w+", text))
    assert set(QUANTITIES) - words == set()


def test_what_the_gateway_tells_is_shown() -> None:
    text = " ".join(query.text for query in QUERIES if query.dashboard == "gateway")
    assert {name for name in sample.VITALS if f'"{name}"' not in text} == set()


def test_an_alert_that_is_over_is_not_open(written: Filled) -> None:
    (query,) = (one for one in QUERIES if one.text.startswith('SELECT "open"'))
    rows = answers(written, filled(query.text, ALL))
    assert len(rows) == len(sample.CARRIES)
    assert all("temperature-too-long" in row for row in rows)


def test_a_counter_that_begins_anew_tells_nothing_below_zero(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    now = time.time_ns()
    minute = 60 * 10**9
    told = [f"gateway,box=pi duplicates={n} {now - (40 - n) * minute}" for n in range(20)]
    told += [f"gateway,box=pi duplicates={n} {now - (20 - n) * minute}" for n in range(20)]
    influxdb.write(database, "\n".join(told).encode())
    (query,) = (one for one in QUERIES if 'max("duplicates")' in one.text)
    series = influxdb.query(database, filled(query.text, ALL, interval="1m"))
    grown = [value for one in series for _, value in one["values"]]
    assert grown
    assert min(grown) >= 0


def test_a_measurement_is_one_of_ours() -> None:
    names = Schema()
    ours = {names.readings, names.alerts, names.gateway}
    for query in QUERIES:
        assert set(re.findall(r'FROM "(\w+)"', query.text)) <= ours, query


def test_a_table_groups_by_one_tag_at_most() -> None:
    for path in DASHBOARDS:
        for panel in panels(read(path)):
            for target in panel["targets"]:
                outer = re.sub(r"\(SELECT .*\)", "", target["query"])
                grouped = outer.partition("GROUP BY ")[2]
                if target["resultFormat"] == "table":
                    assert len(re.findall(r'"\w+"', grouped)) <= 1, target["query"]


@pytest.mark.parametrize("name", files())
def test_a_dashboard_is_what_its_generator_makes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "run scripts/dashboards"


def test_no_dashboard_lies_there_that_nothing_makes() -> None:
    assert {path.name for path in DASHBOARDS} == set(files())


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "influxdb", "uid": "${datasource}"}
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    letters = [target["refId"] for target in panel["targets"]]
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_lie_on_the_grid_and_not_on_each_other(path: Path) -> None:
    everything = [one for each in read(path)["panels"] for one in (each, *each.get("panels", []))]
    assert len({one["id"] for one in everything}) == len(everything)
    places = [one["gridPos"] for one in everything]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    overlapping = [
        (one, two)
        for one, two in combinations(places, 2)
        if one["x"] < two["x"] + two["w"]
        and two["x"] < one["x"] + one["w"]
        and one["y"] < two["y"] + two["h"]
        and two["y"] < one["y"] + one["h"]
    ]
    assert overlapping == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_what_a_link_to_it_needs(path: Path) -> None:
    told = read(path)
    assert told["uid"] == f"holdwatch-{path.stem}"
    assert "holdwatch" in told["tags"]
    known = {one["name"] for one in told["templating"]["list"]}
    text = path.read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)[:}]", text)) - {"__url_time_range"}
    assert used <= known
    for uid, variable in re.findall(r"/d/([\w-]+)\?.*?&var-(\w+)=", text):
        target = read(FOLDER / f"{uid.removeprefix('holdwatch-')}.json")
        assert variable in {one["name"] for one in target["templating"]["list"]}
