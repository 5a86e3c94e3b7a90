"""Logs as people, programs and systemd's journal get them; no secret, and no flood."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
import structlog
from pydantic import BaseModel, SecretStr

from gateway.logs import configure
from gateway.logs.configure import is_journal
from gateway.logs.flood import KINDS, OTHERS, WINDOW, Flood
from gateway.logs.libraries import Libraries
from gateway.logs.secret_words import LONGEST, SHORTEST, Hidden, secrets_of
from gateway.page import without_secrets
from gateway.settings import Settings, parse


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave structlog and logging as they were."""
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers


def fails(why: str) -> None:
    raise OSError(why)


def logged(stream: TextIO, settings: str = "") -> Any:  # noqa: ANN401 - what structlog makes
    configure(stream, parse(settings))
    return structlog.get_logger()


def test_a_program_gets_an_object_a_line() -> None:
    stream = io.StringIO()
    logged(stream).warning("broker", name="main", state="lost")
    told = json.loads(stream.getvalue())
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "broker", "level": "warning", "name": "main", "state": "lost"}


@pytest.mark.parametrize(
    ("stream", "settings", "colours", "is_json"),
    [
        (Terminal(), "", True, False),
        (io.StringIO(), "", False, True),
        (io.StringIO(), '[log]\nformat = "text"', False, False),
        (Terminal(), '[log]\nformat = "json"', False, True),
    ],
    ids=["terminal", "file", "text in a file", "json on a terminal"],
)
def test_the_form_fits_who_reads(
    stream: io.StringIO, settings: str, *, colours: bool, is_json: bool
) -> None:
    logged(stream, settings).info("the page", at="http://127.0.0.1:8470")
    line = stream.getvalue()
    assert ("\x1b[" in line) == colours
    assert line.startswith("{") == is_json
    assert "http://127.0.0.1:8470" in line


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["a", "b", "c", "d"]),
        ("info", ["b", "c", "d"]),
        ("warning", ["c", "d"]),
        ("error", ["d"]),
    ],
)
def test_the_settings_say_the_least_that_is_logged(level: str, expected: list[str]) -> None:
    stream = io.StringIO()
    log = logged(stream, f'[log]\nlevel = "{level}"')
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == expected


def test_the_journal_gets_levels_on_every_line_and_no_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        file = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{file.st_dev}:{file.st_ino}")
        log = logged(stream, '[log]\nformat = "text"')
        log.warning("broker", name="main")
        log.info("listening")
        try:
            fails("no such disk")
        except OSError:
            log.exception("a command failed")
        stream.flush()
        lines = Path(stream.name).read_text().splitlines()
    assert lines[0].startswith("<4>")
    assert "broker" in lines[0]
    assert lines[1].startswith("<6>")
    assert len(lines) > 4
    assert all(line.startswith("<3>") for line in lines[2:])
    assert not any(time.strftime("%Y-") in line for line in lines)


