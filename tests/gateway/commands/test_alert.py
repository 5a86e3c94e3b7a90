"""What is done about alerts over the local socket, and who is shown to have them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.mqtt.packets import Publish
from gateway.people import audit
from gateway.refusal import ControlError
from rules.duration import HOUR
from tests.gateway.asked import Asked, alarm, recorded
from tests.gateway.parts import NOW, ToldClock, said

ANNA = {"name": "anna", "via": "page", "address": "192.0.2.7"}
OPEN = alarm("a1")


@pytest.fixture
async def told(ask: Asked) -> Asked:
    """A gateway with one open alert, a1."""
    await recorded(ask.gateway.state, OPEN)
    ask.gateway.own_alerts.report("disk", "it is full")
    return ask


async def test_an_act_is_done_in_the_name_of_whom_the_page_names(told: Asked) -> None:
    answer = await told("act", alert="a1", kind="acknowledged", reason="On my way", who=ANNA)
    assert answer == {
        "alert": "a1",
        "kind": "acknowledged",
        "who": "anna",
        "at": NOW,
        "reason": "On my way",
        "to": "",
        "until": None,
        "severity": "warning",
        "number": 1,
    }
    (entry,) = audit.page(told.gateway.state, None, 10)
    assert entry.who == audit.Who("anna", "page", "192.0.2.7")


async def test_on_the_command_line_it_is_the_user_of_the_system(told: Asked) -> None:
    answer = await told("act", alert="a1", kind="noted", reason="so")
    assert answer["who"] == audit.system_user()


@pytest.mark.parametrize("when", [{"length": HOUR}, {"until": NOW + HOUR}])
async def test_an_alert_is_muted_for_a_length_or_until_a_time(
    told: Asked, when: dict[str, int]
) -> None:
    answer = await told("act", alert="a1", kind="muted", reason="loading", **when)
    assert answer["until"] == NOW + HOUR
    (alert,) = await told("alerts")
    assert alert["muted_until"] == NOW + HOUR
    assert isinstance(told.gateway.clock, ToldClock)
    told.gateway.clock.passes(HOUR)
    (alert,) = await told("alerts")
    assert alert["muted_until"] is None


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "acknowledged", "reason": "so"},
        {"alert": "a1", "reason": "so"},
        {"alert": "a1", "kind": "acknowledged"},
        {"alert": "a1", "kind": "closed", "reason": "so"},
        {"alert": 7, "kind": "noted", "reason": "so"},
        {"alert": "a1", "kind": "muted", "reason": "so", "until": "noon"},
        {"alert": "a1", "kind": "muted", "reason": "so", "length": "long"},
        {"alert": "a1", "kind": "noted", "reason": "so", "who": {"name": "anna", "via": "me"}},
    ],
)
async def test_what_is_no_act_is_refused_with_what_is_needed(
    told: Asked, request_: dict[str, Any]
) -> None:
    with pytest.raises(ControlError, match='Send "'):
        await told("act", **request_)
    assert audit.page(told.gateway.state, None, 10) == []


async def test_status_and_alerts_say_who_has_each_alert(told: Asked) -> None:
    told.gateway.monitor.told.open[OPEN.subject] = OPEN
    (alert,) = await told("alerts")
    assert (alert["id"], alert["holder"], alert["muted_until"]) == ("a1", "", None)
    await told("act", alert="a1", kind="acknowledged", reason="On my way", who=ANNA)
    (alert,) = await told("alerts")
    assert alert["holder"] == "anna"
    stands = {one["id"]: one["holder"] for one in (await told("status"))["alerts"]}
    assert stands.pop("a1") == "anna"
    assert list(stands.values()) == [""], "an own alert that is not recorded yet"


async def test_raw_messages_of_a_device_come_as_they_were(ask: Asked) -> None:
    gateway = ask.gateway
    gateway.journal.append([said("d-1", owner="acme")])
    gateway.journal.commit()
    gateway.journal.publish()
    assert await ask("raw", device="d-1") == []
    device = gateway.journal.devices()[0]
    gateway.ingest.raw.note(device, "listener/d-1", Publish(b"a/b", b"\xff{}", 3, 1), NOW)
    (message,) = await ask("raw", device="acme/d-1")
    assert base64.b64decode(message.pop("payload")) == b"\xff{}"
    assert message == {
        "received": NOW,
        "topic": "a/b",
        "qos": 1,
        "retained": False,
        "source": "listener/d-1",
        "whole": True,
    }
    with pytest.raises(ControlError, match="nothing is known of acme/d-2"):
        await ask("raw", device="d-2")
