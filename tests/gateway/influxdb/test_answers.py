"""What is sent to a server of each kind, and what its answers mean: a scripted one answers."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.influxdb.server import ServerError, Verdict
from gateway.listener.authority import Authority
from tests.gateway.influxdb.serving import LINE, SECRET, serving
from tests.gateway.influxdb.stub import HANG, RESET, Asked, Say, Stub

SHORT = 0.3
"""Seconds that a server which hangs is given."""
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

KINDS: dict[str, dict[str, Any]] = {
    "1": {"version": "1"},
    "2": {"version": "2", "organization": "freight", "token": SECRET},
    "3": {"version": "3", "token": SECRET},
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings for each of the three InfluxDBs."""
    return dict(KINDS[request.param])


# What each answer means


@pytest.mark.parametrize(
    ("say", "verdict", "reason"),
    [
        (Say(204), Verdict.WRITTEN, ""),
        (Say(400, body={"error": "unable to parse"}), Verdict.REFUSED, "400 unable to parse"),
        (Say(400, body={"message": "bad", "code": "invalid"}), Verdict.REFUSED, "400 bad"),
        (Say(422, body={"message": "too old"}), Verdict.REFUSED, "422 too old"),
        (Say(413, body={"message": "too large"}), Verdict.TOO_LARGE, "413 too large"),
        (Say(413), Verdict.TOO_LARGE, "413 Request Entity Too Large"),
        (Say(401, body={"message": "unauthorized access"}), Verdict.LATER, "401 unauthorized acc"),
        (Say(403, body={"message": "no write"}), Verdict.LATER, "403 no write"),
        (Say(404, body={"message": "bucket not found"}), Verdict.LATER, "404 bucket not found"),
        (Say(429), Verdict.LATER, "429 Too Many Requests"),
        (Say(500, body={"error": "engine is closed"}), Verdict.LATER, "500 engine is closed"),
        (Say(503, {"X-Influxdb-Error": "busy"}), Verdict.LATER, "503 busy"),
        (Say(599), Verdict.LATER, "599 (no words)"),
        (RESET, Verdict.RESET, "closed the connection"),
        (Say(then="raw", body=b""), Verdict.RESET, "closed the connection"),
        (Say(then="raw", body=b"SSH-2.0-OpenSSH\r\n"), Verdict.LATER, "that is HTTP"),
        # An InfluxDB 3 tells of every line; one of them is enough.
        (
            Say(
                400,
                body={
                    "error": "partial write of line protocol occurred",
                    "data": [{"original_line": "m x", "line_number": 1, "error_message": "no ="}],
                },
            ),
            Verdict.REFUSED,
            "400 partial write of line protocol occurred: no =",
        ),
    ],
)
def test_an_answer_is_a_verdict(
    kind: dict[str, Any], say: Say, verdict: Verdict, reason: str
) -> None:
    with Stub(say) as stub, serving(stub.url, **kind) as server:
        answer = server.write(LINE)
    assert answer.verdict is verdict
    assert reason in answer.reason
    assert stub.bodies == [LINE], "it is sent once, whatever comes of it"
    assert SECRET not in repr(answer)


