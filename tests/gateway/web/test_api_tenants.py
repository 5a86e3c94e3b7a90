"""A key for some devices knows of no other: by name, in lists, or through an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from devices.reading import DeviceKey
from gateway.api_keys import ApiKey
from gateway.own_alerts import KIND
from gateway.state import State
from gateway.web.api.access import sees_alert
from gateway.web.api.alerts import seen_page
from gateway.web.visitor import Visitor
from rules.alert import Alert
from tests.gateway.asked import recorded
from tests.gateway.web.api_client import api, pages, refused
from tests.gateway.web.running import RunningPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Tenants(NamedTuple):
    """Two of them, who share a gateway, each with an alert."""

    client: httpx.Client
    """Of the first."""
    own: str
    foreign: str


@pytest.fixture(scope="module")
def tenants(page: RunningPage) -> Iterator[Tenants]:
    own, foreign = page.alert("fridge-mine")["id"], page.alert("fridge-secret")["id"]
    page.publish("secret-odd", {"flavour": 1})
    with api(page, devices=["fridge-mine", "acme/fridge-*"]) as client:
        yield Tenants(client, own, foreign)


BODIES: dict[str, dict[str, Any]] = {
    "assign": {"to": "kai", "reason": "Sensor fault"},
    "mute": {"minutes": 5, "reason": "Sensor fault"},
    "maintenance": {"minutes": 5, "reason": "Sensor fault"},
    "calibrations": {
        "channel": "temperature",
        "certificate": "K-1",
        "expires": 4_000_000_000_000,
    },
    "replace": {"by": "fridge-mine"},
    "{device}": {"name": "Mine"},
}
FOR_ALL = {"/gateway", "/quarantine", "/devices.csv"}


def operations(client: httpx.Client) -> list[tuple[str, str]]:
    """Return all but those that push, which need a key of another kind: see test_push.py."""
    described = client.get("/openapi.json").json()
    return [
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
        if not path.startswith("/push/")
    ]


def ask(client: httpx.Client, method: str, path: str, device: str, alert: str) -> httpx.Response:
    body = BODIES.get(path.rpartition("/")[2], {"reason": "Sensor fault"})
    path = path.replace("{device}", device).replace("{alert}", alert).replace("{number}", "1")
    return client.request(method, path, json=body if method in {"POST", "PATCH"} else None)


def test_no_operation_tells_of_a_foreign_device(tenants: Tenants) -> None:
    found = operations(tenants.client)
    assert len(found) >= 13
    for method, path in found:
        answer = ask(tenants.client, method, path, "fridge-secret", tenants.foreign)
        assert "secret" not in answer.text.replace("fridge-secret'", ""), (method, path)
        if "{" in path:
            refused(answer, 404)
        elif path in FOR_ALL:
            refused(answer, 403)
        else:
            assert answer.status_code == httpx.codes.OK
            assert tenants.foreign not in answer.text


def test_what_is_foreign_looks_like_what_is_not_there(tenants: Tenants) -> None:
    for method, path in operations(tenants.client):
        if "{" not in path:
            continue
        foreign = ask(tenants.client, method, path, "fridge-secret", tenants.foreign)
        nothing = ask(tenants.client, method, path, "fridge-nobody", "0" * 16)
        there = foreign.text.replace("fridge-secret", "X").replace(tenants.foreign, "X")
        assert there == nothing.text.replace("fridge-nobody", "X").replace("0" * 16, "X")


def test_lists_hold_what_is_ones_own(tenants: Tenants) -> None:
    devices = [one["device"] for part in pages(tenants.client, "/devices") for one in part]
    assert devices == ["fridge-mine"]
    alerts = [one["id"] for part in pages(tenants.client, "/alerts", limit=1) for one in part]
    assert alerts == [tenants.own]
    refused(tenants.client.get("/alerts", params={"device": "fridge-secret"}), 404)


def test_nothing_is_done_about_a_foreign_alert(page: RunningPage, tenants: Tenants) -> None:
    body = {"reason": "Sensor fault"}
    refused(tenants.client.post(f"/alerts/{tenants.foreign}/acknowledge", json=body), 404)
    assert tenants.client.post(f"/alerts/{tenants.own}/acknowledge", json=body).is_success
    done = {one["object"] for one in page.command("audit") if one["what"] == "alert-acknowledge"}
    assert tenants.foreign not in done
    assert tenants.own in done


def test_its_metrics_are_for_keys_of_all_devices(page: RunningPage) -> None:
    with api(page, devices=["fridge-mine"]) as client:
        refused(httpx.get(f"{page.url}/metrics", headers=client.headers), 403)


@pytest.mark.parametrize(
    ("patterns", "kind", "seen"),
    [
        (("*",), KIND, True),
        (("dock",), KIND, False),  # it names whoever troubles the gateway
        (("dock",), "threshold", True),
        (("fridge-*",), "threshold", False),
    ],
)
def test_alerts_about_the_gateway_are_for_keys_of_all_devices(
    patterns: tuple[str, ...], kind: str, *, seen: bool
) -> None:
    visitor = Visitor("k", "", key=ApiKey("k", ("read",), patterns))
    assert sees_alert(visitor, about("dock", kind)) is seen


async def test_no_page_of_alerts_begins_or_ends_at_one_about_the_gateway(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    kinds = (KIND, "threshold", KIND, KIND, "threshold", KIND)
    await recorded(state, *(about("dock", kind, n) for n, kind in enumerate(kinds)))
    visitor = Visitor("k", "", key=ApiKey("k", ("read",), ("dock",)))
    found = seen_page(state, visitor, "all", limit=1)
    assert [one.began for one in found] == [4]
    found = seen_page(state, visitor, "all", before=(found[0].began, found[0].id), limit=2)
    assert [one.began for one in found] == [1]
    everybody = Visitor("k", "", key=ApiKey("k", ("read",)))
    assert len(seen_page(state, everybody, "all", limit=9)) == len(kinds)
    state.close()


def about(device: str, kind: str, began: int = 1) -> Alert:
    return Alert(
        id=f"a{began}",
        rule="r",
        version="v",
        kind=kind,
        severity="critical",
        device=DeviceKey("", device),
        channel="",
        state="firing",
        reason="somebody spoke for fridge-secret",
        began=began,
        fired=began,
    )
