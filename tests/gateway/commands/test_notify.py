"""What is asked about notifications over the local socket, and done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.people import audit
from gateway.refusal import ControlError
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE, SECOND
from tests.gateway.asked import Asked, alarm, recorded
from tests.gateway.notify.mail_server import MailServer, mail_server
from tests.gateway.parts import NOW, ToldClock

ANNA = {"name": "anna", "via": "page", "address": "192.0.2.7"}
SETTINGS = """
[gateway]
box = "here"
data = "{folder}"
timezone = "Europe/Berlin"

[[channels]]
name = "office"
kind = "email"
host = "127.0.0.1"
port = {port}
tls = "none"
from = "holdwatch@example.org"
to = ["office@example.org"]

[[channels]]
name = "duty"
kind = "email"
host = "127.0.0.1"
port = {port}
tls = "none"
from = "holdwatch@example.org"
to = ["duty@example.org"]

[[routes]]
name = "hall"
sites = ["Hall 1"]
channels = ["office"]
steps = [{{ after = "15 min", channels = ["duty"] }}]
go_on = true

[[routes]]
name = "grave"
severity = "critical"
channels = ["duty"]

[acknowledgement]
longest = "4 h"

[[devices]]
match = "fridge-*"
name = "Fridge"
site = "Hall 1"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
async def ask(tmp_path: Path, server: MailServer) -> AsyncIterator[Asked]:
    """A gateway that runs, and can send to a mail server; its clock is told the time."""
    settings = parse(SETTINGS.format(folder=tmp_path, port=server.port))
    gateway = await asyncio.to_thread(Gateway, settings)
    gateway.clock = ToldClock()
    await gateway.compose()
    couriers = [asyncio.create_task(one) for _, one in gateway.couriers.parts()]
    yield Asked(gateway)
    for one in couriers:
        one.cancel()
    await asyncio.gather(*couriers, return_exceptions=True)
    gateway.close()


async def test_a_test_is_sent_and_who_asked_is_on_record(ask: Asked, server: MailServer) -> None:
    told = await ask("notify-test", channel="office", who=ANNA)
    assert (told["state"], told["test"], told["channel"]) == ("sent", "anna", "office")
    assert [one["outcome"] for one in told["attempts"]] == ["sent"]
    (letter,) = server.letters
    assert "TEST" in str(letter["subject"])
    (entry,) = audit.page(ask.gateway.state, None, 10)
    assert (entry.what, entry.object, entry.who.name) == ("channel-test", "office", "anna")
    office = next(one for one in await ask("notify-channels") if one["name"] == "office")
    assert office["tested"] == {
        "at": NOW,
        "who": "anna",
        "message": told["id"],
        "state": "sent",
        "problem": "",
    }
    assert office["success"] is not None


async def test_a_test_that_is_not_taken_says_why(ask: Asked, server: MailServer) -> None:
    server.answers["office@example.org"] = "450 the mailbox is busy"
    told = await ask("notify-test", channel="office", who=ANNA)
    assert told["state"] == "waiting"
    assert "450" in told["attempts"][0]["detail"]
    assert await ask("notify-messages", which="failed") == [told]
    assert await ask("notify-messages", which="failed", channel="duty") == []


async def test_an_unknown_channel_is_refused_with_those_that_are_known(ask: Asked) -> None:
    with pytest.raises(ControlError, match="Use one of office, duty"):
        await ask("notify-test", channel="offfice")


async def test_without_a_running_gateway_nothing_is_sent(tmp_path: Path) -> None:
    settings = parse(SETTINGS.format(folder=tmp_path, port=9))
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    await gateway.compose()
    with pytest.raises(ControlError, match="is not running"):
        await Asked(gateway)("notify-test", channel="office")
    gateway.close()


async def test_routes_are_told_in_words(ask: Asked) -> None:
    told = await ask("notify-routes")
    assert [one["name"] for one in told["routes"]] == ["hall", "grave"]
    assert told["routes"][0]["sentence"].startswith(
        "Warnings and worse, at Hall 1: office at once; duty after 15 min if nobody has it."
    )
    assert "4 h are over" in told["lapses"]


async def test_who_would_be_told_follows_from_the_device_its_site_and_the_rule(ask: Asked) -> None:
    told = await ask("notify-routes", device="fridge-1", rule="too-warm")
    assert told["about"] == {
        "device": "fridge-1",
        "rule": "too-warm",
        "severity": "warning",
        "sites": ["Hall 1"],
        "goods": [],
        "at": NOW,
    }
    assert [(one["channels"], one["route"]) for one in told["told"]] == [
        (["office"], "hall"),
        (["duty"], "hall"),
    ]
    elsewhere = await ask("notify-routes", device="fridge-1", rule="too-warm", site="Hall 2")
    assert (elsewhere["told"], elsewhere["why"]) == ([], "no route takes it")
    grave = await ask("notify-routes", device="box", at="2026-11-28 03:00")
    assert [one["route"] for one in grave["told"]] == ["grave"]
    with pytest.raises(ControlError, match="no alert is 'loud'"):
        await ask("notify-routes", device="box", severity="loud")
    assert await ask("notify-messages") == []


