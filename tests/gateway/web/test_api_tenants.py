"""A key for some devices knows of no other: by name, in lists, or through an alert."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from devices.reading import DeviceKey
from gateway.consignments.book import Book
from gateway.consignments.facts import Assigned, Created, Part, PartOf, Split, Withdrawn
from gateway.own_alerts import KIND
from gateway.people.api_keys import ApiKey
from gateway.state import State
from gateway.web.api.access import sees_alert
from gateway.web.api.alerts import seen_page
from gateway.web.visitor import Visitor
from rules.alert import Alert
from tests.gateway.asked import recorded
from tests.gateway.web.api_client import api, pages, refused
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Tenants(NamedTuple):
    """Two of them, who share a gateway, each with an alert."""

    client: httpx.Client
    """Of the first."""
    own: str
    foreign: str
    about: str
    """An alert about a consignment of the second."""


@pytest.fixture(scope="module")
def tenants(page: RunningPage) -> Iterator[Tenants]:
    own, foreign = page.alert("fridge-mine")["id"], page.alert("fridge-secret")["id"]
    page.publish("secret-odd", {"flavour": 1})
    for identity, sensors in CONSIGNMENTS.items():
        named = [part for one in sensors for part in ("--sensor", one)]
        page.command("consignment", "add", identity, "--goods", "high-value", *named)
    page.command("consignment", "leg", "V-secret", *LEG)
    page.command("consignment", "depart", "V-secret", "--anyway")
    page.publish("fridge-secret", {"illuminance": 40.0})

    def told() -> str | None:
        found = page.command("alerts")
        return next((one["id"] for one in found if one["device"][1] == SECRET), None)

    about = until(told, "an alert about a consignment")
    with api(page, devices=["fridge-mine", "acme/fridge-*", "consignment/*"]) as client:
        yield Tenants(client, own, foreign, about)


CONSIGNMENTS = {
    "V-mine": ["fridge-mine", "acme/fridge-9"],
    "V-secret": ["fridge-secret"],
    "V-mixed-secret": ["fridge-mine", "fridge-secret"],
    "V-empty-secret": [],
}
LEG = ("--mode", "road", "--from", "A", "--to", "B", "--custodian", "C")
SECRET = "consignment/V-secret"
PLACES = {"origin": {"name": "A"}, "destination": {"name": "B"}}
BODIES: dict[str, dict[str, Any]] = {
    "/consignments": {"id": "V-new", "goods": "vaccines"},
    "{consignment}/assign": {"devices": ["fridge-mine"]},
    "{consignment}/unassign": {"devices": ["fridge-mine"]},
    "{consignment}/take": {"device": "fridge-mine", "others": ["V-mine"]},
    "{consignment}/legs": {"mode": "road", "custodian": "C", **PLACES},
    "{consignment}/legs/{number}": {"vehicle": "X"},
    "{consignment}/split": {"parts": [{"id": "V-new"}]},
    "{consignment}/merge": {"others": ["V-mine"], "into": "V-new"},
    "{consignment}": {"note": "Mine"},
    "{alert}/assign": {"to": "kai", "reason": "Sensor fault"},
    "/mute": {"minutes": 5, "reason": "Sensor fault"},
    "/mutes": {"devices": ["fridge-mine"], "minutes": 5, "reason": "Sensor fault"},
    "/maintenance": {"minutes": 5, "reason": "Sensor fault"},
    "/calibrations": {
        "channel": "temperature",
        "certificate": "K-1",
        "expires": 4_000_000_000_000,
    },
    "/replace": {"by": "fridge-mine"},
    "{device}": {"name": "Mine"},
}
FOR_ALL = (
    *("/gateway", "/quarantine", "/devices.csv", "/consignments.csv"),
    *("/notifications/channels", "/notifications/mutes"),
)


def operations(client: httpx.Client) -> list[tuple[str, str]]:
    """Return all but those that push, which need a key of another kind: see test_push.py."""
    described = client.get("/openapi.json").json()
    return [
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
        if not path.startswith("/push/")
    ]


class Named(NamedTuple):
    """What an operation is about."""

    device: str
    alert: str
    consignment: str

    def without(self, text: str) -> str:
        """Return a text in which each of these is X."""
        for one in self:
            text = text.replace(one, "X")
        return text


def ask(client: httpx.Client, method: str, path: str, named: Named) -> httpx.Response:
    fits = (body for end, body in BODIES.items() if path.endswith(end))
    body = next(fits, {"reason": "Sensor fault"})
    for name, value in {**named._asdict(), "number": "1", "name": "vaccines"}.items():
        path = path.replace(f"{{{name}}}", value)
    return client.request(method, path, json=body if method in {"POST", "PATCH"} else None)


def test_no_operation_tells_of_a_foreign_device(tenants: Tenants) -> None:
    found = operations(tenants.client)
    assert len(found) >= 40
    foreign = Named("fridge-secret", tenants.foreign, "V-secret")
    for method, path in found:
        answer = ask(tenants.client, method, path, foreign)
        shown = answer.text.replace("fridge-secret'", "").replace("V-secret'", "")
        assert "secret" not in shown, (method, path)
        if path == "/goods/{name}":
            assert answer.status_code == httpx.codes.OK
        elif path.startswith(FOR_ALL) or (method, path) == ("POST", "/consignments"):
            refused(answer, 403)
        elif "{" in path:
            refused(answer, 404)
        else:
            assert answer.status_code == httpx.codes.OK
            assert tenants.foreign not in answer.text


def test_what_is_foreign_looks_like_what_is_not_there(tenants: Tenants) -> None:
    for method, path in operations(tenants.client):
        if "{" not in path:
            continue
        known = Named("fridge-secret", tenants.foreign, "V-secret")
        unknown = Named("fridge-nobody", "0" * 16, "V-nobody")
        foreign = ask(tenants.client, method, path, known)
        nothing = ask(tenants.client, method, path, unknown)
        assert known.without(foreign.text) == unknown.without(nothing.text)


def test_lists_hold_what_is_ones_own(tenants: Tenants) -> None:
    devices = [one["device"] for part in pages(tenants.client, "/devices") for one in part]
    assert devices == ["fridge-mine"]
    alerts = [one["id"] for part in pages(tenants.client, "/alerts", limit=1) for one in part]
    assert alerts == [tenants.own]
    refused(tenants.client.get("/alerts", params={"device": "fridge-secret"}), 404)
    refused(tenants.client.get("/alerts", params={"consignment": "V-secret"}), 404)
    consignments = [one["id"] for part in pages(tenants.client, "/consignments") for one in part]
    assert consignments == ["V-mine"]


def test_a_consignment_is_seen_by_whom_every_sensor_of_it_is(tenants: Tenants) -> None:
    for identity in CONSIGNMENTS:
        answer = tenants.client.get(f"/consignments/{identity}")
        if identity == "V-mine":
            assert answer.is_success
        else:
            refused(answer, 404)


def test_nothing_is_given_to_a_consignment_that_is_foreign(tenants: Tenants) -> None:
    for verb in ("assign", "unassign"):
        body = {"devices": ["fridge-secret"]}
        refused(tenants.client.post(f"/consignments/V-mine/{verb}", json=body), 404)
    taken = {"device": "fridge-mine", "others": ["V-mixed-secret"]}
    refused(tenants.client.post("/consignments/V-mine/take", json=taken), 404)
    merged = {"others": ["V-mixed-secret"], "into": "V-merged"}
    refused(tenants.client.post("/consignments/V-mine/merge", json=merged), 404)
    new = {"id": "V-new", "goods": "vaccines", "sensors": [{"device": "fridge-secret"}]}
    refused(tenants.client.post("/consignments", json=new), 404)


def test_a_key_enters_consignments_of_its_own_devices(page: RunningPage) -> None:
    new = {"id": "V-own", "goods": "vaccines", "sensors": [{"device": "fridge-own"}]}
    with api(page, devices=["fridge-own"]) as client:
        assert client.post("/consignments", json=new).json()["sensors"] == ["fridge-own"]
        assert [one["id"] for one in client.get("/consignments").json()["items"]] == ["V-own"]


def test_an_alert_about_a_consignment_is_seen_by_whom_that_is(tenants: Tenants) -> None:
    refused(tenants.client.get(f"/alerts/{tenants.about}"), 404)
    body = {"reason": "Sensor fault"}
    refused(tenants.client.post(f"/alerts/{tenants.about}/acknowledge", json=body), 404)


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
    book: Book, patterns: tuple[str, ...], kind: str, *, seen: bool
) -> None:
    visitor = Visitor("k", "", key=ApiKey("k", ("read",), patterns))
    assert sees_alert(visitor, about("dock", kind), book) is seen


@pytest.mark.parametrize(
    ("patterns", "subject", "seen"),
    [
        (("*",), "consignment/C-1", True),
        (("t-*",), "consignment/C-1", True),
        (("t-1",), "consignment/C-1", False),  # it has two
        (("t-*",), "consignment/C-2", False),  # a foreign one was withdrawn, and its facts name it
        (("t-*", "x-1"), "consignment/C-2", True),
        (("t-*",), "consignment/C-1-A", True),  # what came from C-1 has its sensors
        (("t-1",), "consignment/C-1-A", False),
        (("t-*", "consignment/*"), "consignment/C-3", False),  # it has none
        (("t-*", "consignment/*"), "consignment/nobody", False),
        (("vehicle/*", "t-*"), "vehicle/HH-AB 123", False),
        (("*",), "vehicle/HH-AB 123", True),
    ],
)
async def test_alerts_about_a_consignment_are_for_keys_of_all_its_sensors(
    book: Book, patterns: tuple[str, ...], subject: str, *, seen: bool
) -> None:
    async with book.changing() as change:
        state = partial(change.state, at=1, entered=1, who="olga")
        for identity in ("C-1", "C-2", "C-3"):
            state(identity, Created(goods="vaccines", version="v"))
        for identity, sensor in (("C-1", "t-1"), ("C-1", "t-2"), ("C-2", "t-1")):
            state(identity, Assigned(sensor=DeviceKey("", sensor)))
        wrong = state("C-2", Assigned(sensor=DeviceKey("", "x-1")))
        state("C-2", Withdrawn(fact=wrong))
        state("C-1", Split(parts=(Part(id="C-1-A"),)))
        state("C-1-A", PartOf(parent="C-1"))
    visitor = Visitor("k", "", key=ApiKey("k", ("read",), patterns))
    assert sees_alert(visitor, about(subject, "threshold"), book) is seen


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


@pytest.fixture
def book(state: State) -> Book:
    return Book(state, "")


async def test_no_page_of_alerts_begins_or_ends_at_one_about_the_gateway(
    state: State, book: Book
) -> None:
    kinds = (KIND, "threshold", KIND, KIND, "threshold", KIND)
    await recorded(state, *(about("dock", kind, n) for n, kind in enumerate(kinds)))
    visitor = Visitor("k", "", key=ApiKey("k", ("read",), ("dock",)))
    found = seen_page(state, visitor, "all", book=book, limit=1)
    assert [one.began for one in found] == [4]
    before = (found[0].began, found[0].id)
    found = seen_page(state, visitor, "all", book=book, before=before, limit=2)
    assert [one.began for one in found] == [1]
    everybody = Visitor("k", "", key=ApiKey("k", ("read",)))
    assert len(seen_page(state, everybody, "all", book=book, limit=9)) == len(kinds)


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
