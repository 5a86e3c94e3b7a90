"""One server over HTTP, on all the real ones that there are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.influxdb.server import Server, ServerError, Verdict
from gateway.influxdb.setup import init
from gateway.settings.influxdb import InfluxDB
from tests.gateway.influxdb.serving import LINE, SECRET, serving
from tests.influxdb import Influx, RunningInflux, RunningVictoria

# The contract, on every real server that there is.


class Contract(NamedTuple):
    """A real server, and what can be asked of it."""

    server: Server
    missing: Server | None
    """The same with a database that is not there; None where there are no databases."""
    stranger: Server | None
    """The same with a wrong token; None where everybody may."""
    rows: Callable[[], list[tuple[int, float]]]
    """The points of `measurement`: (time in ms, x)."""
    measurement: str = "m"
    refuses: bool = True
    """Whether it says so when a line is bad."""
    merges: bool = True
    """Whether what is written twice is one point."""


def by_influxql(server: Server) -> list[tuple[int, float]]:
    return [(row["time"] // 1_000_000, row["x"]) for row in server.query("SELECT x FROM m")]


@pytest.fixture
def influx_1(influxdb: RunningInflux) -> Iterator[Contract]:
    with (
        serving(influxdb.url, database=influxdb.database()) as server,
        serving(influxdb.url, database="nowhere") as missing,
    ):
        yield Contract(server, missing, None, lambda: by_influxql(server))


@pytest.fixture
def victoria_2(victoria: RunningVictoria) -> Iterator[Contract]:
    name = victoria.measurement()

    def rows() -> list[tuple[int, float]]:
        (series,) = victoria.series(f"{name}_x")
        return sorted(zip(series["timestamps"], series["values"], strict=True))

    with serving(victoria.url, version="2", organization="freight") as server:
        yield Contract(server, None, None, rows, name, refuses=False, merges=False)


@pytest.fixture
def another(another_server: Influx) -> Iterator[Contract]:
    name = f"holdwatch-test-{os.getpid()}"
    given: dict[str, Any] = {
        "token": another_server.token or None,
        "organization": another_server.organization,
    }
    section = InfluxDB(url=another_server.url, database=name, **given)
    with (
        serving(another_server.url, database=name, **given) as server,
        serving(another_server.url, database="nowhere", **given) as missing,
        serving(another_server.url, database=name, **{**given, "token": "wrong"}) as stranger,
    ):
        init(server, section)
        try:
            three = server.major == 3
            yield Contract(
                server,
                None if three else missing,  # which makes a database for what is written
                stranger if another_server.token else None,
                lambda: by_influxql(server),
            )
        finally:
            drop(server, section)


def drop(server: Server, section: InfluxDB) -> None:
    """Remove the database or bucket of a test."""
    if server.major == 1:
        reply = server.ask("POST", "/query", {"q": f'DROP DATABASE "{section.database}"'})
    elif server.major == 3:
        reply = server.ask("DELETE", "/api/v3/configure/database", {"db": section.database})
    else:
        fields = {"org": section.organization, "name": section.database}
        buckets = json.loads(server.ask("GET", "/api/v2/buckets", fields).body)["buckets"]
        reply = server.ask("DELETE", f"/api/v2/buckets/{buckets[0]['id']}")
    assert reply.status in {200, 204}


@pytest.fixture(params=["influx_1", "victoria_2", "another"])
def contract(request: pytest.FixtureRequest) -> Contract:
    found: Contract = request.getfixturevalue(request.param)
    return found


def test_what_is_written_is_read_back(contract: Contract) -> None:
    lines = "{0},a=b x=1.5 1763800000123456789\n{0},a=b x=2.5 1763800060123456789"
    answer = contract.server.write(lines.format(contract.measurement).encode())
    assert answer == (Verdict.WRITTEN, "", "", 0.0)
    assert contract.rows() == [(1763800000123, 1.5), (1763800060123, 2.5)]


def test_written_twice_is_stored_once(contract: Contract) -> None:
    if not contract.merges:
        pytest.skip("this server keeps both, unless it runs with -dedup.minScrapeInterval=1ms")
    line = f"{contract.measurement},a=b x=7.5 1763800120123456789".encode()
    assert [contract.server.write(line).verdict for _ in range(2)] == [Verdict.WRITTEN] * 2
    assert contract.rows() == [(1763800120123, 7.5)]


def test_a_bad_line_is_refused(contract: Contract) -> None:
    if not contract.refuses:
        pytest.skip("this server drops bad lines without a word")
    answer = contract.server.write(b"m,a=b x=oops 1763800000123456789")
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason.startswith("400 ")


def test_a_missing_database_is_waited_for(contract: Contract) -> None:
    if contract.missing is None:
        pytest.skip("this server has no databases, or makes them")
    answer = contract.missing.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert answer.reason.startswith("404 ")
    assert answer.cure == "Make it: holdwatch influx init influxdb"


def test_a_wrong_token_is_waited_for(contract: Contract) -> None:
    if contract.stranger is None:
        pytest.skip("this server lets everybody in")
    answer = contract.stranger.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert answer.reason.startswith("401 ")
    assert answer.cure == "Check token_file"


# InfluxDB 1.6.7, as Debian has it


def test_it_says_its_version(influxdb: RunningInflux) -> None:
    with serving(influxdb.url) as server:
        assert (server.known_version, server.version(), server.major) == ("", "1.6.7", 1)
        assert server.known_version == "1.6.7"


def test_times_are_kept_to_the_nanosecond_and_rows_tell_tags(influxdb: RunningInflux) -> None:
    with serving(influxdb.url, database=influxdb.database()) as server:
        server.write(LINE)
        assert server.query("SELECT * FROM m GROUP BY *") == [
            {"name": "m", "tags": {"a": "b"}, "time": 1763800000123456789, "x": 1.5}
        ]
        assert server.query("SELECT * FROM nothing") == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [("SELEC x", "400 error parsing query"), ("SELECT time FROM m", "at least 1 non-time field")],
)
def test_a_bad_query_is_an_error(influxdb: RunningInflux, query: str, reason: str) -> None:
    with (
        serving(influxdb.url, database=influxdb.database()) as server,
        pytest.raises(ServerError) as told,
    ):
        server.query(query)
    assert reason in told.value.reason


def test_what_is_packed_arrives(influxdb: RunningInflux) -> None:
    with serving(influxdb.url, database=influxdb.database(), gzip=True) as server:
        assert server.write(LINE).verdict is Verdict.WRITTEN
        assert [row["x"] for row in server.query("SELECT * FROM m")] == [1.5]


def test_it_writes_to_and_reads_from_the_retention_policy(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    influxdb.query(database, f'CREATE RETENTION POLICY "y" ON {database} DURATION 0s REPLICATION 1')
    with serving(influxdb.url, database=database, retention_policy="y") as server:
        assert server.write(LINE).verdict is Verdict.WRITTEN
        assert [row["x"] for row in server.query("SELECT * FROM m")] == [1.5]
    assert len(influxdb.rows(database, 'SELECT * FROM "y"."m"')) == 1
    with serving(influxdb.url, database=database, retention_policy="z") as server:
        answer = server.write(LINE)
    assert answer[:2] == (Verdict.LATER, "500 retention policy not found: z")
    assert answer.cure == "Make it: holdwatch influx init influxdb"


def test_a_line_too_old_for_the_policy_is_refused(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    influxdb.query(
        database, f'ALTER RETENTION POLICY "autogen" ON {database} DURATION 1h SHARD DURATION 1h'
    )
    with serving(influxdb.url, database=database) as server:
        answer = server.write(b"m x=1 1000000000000000000")
    assert answer.verdict is Verdict.REFUSED
    assert "points beyond retention policy" in answer.reason


def test_a_body_beyond_its_limit_is_too_large(tmp_path: Path) -> None:
    with (
        RunningInflux(tmp_path, "max-body-size = 1000") as running,
        serving(running.url, database=running.database()) as server,
    ):
        lines = b"\n".join(b"m x=1 %d" % number for number in range(1000))
        assert server.write(lines).verdict in {Verdict.TOO_LARGE, Verdict.RESET}
        assert server.write(lines[:500].rpartition(b"\n")[0]).verdict is Verdict.WRITTEN


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInflux]:
    """An InfluxDB 1 that wants to know who writes: `truck` may write to `cargo`."""
    folder = tmp_path_factory.mktemp("guarded")
    with RunningInflux(folder, "auth-enabled = true") as running:
        running.query("", "CREATE USER boss WITH PASSWORD 'apw' WITH ALL PRIVILEGES")
        for text in (
            "CREATE DATABASE cargo",
            f"CREATE USER truck WITH PASSWORD '{SECRET}'",
            "GRANT WRITE ON cargo TO truck",
            "CREATE DATABASE other",
        ):
            running.query("", text, user="boss:apw")
        yield running


@pytest.mark.parametrize(
    ("keys", "verdict", "status", "cure"),
    [
        ({"username": "truck", "password": SECRET}, Verdict.WRITTEN, "", ""),
        (
            {"username": "truck", "password": "wrong"},
            Verdict.LATER,
            "401 authorization failed",
            "Check username and password_file",
        ),
        ({}, Verdict.LATER, "401 unable to parse", "Give username and password_file"),
        (
            {"username": "truck", "password": SECRET, "database": "other"},
            Verdict.LATER,
            '403 "truck" user is not authorized',
            "Give the user of this username the right to read and write other",
        ),
        ({"token": SECRET}, Verdict.LATER, "", "Give username and password_file instead"),
    ],
)
def test_who_may_write_to_a_guarded_server(
    guarded: RunningInflux, keys: dict[str, Any], verdict: Verdict, status: str, cure: str
) -> None:
    with serving(guarded.url, **{"database": "cargo", **keys}) as server:
        answer = server.write(LINE)
    assert answer.verdict is verdict
    assert answer.cure == cure
    assert answer.reason.startswith(status)
    assert SECRET not in answer.reason


def test_a_server_killed_in_between_is_waited_for_and_found_again(tmp_path: Path) -> None:
    with (
        RunningInflux(tmp_path) as running,
        serving(running.url, database=running.database()) as server,
    ):
        assert server.write(LINE).verdict is Verdict.WRITTEN
        running.kill()
        answer = server.write(LINE)
        assert answer.verdict in {Verdict.GONE, Verdict.RESET}
        answer = server.write(LINE)
        assert answer.verdict is Verdict.GONE
        assert answer.reason == f"cannot connect to {running.url}: Connection refused"
        running.start()
        assert server.write(LINE).verdict is Verdict.WRITTEN


def test_many_threads_write_at_once(influxdb: RunningInflux) -> None:
    with (
        serving(influxdb.url, database=influxdb.database()) as server,
        ThreadPoolExecutor(8) as threads,
    ):
        lines = [b"m,a=%d x=1 %d" % (number % 3, number) for number in range(40)]
        answers = list(threads.map(server.write, lines))
        assert {answer.verdict for answer in answers} == {Verdict.WRITTEN}
        assert server.query("SELECT count(x) FROM m")[0]["count"] == 40
