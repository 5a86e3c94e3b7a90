"""Whether the gateway is well, in one sentence, and what else is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.commands.control import NotRunningError
from gateway.web.health import Health, faults, follower_name, lasted, sentence, verdict
from gateway.web.look import breakable
from gateway.web.pages.gateway import size
from rules.duration import DAY, HOUR, MINUTE, SECOND
from tests.broker import free_port
from tests.gateway.web.api_client import api
from tests.gateway.web.running import SETTINGS, RunningPage, until

if TYPE_CHECKING:
    from pathlib import Path

WELL: dict[str, Any] = {
    "problems": [],
    "disk": {"problem": None, "free": 10**12},
    "settings": {"file": "holdwatch.toml", "changed": False, "waits": []},
    "clock_trusted": True,
    "brokers": {"port": {"state": "connected", "detail": ""}},
    "influxdb": {},
    "ways": [],
    "heartbeats": [],
    "waiting": {"monitor": 3},
    "dead_letters": {},
    "quarantine": {},
    "wrong_clocks": [],
    "unwatched": [],
    "devices": 2,
}
SCREEN = {"name": "hall", "removed": None, "seen": 1, "connected": True}
OWN = {
    "kind": "gateway",
    "channel": "disk",
    "severity": "critical",
    "reason": "the disk is full",
    "note": "",
    "id": "a1",
}
COPIED: dict[str, Any] = {
    "url": "http://127.0.0.1:8086",
    "version": "1.6.7",
    "well": True,
    "reason": "",
    "last": 1,
    "written": 5,
    "waiting": 3,
    "missed_days": 0,
    "rejected": 0,
    "expired": 0,
}
AWAY = {**COPIED, "well": False, "reason": "cannot connect. Is it running?"}
REFUSES = {**COPIED, "rejected": 1}
COPIES = {
    **OWN,
    "channel": "influxdb db",
    "severity": "warning",
    "reason": "cannot be written to",
}
REFUSED = {**COPIES, "channel": "refused db", "reason": "is damaged"}
FAILS = {"name": "poll:cold", "well": False, "reason": "nobody answers"}
UNHEARD = {"name": "office", "well": False, "reason": "nobody answers"}
BROKEN = {"state": "lost", "detail": "nothing listens"}


def test_a_gateway_that_is_well_says_so() -> None:
    assert faults(WELL, [SCREEN]) == []
    look, words = verdict([], 2)
    assert (look, words.split(":")[0]) == ("ok", "The gateway is well")


@pytest.mark.parametrize(
    ("changed", "look", "words"),
    [
        ({"problems": [OWN]}, "critical", "The disk is full."),
        # An alert about the disk has told it: nobody needs it twice.
        ({"problems": [OWN], "disk": {"problem": "x", "free": 0}}, "critical", "The disk is full."),
        ({"disk": {"problem": "cannot write", "free": 0}}, "critical", "Cannot write."),
        (
            {"settings": {"changed": True, "waits": []}},
            "info",
            "The settings file was changed, and what it says now does not count yet.",
        ),
        (
            {"settings": {"changed": False, "waits": ["[web] added", "[gateway] box"]}},
            "info",
            "New settings wait for a restart: [web] added; [gateway] box.",
        ),
        ({"disk": {"problem": None, "free": 9e6}}, "warning", "The disk has 9 MB left."),
        (
            {"problems": [{**OWN, "channel": "channel duty", "reason": "nobody listens there"}]},
            "critical",
            "The channel duty: nobody listens there.",
        ),
        ({"clock_trusted": False}, "warning", "The clock is not trusted yet"),
        ({"brokers": {"port": BROKEN}}, "warning", "Broker port: nothing listens."),
        ({"ways": [FAILS]}, "info", "poll:cold fails: Nobody answers."),
        ({"ways": [FAILS], "problems": [{**OWN, "channel": "way poll:cold"}]}, "critical", "is"),
        ({"waiting": {"monitor": 50_000}}, "warning", "Rules: 50,000 are waiting."),
        ({"dead_letters": {"alerts:port": 2}}, "warning", "alerts:port: 2 records can never"),
        ({"quarantine": {"not-json": 1}}, "info", "1 message lies in the quarantine"),
        ({"influxdb": {"db": AWAY}}, "warning", "db cannot be written to."),
        ({"influxdb": {"db": AWAY}, "problems": [COPIES]}, "warning", "InfluxDB db cannot be"),
        # Its alert tells what was wrong when it began; what is wrong now counts.
        ({"influxdb": {"db": REFUSES}, "problems": [COPIES]}, "warning", "has refused 1 point."),
        ({"influxdb": {"db": COPIED}, "problems": [COPIES]}, "warning", "db: Cannot be written"),
        ({"influxdb": {"db": REFUSES}, "problems": [REFUSED]}, "warning", "has refused 1 point."),
        ({"influxdb": {"db": COPIED}, "problems": [REFUSED]}, "warning", "db: Is damaged."),
        ({"influxdb": {"db": {**COPIED, "waiting": 30_000}}}, "info", "is being sent what"),
        ({"influxdb": {"db": {**COPIED, "missed_days": 1}}}, "info", "is being sent what"),
        ({"dead_letters": {"influxdb:gone": 2}}, "warning", "influxdb:gone: 2 records"),
        ({"wrong_clocks": ["a", "b", "c", "d"]}, "info", "are wrong: a, b, c and 1 more."),
        ({"unwatched": ["no limit watches d-1"]}, "info", "No limit watches d-1."),
        (
            {"unwatched": [f"no limit watches d-{number}" for number in range(39)]},
            "info",
            "No limit watches d-0, d-1, d-2 and 36 more.",
        ),
        ({"heartbeats": [UNHEARD]}, "info", "The heartbeat office is not heard: Nobody answers."),
        (
            {"heartbeats": [UNHEARD], "problems": [{**OWN, "channel": "heartbeat office"}]},
            "critical",
            "The disk is full.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    changed: dict[str, Any], look: str, words: str
) -> None:
    (found,) = faults({**WELL, **changed}, [])
    assert found.gravity == look
    assert words in found.words


def test_what_copies_is_told_once() -> None:
    servers = {"db": {**AWAY, "waiting": 50_000, "rejected": 2}}
    found = faults(
        {
            **WELL,
            "influxdb": servers,
            "waiting": {"influxdb:db": 50_000},
            "dead_letters": {"influxdb:db": 1, "influxdb:db:alerts": 1},
            "problems": [COPIES, {**COPIES, "channel": "refused db", "id": "a2"}],
        },
        [],
    )
    assert [one.words.split(" ", 2)[2][:10] for one in found] == ["cannot be ", "has refuse"]
    assert [one.link for one in found] == ["/alerts/a1", "/alerts/a2"]
    assert found[0].cure == "Cannot connect. Is it running?"
    assert found[1].cure == "See why: holdwatch influx rejected db"
    assert faults({**WELL, "influxdb": {"db": COPIED}}, []) == []


def test_what_is_worst_is_the_verdict() -> None:
    found = faults({**WELL, "brokers": {"port": BROKEN}, "problems": [OWN]}, [])
    assert verdict(found, 2) == ("critical", "The disk is full. And 1 more, below.")


@pytest.mark.parametrize(
    ("screen", "missing"),
    [
        (SCREEN, False),
        ({**SCREEN, "connected": False}, True),
        ({**SCREEN, "connected": False, "seen": None}, False),
        ({**SCREEN, "connected": False, "removed": 5}, False),
    ],
)
def test_a_screen_that_was_there_is_missed(screen: dict[str, Any], *, missing: bool) -> None:
    assert bool(faults(WELL, [screen])) == missing


def test_a_gateway_that_does_not_answer_is_the_worst() -> None:
    look, words = verdict(faults(None, []), 0)
    assert (look, words) == ("critical", "The gateway does not answer: nothing here is new.")


async def test_the_gateway_is_asked_at_most_every_two_seconds() -> None:
    asked: list[str] = []
    time = [0]

    async def ask(do: str) -> dict[str, int]:
        asked.append(do)
        if len(asked) == 2:
            raise NotRunningError("data")
        return {"number": len(asked)}

    health = Health(ask, lambda: time[0])
    assert [await health.now(), await health.now()] == [{"number": 1}] * 2
    time[0] = 2_000
    assert await health.now() is None
    assert await health.now() is None
    time[0] = 4_000
    assert await health.now() == {"number": 3}
    assert asked == ["health"] * 3, "`status` costs more with every open alert"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 s"),
        (65 * SECOND, "1 min 5 s"),
        (3 * HOUR + 16 * SECOND, "3 h"),
        (3 * DAY + 4 * HOUR + 5 * MINUTE, "3 days 4 h"),
    ],
)
def test_lengths_are_as_exact_as_people_want_them(length: int, words: str) -> None:
    assert lasted(length) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0.0 kB"), (26_600, "26.6 kB"), (12_500_000, "12.5 MB"), (3 * 10**12, "3.0 TB")],
)
def test_bytes_are_told_for_people(count: int, words: str) -> None:
    assert size(count) == words


def test_a_sentence_ends_and_begins_like_one() -> None:
    assert [sentence(one) for one in ("", "a b", "A.", " why? ")] == ["", "A b.", "A.", "Why?"]
    assert sentence("http://db:8086 is silent") == "http://db:8086 is silent."


def test_the_view_has_a_card_for_each_influxdb_that_says_what_to_do(tmp_path: Path) -> None:
    servers = "".join(
        f"""
