"""Row 7: InfluxDB answers whatever a server, a proxy or a network may answer."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest

from gateway.clock import Clock
from gateway.influxdb.server import Server
from gateway.influxdb.sink import Sink
from gateway.settings.influxdb import InfluxDB
from tests.faults.conftest import Seeds
from tests.faults.copying import DATABASE, NAME, Copying, fill
from tests.faults.running import until
from tests.gateway.influxdb.parts import House, times
from tests.gateway.influxdb.stub import HANG, RESET, Asked, Say, Stub
from tests.gateway.parts import NOW, said
from tests.influxdb import RunningInflux

ROWS = 20_000
BAD = 4
"""Of the rows: one in 5,000."""
RETRY_AFTER = 0.4
"""Seconds."""

REFUSED = {"error": "partial write: field type conflict on measurement readings dropped=0"}
INVALID = {"code": "unprocessable entity", "message": "failure writing points to database"}


def is_bad(line: bytes) -> bool:
    """Whether it is one of the BAD, each of another device."""
    return line.endswith(b"000123") and any(
        b",device=d-past-%d," % number in line for number in range(BAD)
    )


class Between:
    """Lets requests through to the real server, or does to them what it is told, one by one.

    Whatever holds a bad line is refused whole, as InfluxDB 2 does.
    """

    def __init__(self, server: RunningInflux) -> None:
        self.server = server
        self.faults: list[str] = []
        """What is yet to be done to a request."""
        self.done: list[tuple[str, float]] = []
        """What was done to each request, and when (s)."""
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Say:
        lines = asked.body.split(b"\n")
        with self._lock:
            fault = self._next(lines)
            self.done.append((fault, time.monotonic()))
        if fault in {"400", "422"}:
            return Say(int(fault), body=REFUSED if fault == "400" else INVALID)
        if fault in STATUSES:
            return STATUSES[fault]
        return self._let_through(asked, fault)

    def _next(self, lines: list[bytes]) -> str:
        if any(map(is_bad, lines)):
            return "422" if len(self.done) % 2 else "400"
        if not self.faults or (self.faults[0] == "413" and len(lines) == 1):
            return "through"
        return self.faults.pop(0)

    def _let_through(self, asked: Asked, fault: str) -> Say:
        status, body = self.server.ask("POST", asked.path, asked.body, parameters=asked.fields)
        if fault == "through":
            return Say(status, body=body)
        return {"stored, 503": Say(503), "stored, reset": RESET}.get(fault, Say(204, then="close"))


STATUSES = {
    "401": Say(401, body={"error": "authorization failed"}),
    "403": Say(403, body={"error": "not allowed"}),
    "404": Say(404, body={"error": "database not found"}),
    "413": Say(413, body={"error": "Request Entity Too Large"}),
    "429": Say(429, {"Retry-After": str(RETRY_AFTER)}),
    "503": Say(503, {"Retry-After": "0.1"}),
    "proxy": Say(400, {"Content-Type": "text/html"}, b"<html>bad request</html>"),
    "reset": RESET,
    "hang": HANG,
}
FAULTS = (*STATUSES, "stored, 503", "stored, reset", "stored, close")


# -- one answer after the other ----------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
async def test_of_each_answer_what_is_asked_is_done_and_everything_arrives(
    tmp_path: Path,
    influxdb: RunningInflux,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr("gateway.follow.FIRST_DELAY", 0.0)
    monkeypatch.setattr(Sink, "limit", 50)
    readings = [said(at=NOW + i, sequence=i) for i in range(300)]
    between, house = Between(influxdb), House(tmp_path)
    house.clock = Clock(0)
    section = InfluxDB(url="http://127.0.0.1", database=influxdb.database(), version="1")
    with Stub(between) as stub:
        server = Server(section.model_copy(update={"url": stub.url}), timeout=0.2)
        sink = house.sink(server)
        for first in range(0, 300, 100):
            house.store(readings[first : first + 100])
            between.faults = [fault]
            await house.copy(sink)
            assert not between.faults
        server.close()
    there = [one["time"] for one in influxdb.rows(section.database, "SELECT * FROM readings")]
    assert sorted(there) == times(readings)
    assert not house.state.dead_letters()
    house.close()
    wait = {"429": RETRY_AFTER, "503": 0.1}.get(fault, 0.0)
    for (what, when), (_, then) in pairwise(between.done):
        assert what != fault or then - when >= wait


# -- all of them, at random ----------------------------------------------------------------------


async def answered(
    folder: Path, server: RunningInflux, seed: int, rounds: int, *broken: str
) -> list[str]:
    """Have a gateway copy through all faults in random order; return what is wrong then."""
    random = Random(seed)  # noqa: S311 - a fault must come again
    between = Between(server)
    for _ in range(rounds):
        faults = [*FAULTS, *["through"] * len(FAULTS)]
        random.shuffle(faults)
        between.faults += faults
    fill(folder / "data", ROWS, devices=20, archived=False)
    with Stub(between) as stub:
        async with Copying(folder, server, *broken, url=stub.url) as copying:
            await copying.takes()
            await until(lambda: not between.faults, "all of it is answered", 30.0 * rounds)
            wrong = await copying.settled(grace=0.5 if broken else 5.0)
            with copying.looking() as (_, state):
                letters = state.letters(NAME, 0, 100)
    aside = sorted(msgspec.json.decode(one.body)["device"] for one in letters)
    wrong += [f"aside for {one.reason}" for one in letters if one.reason[:3] not in {"400", "422"}]
    if aside != [f"d-past-{number}" for number in range(BAD)]:
        wrong.append(f"aside are {aside}")
    return wrong


async def test_whatever_it_answers_each_bad_line_costs_itself(
    tmp_path: Path, server: RunningInflux, seeds: Seeds, *, long_run: bool
) -> None:
    for seed in seeds(1, 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        server.query(DATABASE, f'DROP DATABASE "{DATABASE}"')
        server.database(DATABASE)
        assert await answered(folder, server, seed, 10 if long_run else 2) == []


async def test_a_build_that_drops_what_was_refused_is_caught(
    tmp_path: Path, server: RunningInflux, seeds: Seeds
) -> None:
    wrong = await answered(tmp_path, server, seeds(1, 1)[0], 1, "--drop-refused")
    lost = [one for one in wrong if one.startswith("lost")]
    print(f"{len(lost)} were lost")  # noqa: T201 - the report
    assert len(lost) > BAD
