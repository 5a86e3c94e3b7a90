"""The registry by HTTP: what is known of devices, and what programs may do to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.gateway_process import until
from tests.gateway.web.api_client import api, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.web.running import RunningPage

OK = httpx.codes.OK
HOUR = 3_600_000


@pytest.fixture(scope="module")
def client(page: RunningPage) -> Iterator[httpx.Client]:
    with api(page) as made:
        yield made


def heard(page: RunningPage, client: httpx.Client, device: str, **values: float) -> None:
    page.publish(device, values or {"temperature": 4.5})
    until(lambda: client.get(f"/devices/{device}").status_code == OK or None, device)


def test_a_device_is_confirmed_and_named(page: RunningPage, client: httpx.Client) -> None:
    heard(page, client, "probe-1")
    found = client.get("/devices/probe-1").json()
    assert (found["registered"], found["unconfirmed"]) == ("unconfirmed", True)
    confirmed = client.post("/devices/probe-1/confirm")
    assert confirmed.json() == {"device": "probe-1", "already": False}
    said = {"name": "Shelf 3", "container": "MSKU 907032 3", "position": [53.5, 9.9]}
    changed = client.patch("/devices/probe-1", json={**said, "interval": 600_000}).json()
    assert changed["registered"] == "confirmed"
    assert changed["name"] == "Shelf 3"
    assert changed["card"] == {
        "name": "Shelf 3",
        "site": "",
        "zone": "",
        "container": "MSKU9070323",
        "position": [53.5, 9.9],
        "model": "",
        "interval": 600_000,
        "note": "",
    }
    assert client.patch("/devices/probe-1", json={"position": None}).json()["position"] is None
    (listed,) = [
        one for one in client.get("/devices").json()["items"] if one["device"] == "probe-1"
    ]
    assert listed["card"]["container"] == "MSKU9070323"


def test_a_wrong_check_digit_is_refused_with_the_right_one(
    page: RunningPage, client: httpx.Client
) -> None:
    heard(page, client, "probe-2")
    problem = refused(client.patch("/devices/probe-2", json={"container": "MSKU9070324"}), 409)
    assert "3" in problem["cure"]


def test_maintenance_is_told_until_it_is_ended(page: RunningPage, client: httpx.Client) -> None:
    heard(page, client, "probe-3")
    begun = client.post("/devices/probe-3/maintenance", json={"minutes": 60, "reason": "Cleaning"})
    told = begun.json()["maintenance"]
    assert told["until"] - told["since"] == HOUR
    assert told["reason"] == "Cleaning"
    ended = client.post("/devices/probe-3/maintenance", json={"minutes": 0})
    assert ended.json()["maintenance"] is None
    refused(client.post("/devices/probe-3/maintenance", json={"minutes": 0}), 409)


def test_a_bad_calibration_tells_what_rests_on_the_sensor(
    page: RunningPage, client: httpx.Client
) -> None:
    heard(page, client, "probe-4", temperature=9.5)
    until(
        lambda: client.get("/alerts", params={"device": "probe-4"}).json()["items"] or None, "alert"
    )
    said = {"channel": "temperature", "offset": -1.5, "as_found": 1.5, "certificate": "K-1"}
    said["expires"] = 4_000_000_000_000
    told = client.post("/devices/probe-4/calibrations", json=said).json()
    assert told["calibration"]["good"] is False
    assert [one["device"] for one in told["doubt"]["alerts"]] == ["probe-4"]
    (standing,) = client.get("/devices/probe-4").json()["calibrations"]
    assert (standing["offset"], standing["certificate"]) == (-1.5, "K-1")
    number = told["calibration"]["number"]
    assert client.delete(f"/devices/probe-4/calibrations/{number}").json()["calibrations"] == []


def test_one_stands_in_for_another(page: RunningPage, client: httpx.Client) -> None:
    heard(page, client, "old-1")
    heard(page, client, "new-1")
    client.patch("/devices/old-1", json={"name": "Shelf 9"})
    new = client.post("/devices/old-1/replace", json={"by": "new-1"}).json()
    assert (new["device"], new["name"], new["replaces"]) == ("new-1", "Shelf 9", "old-1")
    old = client.get("/devices/old-1").json()
    assert (old["registered"], old["replaced_by"]) == ("replaced", "new-1")
    client.post("/devices/old-1/replace", json={"by": "new-1", "undo": True})
    assert client.get("/devices/old-1").json()["replaced_by"] is None


def test_a_table_goes_out_and_in(client: httpx.Client) -> None:
    table = "device,name\r\nnamed-1,Not heard yet\r\n"
    dry = client.post("/devices.csv", params={"dry": "true"}, content=table).json()
    assert dry["changes"] == [
        {
            "line": 2,
            "device": "named-1",
            "before": {"name": ""},
            "after": {"name": "Not heard yet"},
        }
    ]
    refused(client.get("/devices/named-1"), 404)
    assert client.post("/devices.csv", content=table).json()["dry"] is False
    found = client.get("/devices/named-1").json()
    assert (found["name"], found["at"], found["channels"]) == ("Not heard yet", None, {})
    out = client.get("/devices.csv")
    assert out.headers["content-type"].startswith("text/csv")
    assert "named-1,Not heard yet" in out.text


def test_of_a_table_with_a_wrong_line_nothing_is_taken(client: httpx.Client) -> None:
    table = "device,name,container\nnamed-2,Fine,\nnamed-3,Wrong,MSKU9070324\n"
    problem = refused(client.post("/devices.csv", content=table), 409)
    assert [one["line"] for one in problem["mistakes"]] == [3]
    refused(client.get("/devices/named-2"), 404)


def test_the_ledger_lists_what_never_came(page: RunningPage, client: httpx.Client) -> None:
    heard(page, client, "probe-5")
    assert client.get("/devices/probe-5/gaps").json() == {"items": []}


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("read", "POST", "/devices/probe-9/confirm"),
        ("read", "PATCH", "/devices/probe-9"),
        ("act", "POST", "/devices/probe-9/calibrations"),
        ("act", "POST", "/devices/probe-9/replace"),
        ("act", "POST", "/devices.csv"),
        ("manage", "POST", "/devices/probe-9/maintenance"),
    ],
)
def test_a_key_does_no_more_than_its_scope(
    page: RunningPage, scope: str, method: str, path: str
) -> None:
    with api(page, scopes=[scope]) as limited:
        body = {"name": "x", "minutes": 5, "channel": "temperature", "by": "x"}
        body |= {"certificate": "K-1", "expires": 4_000_000_000_000}
        asked = {one: body[one] for one in _wanted(path, method)}
        refused(limited.request(method, path, json=asked), 403)


def _wanted(path: str, method: str) -> tuple[str, ...]:
    if method == "PATCH":
        return ("name",)
    names = {
        "maintenance": ("minutes",),
        "calibrations": ("channel", "certificate", "expires"),
        "replace": ("by",),
    }
    return names.get(path.rpartition("/")[2], ())


def test_what_is_done_stands_in_the_audit_trail_under_the_keys_name(
    page: RunningPage, client: httpx.Client
) -> None:
    heard(page, client, "probe-6")
    client.patch("/devices/probe-6", json={"site": "Yard"})
    (entry,) = [one for one in page.command("audit") if one["object"] == "probe-6"]
    assert (entry["what"], entry["who"]["via"]) == ("device-set", "api")