[[influxdb]]
name = "{name}"
url = "http://127.0.0.1:{free_port()}"
version = "1"
"""
        for name in ("office", "cloud")
    )
    with RunningPage(tmp_path, SETTINGS + servers) as page:
        page.publish("fridge-1", {"temperature": 4.5})
        client = page.user("looks", "viewer")

        def told() -> str:
            shown = client.get("/gateway").text.replace("<wbr>", "")
            return shown if shown.count("Cannot connect to http://127.0.0.1") >= 2 else ""

        shown = until(told, "both are away")
        for words in ("InfluxDB office", "InfluxDB cloud", "What it misses is kept", ">1 <small>"):
            assert words in shown
        with api(page, scopes=["read", "metrics"]) as program:
            (office,) = [
                one
                for name, one in program.get("/gateway").json()["influxdb"].items()
                if name == "office"
            ]
            assert (office["well"], office["waiting"], office["last"]) == (False, 1, None)
            numbers = httpx.get(f"{page.url}/metrics", headers=program.headers).text
        assert 'holdwatch_influxdb_up{server="office"} 0.0' in numbers
        assert 'holdwatch_influxdb_waiting{server="cloud"} 1.0' in numbers


def test_the_view_lists_other_ways_in_and_codecs_of_vendors(tmp_path: Path) -> None:
    (tmp_path / "codecs").mkdir()
    codec = "function decodeUplink(input) { return { data: { temperature: input.bytes[0] } }; }"
    (tmp_path / "codecs" / "thermo-1.js").write_text(codec)
    away = f"""