@pytest.mark.parametrize(
    "say",
    [
        # A login page of a wireless network, or of a proxy.
        Say(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"),
        Say(200),
        Say(400, {"Content-Type": "text/html"}, b"<html>Header Or Cookie Too Large</html>"),
        Say(400, body=b"  <!DOCTYPE html><title>Bad Request</title>"),
        Say(422, {"Content-Type": "text/html; charset=utf-8"}, b"<h1>No</h1>"),
        # Go and nginx, when they are spoken to without TLS on a port that has it.
        Say(400, body=b"Client sent an HTTP request to an HTTPS server.\n"),
        Say(422, body={"error": "Update to schema would exceed number of databases limit of 5"}),
        Say(405, body=b"Method Not Allowed"),
        Say(301, {"Location": "http://127.0.0.1:1/elsewhere"}),
    ],
)
def test_what_does_not_speak_of_lines_costs_none(kind: dict[str, Any], say: Say) -> None:
    with Stub(say) as stub, serving(stub.url, **kind) as server:
        answer = server.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert "<" not in answer.reason
    assert answer.reason.startswith(str(say.status))


def test_words_are_one_line_of_bearable_length_without_the_secret(kind: dict[str, Any]) -> None:
    words = f"no\r\n\x1b[31m {SECRET} \u2028" + "far too long " * 100
    with Stub(Say(400, body={"error": words})) as stub, serving(stub.url, **kind) as server:
        answer = server.write(LINE)
    assert answer.reason.isprintable()
    assert len(answer.reason) == 300
    if "token" in kind:
        assert answer.reason.startswith("400 no [31m *** far too long")
        assert SECRET not in answer.reason


def test_an_answer_that_is_no_text_costs_nothing(kind: dict[str, Any]) -> None:
    with Stub(Say(500, body=b"\xff\xfe")) as stub, serving(stub.url, **kind) as server:
        assert server.write(LINE).verdict is Verdict.LATER


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "Check token_file"),
        (403, "Give the token the right to read and write holdwatch"),
        (404, "Check that url is the address of an InfluxDB, with nothing else in between"),
        (405, "Check that url is the address of an InfluxDB, with nothing else in between"),
        (429, ""),
        (503, ""),
    ],
)
def test_a_refusal_says_what_to_do(status: int, cure: str) -> None:
    say = Say(status, body={"message": "no"})
    with Stub(say) as stub, serving(stub.url, **KINDS["2"]) as server:
        assert server.write(LINE).cure == cure


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ('database not found: "holdwatch"', "Make it: holdwatch influx init influxdb"),
        ('bucket "holdwatch" not found', "Make it: holdwatch influx init influxdb"),
        ("Database holdwatch does not exist", "Make it: holdwatch influx init influxdb"),
        ("retention policy not found: y", "Make it: holdwatch influx init influxdb"),
        ("no route matched", "Check that url is the address of an InfluxDB"),
        ("404 page not found", "Check url and version: nothing there takes what InfluxDB 2 takes"),
    ],
)
def test_only_a_database_that_is_not_there_is_to_be_made(words: str, cure: str) -> None:
    say = Say(404, body={"code": "not found", "message": words})
    with Stub(say) as stub, serving(stub.url, **KINDS["2"]) as server:
        assert server.write(LINE).cure.startswith(cure)


def test_a_status_in_the_servers_words_is_not_said_twice() -> None:
    with Stub(Say(404, body=b"404 page not found\n")) as stub, serving(stub.url) as server:
        assert server.write(LINE).reason == "404 page not found"


def test_an_organization_that_is_not_there_is_not_to_be_made() -> None:
    say = Say(404, body={"code": "not found", "message": 'organization name "x" not found'})
    with Stub(say) as stub, serving(stub.url, **KINDS["2"]) as server:
        assert server.write(LINE).cure == "Check organization"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 2.5 "}, 2.5),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "nan"}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:00:30 GMT", "Date": format_datetime(NOW)}, 30),
        ({"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT", "Date": format_datetime(NOW)}, 0),
        ({"Retry-After": "Thu, 01 Jan 2099 12:00:00 GMT"}, 3600),
        ({"Retry-After": "Thu, 01 Jan 1998 12:00:00 GMT"}, 0),
        ({"Retry-After": "Thu, 99 Jan 2026 12:00:00 GMT"}, 0),
    ],
)
def test_it_says_when_to_come_again(
    kind: dict[str, Any], headers: dict[str, str], seconds: float
) -> None:
    with Stub(Say(503, headers)) as stub, serving(stub.url, **kind) as server:
        assert server.write(LINE).after == seconds


def test_a_server_that_hangs_is_left(kind: dict[str, Any]) -> None:
    with Stub(HANG) as stub, serving(stub.url, timeout=SHORT, **kind) as server:
        answer = server.write(LINE)
    assert answer[:2] == (Verdict.SLOW, f"no answer from {stub.url} within {SHORT:g} s")


def test_a_connection_closed_after_an_answer_is_made_anew(kind: dict[str, Any]) -> None:
    with Stub(Say(204, then="close")) as stub, serving(stub.url, **kind) as server:
        # A server may close as we send; then nobody knows, and it is a reset, not a loss.
        verdicts = [server.write(LINE).verdict for _ in range(20)]
    assert verdicts[0] is Verdict.WRITTEN
    assert set(verdicts) <= {Verdict.WRITTEN, Verdict.RESET}
    assert stub.count >= verdicts.count(Verdict.WRITTEN)


