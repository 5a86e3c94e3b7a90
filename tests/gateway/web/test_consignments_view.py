"""Consignments as people see them: listed, entered, taken in by table, moved on, parted, signed."""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.gateway_process import until
from tests.gateway.web.test_acts_view import HTMX, csrf
from tests.gateway.web.test_devices_view import act, csrf_field, heard

if TYPE_CHECKING:
    from tests.gateway.web.running import RunningPage

ACTS = ("depart", "arrive", "hand-over", "confirm", "deliver", "assign", "unassign", "leg", "note")
CORRECTIONS = ("withdraw", "review", "split", "merge", "goods")
LEG = {"mode": "road", "origin": "Hamburg", "destination": "Rostock", "custodian": "Nord Trucks"}
MINUTE = 60_000


@pytest.fixture(scope="module")
def operator(page: RunningPage) -> httpx.Client:
    return page.user("otto", "operator")


@pytest.fixture(scope="module")
def quality(page: RunningPage) -> httpx.Client:
    return page.user("quinn", "quality")


def enter(client: httpx.Client, identity: str, **more: object) -> httpx.Response:
    """Enter a consignment of vaccines."""
    said = {"id": identity, "goods": "vaccines", "quantity": "100", "unit": "boxes", **more}
    return act(client, "/consignments/new", **said)


def shown(client: httpx.Client, identity: str) -> str:
    answer = client.get(f"/consignment/{identity}")
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.text


def hidden(text: str, name: str) -> str:
    """Return what a hidden field of a form holds."""
    return text.split(f'name="{name}" value="')[1].partition('"')[0]


