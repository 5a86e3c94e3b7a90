"""What Prometheus reads, and that every number is in the guide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.web.api.metrics import METRICS, MOST, _few
from rules.cargo.consignment import STAGES
from tests.gateway.web.api_client import api
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api.md"


@pytest.fixture(scope="module")
def client(page: RunningPage) -> Iterator[httpx.Client]:
    with api(page, scopes=["metrics"]) as client:
        yield client


def numbers(page: RunningPage, client: httpx.Client) -> dict[tuple[str, str], float]:
    """Return every number by its name and the values of its labels."""
    answer = httpx.get(f"{page.url}/metrics", headers=client.headers)
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_gateway_is_told_in_numbers(page: RunningPage, client: httpx.Client) -> None:
    page.alert("fridge-hot")
    page.publish("odd", {"flavour": 1})
    until(
        lambda: (
            numbers(page, client).get(("holdwatch_quarantine_messages", "no-channel")) == 1
            and numbers(page, client)["holdwatch_devices_by_state", "critical"] == 1
        ),
        "all of it is told",
    )
    told = numbers(page, client)
    assert told["holdwatch_up", ""] == 1
    assert told["holdwatch_devices", ""] == 1
    assert told["holdwatch_messages_total", ""] == 2
    assert told["holdwatch_alerts", "critical"] == 1
    assert told["holdwatch_alerts_unheld", "critical"] == 1
    assert told["holdwatch_waiting", "monitor"] == 0
    assert told["holdwatch_disk_free_bytes", ""] > 0
    assert told["holdwatch_heard_seconds", ""] > 1_700_000_000
    assert told["holdwatch_http_requests_total", "metrics 2xx"] >= 1


def test_consignments_are_told_by_stage(page: RunningPage, client: httpx.Client) -> None:
    page.command("consignment", "add", "C-1", "--goods", "high-value", "--sensor", "box-1")
    leg = ("--mode", "road", "--from", "A", "--to", "B", "--custodian", "C")
    page.command("consignment", "leg", "C-1", *leg)
    for identity in ("C-2", "C-3"):
        page.command("consignment", "add", identity, "--goods", "vaccines", "--quantity", "9")
    page.command("consignment", "split", "C-2", "C-2-A:5", "C-2-B:4")
    page.command("consignment", "depart", "C-1", "--anyway")
    page.command("consignment", "review", "C-3", "--reason", "Seal broken")
    page.publish("box-1", {"illuminance": 40.0})
    until(
        lambda: numbers(page, client)["holdwatch_consignment_alerts", "critical"] == 1,
        "the alert is told",
    )
    told = numbers(page, client)
    stages = {
        stage: count for (name, stage), count in told.items() if name == "holdwatch_consignments"
    }
    assert stages == {
        **dict.fromkeys(STAGES, 0),
        "planned": 2,
        "in_transit": 1,
        "under_review": 1,
    }


def test_every_number_is_in_the_guide(page: RunningPage, client: httpx.Client) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    documented = set(re.findall(r"`(holdwatch_[a-z_]+)`", guide))
    # Messages are counted from the first one on.
    counted = {"holdwatch_messages_sent_total", "holdwatch_messages_failed_total"}
    declared = {f"holdwatch_{one.name}" for one in METRICS} | counted
    assert declared <= documented
    there = {name for name, _ in numbers(page, client)} | declared
    assert {name for name in there if name.startswith("holdwatch_page_")} <= documented
    assert documented == there


def test_no_label_has_many_values() -> None:
    few = _few({f"reason-{number}": number for number in range(1_000)})
    assert len(few) == MOST
    assert sum(few.values()) == sum(range(1_000))
    assert _few({"one": 1}) == {"one": 1}


def test_devices_and_people_are_in_no_label(page: RunningPage, client: httpx.Client) -> None:
    page.alert("fridge-label")
    assert not [labels for _, labels in numbers(page, client) if "fridge" in labels]


@pytest.mark.parametrize("scopes", [["read"], ["act"]])
def test_other_keys_may_not_read_them(page: RunningPage, scopes: list[str]) -> None:
    with api(page, scopes=scopes) as client:
        answer = httpx.get(f"{page.url}/metrics", headers=client.headers)
        assert answer.status_code == httpx.codes.FORBIDDEN
    assert httpx.get(f"{page.url}/metrics").status_code == httpx.codes.UNAUTHORIZED