def test_a_redirect_is_not_followed(kind: dict[str, Any]) -> None:
    with Stub() as elsewhere:
        say = Say(307, {"Location": f"{elsewhere.url}/write?db=x"})
        with Stub(say) as stub, serving(stub.url, **kind) as server:
            answer = server.write(LINE)
            with pytest.raises(ServerError):
                server.query("SHOW DATABASES")
        assert (elsewhere.count, elsewhere.pings) == (0, [])
    assert answer.reason == "307 Temporary Redirect"
    assert elsewhere.url in answer.cure


def test_a_proxy_of_the_environment_is_not_asked(
    kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Stub() as stub, serving(stub.url, **kind) as server:
        assert server.write(LINE).verdict is Verdict.WRITTEN


# What is sent


def test_what_is_sent_to_an_influxdb_1() -> None:
    keys: dict[str, Any] = {
        "database": "cold chain",
        "retention_policy": "y",
        "username": "ü",
        "password": "p:w",
    }
    with Stub() as stub, serving(stub.url, **keys) as server:
        server.write(LINE)
    (asked,) = stub.asked
    assert asked[:3] == (
        "POST",
        "/write",
        {"db": "cold chain", "rp": "y", "precision": "ns"},
    )
    assert asked.headers["authorization"] == "Basic w7w6cDp3"
    assert "content-encoding" not in asked.headers


@pytest.mark.parametrize("number", ["2", "3"])
def test_what_is_sent_to_an_influxdb_2_or_3(number: str) -> None:
    keys = KINDS[number] | {"database": "cold chain"}
    with Stub() as stub, serving(stub.url, **keys) as server:
        server.write(LINE)
    (asked,) = stub.asked
    assert asked[:3] == (
        "POST",
        "/api/v2/write",
        {"org": "freight" if number == "2" else "", "bucket": "cold chain", "precision": "ns"},
    )
    assert asked.headers["authorization"] == f"Token {SECRET}"
    assert asked.headers["content-type"] == "text/plain"
    assert "content-encoding" not in asked.headers


def test_what_is_packed_is_the_same(kind: dict[str, Any]) -> None:
    lines = b"\n".join([LINE] * 100)
    with Stub() as stub, serving(stub.url, **kind, gzip=True) as server:
        assert server.write(lines).verdict is Verdict.WRITTEN
    (asked,) = stub.asked
    assert asked.body == lines
    assert asked.headers["content-encoding"] == "gzip"
    assert int(asked.headers["content-length"]) < 200


def test_an_address_may_have_a_path(kind: dict[str, Any]) -> None:
    with Stub() as stub, serving(f"{stub.url}/influx/", **kind) as server:
        server.write(LINE)
    assert stub.asked[0].path == (
        "/influx/write" if kind["version"] == "1" else "/influx/api/v2/write"
    )


# Which InfluxDB it is


@pytest.mark.parametrize(
    ("ping", "version", "major"),
    [
        (Say(204, {"X-Influxdb-Version": "1.8.10"}), "1.8.10", 1),
        (Say(204, {"X-Influxdb-Version": "1.6.7~rc0"}), "1.6.7", 1),
        (Say(204, {"X-Influxdb-Version": "1.11.3-c1.11.3"}), "1.11.3", 1),
        (Say(204, {"X-Influxdb-Version": "v2.7.10"}), "2.7.10", 2),
        (Say(200, body={"version": "3.1.0", "revision": "abc"}), "3.1.0", 3),
    ],
)
def test_a_version_is_asked_once(ping: Say, version: str, major: int) -> None:
    keys: dict[str, Any] = {"organization": "freight"} if major == 2 else {}
    with Stub() as stub, serving(stub.url, **keys) as server:
        stub.ping = ping
        assert [(server.version(), server.major) for _ in range(3)] == [(version, major)] * 3
        server.write(LINE)
    assert len(stub.pings) == 1
    assert stub.asked[0].path == ("/write" if major == 1 else "/api/v2/write")


@pytest.mark.parametrize(
    ("ping", "reason", "cure"),
    [
        (Say(204), "does not say which InfluxDB it is", 'version = "2"'),
        (Say(200, {"Content-Type": "text/html"}, b"<p>"), "does not say which", 'version = "2"'),
        (Say(204, {"X-Influxdb-Version": "Cloud"}), "does not say which", 'version = "2"'),
        (Say(204, {"X-Influxdb-Version": "4.0.0"}), "which is not known", 'version = "3"'),
        (Say(401, body={"error": "the request was not authenticated"}), "401 ", "Give"),
        (Say(401), "401 Unauthorized", "Check token_file"),
        (Say(404, body=b"404 page not found"), "404 page not found", "Check that url is the addr"),
        (Say(404, {"Content-Type": "text/html"}, b"<p>"), "404 Not Found", "Check that url is"),
        (Say(503, {"Retry-After": "9"}), "503 Service Unavailable", ""),
        (Say(204, {"X-Influxdb-Version": "2.7.1"}), "wants to know the org", "Add organization"),
        (Say(204, {"X-Influxdb-Version": "1.8.1"}), "does not take a token", "Give username"),
        (RESET, "closed the connection", ""),
    ],
)
def test_a_server_that_is_not_known_gets_nothing(ping: Say, reason: str, cure: str) -> None:
    keys: dict[str, Any] = {} if cure == "Give" else {"token": SECRET}
    with Stub() as stub, serving(stub.url, **keys) as server:
        stub.ping = ping
        answer = server.write(LINE)
        with pytest.raises(ServerError) as told:
            server.query("SHOW DATABASES")
    assert answer.verdict in {Verdict.LATER, Verdict.RESET}
    assert reason in answer.reason == told.value.reason
    assert cure in answer.cure == told.value.cure
    assert answer.after == (9 if "503" in reason else 0)
    assert stub.asked == []


def test_a_pinned_version_is_not_asked_for(kind: dict[str, Any]) -> None:
    with Stub(version="") as stub, serving(stub.url, **kind) as server:
        assert server.write(LINE).verdict is Verdict.WRITTEN
        assert stub.pings == []
        assert server.version() == kind["version"]


def test_a_server_that_was_upgraded_is_written_to_as_it_is_now() -> None:
    newer = {"X-Influxdb-Version": "2.7.1"}
    with Stub(Say(204, newer)) as stub, serving(stub.url, organization="freight") as server:
        assert [server.write(LINE).verdict for _ in range(2)] == [Verdict.WRITTEN] * 2
    assert [asked.path for asked in stub.asked] == ["/write", "/api/v2/write"]


def test_after_a_404_it_is_asked_again() -> None:
    with Stub([Say(404), Say(204)]) as stub, serving(stub.url, organization="freight") as server:
        server.write(LINE)
        stub.ping = Say(204, {"X-Influxdb-Version": "2.7.1"})
        server.write(LINE)
    assert [asked.path for asked in stub.asked] == ["/write", "/api/v2/write"]


# Reading


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (Say(200, body=b"<html>"), "does not answer as an InfluxDB does"),
        (Say(200, body=[1]), "does not answer as an InfluxDB does"),
        (Say(200, body={"results": [{"error": f"no {SECRET}"}]}), "no ***"),
        (
            Say(200, body={"results": [{"series": [{"columns": [], "partial": True}]}]}),
            "the answer was cut short",
        ),
        (Say(500, body={"error": "timeout"}), "500 timeout"),
        (RESET, "closed the connection"),
    ],
)
def test_an_answer_that_holds_no_rows_is_an_error(say: Say, reason: str) -> None:
    with (
        Stub(say) as stub,
        serving(stub.url, **KINDS["2"]) as server,
        pytest.raises(ServerError) as told,
    ):
        server.query("SELECT * FROM m")
    assert reason in str(told.value)
    assert stub.asked[0].fields == {"db": "holdwatch", "q": "SELECT * FROM m", "epoch": "ns"}


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca"), datetime.now(UTC), "test")