def test_one_is_entered_and_listed_with_its_goods_and_who_has_it(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-1")
    assert "probe-1" in operator.get("/consignments/new").text
    done = enter(operator, "E-1", sensor="/probe-1", **LEG)
    assert done.headers["hx-redirect"] == "/consignment/E-1"
    listed = operator.get("/consignments").text
    for told in ("E-1", "Vaccines and biologics", "100 boxes", "Nord Trucks", "probe-1", "planned"):
        assert told in listed
    assert "E-1" in operator.get("/consignments?kind=planned&find=nord").text
    assert "E-1" not in operator.get("/consignments?kind=in_transit").text
    assert "No consignment is like that" in operator.get("/consignments?find=nothing").text
    assert "E-1,vaccines" in operator.get("/consignments.csv").text


def test_what_cannot_be_is_refused_with_what_to_do(operator: httpx.Client) -> None:
    answer = act(operator, "/consignments/new", id="a/b", goods="vaccines")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "letters, digits" in answer.json()["cure"]
    enter(operator, "E-2")
    assert enter(operator, "E-2").json()["detail"] == "E-2 is there already"
    assert act(operator, "/consignment/E-2/act/depart").status_code == HTTPStatus.CONFLICT
    assert (
        act(operator, "/consignment/E-2/act/assign").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    )
    assert operator.get("/consignment/nobody").status_code == HTTPStatus.CONFLICT


def test_it_says_what_is_missing_and_departs_all_the_same_if_told_so(
    operator: httpx.Client,
) -> None:
    enter(operator, "E-3", **LEG)
    text = shown(operator, "E-3")
    assert "What it lacks before it departs" in text
    refused = act(operator, "/consignment/E-3/act/depart")
    assert "lacks what its goods ask for" in refused.json()["detail"]
    done = act(operator, "/consignment/E-3/act/depart", anyway="yes")
    assert json.loads(done.headers["hx-trigger"])["say"] == "It departed"
    assert "in transit" in done.text


def test_custody_is_unconfirmed_until_the_other_side_says_so(operator: httpx.Client) -> None:
    enter(operator, "E-4", **LEG)
    headers = {**HTMX, **csrf(operator)}
    to = {"to": "Sea Line"}
    done = operator.post("/consignment/E-4/act/hand-over", data=to, headers=headers).text
    assert "unconfirmed: to Sea Line" in done
    assert "Confirm: Sea Line has it" in done
    listed = operator.get("/consignments?find=E-4").text
    assert "handover not confirmed" in listed
    done = act(operator, "/consignment/E-4/act/confirm", number=hidden(done, "number")).text
    assert "unconfirmed: to" not in done
    assert "<b>Sea Line</b>" in done


def test_what_was_earlier_needs_a_reason_and_is_marked_as_late(operator: httpx.Client) -> None:
    enter(operator, "E-5", **LEG, at="2026-01-01T08:00", reason="the form came by post")
    answer = act(operator, "/consignment/E-5/act/depart", anyway="yes", at="2026-01-01T10:00")
    assert "there is no reason" in answer.json()["detail"]
    late = {"at": "2026-01-01T10:00", "reason": "told <b>by</b> telephone"}
    done = act(operator, "/consignment/E-5/act/depart", anyway="yes", **late).text
    assert "told &lt;b&gt;by&lt;/b&gt; telephone" in done
    assert '<span class="badge pending">late</span>' in done


def test_sensors_come_and_go_and_their_readings_are_led_to(
    page: RunningPage, operator: httpx.Client
) -> None:
    heard(page, operator, "probe-6")
    enter(operator, "E-6")
    done = act(operator, "/consignment/E-6/act/assign", sensor="/probe-6", where="pallet 3").text
    assert "pallet 3" in done
    page.publish("probe-6", {"temperature": 5.0})
    text = until(lambda: "1 readings count" in (t := shown(operator, "E-6")) and t, "its reading")
    table = text.split('href="/api/v1/devices/probe-6/readings?')[1].split('"')[0]
    rows = operator.get(f"/api/v1/devices/probe-6/readings?{table.replace('&amp;', '&')}").text
    assert "5.0" in rows
    done = act(operator, "/consignment/E-6/act/unassign", sensor="/probe-6").text
    assert "sensor taken off" in done


def test_a_sensor_is_shown_from_when_until_when(page: RunningPage, operator: httpx.Client) -> None:
    heard(page, operator, "probe-7")
    now = int(time.time() * 1000)
    asked = f"/sensor/probe-7?from={now - 90 * MINUTE}&to={now - 30 * MINUTE}"
    text = operator.get(asked).text
    assert f'data-from="{now - 90 * MINUTE}" data-to="{now - 30 * MINUTE}"' in text
    wrong = operator.get(f"/sensor/probe-7?from={now}&to={now}")
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_table_is_tried_before_it_is_taken_in(quality: httpx.Client) -> None:
    table = "id,goods,quantity,unit\nT-1,vaccines,40,boxes\nT-2,nonsense,1,box\n"
    tried = quality.post(
        "/consignments/import", data=csrf_field(quality), files={"table": ("all.csv", table)}
    ).text
    assert "Nothing is entered yet" in tried
    assert "there is no profile" in tried
    assert "T-1" not in quality.get("/consignments").text
    done = quality.post(
        "/consignments/import", data={**csrf_field(quality), "content": table, "sure": "yes"}
    ).text
    assert "1 consignment is entered" in done
    assert "T-1" in quality.get("/consignments").text


def test_quality_parts_reviews_and_takes_back(quality: httpx.Client) -> None:
    enter(quality, "P-1")
    done = act(quality, "/consignment/P-1/correct/split", parts="P-1A:60, P-1B:40", unit="boxes")
    assert done.status_code == HTTPStatus.OK, done.text
    assert 'href="/consignment/P-1A"' in done.text
    assert "P-1" in quality.get("/consignments?kind=parted").text
    merged = act(quality, "/consignment/P-1A/correct/merge", **{"from": "P-1A P-1B", "into": "P-2"})
    assert merged.headers["hx-redirect"] == "/consignment/P-2"
    enter(quality, "P-3")
    first = re.findall(r"<small>number (\d+)</small>", shown(quality, "P-3"))[-1]
    gone = act(quality, "/consignment/P-3/correct/withdraw", number=first, reason="of another")
    assert gone.headers["hx-redirect"] == "/consignments"
    assert "P-3" not in quality.get("/consignments").text


def test_who_signs_has_a_report_that_is_kept_and_drawn(
    page: RunningPage, operator: httpx.Client
) -> None:
    password = page.add_user("anna", "quality")
    anna = page.browser_of("anna", password)
    heard(page, anna, "probe-8")
    enter(anna, "S-1", sensor="/probe-8", **LEG)
    act(anna, "/consignment/S-1/act/deliver")
    text = shown(anna, "S-1")
    said = {key: hidden(text, key) for key in ("made", "head", "digest")}
    said |= {"meaning": "held", "name": "Quality Desk", "reason": "to look at"}
    wrong = act(anna, "/consignment/S-1/sign", password="guess", **said)
    assert "password is wrong" in wrong.json()["detail"]
    other = act(anna, "/consignment/S-1/sign", password=password, **{**said, "digest": "0" * 64})
    assert "changed since you looked" in other.json()["detail"]
    done = act(anna, "/consignment/S-1/sign", password=password, **said)
    assert done.status_code == HTTPStatus.OK, done.text
    assert "Signed as version 1" in done.headers["hx-trigger"]
    assert "Quality Desk" in done.text
    for path in ("report.pdf", "reports/1.pdf"):
        answer = operator.get(f"/consignment/S-1/{path}")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
    assert operator.get("/consignment/S-1/reports/2.pdf").status_code == HTTPStatus.CONFLICT


@pytest.mark.parametrize("what", [*(f"act/{one}" for one in ACTS), "sign"])
def test_a_viewer_sees_all_and_may_do_nothing(
    page: RunningPage, operator: httpx.Client, what: str
) -> None:
    enter(operator, "R-1")
    client = page.user(f"vera-{what.replace('/', '-')}", "viewer")
    assert "<form" not in shown(client, "R-1")
    assert act(client, f"/consignment/R-1/{what}").status_code == HTTPStatus.FORBIDDEN
    assert client.get("/consignments/new").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("what", [*(f"correct/{one}" for one in CORRECTIONS), "sign"])
def test_an_operator_may_neither_correct_nor_sign(operator: httpx.Client, what: str) -> None:
    enter(operator, "R-2")
    assert act(operator, f"/consignment/R-2/{what}").status_code == HTTPStatus.FORBIDDEN
    assert 'id="sign"' not in shown(operator, "R-2")


def test_what_did_not_come_from_our_page_is_refused(operator: httpx.Client) -> None:
    enter(operator, "R-3")
    answer = operator.post("/consignment/R-3/act/note", data={"note": "x"})
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_goods_are_listed_and_each_is_told(operator: httpx.Client) -> None:
    listed = operator.get("/goods").text
    assert "Bananas" in listed
    assert "2 to 8 °C" in listed
    one = operator.get("/goods/vaccines").text
    assert "Close doors" in one
    version = one.split("<code>")[1].split("<")[0]
    assert version.startswith("vaccines@")
    assert operator.get(f"/goods/{version}").status_code == HTTPStatus.OK
    assert operator.get("/goods/none").status_code == HTTPStatus.NOT_FOUND
