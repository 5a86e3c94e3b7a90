"""Lines by what a server answers: one bad line costs itself, whatever the answer says."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.follow import RetryLater
from gateway.influxdb import delivery as module
from gateway.influxdb.delivery import BATCH, FITS, PATIENCE, Delivery
from gateway.influxdb.server import Answer, Verdict
from gateway.pace import Pace
from rules.duration import HOUR
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from collections.abc import Callable

WRITTEN = Answer(Verdict.WRITTEN)


class PickyServer:
    """Takes lines by its rules, as servers do that cannot be had here or not made to answer so.

    Of a refused body it stores what it likes of it: all that is good.
    """

    known_version = "picky"

    def __init__(self, *, most: int = 10**9, since: int = 0, stores_part: bool = True) -> None:
        self.stored: set[bytes] = set()
        self.requests = 0
        self.most = most
        self.since = since
        self.stores_part = stores_part
        self.fault: Callable[[int], Answer | None] = lambda _number: None

    def write(self, body: bytes) -> Answer:
        self.requests += 1
        fault = self.fault(self.requests)
        if fault is not None:
            return fault
        lines = body.split(b"\n")
        if len(lines) > self.most:
            return Answer(Verdict.TOO_LARGE, "413 too large")
        good = [one for one in lines if not one.startswith(b"bad")]
        young = [one for one in good if int(one.split(b" ")[2]) >= self.since]
        if young == lines or self.stores_part:
            self.stored.update(young)
        if good != lines:
            return Answer(Verdict.REFUSED, "400 unable to parse 'bad': dropped=0")
        if young != good:
            return Answer(Verdict.REFUSED, "400 points beyond retention policy dropped=1")
        return WRITTEN


def line(number: int, *, bad: bool = False) -> bytes:
    return f"{'bad' if bad else 'good'} v={number} {number}".encode()


def delivery(server: PickyServer, clock: ToldClock | None = None) -> Delivery:
    return Delivery("office", server, Pace(lambda: 0), clock or ToldClock())  # type: ignore[arg-type]  # stands in for a Server


@given(
    bad=st.sets(st.integers(0, 299), max_size=12),
    count=st.integers(1, 300),
    most=st.integers(1, 400),
    stores_part=st.booleans(),
)
async def test_of_any_lines_the_bad_ones_alone_are_refused(
    bad: set[int], count: int, most: int, *, stores_part: bool
) -> None:
    server = PickyServer(most=most, stores_part=stores_part)
    lines = [line(number, bad=number in bad) for number in range(count)]
    refused = await delivery(server).deliver(lines)
    assert [one.place for one in refused] == sorted(one for one in bad if one < count)
    assert server.stored == {one for one in lines if one.startswith(b"good")}


async def test_one_bad_line_of_five_thousand_costs_one_line_and_few_requests() -> None:
    server = PickyServer(stores_part=False)
    lines = [line(number, bad=number == 1_234) for number in range(5_000)]
    assert [one.place for one in await delivery(server).deliver(lines)] == [1_234]
    assert len(server.stored) == 4_999
    assert server.requests < 30


@given(
    times=st.lists(st.integers(0, 1_000), min_size=1, max_size=200, unique=True),
    since=st.integers(0, 1_000),
    bad=st.sets(st.integers(0, 199), max_size=3),
)
async def test_what_is_older_than_the_server_keeps_is_counted_and_the_rest_is_stored(
    times: list[int], since: int, bad: set[int]
) -> None:
    server = PickyServer(since=since, stores_part=False)
    lines = [line(at, bad=place in bad) for place, at in enumerate(times)]
    one = delivery(server)
    refused = await one.deliver(lines)
    good = [two for two in lines if two.startswith(b"good")]
    young = {two for two in good if int(two.rpartition(b" ")[2]) >= since}
    assert server.stored == young
    assert len(refused) + one.expired == len(lines) - len(young)
    assert {two.place for two in refused} <= {place for place in bad if place < len(times)}


async def test_an_old_logger_takes_a_dozen_requests_and_not_thousands() -> None:
    server = PickyServer(since=4_000)
    one = delivery(server)
    assert await one.deliver([line(number) for number in range(5_000)]) == []
    assert (one.expired, len(server.stored)) == (4_000, 1_000)
    assert server.requests < 20


async def test_after_too_large_it_sends_less_at_a_time() -> None:
    server = PickyServer(most=300)
    one = delivery(server)
    await one.deliver([line(number) for number in range(1_000)])
    before = server.requests
    await one.deliver([line(number) for number in range(1_000)])
    assert server.requests - before <= 8
    assert one.most <= 300


async def test_a_limit_that_shows_in_the_middle_loses_no_line() -> None:
    server = PickyServer()
    one = delivery(server)
    one.most = 1_000
    server.fault = lambda number: setattr(server, "most", 300) if number == 2 else None
    lines = [line(number) for number in range(3_000)]
    assert await one.deliver(lines) == []
    assert server.stored == set(lines)


async def test_over_a_slow_line_it_sends_less_until_it_gets_through_and_then_more_again() -> None:
    server = PickyServer()
    one = delivery(server)
    lines = [line(number) for number in range(5_000)]
    server.fault = lambda _number: Answer(Verdict.SLOW, "no answer within 30 s")
    for most in (2_500, 1_250):
        with pytest.raises(RetryLater, match="within 30 s"):
            await one.deliver(lines)
        assert one.most == most
    server.fault = lambda _number: None
    assert await one.deliver(lines) == []
    assert server.stored == set(lines)
    for _ in range(FITS):
        await one.deliver(lines)
    assert one.most == BATCH


async def test_over_a_thin_line_everything_gets_through_in_small_parts() -> None:
    server = PickyServer()
    one = delivery(server)
    take = server.write

    def write(body: bytes) -> Answer:
        too_many = body.count(b"\n") >= 200
        return Answer(Verdict.SLOW, "no answer within 30 s") if too_many else take(body)

    server.write = write  # type: ignore[method-assign]  # a line that moves 200 lines in time
    lines = [line(number) for number in range(10_000)]
    attempts = 0
    while True:
        attempts += 1
        try:
            assert await one.deliver(lines[: one.most * 10]) == []
        except RetryLater:
            assert attempts < 8
        else:
            break
    assert await one.deliver(lines) == [], "now and then more is tried, and nothing begins anew"
    assert server.stored == set(lines)
    assert server.requests < 10_000 / 156 * 2


@pytest.mark.parametrize(
    "words", ["400 Bad Request", "400 gzip: invalid header", "400 invalid database name", "413 no"]
)
async def test_words_that_are_not_about_lines_cost_no_line_while_none_is_taken(words: str) -> None:
    server = PickyServer()
    verdict = Verdict.TOO_LARGE if words.startswith("413") else Verdict.REFUSED
    server.fault = lambda _number: Answer(verdict, words)
    one = delivery(server)
    for count in (1, 50):
        with pytest.raises(RetryLater, match="takes nothing"):
            await one.deliver([line(number) for number in range(count)])
    assert one.problem is not None
    server.fault = lambda _number: None
    assert await one.deliver([line(1)]) == []
    assert one.problem is None


async def test_an_odd_word_about_one_line_among_good_ones_is_about_that_line() -> None:
    server = PickyServer()
    take = server.write

    def write(body: bytes) -> Answer:
        return Answer(Verdict.REFUSED, "400 unheard of") if b"v=7 " in body else take(body)

    server.write = write  # type: ignore[method-assign]  # a word that no InfluxDB is known to say
    refused = await delivery(server).deliver([line(number) for number in range(50)])
    assert [(one.place, one.reason) for one in refused] == [(7, "400 unheard of")]


async def test_what_was_measured_just_now_is_too_old_for_nobody() -> None:
    clock = ToldClock()
    server = PickyServer(since=10**30)
    one = delivery(server, clock)
    fresh = f"good v=1 {(clock.now() - HOUR + 1) * 1_000_000}".encode()
    stale = f"good v=1 {(clock.now() - HOUR) * 1_000_000}".encode()
    with pytest.raises(RetryLater, match="Its clock or this one is wrong"):
        await one.deliver([stale, fresh])
    assert (one.expired, one.problem is None) == (0, False)
    assert await one.deliver([stale]) == []
    assert one.expired == 1


async def test_an_answer_without_an_end_is_waited_for_no_longer_than_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.05)
    server, gate = PickyServer(), threading.Event()

    def write(_body: bytes) -> Answer:
        gate.wait(20)
        return WRITTEN

    server.write = write  # type: ignore[assignment, method-assign]  # one byte of its answer after the other
    try:
        with pytest.raises(RetryLater, match="no end"):
            await delivery(server).deliver([line(1)])
    finally:
        gate.set()


async def test_the_reason_stays_while_it_is_left_alone_though_others_get_through() -> None:
    server, clock = PickyServer(), ToldClock()
    one = delivery(server, clock)
    server.fault = lambda _number: Answer(Verdict.LATER, "503 busy", after=7.0)
    with pytest.raises(RetryLater):
        await one.deliver([line(1)])
    server.fault = lambda _number: None
    await one._write([line(2)])  # another that was on its way
    with pytest.raises(RetryLater, match="503 busy"):
        await one.deliver([line(1)])


@pytest.mark.parametrize("verdict", [Verdict.LATER, Verdict.RESET])
async def test_what_may_pass_is_tried_again_and_never_given_up(verdict: Verdict) -> None:
    server = PickyServer()
    server.fault = lambda _number: Answer(verdict, "503 busy", after=7.0)
    clock = ToldClock()
    one = delivery(server, clock)
    with pytest.raises(RetryLater, match="503 busy") as raised:
        await one.deliver([line(number) for number in range(100)])
    assert raised.value.after == 7.0
    assert not one.well
    assert server.requests <= 8
    server.fault = lambda _number: None
    clock.passes(7_000)
    assert await one.deliver([line(number) for number in range(100)]) == []
    assert one.well
    assert len(server.stored) == 100


async def test_a_server_that_asks_to_be_left_alone_is_left_alone_by_all() -> None:
    server, clock = PickyServer(), ToldClock()
    server.fault = lambda _number: Answer(Verdict.LATER, "429 slow down", after=7.0)
    one = delivery(server, clock)
    with pytest.raises(RetryLater):
        await one.deliver([line(1)])
    clock.passes(4_000)
    with pytest.raises(RetryLater, match="429 slow down") as raised:
        await one.deliver([line(2)])
    assert raised.value.after == 3.0
    assert server.requests == 1
    server.fault = lambda _number: None
    clock.passes(3_000)
    assert await one.deliver([line(2)]) == []


async def test_once_a_limit_is_lifted_more_is_sent_at_a_time_again() -> None:
    server = PickyServer(most=50)
    one = delivery(server)
    lines = [line(number) for number in range(1_000)]
    await one.deliver(lines)
    assert one.most <= 50
    server.most = BATCH
    for _ in range(8 * FITS):
        await one.deliver(lines)
    assert one.most >= 1_000
    server.requests = 0
    await one.deliver(lines)
    assert server.requests == 1


async def test_a_limit_that_stays_costs_little() -> None:
    server = PickyServer(most=50)
    one = delivery(server)
    for first in range(0, 20_000, 1_000):
        await one.deliver([line(number) for number in range(first, first + 1_000)])
    assert len(server.stored) == 20_000
    assert server.requests < 20_000 / 31 * 1.2


async def test_a_body_that_resets_the_connection_goes_in_halves() -> None:
    server = PickyServer(most=40)
    server.fault = lambda _number: None
    take = server.write

    def write(body: bytes) -> Answer:
        answer = take(body)
        return Answer(Verdict.RESET, "reset") if answer.verdict is Verdict.TOO_LARGE else answer

    server.write = write  # type: ignore[method-assign]  # what 1.6.7 does above 25 MB
    assert await delivery(server).deliver([line(number) for number in range(100)]) == []
    assert len(server.stored) == 100


async def test_an_outage_is_told_of_after_a_while_and_a_refusal_at_once() -> None:
    server, clock = PickyServer(), ToldClock()
    one = delivery(server, clock)
    server.fault = lambda _number: Answer(Verdict.LATER, "connection refused")
    with pytest.raises(RetryLater):
        await one.deliver([line(1)])
    assert one.problem is None
    clock.passes(PATIENCE)
    assert one.problem == "connection refused"
    server.fault = lambda _number: Answer(Verdict.LATER, "401 no", "Set token_file")
    two = delivery(server, clock)
    with pytest.raises(RetryLater):
        await two.deliver([line(1)])
    assert two.problem == "401 no. Set token_file"
    server.fault = lambda _number: None
    await two.deliver([line(1)])
    assert two.problem is None


async def test_whoever_waits_is_told_when_another_gets_through() -> None:
    server = PickyServer()
    one = delivery(server)
    server.fault = lambda _number: Answer(Verdict.GONE, "cannot connect")
    with pytest.raises(RetryLater) as raised:
        await one.deliver([line(1)])
    assert raised.value.sooner is not None
    told = asyncio.create_task(raised.value.sooner.wait())
    await asyncio.sleep(0)
    server.fault = lambda _number: None
    await one.deliver([line(2)])
    async with asyncio.timeout(10):
        await told
