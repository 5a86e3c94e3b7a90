"""Consignments by HTTP: entered, on their way, judged, and what was signed of them."""

from __future__ import annotations

import hashlib
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.consignments.report import canonical
from gateway.web.api import alert_models, goods_models
from gateway.web.api import consignment_models as models
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, until
from tests.gateway.web.api_client import api, pages, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.web.running import RunningPage

OK = httpx.codes.OK
MINUTE, HOUR = 60_000, 3_600_000
HAMBURG = {"name": "Hamburg", "position": [53.54, 9.98]}
ROAD = {
    "mode": "road",
    "origin": HAMBURG,
    "destination": {"name": "Rostock"},
    "custodian": "Nord Trucks",
    "vehicle": "HH-AB 123",
}
SEA = {
    "mode": "sea",
    "origin": {"name": "Rostock"},
    "destination": {"name": "Trelleborg"},
    "custodian": "Sea Line",
    "arrives": 4_000_000_000_000,
    "heard": False,
    "margin": 2 * HOUR,
    "via": [{"name": "Gedser"}],
}


@pytest.fixture(scope="module")
def client(page: RunningPage) -> Iterator[httpx.Client]:
    with api(page) as made:
        yield made


def now() -> int:
    return time.time_ns() // 1_000_000


def entered(client: httpx.Client, identity: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - what may be said of one
    body = {"id": identity, "goods": "vaccines", "custodian": "Plant", **said}
    return stands(client.post("/consignments", json=body))


def stands(answer: httpx.Response) -> dict[str, Any]:
    """Expect a consignment as it is described; return it."""
    assert answer.status_code == OK, answer.text
    models.ConsignmentDetail.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def state(client: httpx.Client, identity: str, what: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return stands(client.post(f"/consignments/{identity}/{what}", json=said))


# -- entered, and found ---------------------------------------------------------------------------


def test_a_consignment_is_entered_with_all_that_is_known(
    page: RunningPage, client: httpx.Client
) -> None:
    page.publish("probe-1", {"temperature": 4.5})
    said = {
        "description": "Winter order",
        "quantity": 100,
        "unit": "boxes",
        "value": 250_000.5,
        "currency": "EUR",
        "origin": HAMBURG,
        "carried": 90 * MINUTE,
        "cycles": 1,
        "ignore": 30 * MINUTE,
        "wait": 90_500,
        "counts": "all",
        "legs": [ROAD, SEA],
        "sensors": [{"device": "probe-1", "where": "Pallet 3", "ignore": MINUTE}],
    }
    one = entered(client, "V-1", **said)
    for name in said.keys() - {"legs", "sensors"}:
        assert one[name] == said[name], name
    assert one["version"].startswith("vaccines@")
    assert (one["stage"], one["custodian"], one["confirmed"]) == ("planned", "Plant", True)
    road, sea = one["legs"]
    assert road == {
        **ROAD,
        "number": 1,
        "destination": {"name": "Rostock", "position": None},
        **dict.fromkeys(("departs", "arrives", "departed", "arrived")),
        "heard": True,
        "margin": 6 * HOUR,
        "via": [],
    }
    assert (sea["arrives"], sea["heard"], sea["margin"]) == (4_000_000_000_000, False, 2 * HOUR)
    assert sea["via"] == [{"name": "Gedser", "position": None}]
    (assigned,) = one["assignments"]
    assert (assigned["device"], assigned["where"]) == ("probe-1", "Pallet 3")
    assert assigned["ignore_until"] == assigned["since"] + MINUTE
    assert [(fact["kind"], fact["withdrawn"]) for fact in one["facts"]] == [
        ("created", False),
        ("planned", False),
        ("assigned", False),
    ]
    assert one["facts"][2]["fact"]["device"] == "probe-1"

    def heard() -> Any:  # noqa: ANN401 - as JSON has it
        (told,) = client.get("/consignments/V-1").json()["heard"]
        return told["channels"].get("temperature")

    assert until(heard, "the sensor is heard") == {"value": 4.5, "unit": "°C"}


def test_what_cannot_be_is_refused_with_a_cure(client: httpx.Client) -> None:
    entered(client, "V-2")
    there = refused(client.post("/consignments", json={"id": "V-2", "goods": "vaccines"}), 409)
    assert there["cure"] == "Use another id"
    unknown = refused(client.post("/consignments", json={"id": "V-3", "goods": "vacines"}), 409)
    assert "vaccines" in unknown["cure"]
    refused(client.post("/consignments", json={"id": "V 3", "goods": "vaccines"}), 422)
    refused(client.get("/consignments/V-3"), 404)
    refused(client.patch("/consignments/V-3", json={"note": "x"}), 404)


def test_lists_are_by_id_in_pages_and_by_stage(client: httpx.Client) -> None:
    for number in range(3):
        entered(client, f"L-{number}", legs=[ROAD])
    state(client, "L-1", "depart", anyway=True)
    found = [one for part in pages(client, "/consignments", limit=2) for one in part]
    assert [models.Consignment.model_validate(one).id for one in found] == sorted(
        one["id"] for one in found
    )
    assert {"L-0", "L-1", "L-2"} <= {one["id"] for one in found}
    moving = client.get("/consignments", params={"stage": "in_transit"}).json()["items"]
    assert "L-1" in {one["id"] for one in moving}
    assert {one["stage"] for one in moving} == {"in_transit"}
    refused(client.get("/consignments", params={"stage": "lost"}), 422)


def test_what_is_said_of_it_is_changed_and_removed(client: httpx.Client) -> None:
    entered(client, "V-4", quantity=10, unit="boxes", note="Old")
    changed = client.patch("/consignments/V-4", json={"quantity": 12.5, "note": None})
    assert (stands(changed)["quantity"], changed.json()["note"]) == (12.5, "")
    assert changed.json()["unit"] == "boxes"
    refused(client.patch("/consignments/V-4", json={}), 409)
    newest = stands(client.patch("/consignments/V-4", json={"goods": "bananas"}))
    assert newest["version"].startswith("bananas@")


def test_the_way_is_planned_leg_by_leg(client: httpx.Client) -> None:
    entered(client, "V-5")
    stands(client.post("/consignments/V-5/legs", json=ROAD))
    stands(client.post("/consignments/V-5/legs", json=SEA))
    otherwise = {"vehicle": "HRO-X 9", "departs": 3_999_000_000_000}
    changed = stands(client.patch("/consignments/V-5/legs/1", json=otherwise))
    assert changed["legs"][0]["vehicle"] == "HRO-X 9"
    assert changed["legs"][0]["custodian"] == "Nord Trucks"
    unplanned = stands(client.patch("/consignments/V-5/legs/1", json={"departs": None}))
    assert unplanned["legs"][0]["departs"] is None
    left = stands(client.delete("/consignments/V-5/legs/1"))
    assert [(leg["number"], leg["custodian"]) for leg in left["legs"]] == [(1, "Sea Line")]
    refused(client.delete("/consignments/V-5/legs/2"), 404)
    refused(client.patch("/consignments/V-5/legs/2", json={"vehicle": "x"}), 404)


# -- sensors and the way --------------------------------------------------------------------------


def test_sensors_are_assigned_taken_over_and_taken_off(client: httpx.Client) -> None:
    for identity in ("S-1", "S-2"):
        entered(client, identity)
    both = state(client, "S-1", "assign", devices=["probe-7", "acme/probe-8"], where="Door")
    assert both["sensors"] == ["probe-7", "acme/probe-8"]
    assert [one["at"] for one in both["heard"]] == [None, None]
    taken = state(client, "S-2", "take", device="probe-7", others=["S-1"])
    assert taken["sensors"] == ["probe-7"]
    assert client.get("/consignments/S-1").json()["sensors"] == ["acme/probe-8"]
    assert state(client, "S-1", "unassign", devices=["acme/probe-8"])["sensors"] == []
    again = client.post("/consignments/S-1/unassign", json={"devices": ["acme/probe-8"]})
    refused(again, 409)
    refused(
        client.post("/consignments/S-2/take", json={"device": "probe-7", "others": ["S-9"]}), 404
    )


def test_it_goes_its_way_from_hand_to_hand(client: httpx.Client) -> None:
    entered(client, "W-1", legs=[ROAD, SEA])
    lacking = refused(client.post("/consignments/W-1/depart", json={}), 409)
    assert "lacks" in lacking["detail"]
    assert client.get("/consignments/W-1").json()["lacks"]
    gone = state(client, "W-1", "depart", anyway=True)
    assert (gone["stage"], gone["leg"]) == ("in_transit", 1)
    arrived = state(client, "W-1", "arrive")
    assert arrived["legs"][0]["arrived"] >= arrived["legs"][0]["departed"]
    claimed = state(client, "W-1", "hand-over", to="Sea Line")
    assert (claimed["custodian"], claimed["confirmed"]) == ("Plant", False)
    (handover,) = claimed["handovers"]
    assert handover["fact"]["to"] == "Sea Line"
    confirmed = state(client, "W-1", "confirm", number=handover["number"])
    assert (confirmed["custodian"], confirmed["confirmed"]) == ("Sea Line", True)
    assert confirmed["handovers"] == []
    delivered = state(client, "W-1", "deliver", to="Clinic", confirmed=True)
    assert (delivered["stage"], delivered["custodian"]) == ("delivered", "Clinic")
    sure = [one["custodian"] for one in delivered["custody"] if one["confirmed"]]
    assert list(dict.fromkeys(sure)) == ["Plant", "Sea Line", "Clinic"]
    reviewed = state(client, "W-1", "review", reason="The seal was broken")
    assert (reviewed["stage"], reviewed["standing"]) == ("under_review", "under review")


def test_what_is_stated_late_has_its_true_time_and_a_reason(client: httpx.Client) -> None:
    began = now() - 5 * HOUR
    entered(client, "W-2", at=began, reason="The network was down", legs=[ROAD])
    late = now() - HOUR
    why = refused(client.post("/consignments/W-2/depart", json={"anyway": True, "at": late}), 409)
    assert "reason" in why["detail"]
    gone = state(client, "W-2", "depart", anyway=True, at=late, reason="The driver called")
    assert gone["legs"][0]["departed"] == late
    fact = gone["facts"][-1]
    assert (fact["at"], fact["reason"]) == (late, "The driver called")
    assert fact["entered"] > late
    number = fact["number"]
    path = f"/consignments/W-2/facts/{number}/withdraw"
    told = client.post(path, json={"reason": "It was another truck"})
    back = models.Withdrawal.model_validate(told.json())
    assert [(one.number, one.kind) for one in back.withdrawn] == [(number, "departed")]
    assert back.consignment is not None
    assert back.consignment.stage == "planned"
    assert [one.withdrawn for one in back.consignment.facts if one.number == number] == [True]
    refused(client.post(path, json={"reason": "Again"}), 409)


def test_one_that_is_taken_back_whole_is_there_no_more(client: httpx.Client) -> None:
    one = entered(client, "W-3")
    path = f"/consignments/W-3/facts/{one['facts'][0]['number']}/withdraw"
    assert client.post(path, json={"reason": "Typed wrongly"}).json()["consignment"] is None
    refused(client.get("/consignments/W-3"), 404)


def test_it_is_split_and_its_parts_are_merged(client: httpx.Client) -> None:
    entered(client, "P-1", quantity=100, unit="boxes")
    parts = [{"id": "P-1-A", "quantity": 60}, {"id": "P-1-B", "quantity": 40}]
    parent = state(client, "P-1", "split", parts=parts)
    assert parent["parts"] == ["P-1-A", "P-1-B"]
    assert parent["over"] is not None
    assert client.get("/consignments/P-1-A").json()["quantity"] == 60
    listed = {one["id"] for one in client.get("/consignments").json()["items"]}
    assert {"P-1-A", "P-1-B"} <= listed
    assert "P-1" not in listed
    every = client.get("/consignments", params={"all": True}).json()["items"]
    assert "P-1" in {one["id"] for one in every}
    merged = state(client, "P-1-A", "merge", others=["P-1-B"], into="P-2")
    assert (merged["id"], merged["parents"]) == ("P-2", ["P-1-A", "P-1-B"])
    assert merged["quantity"] == 100


# -- the table ------------------------------------------------------------------------------------


def test_a_table_goes_out_and_in(client: httpx.Client) -> None:
    table = "id,goods,quantity\nT-1,vaccines,40\nT-2,nothing,1\n"
    dry = client.post("/consignments.csv", params={"dry": True}, content=table)
    told = models.ConsignmentTable.model_validate(dry.json())
    assert (told.new, told.dry) == (["T-1"], True)
    assert [(one.line, one.id) for one in told.mistakes] == [(3, "T-2")]
    refused(client.get("/consignments/T-1"), 404)
    client.post("/consignments.csv", content=table)
    assert client.get("/consignments/T-1").json()["quantity"] == 40
    out = client.get("/consignments.csv")
    assert out.headers["content-type"].startswith("text/csv")
    assert "T-1,vaccines" in out.text
    refused(client.post("/consignments.csv", content=b"\xff\xfe"), 400)
    refused(client.post("/consignments.csv", content="what\n"), 409)


# -- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("read", "POST", "/consignments", {"id": "X-1", "goods": "vaccines"}),
        ("read", "POST", "/consignments/V-1/deliver", {}),
        ("act", "PATCH", "/consignments/V-1", {"note": "x"}),
        ("act", "POST", "/consignments/V-1/review", {"reason": "x"}),
        ("act", "POST", "/consignments/V-1/split", {"parts": [{"id": "X-2"}]}),
        ("act", "POST", "/consignments/V-1/merge", {"others": ["V-2"], "into": "X-3"}),
        ("act", "POST", "/consignments/V-1/facts/1/withdraw", {"reason": "x"}),
        ("act", "POST", "/consignments.csv", {}),
        ("manage", "POST", "/consignments/V-1/depart", {}),
        ("metrics", "GET", "/consignments", None),
        ("metrics", "GET", "/goods", None),
    ],
)
def test_a_key_does_no_more_than_its_scope(
    page: RunningPage, scope: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    with api(page, scopes=[scope]) as limited:
        refused(limited.request(method, path, json=body), 403)


def test_what_is_stated_stands_under_the_keys_name(page: RunningPage, client: httpx.Client) -> None:
    one = entered(client, "A-1")
    (entry,) = [each for each in page.command("audit") if each["object"] == "A-1"]
    assert (entry["what"], entry["who"]["via"]) == ("consignment-add", "api")
    assert one["facts"][0]["who"] == entry["who"]["name"]


def test_a_key_cannot_sign_and_is_told_who_can(client: httpx.Client) -> None:
    entered(client, "V-9")
    answer = client.post("/consignments/V-9/sign", json={"meaning": "released"})
    assert "holdwatch consignment sign V-9" in refused(answer, 403)["cure"]
    assert "/consignments/{consignment}/sign" not in client.get("/openapi.json").json()["paths"]


# -- verdicts and reports -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def delivered(page: RunningPage, client: httpx.Client) -> str:
    """Return a consignment that was delivered well, on whose way something was heard."""
    began = now() - MINUTE
    page.publish("probe-v", {"temperature": 4.5}, {"temperature": 5.5})
    late = {"at": began, "reason": "Entered at the door"}
    entered(client, "R-1", sensors=[{"device": "probe-v"}], legs=[ROAD], **late)
    state(client, "R-1", "depart", anyway=True)
    page.publish("probe-v", {"temperature": 6.5})
    state(client, "R-1", "deliver")

    def judged() -> Any:  # noqa: ANN401 - as JSON has it
        (told,) = client.get("/consignments/R-1/verdict").json()["statistics"]
        return told["readings"] == 3 or None

    until(judged, "all that was said is judged")
    return "R-1"


def test_a_verdict_is_told_in_the_words_of_the_api(client: httpx.Client, delivered: str) -> None:
    answer = client.get(f"/consignments/{delivered}/verdict")
    told = models.Verdict.model_validate(answer.json())
    (temperature,) = told.statistics
    assert temperature.unit == "°C"
    assert temperature.lowest is not None
    assert (temperature.lowest.value, temperature.lowest.device) == (4.5, "probe-v")
    assert temperature.highest is not None
    assert temperature.highest.value == 6.5
    assert told.reasons
    assert told.signed is None


def test_a_draft_can_be_held_against_its_digest(client: httpx.Client, delivered: str) -> None:
    draft = client.get(f"/consignments/{delivered}/report")
    told = models.Report.model_validate(draft.json())
    assert (told.version, told.decision) == (0, None)
    assert hashlib.sha256(canonical(told.report)).hexdigest() == told.digest
    drawn = client.get(f"/consignments/{delivered}/report.pdf")
    assert drawn.headers["content-type"] == "application/pdf"
    assert drawn.content.startswith(b"%PDF")


def test_what_was_signed_comes_as_it_was_signed(
    page: RunningPage, client: httpx.Client, delivered: str
) -> None:
    assert client.get(f"/consignments/{delivered}/reports").json() == {"items": []}
    refused(client.get(f"/consignments/{delivered}/reports/1"), 404)
    password = page.add_user("quinn", "quality")
    words = ("--meaning", "rejected", "--as", "quinn", "--name", "Quinn Lee", "--reason", "Torn")
    command = ("consignment", "sign", delivered, *words, "-c", str(page.settings))
    subprocess.run(
        [*HOLDWATCH, *command], input=f"{password}\n".encode(), check=True, env=ENVIRONMENT
    )
    (one,) = client.get(f"/consignments/{delivered}/reports").json()["items"]
    listed = models.SignedReport.model_validate(one)
    assert (listed.version, listed.decision.name) == (1, "Quinn Lee")
    told = models.Report.model_validate(client.get(f"/consignments/{delivered}/reports/1").json())
    assert (told.digest, told.decision) == (listed.digest, listed.decision)
    body = client.get(f"/consignments/{delivered}/reports/1.json")
    assert hashlib.sha256(body.content).hexdigest() == listed.digest
    drawn = [client.get(f"/consignments/{delivered}/reports/1.pdf").content for _ in range(2)]
    assert drawn[0].startswith(b"%PDF")
    assert drawn[0] == drawn[1]
    verdict = models.Verdict.model_validate(client.get(f"/consignments/{delivered}/verdict").json())
    assert verdict.signed == listed
    assert client.get(f"/consignments/{delivered}").json()["stage"] == "rejected"
    refused(client.get(f"/consignments/{delivered}/reports/2.pdf"), 404)


def test_its_alerts_are_found_by_it(page: RunningPage, client: httpx.Client) -> None:
    late = {"at": now() - MINUTE, "reason": "Entered at the door"}
    entered(client, "H-1", goods="high-value", sensors=[{"device": "probe-h"}], legs=[ROAD], **late)
    state(client, "H-1", "depart", anyway=True)
    page.publish("probe-h", {"illuminance": 40.0})
    asked = {"consignment": "H-1"}
    found = until(lambda: client.get("/alerts", params=asked).json()["items"] or None, "an alert")
    assert {one["device"] for one in found} == {"consignment/H-1"}
    one = alert_models.AlertDetail.model_validate(client.get(f"/alerts/{found[0]['id']}").json())
    assert one.graced == 0
    told = client.get("/consignments/H-1").json()
    assert told["alerts"] == len(told["open_alerts"]) == len(found)
    refused(client.get("/alerts", params={"consignment": "H-9"}), 404)
    of_both = client.get("/alerts", params={**asked, "device": "probe-h"})
    assert of_both.json()["items"] == []


# -- goods ----------------------------------------------------------------------------------------


def test_goods_are_listed_with_what_they_stand(client: httpx.Client) -> None:
    listed = goods_models.GoodsList.model_validate(client.get("/goods").json()).items
    assert [one.name for one in listed] == sorted(one.name for one in listed)
    for one in listed:
        goods_models.GoodsDetail.model_validate(client.get(f"/goods/{one.name}").json())
    vaccines = next(one for one in listed if one.name == "vaccines")
    assert [(one.low, one.high, one.unit) for one in vaccines.ranges] == [(2.0, 8.0, "°C")]
    by_version = client.get(f"/goods/{vaccines.version}").json()
    assert by_version == client.get("/goods/vaccines").json()
    settings = {name: by_version["settings"][name] for name in ("name", "title", "source")}
    assert settings == {name: by_version[name] for name in settings}
    refused(client.get("/goods/nothing"), 404)
    refused(client.get("/goods/vaccines@000000000000"), 404)