[codecs]
folder = "codecs"

[[polls]]
name = "cold-store"
url = "http://127.0.0.1:{free_port()}/readings"
every = "1 min"
device = "store-1"

[polls.channels]
temperature = "temp"
"""
    with RunningPage(tmp_path, SETTINGS + away) as page:
        client = page.user("looks", "viewer")

        def told() -> str:
            shown = client.get("/gateway").text
            return shown if "fails</span>" in shown else ""

        shown = until(told, "the poll fails")
        for words in ("poll:cold-store", "0 readings since the start", "Codecs of vendors"):
            assert words in shown
        assert "<code>thermo-1</code>" in shown
        with api(page, scopes=["read", "metrics"]) as program:
            told_by_api = program.get("/gateway").json()
            numbers = httpx.get(f"{page.url}/metrics", headers=program.headers).text
        (way,) = told_by_api["ways"]
        assert (way["name"], way["well"], way["last"]) == ("poll:cold-store", False, None)
        assert told_by_api["codecs"] == {"names": ["thermo-1"], "waiting": 0, "problem": None}
        assert 'holdwatch_way_up{way="poll:cold-store"} 0.0' in numbers
        assert "holdwatch_codecs_ok 1.0" in numbers


def test_the_view_tells_of_disk_ports_clock_screens_and_version(page: RunningPage) -> None:
    page.command("screen", "add", "hall-1")
    client = page.user("looks", "viewer")
    shown = client.get("/gateway").text
    for words in (
        "The gateway is well",
        f"127.0.0.1:{page.mqtt}",
        "hall-1",
        "never opened",
        "trusted",
        "Journal",
        "Holdwatch 0.",
        "Europe/Berlin",
        "</i>Free</dt>",
        "[[heartbeats]]",
        "Quality",
    ):
        assert words in shown
    assert "inspector" not in shown
    part = client.get("/gateway/part").text
    assert "<html" not in part
    assert "The gateway is well" in part


def test_the_view_says_whether_heartbeats_are_heard(tmp_path: Path) -> None:
    beats = f"""
[[heartbeats]]
name = "office"
url = "http://127.0.0.1:{free_port()}/ping"
every = "1 min"
"""
    with RunningPage(tmp_path, SETTINGS + beats) as page:
        client = page.user("looks", "viewer")

        def card() -> str:
            shown = client.get("/gateway").text.partition("<h2>Heartbeats</h2>")[2]
            return shown.partition("</section>")[0] if "not heard</span>" in shown else ""

        shown = until(card, "the heartbeat is not heard")
    assert "<b>office</b>" in shown
    assert "Cannot connect to 127.0.0.1" in shown


@pytest.mark.parametrize("unknown", ["others", "more:port"])
def test_a_follower_of_which_nothing_is_known_has_its_own_name(unknown: str) -> None:
    assert follower_name(unknown) == unknown.replace(":", " ")
    assert follower_name("alerts:port") == "Broker port"


def test_a_long_path_goes_on_in_a_new_line_after_a_slash_and_stays_text() -> None:
    assert breakable("/var/<b>") == "/<wbr>var/<wbr>&lt;b&gt;"