async def test_who_would_be_told_of_what_is_muted_says_the_mute(ask: Asked) -> None:
    mute = await ask("mute-add", sites=["Hall 1"], reason="Defrosting", who=ANNA, **{"for": "2h"})
    told = await ask("notify-routes", device="fridge-1", rule="too-warm")
    assert told["muted"] == mute
    first = told["told"][0]
    assert (first["at"], first["why"]) == (mute["until"] + 10 * SECOND, "mute 1 ends")
    for other in ({"site": "Hall 2"}, {"at": NOW + 3 * HOUR}):
        free = await ask("notify-routes", device="fridge-1", rule="too-warm", **other)
        assert free["muted"] is None


@pytest.mark.parametrize(
    ("rule", "cure"),
    [("too-warn", "Did you mean too-warm"), ("nonsense", "The settings have too-warm")],
)
async def test_a_rule_that_there_is_not_is_refused(ask: Asked, rule: str, cure: str) -> None:
    with pytest.raises(ControlError, match=f"there is no rule '{rule}'. {cure}"):
        await ask("notify-routes", device="fridge-1", rule=rule)


async def test_rules_of_goods_and_of_our_own_alerts_are_known(ask: Asked) -> None:
    rules = [one for goods in ask.gateway.goods.all() for one in goods.rules]
    parts = {part.name for one in rules for part in one.parts()}
    assert parts
    for rule in (*sorted(parts)[:5], "gateway", "review"):
        told = await ask("notify-routes", device="fridge-1", rule=rule)
        assert told["about"]["rule"] == rule


async def test_a_route_that_another_cuts_off_is_told(tmp_path: Path) -> None:
    text = SETTINGS.format(folder=tmp_path, port=9).replace(
        "go_on = true", 'hours = { from = "06:00", to = "22:00" }'
    )
    gateway = await asyncio.to_thread(Gateway, parse(text), join=False)
    await gateway.compose()
    (warning,) = (await Asked(gateway)("notify-routes"))["warnings"]
    assert warning.startswith("route hall: what it takes outside its hours waits")
    gateway.close()


async def test_of_an_alert_it_is_told_who_was_told_and_when_it_lapses(ask: Asked) -> None:
    await recorded(ask.gateway.state, alarm("a1", severity="critical"))
    events, head = ask.gateway.state.read(0, 10)
    await ask.gateway.notifier.handle(events, head)
    told = await ask("notify-told", alert="a1")
    (grave,) = told["routes"]
    assert (grave["route"], grave["reason"]) == ("grave", "gathered with what else happens")
    assert told["lapses"] is None
    await ask("act", alert="a1", kind="acknowledged", reason="On my way", who=ANNA)
    assert (await ask("notify-told", alert="a1"))["lapses"] == NOW + 4 * HOUR
    with pytest.raises(ControlError, match="there is no alert a2"):
        await ask("notify-told", alert="a2")


@pytest.mark.parametrize(
    ("when", "until"),
    [({"for": "2h"}, NOW + 2 * HOUR), ({"until": NOW + DAY}, NOW + DAY)],
)
async def test_a_mute_is_made_listed_and_ended(
    ask: Asked, when: dict[str, object], until: int
) -> None:
    made = await ask("mute-add", sites=["Hall 1"], reason="Defrosting", who=ANNA, **when)
    assert (made["until"], made["what"], made["who"]) == (until, "at Hall 1", "anna")
    assert await ask("mute-list") == [made]
    ended = await ask("mute-end", number=made["number"], reason="Defrosted", who=ANNA)
    assert (ended["ended"], ended["stands"]) == (NOW, False)
    assert await ask("mute-list") == []
    assert await ask("mute-list", all=True) == [ended]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"sites": ["Hall 1"]}, "it is not said when the mute ends"),
        ({"sites": ["Hall 1"], "for": "1 h", "until": NOW + HOUR}, "it is not said when"),
        ({"for": "1 h"}, "does not say what is muted"),
        ({"sites": "Hall 1", "for": "1 h"}, "nothing can be muted by that"),
        ({"sites": ["Hall 1"], "for": "soon"}, "soon"),
        ({"sites": ["Hall 1"], "until": NOW - MINUTE}, "nothing can be muted for"),
    ],
)
async def test_a_mute_that_cannot_be_is_refused(
    ask: Asked, asked: dict[str, object], problem: str
) -> None:
    with pytest.raises(ControlError, match=problem):
        await ask("mute-add", reason="so", **asked)


async def test_a_mute_that_is_not_there_cannot_be_ended(ask: Asked) -> None:
    for number in (7, "x"):
        with pytest.raises(ControlError):
            await ask("mute-end", number=number, reason="so")