def test_a_stream_that_the_journal_did_not_give_is_none_of_its(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with (tmp_path / "log").open("w") as stream:
        assert not is_journal(stream)
    assert not is_journal(io.StringIO())


def test_a_library_speaks_in_lines_of_ours() -> None:
    stream = io.StringIO()
    logged(stream)
    logged(stream)
    assert sum(isinstance(one, Libraries) for one in logging.getLogger().handlers) == 1
    try:
        fails("odd")
    except OSError:
        logging.getLogger("somebody").exception("It broke\nin two lines")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    told = json.loads(lines[0])
    assert (told["event"], told["says"]) == ("somebody", "It broke\nin two lines")
    assert "OSError: odd" in told["exception"]


# -- secrets ---------------------------------------------------------------------------------

SECRETS = """
[[brokers]]
name = "main"
host = "localhost"
username = "us"
password_env = "ONE"
[[influxdb]]
name = "a"
url = "http://127.0.0.1:1"
username = "us"
password = "pass/of influx?1"
[[influxdb]]
name = "b"
url = "http://127.0.0.1:2"
token_file = "token"
[[polls]]
name = "cold"
url = "http://127.0.0.1:3/x"
device = "cold"
token = "token-of-a-poll"
headers = { X-Key = "key-in-a-header" }
"""


def full_of_secrets(folder: Path) -> Settings:
    (folder / "token").write_text("token-in-a-file\n")
    return parse(SECRETS, folder=folder, environment={"ONE": "pass-in-environment"})


def test_every_secret_of_the_settings_is_known(tmp_path: Path) -> None:
    assert secrets_of(full_of_secrets(tmp_path)) == {
        "pass-in-environment",
        "pass/of influx?1",
        "token-in-a-file",
        "token-of-a-poll",
        "key-in-a-header",
    }


def test_the_page_is_told_no_secret(tmp_path: Path) -> None:
    beat = '\n[[heartbeats]]\nurl = "https://hc-ping.com/secret"\ntoken = "secret-token"\n'
    mail = '[[channels]]\nname = "mail"\nkind = "webhook"\nurl = "https://example.org/a"\n'
    mail += 'secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"\n'
    (tmp_path / "token").write_text("token-in-a-file\n")
    settings = parse(
        SECRETS + beat + mail, folder=tmp_path, environment={"ONE": "pass-in-environment"}
    )
    assert len(secrets_of(settings)) >= 8
    assert secrets_of(without_secrets(settings)) == set()


def test_every_kind_of_section_may_hold_secrets_and_is_looked_through() -> None:
    """A section that keeps its secret in any other type would be missed: there is none."""

    def fields(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[str, Any]]:
        seen.add(model)
        for name, field in model.model_fields.items():
            yield f"{model.__name__}.{name}", field.annotation
            text = str(field.annotation)
            for one in _models():
                if one.__name__ in text and one not in seen:
                    yield from fields(one, seen)

    def _models() -> list[type[BaseModel]]:
        found, todo = [], [BaseModel]
        while todo:
            for one in todo.pop().__subclasses__():
                if one.__module__.startswith("gateway.settings"):
                    found.append(one)
                todo.append(one)
        return found

    named = {
        name: kind
        for name, kind in fields(Settings, set())
        if name.rpartition(".")[2] in {"password", "token", "secret"}
    }
    assert len(named) >= 4
    assert {name for name, kind in named.items() if "SecretStr" not in str(kind)} == set()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_of_the_settings_comes_into_a_log(tmp_path: Path, form: str) -> None:
    settings = full_of_secrets(tmp_path)
    settings = settings.model_copy(update={"log": settings.log.model_copy(update={"format": form})})
    stream = io.StringIO()
    configure(stream, settings)
    log = structlog.get_logger()
    for one in secrets_of(settings):
        log.warning("server", reason=f"401: {one} is wrong", nested={"tried": [one, (one,)]})
        named = f"an event with {one}"
        log.warning(named, error=ValueError(one))
        log.info("url", at="http://host/?t=" + one.replace("/", "%2F").replace("?", "%3F"))
        try:
            fails(f"cannot log in with {one}")
        except OSError:
            log.exception("failed")
    told = stream.getvalue()
    assert told.count("***") >= 4 * 5
    for one in secrets_of(settings):
        assert one not in told


def test_secrets_of_settings_that_are_loaded_later_are_hidden_too(tmp_path: Path) -> None:
    stream = io.StringIO()
    hidden = configure(stream, parse(""))
    log = structlog.get_logger()
    log.info("begun")  # from now on structlog uses what it has
    told = secrets_of(full_of_secrets(tmp_path))
    hidden.use(full_of_secrets(tmp_path))
    hidden.use(parse(""))
    log.warning("server", reason=[*told])
    assert [one for one in told if one in stream.getvalue()] == []


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("password", True),
        ("api_token", True),
        ("Authorization", True),
        ("Set-Cookie", True),
        ("client_secret", True),
        ("tokens", False),
        ("reason", False),
    ],
)
def test_what_is_called_a_secret_is_one(name: str, *, hidden: bool) -> None:
    told = Hidden()(None, "info", {"event": "x", name: "swordfish", "in": {name: "swordfish"}})
    assert (told[name] == "***") == hidden
    assert (told["in"][name] == "***") == hidden


