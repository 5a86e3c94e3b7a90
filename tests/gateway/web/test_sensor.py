"""The view of a sensor as browsers get it."""

from __future__ import annotations

import subprocess
import time
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.web.running import SETTINGS, RunningPage, until


@pytest.fixture(scope="module")
def client(page: RunningPage) -> httpx.Client:
    return page.user("sven", "viewer")


def now() -> int:
    return int(time.time() * 1000)


def shown(client: httpx.Client, device: str, query: str = "") -> str:
    answer = client.get(f"/sensor/{device}{query}")
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.text


def chart(client: httpx.Client, device: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - an address' parameters
    asked = {"channel": "temperature", "from": now() - DAY, "to": now() + MINUTE, **asked}
    answer = client.get(f"/chart/{device}", params=asked)
    assert answer.status_code == HTTPStatus.OK, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_sensor_says_how_it_stands_against_its_limit_and_who_has_it(
    page: RunningPage, client: httpx.Client
) -> None:
    alert = page.alert("fridge-head")

    def told() -> str | None:
        text = client.get("/sensor-head/fridge-head").text
        return text if alert["id"] in text else None

    head = until(told, "the head tells of the alert")
    for words in ("critical", "Vaccine fridge", "Warehouse 2", "11.5", "°C", "nobody yet"):
        assert words in head
    assert "limit: 2 to 8 °C" in head
    text = shown(client, "fridge-head")
    assert f"/alerts/{alert['id']}" in text.partition('id="late"')[2]


def test_of_two_limits_the_narrowest_is_told_as_on_the_board(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rule = '[[rules]]\nname = "{}"\nkind = "threshold"\nchannel = "temperature"\n{}\n'
    more = rule.format("warm", "above = 7.0") + rule.format("hot", "above = 30.0")
    with RunningPage(tmp_path_factory.mktemp("limits"), SETTINGS + more) as running:
        running.publish("fridge-1", {"temperature": 4.0})
        client = running.user("anna")
        until(lambda: "fridge-1" in client.get("/").text, "the sensor on the board")
        for path in ("/", "/sensor-head/fridge-1"):
            assert "2 to 7 °C" in client.get(path).text


def test_channels_have_tabs_temperature_and_watched_ones_first(
    page: RunningPage, client: httpx.Client
) -> None:
    page.publish("fridge-tabs", {"battery": 3.1, "signal": -70, "humidity": 55, "temperature": 4.5})
    text = shown(client, "fridge-tabs")
    tabs = [part.partition('"')[0] for part in text.split('data-of="')[1:]]
    assert tabs == ["temperature", "humidity", "battery", "signal"]
    assert 'data-channel="temperature"' in text
    assert 'data-channel="battery"' in shown(client, "fridge-tabs", "?channel=battery")
    assert 'data-channel="temperature"' in shown(client, "fridge-tabs", "?channel=nonsense")


@pytest.mark.parametrize(
    ("payload", "shown_as"),
    [
        (b'{"temperature": 4, "note": "<script>alert(1)</script>"}', "&lt;script&gt;alert(1)"),
        (b'{"temperature": 4.5, "note": "a\x7fb"}', "a\N{SYMBOL FOR DELETE}b"),
        ('{"temperature": 4.6, "note": "kühl"}'.encode(), "kühl"),
    ],
)
def test_the_last_messages_are_shown_as_text_whatever_they_hold(
    page: RunningPage, client: httpx.Client, payload: bytes, shown_as: str
) -> None:
    command = ["mosquitto_pub", "-p", str(page.mqtt), "-q", "1", "-s"]
    topic = "cargo/site/fridge-raw/readings"
    subprocess.run([*command, "-t", topic], input=payload, check=True)
    text = client.get("/sensor-messages/fridge-raw").text
    assert shown_as in text
    assert "<script>alert" not in text
    assert topic in text
    assert "QoS 1" in text


def test_that_there_was_no_message_since_the_start_is_said(tmp_path_factory: Any) -> None:  # noqa: ANN401 - pytest's own
    folder = tmp_path_factory.mktemp("again")
    with RunningPage(folder) as first:
        first.publish("fridge-1", {"temperature": 4.0})
        first.stop()
        first.start()
        client = first.user("anna")
        assert "None since the gateway's start" in shown(client, "fridge-1")


def test_a_hundred_thousand_readings_make_a_chart_of_two_thousand_points(
    page: RunningPage,
    client: httpx.Client,
    tmp_path_factory: Any,  # noqa: ANN401 - pytest's own
) -> None:
    start = now() // MINUTE * MINUTE - 100_000 * MINUTE
    rows = [f"{start + index * MINUTE},{5 + index % 7 / 10}" for index in range(100_000)]
    rows[54_321] = f"{start + 54_321 * MINUTE},31.5"
    text = "\n".join(
        f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(int(at) / 1000))},{value}"
        for at, value in (row.split(",") for row in rows)
    )
    file = tmp_path_factory.mktemp("csv") / "logger.csv"
    file.write_text(f"Date Time,Temperature (°C)\n{text}\n", encoding="utf-8")
    page.command("import", str(file), "--device", "fridge-many", "--zone", "UTC")
    made = chart(client, "fridge-many", **{"from": start, "points": 2_000})
    values = [one for one in made["values"] if one is not None]
    assert len(values) <= 2_000
    assert max(values) == made["summary"]["highest"] == 31.5
    assert made["summary"]["readings"] == 100_000
    assert not made["all_there"]
    at = start + 54_321 * MINUTE
    for width, whole in ((DAY, False), (HOUR, True), (10 * MINUTE, True)):
        near = chart(client, "fridge-many", **{"from": at - width, "to": at + width, "points": 200})
        assert max(one for one in near["values"] if one is not None) == 31.5
        assert near["all_there"] == whole


