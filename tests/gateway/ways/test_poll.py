"""Polling a real web service: what is taken, how far it is read, and what goes wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import DecodeError, Origin
from devices.reading import ARRIVAL, DeviceKey
from gateway.database import DiskError
from gateway.journal import Journal
from gateway.listener.authority import Authority
from gateway.routes import Routes
from gateway.settings.ways import Poll
from gateway.state import State
from gateway.ways.fetch import FetchError
from gateway.ways.poll import SLICE, Poller, split
from gateway.ways.way import PATIENCE
from rules.duration import HOUR, MINUTE
from tests.gateway.parts import NOW
from tests.gateway.ways.parts import House, house
from tests.gateway.ways.service import Asked, Reply, WebService, service


@pytest.fixture
def web() -> Iterator[WebService]:
    with service() as made:
        yield made


def section(url: str, **more: object) -> Poll:
    given = {"name": "store", "url": url, "device_key": "id", **more}
    return Poll.model_validate_json(json.dumps(given, default=str))


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, [section("http://127.0.0.1/").mapping()]) as made:
        yield made


def poller(home: House, url: str, **more: object) -> Poller:
    return Poller(section(url, **more), "", home.ingest, home.state, home.clock)


def item(number: int, device: str = "probe-1", **more: object) -> dict[str, Any]:
    return {"id": device, "time": NOW - HOUR + number * 1_000, "temperature": number, **more}


def answer(web: WebService, *items: object, **headers: str) -> None:
    body = json.dumps(items).encode()
    web.reply = lambda _asked: Reply(body, headers=tuple(headers.items()))


async def test_each_item_is_a_reading_of_its_device(home: House, web: WebService) -> None:
    answer(web, item(1), item(2, "probe-2", seq=7))
    one = poller(home, web.url)
    assert await one.once() == 0
    readings = home.stored()
    assert [(str(each.device), each.value("temperature")) for each in readings] == [
        ("probe-1", 1.0),
        ("probe-2", 2.0),
    ]
    assert {each.source for each in readings} == {"poll:store"}
    assert (one.report.well, one.report.readings, one.report.last) == (True, 2, NOW)


async def test_what_comes_again_is_stored_once(home: House, web: WebService) -> None:
    answer(web, item(1), item(2))
    for _ in range(2):
        one = poller(home, web.url)  # as after a restart, and again
        await one.once()
        await one.once()
    assert len(home.stored()) == 2


async def test_values_without_a_time_are_readings_each_time(home: House, web: WebService) -> None:
    answer(web, {"id": "now", "temperature": 4})
    one = poller(home, web.url)
    for _ in range(2):
        await one.once()
        home.clock.passes(MINUTE)
    first, second = home.stored()
    assert first.flags & ARRIVAL
    assert second.at - first.at == MINUTE


async def test_a_wrong_item_costs_itself_and_is_kept_once(home: House, web: WebService) -> None:
    wrong = {"id": "probe-1", "time": "yesterday", "temperature": 4}
    answer(web, item(1), wrong, item(2), "rubbish", item(3, "a b"))
    one = poller(home, web.url)
    for _ in range(3):
        await one.once()
    assert [each.value("temperature") for each in home.stored()] == [1.0, 2.0]
    assert home.quarantined() == [
        json.dumps(wrong).encode(),
        b'"rubbish"',
        json.dumps(item(3, "a b")).encode(),
    ]
    assert one.report.rejected == 3
    assert one.report.well


async def test_a_wrong_item_is_kept_once_across_a_restart(home: House, web: WebService) -> None:
    wrong, other = {"id": "probe-1", "time": "yesterday"}, {"id": "probe-1", "time": "today"}
    answer(web, wrong, item(1))
    await poller(home, web.url).once()
    answer(web, wrong, item(2), other)
    again = poller(home, web.url)
    for _ in range(2):
        await again.once()
    assert home.quarantined() == [json.dumps(each).encode() for each in (wrong, other)]
    assert [each.value("temperature") for each in home.stored()] == [1.0, 2.0]


async def test_a_value_without_a_time_that_was_refused_is_taken_once_it_may_be(
    home: House, web: WebService
) -> None:
    def refuse(_source: str, device: DeviceKey, **_: bool) -> None:
        raise DecodeError("may-not-speak-for", f"it may not speak for {device}", "Ask")

    routes = home.ingest.routes
    home.ingest.routes = Routes(routes.envelopes, refuse)
    answer(web, {"id": "probe-1", "temperature": 4})
    await poller(home, web.url).once()
    home.ingest.routes = routes
    await poller(home, web.url).once()
    assert [each.value("temperature") for each in home.stored()] == [4.0]


async def test_a_long_answer_is_taken_in_pieces(home: House, web: WebService) -> None:
    answer(web, *(item(number) for number in range(2 * SLICE + 1)))
    one = poller(home, web.url)
    for _ in range(2):
        await one.once()
    assert len(home.stored()) == 2 * SLICE + 1
    assert one.report.readings == 2 * SLICE + 1
    assert home.state.cursor("poll store") == NOW - HOUR + 2 * SLICE * 1_000


async def test_a_repaired_mapping_decodes_what_the_quarantine_kept(
    tmp_path: Path, web: WebService
) -> None:
    answer(web, {"id": "probe-1", "when": NOW - HOUR, "t": 4.5})
    async with house(tmp_path, [section(web.url).mapping()]) as before:
        await poller(before, web.url).once()
        assert before.stored() == []
    mended = section(web.url, time="when", channels={"temperature": "t"})
    async with house(tmp_path, [mended.mapping()]) as after:
        (kept,) = after.journal.quarantine.page(0, 10)
        origin = Origin("", kept.source)
        decoded = after.ingest.routes.bind(origin, kept.topic)(kept.payload, kept.received, 0)
        assert [one.value("temperature") for one in decoded] == [4.5]


def asked_since(asked: Asked) -> int:
    return int(parse_qs(urlsplit(asked.path).query)["from"][0])


async def test_only_what_is_newer_is_asked_for(home: House, web: WebService) -> None:
    answer(web, item(1), item(5), item(3))
    url = web.url + "/readings?from={since}&to={now}"
    options = {"since_format": "epoch-ms", "first": "1 h"}
    one = poller(home, url, **options)
    await one.once()
    await one.once()
    again = poller(home, url, overlap="2 s", **options)
    await again.once()
    newest = NOW - HOUR + 5_000
    assert list(map(asked_since, web.asked)) == [NOW - HOUR, newest, newest - 2_000]
    assert f"to={NOW}" in web.asked[0].path


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("epoch-ms", str(NOW)),
        ("epoch-s", str(NOW // 1000)),
        ("rfc3339", "%3A"),
    ],
)
async def test_times_are_written_as_the_service_reads_them(
    home: House, web: WebService, form: str, written: str
) -> None:
    await poller(home, web.url + "/?to={now}", since_format=form).once()
    assert written in web.asked[0].path


async def test_a_time_in_the_future_does_not_skip_what_comes(home: House, web: WebService) -> None:
    answer(web, item(1), {**item(2), "time": NOW + 10 * HOUR}, {**item(3), "time": NOW + 60_000})
    one = poller(home, web.url + "/?from={since}", since_format="epoch-ms")
    await one.once()
    await one.once()
    assert asked_since(web.asked[-1]) == NOW
    assert len(home.stored()) == 3


async def test_the_mark_is_never_ahead_of_what_is_on_the_disk(
    home: House, web: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(web, item(1))
    seen: list[int] = []
    commit = Journal.commit_aside

    async def slow(journal: Journal) -> None:
        seen.append(home.state.cursor("poll store"))
        await commit(journal)
        seen.append(home.state.cursor("poll store"))

    monkeypatch.setattr(Journal, "commit_aside", slow)
    await poller(home, web.url).once()
    assert seen == [0, 0]
    assert home.state.cursor("poll store") == NOW - HOUR + 1_000


async def test_a_mark_that_cannot_be_kept_loses_nothing(
    home: House, web: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_state: State) -> None:
        raise DiskError("the disk is full")

    answer(web, item(1), "rubbish")
    one = poller(home, web.url)
    with monkeypatch.context() as patched:
        patched.setattr(State, "commit_aside", full)
        await one.once()
    assert "the disk is full" in one.report.reason
    assert home.state.cursor("poll store") == 0
    await one.once()
    assert one.report.well
    assert home.state.cursor("poll store") == NOW - HOUR + 1_000
    assert len(home.stored()) == 1
    assert home.quarantined() == [b'"rubbish"']


async def test_an_answer_that_has_not_changed_is_not_sent_again(
    home: House, web: WebService
) -> None:
    body = json.dumps([item(1)]).encode()

    def reply(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"v1"':
            return Reply(status=304)
        return Reply(body, headers=(("ETag", '"v1"'),))

    web.reply = reply
    one = poller(home, web.url)
    for _ in range(3):
        await one.once()
    assert [each.headers.get("if-none-match") for each in web.asked] == [None, '"v1"', '"v1"']
    assert (len(home.stored()), one.report.well) == (1, True)


@pytest.mark.parametrize(
    ("reply", "words", "after"),
    [
        (Reply(b"who are you", 401), "401: who are you. Check the token", 0),
        (Reply(b"", 403), "403", 0),
        (Reply(b"slow down", 429, (("Retry-After", "90"),)), "429", 90),
        (Reply(b"<html>", 503, (("Retry-After", "7"), ("Content-Type", "text/html"))), "503", 7),
        (Reply(b"", 500), "500", 0),
        (Reply(b"not json"), "not the JSON", 0),
        (Reply(b'"data"'), "not the JSON", 0),
        (Reply(b"[1, 2"), "not the JSON", 0),
        (Reply(b""), "not the JSON", 0),
        (Reply(b"[" * 990), "not the JSON", 0),
        (Reply(b"", 302, (("Location", "http://127.0.0.2:1/"),)), "another host", 0),
        (Reply(b"", 301, (("Location", "https://[bad/"),)), "another host", 0),
        (Reply(b"", 302, (("Location", "/"),)), "from one address to the next", 0),
        (Reply(b"[" + b" " * 2_000 + b"]"), "more than 1,000 bytes", 0),
    ],
)
async def test_an_answer_that_is_of_no_use_is_shown_and_told_when_it_lasts(
    home: House, web: WebService, reply: Reply, words: str, after: float
) -> None:
    web.reply = lambda _asked: reply
    one = poller(home, web.url, largest="1 kB")
    assert await one.once() == after
    assert words in one.report.reason
    assert not one.report.well
    assert one.problem is None
    home.clock.passes(PATIENCE)
    assert one.problem is not None
    assert words in one.problem
    answer(web, item(1))
    await one.once()
    assert one.problem is None
    assert len(home.stored()) == 1


async def test_who_never_ends_an_answer_is_left(home: House, web: WebService) -> None:
    over = threading.Event()
    web.reply = lambda _asked: Reply(b"[1]", drip=over)
    one = poller(home, web.url, timeout="300 ms")
    await one.once()
    over.set()
    assert "no whole answer within 0.3 s" in one.report.reason


async def test_nobody_there_is_shown(home: House) -> None:
    one = poller(home, "http://127.0.0.1:9/")
    await one.once()
    assert "cannot connect to 127.0.0.1:9" in one.report.reason


async def test_what_is_secret_is_sent_and_never_shown(
    home: House, web: WebService, tmp_path: Path
) -> None:
    web.reply = lambda asked: Reply(json.dumps(asked.headers).encode(), 400)
    secret = tmp_path / "token"
    secret.write_text("s3cret-token\n")
    bearer = poller(home, web.url, token_file=secret)
    own = poller(home, web.url, token_file=secret, token_header="X-Api-Key")
    basic = poller(home, web.url, username="me", password="s3cret-token")
    for one in (bearer, own, basic):
        await one.once()
        assert "s3cret-token" not in one.report.reason
    assert web.asked[0].headers["authorization"] == "Bearer s3cret-token"
    assert web.asked[1].headers["x-api-key"] == "s3cret-token"
    assert web.asked[2].headers["authorization"].startswith("Basic ")
    assert web.asked[2].headers["authorization"].removeprefix("Basic ") not in basic.report.reason


async def test_a_redirect_on_the_same_host_is_followed(home: House, web: WebService) -> None:
    body = json.dumps([item(1)]).encode()
    web.reply = lambda asked: (
        Reply(body) if asked.path == "/there" else Reply(b"", 307, (("Location", "/there"),))
    )
    await poller(home, web.url + "/here").once()
    assert len(home.stored()) == 1


async def test_a_service_that_nobody_vouches_for_is_not_asked(home: House, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = Authority.make(tmp_path / "tls", now, "test")
    issued = authority.server(["127.0.0.1"], now)
    with service(issued.certificate, issued.key) as web:
        answer(web, item(1))
        stranger = poller(home, web.url)
        await stranger.once()
        assert "no trusted connection" in stranger.report.reason
        assert web.asked == []
        known = poller(home, web.url, ca=authority.folder / "authority.pem")
        await known.once()
        assert known.report.well
    assert len(home.stored()) == 1


@pytest.mark.parametrize(
    ("body", "place", "items"),
    [
        (b'[1, {"a":  2}]', "", [b"1", b'{"a":  2}']),
        (b'{"data": {"rows": [1]}}', "data.rows", [b"1"]),
        (b' {"a": 1} ', "", [b'{"a": 1}']),
        (b'{"last": {"a": 1}}', "last", [b'{"a": 1}']),
        (b"[]", "", []),
    ],
)
def test_items_are_the_bytes_that_were_sent(body: bytes, place: str, items: list[bytes]) -> None:
    assert [bytes(one).strip() for one in split(body, place)] == items


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


@given(
    st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["", "data", "a.b"]),
)
def test_whatever_is_answered_is_items_or_an_error_that_says_so(body: bytes, place: str) -> None:
    try:
        items = split(body, place)
    except FetchError:
        return
    for one in items:
        json.loads(bytes(one))


def test_a_place_that_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(FetchError, match=r"holds no data\.rows\. It holds result: set items"):
        split(b'{"result": []}', "data.rows")