def test_a_short_secret_does_not_blot_out_words() -> None:
    secret = "a" * (SHORTEST - 1)

    class Section(BaseModel):
        password: SecretStr = SecretStr(secret)

    hidden = Hidden(Section())  # type: ignore[arg-type]  # any section will do
    assert hidden(None, "info", {"event": f"b{secret}b"})["event"] == f"b{secret}b"


def test_long_and_deep_things_are_cut() -> None:
    deep: list[Any] = []
    deep.append(deep)
    told = Hidden()(None, "info", {"event": "x" * 10 * LONGEST, "deep": deep, "n": 1.5, "no": None})
    assert len(told["event"]) == LONGEST + 1
    assert "…" in str(told["deep"])
    assert (told["n"], told["no"]) == (1.5, None)


# -- floods ----------------------------------------------------------------------------------


class Told:
    """A log with a clock that is told, and what came out of it."""

    def __init__(self, limit: int) -> None:
        self.seconds = 0.0
        self.lines: list[dict[str, Any]] = []
        self._flood = Flood(
            structlog.processors.JSONRenderer(), limit=limit, now=lambda: self.seconds
        )

    def say(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - fields of a line
        try:
            told = self._flood(None, "info", {"event": event, "level": "info", **facts})
        except structlog.DropEvent:
            return
        self.lines += [json.loads(one) for one in told.splitlines()]


def test_lines_of_one_kind_end_at_the_limit_and_are_counted() -> None:
    log = Told(limit=1_000)
    for number in range(10_000):
        log.say("a login was refused", address=f"192.0.2.{number}")
    refused = [one for one in log.lines if one["event"] == "a login was refused"]
    assert 5 < len(refused) < 20
    assert log.lines[-1]["event"] == "further lines of this kind are left out for a while"
    assert log.lines[-1]["of"] == "a login was refused"
    assert sum(len(json.dumps(one)) for one in log.lines) < 1_300
    log.seconds = WINDOW
    log.say("broker", state="lost")
    counted, broker = log.lines[-2:]
    assert counted["event"] == "lines were left out"
    assert (counted["of"], counted["count"]) == ("a login was refused", 10_000 - len(refused))
    assert broker["event"] == "broker"
    log.say("a login was refused", address="192.0.2.1")
    assert log.lines[-1]["event"] == "a login was refused"


def test_a_flood_of_one_kind_hides_no_other() -> None:
    log = Told(limit=1_000)
    for _ in range(1_000):
        log.say("noise", of="x" * 100)
    log.say("gateway", subject="disk", problem="full")
    assert log.lines[-1]["event"] == "gateway"


def test_a_line_that_is_larger_than_the_limit_is_left_out_and_counted() -> None:
    log = Told(limit=1_000)
    log.say("large", text="x" * 5_000)
    assert [one["event"] for one in log.lines] == [
        "further lines of this kind are left out for a while"
    ]


def test_kinds_without_end_are_held_together() -> None:
    log = Told(limit=1_000)
    for number in range(50 * KINDS):
        log.say(f"made up {number}")
    assert len(log.lines) < 1.2 * KINDS
    assert log.lines[-1]["of"] == OTHERS


NASTY = "a\x1b[2J\x1b]0;mine\x07\u202e\x9b2J\u2028b"


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_what_others_send_does_not_steer_a_terminal(stream: TextIO) -> None:
    log = logged(stream, '[log]\nformat = "text"')
    event = f"event {NASTY}"
    log.warning(event, device=NASTY, words=f"{NASTY} and\nmore", deep={NASTY: [NASTY]})
    try:
        fails(f"{NASTY}\r\n2030-01-01T00:00:00Z [critical ] all is lost")
    except OSError:
        log.exception("it failed")
    told = stream.getvalue()  # type: ignore[attr-defined]  # both are texts in memory
    ours = re.sub(r"\x1b\[\d*m", "", told)  # the colours of structlog
    assert [one for one in ours if not one.isprintable() and one != "\n"] == []
    lines = ours.splitlines()
    assert repr(NASTY)[1:-1] in lines[0]
    assert [one for one in lines if not one.startswith(" ")] == [lines[0], lines[1]]
    assert "all is lost" in lines[-1], "it is told, indented, and as no line of ours"