def test_unknown_times_excursions_and_flaws_are_told_to_the_chart(
    page: RunningPage, client: httpx.Client
) -> None:
    begin = now() - 3 * HOUR
    readings = [{"time": begin + index * 5 * MINUTE, "temperature": 5.0} for index in range(10)]
    readings[4]["temperature"] = 12.0
    readings[7]["temperature"] = 999
    page.publish("fridge-told", *readings, {"time": now() + 10 * DAY, "temperature": 6.0})
    made = until(
        lambda: (found := chart(client, "fridge-told"))["excursions"] and found, "the alert"
    )
    (excursion,) = made["excursions"]
    assert (excursion["severity"], excursion["rule"]) == ("critical", "too-warm")
    assert (excursion["began"], excursion["ended"]) == (begin + 20 * MINUTE, begin + 25 * MINUTE)
    assert {one["kind"] for one in made["marks"]} == {"unusable", "clock", "late"}
    silent = begin + 45 * MINUTE + int(12.5 * MINUTE)
    assert [silent, made["gaps"][-1][1]] in made["gaps"]
    assert [begin + 35 * MINUTE, begin + 40 * MINUTE] in made["gaps"]
    assert made["clock"][0][2] in {"CET", "CEST"}
    (limit,) = made["limits"]
    assert (limit["low"], limit["high"]) == (2.0, 8.0)


def test_what_is_shown_can_be_had_as_a_table(page: RunningPage, client: httpx.Client) -> None:
    page.publish("fridge-table", {"temperature": 4.25})
    address = shown(client, "fridge-table").partition('data-values="')[2].partition('"')[0]
    hour = {"from": now() - HOUR, "to": now() + 1}
    asked: dict[str, Any] = {"channel": "temperature", "format": "csv", **hour}
    until(lambda: client.get(address, params=asked).is_success, "the API knows the sensor")
    answer = client.get(address, params=asked)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "4.25" in answer.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"channel": "temprature"}, "did you mean"),
        ({"from": 5, "to": 5}, "empty or too long"),
        ({"from": 0, "to": 401 * DAY}, "400 days"),
        ({"points": 100_000}, "2000"),
        ({"from": "yesterday"}, "integer"),
        ({"from": 1 << 60}, "less than"),
        ({"from": 4_503_599_627_370_000, "to": 1 << 52}, "less than"),
    ],
)
def test_a_chart_that_makes_no_sense_is_refused_with_what_would(
    page: RunningPage, client: httpx.Client, asked: dict[str, Any], said: str
) -> None:
    page.publish("fridge-asked", {"temperature": 4.0})
    asked = {"channel": "temperature", "from": now() - DAY, "to": now(), **asked}
    answer = client.get("/chart/fridge-asked", params=asked)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text


@pytest.mark.parametrize(
    "path", ["/sensor/nobody", "/chart/nobody?channel=temperature&from=1&to=2", "/sensor/a/b/c"]
)
def test_an_unknown_sensor_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("query", ["?on=1066-10-14", "?on=9999-12-31", "?length=year", "?on=x"])
def test_a_day_that_cannot_be_is_refused(
    page: RunningPage, client: httpx.Client, query: str
) -> None:
    page.publish("fridge-day", {"temperature": 4.0})
    answer = client.get(f"/sensor/fridge-day{query}")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_what_is_remarkable_is_marked_on_the_reading_in_question(
    page: RunningPage, client: httpx.Client
) -> None:
    begin = now() - 30 * MINUTE
    readings = [
        {"time": begin + index * MINUTE, "temperature": 5.0 + index / 10, "seq": index}
        for index in range(12)
    ]
    readings[6]["temperature"] = 90.0
    page.publish("fridge-odd", *readings[:9], *readings[11:])
    made = until(
        lambda: (found := chart(client, "fridge-odd"))["summary"]["readings"] == 10 and found,
        "its readings",
    )
    marks = {one["kind"]: one for one in made["marks"]}
    assert marks["jump"]["at"] == begin + 6 * MINUTE
    assert "nothing real changes so fast" in marks["jump"]["text"]
    assert marks["sequence-gap"]["text"] == "2 messages before it have not come (9 to 10)"