def secure(authority: Authority, name: str) -> ssl.SSLContext:
    issued = authority.server([name], datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def test_a_certificate_of_an_own_authority_is_trusted(
    kind: dict[str, Any], authority: Authority
) -> None:
    ca = authority.folder / "authority.pem"
    with (
        Stub(tls=secure(authority, "127.0.0.1")) as stub,
        serving(stub.url, **kind, ca=ca) as server,
    ):
        assert server.write(LINE).verdict is Verdict.WRITTEN
        server.version()


def test_a_reset_is_a_reset_over_tls_too(kind: dict[str, Any], authority: Authority) -> None:
    ca = authority.folder / "authority.pem"
    with (
        Stub([Say(204), RESET], tls=secure(authority, "127.0.0.1")) as stub,
        serving(stub.url, **kind, ca=ca) as server,
    ):
        assert server.write(LINE).verdict is Verdict.WRITTEN
        assert server.write(LINE).verdict is Verdict.RESET


@pytest.mark.parametrize(
    ("name", "given", "cure"),
    [
        ("127.0.0.1", [], "Give as ca the file of the authority that signed it"),
        ("else.example", ["ca"], "Write url with a name that is in the server's certificate"),
    ],
)
def test_a_wrong_certificate_is_not_spoken_to(
    kind: dict[str, Any], authority: Authority, name: str, given: list[str], cure: str
) -> None:
    ca: dict[str, Any] = dict.fromkeys(given, authority.folder / "authority.pem")
    with (
        Stub(tls=secure(authority, name)) as stub,
        serving(stub.url, **kind, **ca) as server,
    ):
        answer = server.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert answer.reason.startswith(f"the certificate of {stub.url} is not trusted")
    assert answer.cure == cure
    assert stub.asked == []


def test_a_server_without_tls_is_told_of(kind: dict[str, Any]) -> None:
    with Stub() as stub, serving(stub.url.replace("http:", "https:"), **kind) as server:
        answer = server.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert answer.cure == "If the server speaks no TLS, write url with http:"


def test_a_ca_without_a_certificate_is_told_of(kind: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with serving("https://127.0.0.1:1", **kind, ca=tmp_path / "ca.pem") as server:
        answer = server.write(LINE)
    assert answer.verdict is Verdict.LATER
    assert "ca.pem cannot be used as ca" in answer.reason


# Secrets, and the end


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (logging.DEBUG, "no, {secret_kept}"),
        # At DEBUG, which the gateway never sets, influxdb-client logs answers that are no JSON.
        (logging.INFO, "what is {authorization}, {secret}?"),
    ],
)
def test_no_secret_is_told_or_logged(
    kind: dict[str, Any],
    level: int,
    words: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(level)
    if kind["version"] == "1":
        kind |= {"username": "truck", "password": SECRET}

    def say(asked: Asked) -> Say:
        sent = asked.headers["authorization"]
        error = words.format(authorization=sent, secret=SECRET, secret_kept="kept")
        return Say(401 if b"json" in asked.body else 400, body={"error": error})

    told = []
    with Stub(say) as stub, serving(stub.url, **kind) as server:
        told += [repr(server.write(b"m json=1")), repr(server.write(LINE))]
        for stub.script in (RESET, Say(204), Say(503)):
            told.append(repr(server.write(LINE)))
        told.append(repr(server) + repr(vars(server)))
    told += [caplog.text, *capfd.readouterr()]
    for text in told:
        assert SECRET not in text
        assert stub.asked[0].headers["authorization"].partition(" ")[2] not in text


@pytest.mark.parametrize("token", ["tökén", "two\nlines"])
def test_a_token_that_cannot_be_sent_is_not_told(token: str) -> None:
    with Stub() as stub, serving(stub.url, **KINDS["2"] | {"token": token}) as server:
        answer = server.write(LINE)
    assert answer == (
        Verdict.LATER,
        "the token holds characters that no token has",
        "Check token_file",
        0.0,
    )


def test_a_closed_server_sends_nothing(kind: dict[str, Any]) -> None:
    with Stub() as stub, serving(stub.url, **kind) as server:
        server.write(LINE)
        server.close()
        assert server.write(LINE)[:2] == (Verdict.LATER, "the gateway is stopping")
    assert stub.count == 1


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    with Stub() as stub, serving(stub.url):
        assert (stub.count, stub.pings) == (0, [])
