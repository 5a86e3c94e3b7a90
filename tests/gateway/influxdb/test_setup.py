"""What `influx init` makes, what it leaves, and what `check` says about a server."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.influxdb.server import Server, ServerError
from gateway.influxdb.setup import Step, Tried, init, try_out
from gateway.settings.influxdb import InfluxDB
from tests.gateway.influxdb.serving import SECRET
from tests.gateway.influxdb.stub import Asked, Say, Stub
from tests.influxdb import RunningInflux, RunningVictoria

BOSS = "boss:apw"
NO = Say(401, body={"code": "unauthorized", "message": "unauthorized access"})
DENIED = Say(401, body={"code": "unauthorized", "message": "write:orgs/1a/buckets is unauthorized"})
"""A token that is known, and may not do this."""
NOWHERE = Say(404, body={"code": "not found", "message": 'organization name "x" not found'})
MISSING = Say(404, body={"code": "not found", "message": "not found"})

Answers = dict[tuple[str, str], Say]


def making(url: str, **keys: Any) -> list[Step]:  # noqa: ANN401 - keys of the settings
    section = InfluxDB(url=url, **keys)
    server = Server(section)
    try:
        return init(server, section)
    finally:
        server.close()


def trying(url: str, **keys: Any) -> Tried:  # noqa: ANN401 - keys of the settings
    section = InfluxDB(url=url, **keys)
    server = Server(section, timeout=5)
    try:
        return try_out(server, section)
    finally:
        server.close()


# InfluxDB 1.6.7, as Debian has it


def policies(running: RunningInflux, database: str) -> dict[str, tuple[str, bool]]:
    """Name: how long it keeps, and whether it is the default."""
    rows = running.query("", f'SHOW RETENTION POLICIES ON "{database}"', user=BOSS)[0]["values"]
    return {row[0]: (row[1], row[4]) for row in rows}


@pytest.fixture
def fresh(influxdb: RunningInflux) -> Iterator[str]:
    """The name of a database that is not there; one that needs quoting."""
    yield "cold chain's"
    influxdb.query("", """DROP DATABASE "cold chain's" """)


@pytest.mark.parametrize(
    ("keys", "kept", "wanted"),
    [
        ({}, "", {"autogen": ("0s", True)}),
        ({"retention": "90 days"}, ", kept for 90d", {"autogen": ("2160h0m0s", True)}),
        ({"retention": "36 h"}, ", kept for 36h", {"autogen": ("36h0m0s", True)}),
        ({"retention_policy": "y"}, "", {"y": ("0s", True)}),
        (
            {"retention_policy": "y", "retention": "1 year"},
            ", kept for 366d",
            {"y": ("8784h0m0s", True)},
        ),
    ],
)
def test_a_database_is_made_once(
    influxdb: RunningInflux,
    fresh: str,
    keys: dict[str, Any],
    kept: str,
    wanted: dict[str, tuple[str, bool]],
) -> None:
    assert not trying(influxdb.url, database=fresh, **keys).ok
    made = making(influxdb.url, database=fresh, **keys)
    assert made == [Step(f"database {fresh}{kept}", done=True)]
    assert policies(influxdb, fresh) == wanted
    again = making(influxdb.url, database=fresh, **keys)
    assert [step.done for step in again] == [True] * (2 if keys else 1)
    assert policies(influxdb, fresh) == wanted
    assert trying(influxdb.url, database=fresh, **keys) == Tried(
        ok=True, version="1.6.7", says=f"InfluxDB 1.6.7, {fresh} is there"
    )


def test_trying_writes_nothing_and_makes_nothing(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    assert trying(influxdb.url, database=database).ok
    assert influxdb.query(database, "SHOW MEASUREMENTS") == []
    tried = trying(influxdb.url, database="nowhere")
    assert tried == Tried(
        ok=False,
        version="1.6.7",
        says='404 database not found: "nowhere"',
        cure="Make it: holdwatch influx init influxdb",
    )
    names = influxdb.query("", "SHOW DATABASES")[0]["values"]
    assert ["nowhere"] not in names


def test_a_policy_of_a_database_that_others_use_becomes_no_default(
    influxdb: RunningInflux,
) -> None:
    database = influxdb.database()
    steps = making(influxdb.url, database=database, retention_policy="y", retention="60 days")
    assert [step.what for step in steps] == [
        f"database {database}",
        "retention policy y, kept for 60d",
    ]
    assert all(step.done for step in steps)
    assert policies(influxdb, database) == {
        "autogen": ("0s", True),
        "y": ("1440h0m0s", False),
    }


def test_what_is_kept_longer_is_not_shortened(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    _, step = making(influxdb.url, database=database, retention="60 days")
    assert not step.done
    assert step.what == (
        "retention policy autogen, kept for 60d: not done, since it deletes what is older"
    )
    assert policies(influxdb, database) == {"autogen": ("0s", True)}
    # The command does it, for who wants that.
    subprocess.run(shlex.split(step.run), check=True, timeout=30)
    assert policies(influxdb, database) == {"autogen": ("1440h0m0s", True)}


def test_what_is_kept_shorter_is_lengthened(influxdb: RunningInflux) -> None:
    database = influxdb.database()
    influxdb.query("", f'ALTER RETENTION POLICY autogen ON "{database}" DURATION 30d')
    steps = making(influxdb.url, database=database, retention="60 days")
    assert [step.done for step in steps] == [True, True]
    assert policies(influxdb, database) == {"autogen": ("1440h0m0s", True)}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInflux]:
    """An InfluxDB 1 that wants to know who asks; `truck` may do nothing yet."""
    folder = tmp_path_factory.mktemp("guarded")
    with RunningInflux(folder, "auth-enabled = true") as running:
        running.query("", "CREATE USER boss WITH PASSWORD 'apw' WITH ALL PRIVILEGES")
        running.query("", f"CREATE USER truck WITH PASSWORD '{SECRET}'", user=BOSS)
        yield running


def by_hand(step: Step) -> None:
    """Run what the step says, with the password given instead of asked for."""
    words = shlex.split(step.run.replace("-username admin", "-username boss"))
    words[words.index("-password") + 1] = "apw"
    subprocess.run(words, check=True, timeout=30)


def test_who_may_not_make_it_is_told_what_to_run(guarded: RunningInflux) -> None:
    keys: dict[str, Any] = {"username": "truck", "password": SECRET, "database": "made_by_hand"}
    steps = making(guarded.url, **keys, retention="30 days")
    shell = f"influx -host 127.0.0.1 -port {guarded.port} -username admin -password '' -execute "
    make = """'CREATE DATABASE "made_by_hand" WITH DURATION 30d REPLICATION 1'"""
    grant = """'GRANT ALL ON "made_by_hand" TO "truck"'"""
    assert steps == [
        Step("database made_by_hand, kept for 30d", done=False, run=shell + make),
        Step("truck may read and write made_by_hand", done=False, run=shell + grant),
    ]
    for step in steps:
        by_hand(step)
    assert trying(guarded.url, **keys).ok
    assert [step.done for step in making(guarded.url, **keys, retention="30 days")] == [True, True]
    _, policy = making(guarded.url, **keys, retention="60 days")
    assert not policy.done
    by_hand(policy)
    assert policies(guarded, "made_by_hand") == {"autogen": ("1440h0m0s", True)}


def test_a_database_that_is_hidden_and_kept_otherwise_can_still_be_opened(
    guarded: RunningInflux,
) -> None:
    guarded.query("", "CREATE DATABASE hidden WITH DURATION 60d", user=BOSS)
    keys: dict[str, Any] = {"username": "truck", "password": SECRET, "database": "hidden"}
    _, grant = making(guarded.url, **keys, retention="30 days")
    by_hand(grant)
    assert trying(guarded.url, **keys).ok
    assert policies(guarded, "hidden") == {"autogen": ("1440h0m0s", True)}


def test_who_may_only_write_is_told_what_to_run(guarded: RunningInflux) -> None:
    guarded.query("", "CREATE DATABASE write_only", user=BOSS)
    guarded.query("", "GRANT WRITE ON write_only TO truck", user=BOSS)
    keys: dict[str, Any] = {"username": "truck", "password": SECRET, "database": "write_only"}
    assert trying(guarded.url, **keys).ok
    assert [step.done for step in making(guarded.url, **keys)] == [True]
    _, step = making(guarded.url, **keys, retention_policy="y")
    assert not step.done
    by_hand(step)
    assert policies(guarded, "write_only")["y"] == ("0s", False)


@pytest.mark.parametrize(
    ("keys", "says", "cure"),
    [
        ({}, "401 ", "Give username and password_file"),
        ({"username": "truck", "password": "no"}, "401 auth", "Check username and password_file"),
        ({"token": "x"}, "does not take a token", "Give username and password_file instead"),
    ],
)
def test_a_login_that_fails_is_explained(
    guarded: RunningInflux, keys: dict[str, Any], says: str, cure: str
) -> None:
    tried = trying(guarded.url, **keys)
    assert (tried.ok, tried.version, tried.cure) == (False, "1.6.7", cure)
    assert says in tried.says


def test_a_wrong_pin_is_explained(influxdb: RunningInflux) -> None:
    tried = trying(influxdb.url, version="2", organization="o", token=SECRET)
    assert not tried.ok
    assert tried.cure == ('The settings say version = "2", the server 1.6.7: leave it out')


def test_a_server_that_is_away_is_explained() -> None:
    assert trying("http://127.0.0.1:1") == Tried(
        ok=False,
        version="",
        says="cannot connect to http://127.0.0.1:1: Connection refused",
        cure="Is the server running, and is url its address?",
    )


def test_victoria_metrics_is_tried_once_it_is_pinned(victoria: RunningVictoria) -> None:
    assert "does not say which InfluxDB it is" in trying(victoria.url).says
    tried = trying(victoria.url, version="2", organization="o")
    assert (tried.ok, tried.version) == (True, "2")


# InfluxDB 2, as its documentation describes it


def answering(answers: Answers) -> Callable[[Asked], Say]:
    """Answer by method and path; whatever else is asked was not to be asked."""
    return lambda asked: answers[asked.method, asked.path]


def bucket(seconds: int = 0) -> dict[str, Any]:
    rules = [{"type": "expire", "everySeconds": seconds}] if seconds else []
    return {"id": "b1", "orgID": "o1", "name": "holdwatch", "retentionRules": rules}


BUCKETS, ORGS, DBRPS = "/api/v2/buckets", "/api/v2/orgs", "/api/v2/dbrps"
TWO: dict[str, Any] = {"version": "2", "organization": "cold chain", "token": SECRET}
CONFIGURE = "/api/v3/configure/database"
THREE: dict[str, Any] = {"version": "3", "token": SECRET}
MAPPING = "InfluxQL reads database holdwatch from this bucket"
WRITE = ("POST", "/api/v2/write")
NONE: Answers = {
    WRITE: MISSING,
    ("GET", BUCKETS): Say(200, body={"buckets": []}),
    ("GET", ORGS): Say(200, body={"orgs": [{"id": "o1", "name": "cold chain"}]}),
    ("POST", BUCKETS): Say(201, body=bucket()),
    ("GET", DBRPS): Say(200, body={"content": []}),
    ("POST", DBRPS): Say(201, body={"id": "m1"}),
}
THERE: Answers = {
    ("GET", BUCKETS): Say(200, body={"buckets": [bucket(3600 * 24 * 30)]}),
    ("PATCH", f"{BUCKETS}/b1"): Say(200, body=bucket()),
    ("GET", DBRPS): Say(
        200, body={"content": [{"id": "m1", "bucketID": "b1", "default": True, "virtual": False}]}
    ),
}


@pytest.mark.parametrize("none", [Say(200, body={"buckets": []}), MISSING])
def test_a_bucket_is_made_with_its_mapping(none: Say) -> None:
    with Stub(answering(NONE | {("GET", BUCKETS): none})) as stub:
        steps = making(stub.url, **TWO, retention="90 days")
    assert steps == [
        Step("bucket holdwatch, kept for 90d", done=True),
        Step(MAPPING, done=True),
    ]
    sent = {asked[:2]: json.loads(asked.body) for asked in stub.asked if asked.body}
    assert sent == {
        ("POST", BUCKETS): {
            "orgID": "o1",
            "name": "holdwatch",
            "retentionRules": [{"type": "expire", "everySeconds": 7_776_000}],
        },
        ("POST", DBRPS): {
            "orgID": "o1",
            "bucketID": "b1",
            "database": "holdwatch",
            "retention_policy": "autogen",
            "default": True,
        },
    }
    assert {asked.headers["authorization"] for asked in stub.asked} == {f"Token {SECRET}"}


def test_a_bucket_that_is_there_is_left() -> None:
    with Stub(answering(THERE)) as stub:
        steps = making(stub.url, **TWO, retention="30 days")
    assert steps == [Step("bucket holdwatch", done=True), Step(MAPPING, done=True)]
    assert {asked.method for asked in stub.asked} == {"GET"}
    assert stub.asked[0].fields == {"org": "cold chain", "name": "holdwatch"}


@pytest.mark.parametrize(
    ("retention", "answers", "what", "done", "run"),
    [
        ("60 days", {}, "kept for 60d", [True], ""),
        (
            "60 days",
            {("PATCH", f"{BUCKETS}/b1"): DENIED},
            "kept for 60d",
            [False],
            "influx bucket update --id b1 --retention 60d --host ",
        ),
        (
            "7 days",
            {},
            "kept for 7d: not done, since it deletes what is older",
            [False],
            "influx bucket update --id b1 --retention 7d --host ",
        ),
    ],
)
def test_a_bucket_that_is_there_is_kept_longer_and_not_shorter(
    retention: str, answers: Answers, what: str, done: list[bool], run: str
) -> None:
    with Stub(answering(THERE | answers)) as stub:
        step, _ = making(stub.url, **TWO, retention=retention)
    assert step.what == f"bucket holdwatch, {what}"
    assert [step.done] == done
    assert step.run == (f"{run}{stub.url}" if run else "")


def test_a_mapping_that_influxdb_made_up_is_no_mapping() -> None:
    made_up = [{"id": "b1", "bucketID": "b1", "default": True, "virtual": True}]
    answers = {
        ("GET", DBRPS): Say(200, body={"content": made_up}),
        ("POST", DBRPS): Say(201, body={}),
    }
    with Stub(answering(THERE | answers)) as stub:
        making(stub.url, **TWO)
    assert [asked.path for asked in stub.asked if asked.method == "POST"] == [DBRPS]


def test_a_mapping_of_another_bucket_is_not_taken_away() -> None:
    other = [{"id": "m7", "bucketID": "b7", "default": True, "virtual": False}]
    answers = {("GET", DBRPS): Say(200, body={"content": other})}
    with Stub(answering(THERE | answers)) as stub:
        _, step = making(stub.url, **TWO)
    assert step == Step(
        f"{MAPPING}: not done, since it is another's now",
        done=False,
        run=f"influx v1 dbrp delete --id m7 --org 'cold chain' --host {stub.url}",
    )


@pytest.mark.parametrize(
    ("where", "no"),
    [
        (("GET", ORGS), DENIED),
        (("GET", ORGS), MISSING),
        (("GET", ORGS), Say(200, body={"orgs": []})),
        (("POST", BUCKETS), DENIED),
        (("POST", BUCKETS), Say(403)),
    ],
)
def test_a_bucket_that_may_not_be_made_is_told_how_to(where: tuple[str, str], no: Say) -> None:
    with Stub(answering(NONE | {where: no})) as stub:
        steps = making(stub.url, **TWO, retention="36 h")
    to = f"--org 'cold chain' --host {stub.url}"
    find = f"influx bucket list --hide-headers --name holdwatch {to} | cut -f 1"
    assert steps == [
        Step(
            "bucket holdwatch, kept for 36h",
            done=False,
            run=f"influx bucket create --name holdwatch --retention 36h {to}",
        ),
        Step(
            MAPPING,
            done=False,
            run="influx v1 dbrp create --default --rp autogen --db holdwatch "
            f'{to} --bucket-id "$({find})"',
        ),
    ]


def test_a_bucket_that_may_only_be_written_is_there() -> None:
    answers = {("GET", ORGS): MISSING, WRITE: Say(400, body={"message": "writing requires points"})}
    with Stub(answering(NONE | answers)) as stub:
        step, mapping = making(stub.url, **TWO)
        assert (step, mapping.done) == (Step("bucket holdwatch", done=True), False)
        step, _ = making(stub.url, **TWO, retention="7 days")
    find = "influx bucket list --hide-headers --name holdwatch --org 'cold chain'"
    assert step == Step(
        "bucket holdwatch, kept for 7d",
        done=False,
        run=f"influx bucket update --host {stub.url} --retention 7d "
        f'--id "$({find} --host {stub.url} | cut -f 1)"',
    )


def test_a_mapping_that_may_not_be_made_is_told_how_to() -> None:
    answers = {("GET", DBRPS): DENIED, ("POST", DBRPS): DENIED}
    with Stub(answering(THERE | answers)) as stub:
        _, step = making(stub.url, **TWO)
    assert (step.what, step.done) == (MAPPING, False)
    assert "--bucket-id b1" in step.run
    assert SECRET not in step.run


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({("GET", ORGS): MISSING, WRITE: NOWHERE}, 'organization name "x" not found'),
        ({("GET", BUCKETS): Say(500, body={"message": "oh"})}, "500 oh"),
        ({("GET", BUCKETS): Say(404, body=b"404 page not found")}, "404 page not found"),
        ({("GET", ORGS): Say(500)}, "500 Internal Server Error"),
        ({("POST", BUCKETS): Say(422, body={"message": "too short"})}, "422 too short"),
        ({("GET", DBRPS): Say(500)}, "500 Internal Server Error"),
        ({("POST", DBRPS): Say(400, body={"message": "no"})}, "400 no"),
    ],
)
def test_what_is_no_question_of_rights_is_an_error(answers: Answers, reason: str) -> None:
    with Stub(answering(NONE | answers)) as stub, pytest.raises(ServerError) as told:
        making(stub.url, **TWO)
    assert reason in told.value.reason


@pytest.mark.parametrize(
    ("answers", "keys", "reason"),
    [
        ({("GET", BUCKETS): NO}, TWO, "401 unauthorized access"),
        ({("POST", BUCKETS): NO}, TWO, "401 unauthorized access"),
        ({("GET", DBRPS): NO}, TWO, "401 unauthorized access"),
        ({("GET", CONFIGURE): Say(401)}, THREE, "401 Unauthorized"),
        ({("GET", CONFIGURE): Say(403), ("POST", CONFIGURE): Say(401)}, THREE, "401 Unauthorized"),
    ],
)
@pytest.mark.parametrize(
    ("token", "cure"), [(SECRET, "Check token_file"), (None, "Give token_file")]
)
def test_a_token_that_is_not_known_is_an_error_and_nothing_to_do_for_others(
    answers: Answers, keys: dict[str, Any], reason: str, token: str | None, cure: str
) -> None:
    with Stub(answering(NONE | answers)) as stub, pytest.raises(ServerError) as told:
        making(stub.url, **keys | {"token": token})
    assert (told.value.reason, told.value.cure) == (reason, cure)


@pytest.mark.parametrize(
    ("say", "ok", "says"),
    [
        (Say(400, body={"message": "writing requires points"}), [True], "holdwatch is there"),
        (Say(204), [True], "holdwatch is there"),
        (Say(400, body={"message": "gzip: invalid header"}), [False], "400 gzip: invalid header"),
        (Say(404, body={"message": "bucket not found"}), [False], "404 bucket not found"),
        (NO, [False], "401 unauthorized access"),
    ],
)
def test_an_influxdb_2_is_tried_with_an_empty_body(say: Say, ok: list[bool], says: str) -> None:
    with Stub(say, version="2.7.10") as stub:
        tried = trying(stub.url, **TWO | {"version": "auto"})
    assert [tried.ok] == ok
    assert says in tried.says
    assert tried.version == "2.7.10"
    assert [asked.body for asked in stub.asked] == [b""]


# InfluxDB 3, as its documentation describes it


def listing(*names: str) -> Answers:
    rows = [{"iox::database": name, "deleted": False} for name in names]
    return {("GET", CONFIGURE): Say(200, body=rows)}


@pytest.mark.parametrize(
    ("retention", "body", "kept"),
    [
        (None, {"db": "holdwatch"}, ""),
        ("90 days", {"db": "holdwatch", "retention_period": "2160h"}, ", kept for 90d"),
        ("90 min", {"db": "holdwatch", "retention_period": "2h"}, ", kept for 5400s"),
    ],
)
def test_a_database_of_influxdb_3_is_made(
    retention: str | None, body: dict[str, str], kept: str
) -> None:
    with Stub(answering(listing("_internal") | {("POST", CONFIGURE): Say(200)})) as stub:
        steps = making(stub.url, **THREE, retention=retention)
    assert steps == [Step(f"database holdwatch{kept}", done=True)]
    assert stub.asked[0].fields == {"format": "json"}
    assert json.loads(stub.bodies[1]) == body


def test_a_database_of_influxdb_3_that_is_there_is_left() -> None:
    with Stub(answering(listing("_internal", "holdwatch"))) as stub:
        assert making(stub.url, **THREE) == [Step("database holdwatch", done=True)]
        _, retention = making(stub.url, **THREE, retention="1 day")
    assert retention == Step("retention as it was: it is set with a new database", done=True)


@pytest.mark.parametrize("see", [listing(), {("GET", CONFIGURE): Say(403)}])
def test_a_database_of_influxdb_3_that_may_not_be_made_is_told_how_to(see: Answers) -> None:
    with Stub(answering(see | {("POST", CONFIGURE): Say(403)})) as stub:
        steps = making(stub.url, **THREE, retention="1 day")
    run = f"influxdb3 create database --retention-period 24h --host {stub.url} holdwatch"
    assert steps == [Step("database holdwatch, kept for 1d", done=False, run=run)]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (listing() | {("POST", CONFIGURE): Say(422, body={"error": "limit of 5"})}, "422 limit"),
        (listing() | {("POST", CONFIGURE): Say(400, body=b"bad name")}, "400 bad name"),
        ({("GET", CONFIGURE): Say(200, body=b"<p>")}, "does not answer as an InfluxDB 3 does"),
        ({("GET", CONFIGURE): Say(200, body=[3])}, "does not answer as an InfluxDB 3 does"),
        ({("GET", CONFIGURE): Say(500)}, "500 Internal Server Error"),
    ],
)
def test_what_an_influxdb_3_does_not_do_is_an_error(answers: Answers, reason: str) -> None:
    with Stub(answering(answers)) as stub, pytest.raises(ServerError) as told:
        making(stub.url, **THREE)
    assert reason in told.value.reason


@pytest.mark.parametrize(
    ("answers", "ok", "says", "cure"),
    [
        (listing("holdwatch"), [True], "InfluxDB 3.1.0, holdwatch is there", ""),
        (
            listing("other"),
            [False],
            "there is no database holdwatch",
            "Make it: holdwatch influx init influxdb",
        ),
        ({("GET", CONFIGURE): Say(401)}, [False], "401 Unauthorized", "Check token_file"),
        (
            {("GET", CONFIGURE): Say(403), ("GET", "/query"): Say(200, body={"results": []})},
            [True],
            "InfluxDB 3.1.0, holdwatch is there",
            "",
        ),
    ],
)
def test_an_influxdb_3_is_tried_without_writing(
    answers: Answers, ok: list[bool], says: str, cure: str
) -> None:
    with Stub(answering(answers), version="3.1.0") as stub:
        tried = trying(stub.url, **THREE)
    assert ([tried.ok], tried.says, tried.cure) == (ok, says, cure)
    assert {asked.method for asked in stub.asked} == {"GET"}


def test_no_secret_is_in_a_command(guarded: RunningInflux) -> None:
    commands = [
        step.run
        for keys in (TWO, THREE)
        for answers in (
            dict.fromkeys(
                [*NONE, *THERE, WRITE, ("GET", CONFIGURE), ("POST", CONFIGURE)], Say(403)
            ),
        )
        for step in told(answers, keys)
    ]
    commands += [
        step.run for step in making(guarded.url, username="truck", password=SECRET, database="x")
    ]
    assert len([run for run in commands if run]) >= 3
    assert not any(SECRET in run for run in commands)


def told(answers: Answers, keys: dict[str, Any]) -> list[Step]:
    see = answers | ({("GET", CONFIGURE): Say(403)} if keys is THREE else {})
    with Stub(answering(see)) as stub:
        return making(stub.url, **keys)
